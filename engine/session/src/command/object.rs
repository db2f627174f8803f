//! CREATE of sequences, stages, file formats, integrations, warehouses, roles and users.

use firn_account::catalog::{
    ACCOUNT, Action, FileFormat, Header, Integration, Namespace, Object, ObjectKind, Role,
    Sequence, Stage, StageFileFormat, StageLocation, User, Warehouse,
};
use firn_loader::options::to_stored;
use firn_parse::ast::{CreateObject, OptionValue, StatementOption, TableLifetime};
use firn_types::{Error, ErrorCode, Result};

use super::definition::{known_kind, text_option};
use super::drop::{live, place};
use super::option_table::{self, Place};
use crate::current;
use crate::lifecycle::StatementContext;
use crate::result::Rows;

/// The property that says whether a user's sessions begin with all of the user's roles in use.
const SECONDARY_ROLES: &str = "DEFAULT_SECONDARY_ROLES";

/// The property of a user who was given a password.
pub(super) const HAS_PASSWORD: &str = "HAS_PASSWORD";

/// The names of warehouse sizes as written and as shown.
const WAREHOUSE_SIZES: &[(&str, &str)] = &[
    ("XSMALL", "X-Small"),
    ("SMALL", "Small"),
    ("MEDIUM", "Medium"),
    ("LARGE", "Large"),
    ("XLARGE", "X-Large"),
    ("XXLARGE", "2X-Large"),
    ("X2LARGE", "2X-Large"),
    ("2XLARGE", "2X-Large"),
    ("XXXLARGE", "3X-Large"),
    ("X3LARGE", "3X-Large"),
    ("3XLARGE", "3X-Large"),
    ("X4LARGE", "4X-Large"),
    ("4XLARGE", "4X-Large"),
    ("X5LARGE", "5X-Large"),
    ("5XLARGE", "5X-Large"),
    ("X6LARGE", "6X-Large"),
    ("6XLARGE", "6X-Large"),
];

/// CREATE of an object that is no database, schema, table or view.
///
/// # Errors
/// When an option is wrong, the container does not exist, or the name is taken.
pub(super) fn create(running: &mut StatementContext, ast: &CreateObject) -> Result<Rows> {
    if ast.clone.is_some() && ast.kind != ObjectKind::Sequence {
        return Err(Error::not_supported(format!("CREATE {} .. CLONE", ast.kind.words())));
    }
    let kind = known_kind(ast.kind)?;
    option_table::check(kind, Place::Create, &ast.options)?;
    let place = place(running, kind, &ast.name)?;
    let header = running.header(place.parent, &place.name, &ast.options);
    let temporary = ast.lifetime == TableLifetime::Temporary;
    let object: Object = match kind {
        ObjectKind::Sequence => sequence(running, ast, header)?.into(),
        ObjectKind::Stage => {
            let mut stage = Stage::internal(header);
            stage.temporary = temporary;
            set_stage(running, &mut stage, &ast.options)?;
            stage.into()
        }
        ObjectKind::FileFormat => file_format(&ast.options, header, temporary)?.into(),
        ObjectKind::Integration => integration(&ast.options, header)?.into(),
        ObjectKind::Warehouse => {
            let mut warehouse = Warehouse::new(header);
            set_warehouse(&mut warehouse, &ast.options)?;
            warehouse.into()
        }
        ObjectKind::Role => Role::new(header).into(),
        ObjectKind::User => {
            let mut user = User::new(header);
            user.properties = user_properties(&ast.options);
            if user.property(SECONDARY_ROLES).is_none() {
                user.properties.push((SECONDARY_ROLES.to_string(), "('ALL')".to_string()));
            }
            user.into()
        }
        other => return Err(Error::not_supported(format!("CREATE {}", other.title()))),
    };
    let name = place.name;
    let rows = running.create_object(object, ast.mode)?;
    if kind == ObjectKind::Warehouse {
        running.change_session(|session| current::use_warehouse(session, &name))?;
    }
    Ok(rows)
}

fn sequence(running: &StatementContext, ast: &CreateObject, header: Header) -> Result<Sequence> {
    if let Some(clone) = &ast.clone {
        let place = place(running, ObjectKind::Sequence, &clone.source)?;
        let catalog = running.catalog();
        return match live(&catalog, ObjectKind::Sequence, &place) {
            Some(Object::Sequence(source)) => {
                let mut copy = source.as_ref().clone();
                copy.header = header;
                Ok(copy)
            }
            _ => Err(catalog.not_found(ObjectKind::Sequence, place.parent, &place.name)),
        };
    }
    let number = |names: &[&str], default: i64| {
        let found = ast.options.iter().find(|option| names.contains(&option.name.as_str()));
        match found {
            None => Ok(default),
            Some(option) => option.value.as_integer().ok_or_else(|| invalid(option)),
        }
    };
    let start = number(&["START"], 1)?;
    let step = number(&["INCREMENT"], 1)?;
    check_step(step)?;
    let ordered = ast
        .options
        .iter()
        .any(|option| option.name == "ORDER" && option.value.as_boolean().unwrap_or(true));
    Ok(Sequence::new(header, start, step, ordered))
}

/// Refuses a sequence that would stand still.
///
/// # Errors
/// `InvalidParameterValue` for 0.
pub(super) fn check_step(step: i64) -> Result<()> {
    if step != 0 {
        return Ok(());
    }
    let text = "invalid value [0] for parameter 'INCREMENT'";
    Err(Error::new(ErrorCode::InvalidParameterValue, text))
}

pub(super) fn invalid(option: &StatementOption) -> Error {
    let value = option.value.as_text().unwrap_or_default();
    let text = format!("invalid value [{value}] for parameter '{}'", option.name);
    Error::new(ErrorCode::InvalidParameterValue, text).at(option.span).without_span()
}

/// The options of an object, in the order written, without some.
pub(super) fn pairs(options: &[StatementOption], without: &[&str]) -> Vec<(String, String)> {
    options
        .iter()
        .filter(|option| !without.contains(&option.name.as_str()))
        .map(|option| (option.name.clone(), value_text(&option.value)))
        .collect()
}

/// The properties of a user; of a password only that there is one.
pub(super) fn user_properties(options: &[StatementOption]) -> Vec<(String, String)> {
    let mut properties = pairs(options, &["COMMENT", "PASSWORD"]);
    if options.iter().any(|option| option.name == "PASSWORD") {
        properties.push((HAS_PASSWORD.to_string(), "true".to_string()));
    }
    properties
}

/// An option's value as the catalog keeps it.
pub(super) fn value_text(value: &OptionValue) -> String {
    match value {
        OptionValue::List(items) => {
            let quoted = |item: &OptionValue| match item {
                OptionValue::Text(text) => {
                    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
                }
                other => value_text(other),
            };
            format!("({})", items.iter().map(quoted).collect::<Vec<_>>().join(", "))
        }
        OptionValue::Nested(options) => {
            let option = |option: &StatementOption| {
                format!("{} = {}", option.name, value_text(&option.value))
            };
            format!("({})", options.iter().map(option).collect::<Vec<_>>().join(" "))
        }
        OptionValue::Null => "NULL".to_string(),
        other => other.as_text().unwrap_or_default(),
    }
}

pub(super) fn set_stage(
    running: &StatementContext,
    stage: &mut Stage,
    options: &[StatementOption],
) -> Result<()> {
    let text = |name: &str| text_option(options, name);
    let mut external = match &stage.location {
        StageLocation::External { url, integration, endpoint, credentials } => {
            Some((url.clone(), integration.clone(), endpoint.clone(), credentials.clone()))
        }
        StageLocation::Internal => None,
    };
    if let Some(url) = text("URL") {
        check_url(&url)?;
        let old = external.take().unwrap_or_default();
        external = Some((url, old.1, old.2, old.3));
    }
    for option in options {
        match option.name.as_str() {
            "URL" | "COMMENT" | "ENCRYPTION" | "USE_PRIVATELINK_ENDPOINT" | "TAG" => {}
            "STORAGE_INTEGRATION" | "ENDPOINT" | "CREDENTIALS" => {
                let Some((_, integration, endpoint, credentials)) = &mut external else {
                    let text = format!("{} needs a URL", option.name);
                    return Err(Error::new(ErrorCode::InvalidParameterValue, text).at(option.span));
                };
                match (&option.value, option.name.as_str()) {
                    (OptionValue::Nested(list), "CREDENTIALS") => {
                        *credentials = pairs(list, &[]);
                    }
                    (value, "ENDPOINT") => *endpoint = value.as_text(),
                    (value, _) => {
                        let name = value.as_name().map(|name| name.object().name.clone());
                        *integration = name.or_else(|| value.as_text());
                    }
                }
            }
            "DIRECTORY" => stage.directory = true,
            "FILE_FORMAT" => stage.file_format = Some(stage_format(running, option)?),
            "COPY_OPTIONS" => match &option.value {
                OptionValue::Nested(list) => stage.copy_options = pairs(list, &[]),
                _ => return Err(invalid(option)),
            },
            _ => return Err(invalid(option)),
        }
    }
    if let Some((url, Some(integration), ..)) = &external {
        check_location(running, url, integration)?;
    }
    if let Some((url, integration, endpoint, credentials)) = external {
        stage.location = StageLocation::External { url, integration, endpoint, credentials };
    }
    if let Some(comment) = text("COMMENT") {
        stage.header.comment = comment;
    }
    Ok(())
}

/// A storage integration says where its stages may be.
fn check_location(running: &StatementContext, url: &str, name: &str) -> Result<()> {
    let catalog = running.catalog();
    let found = catalog.find(Namespace::Integration, ACCOUNT, name);
    let Some(object @ Object::Integration(integration)) = found else {
        return Err(catalog.not_found(ObjectKind::Integration, ACCOUNT, name));
    };
    catalog.authorize(Action::Use, object)?;
    let listed = |property: &str| {
        let found = integration.properties.iter().find(|(name, _)| name == property);
        let texts = found.map_or("", |(_, value)| value.as_str()).split('\'').skip(1).step_by(2);
        // A location is a folder: what only begins alike is another one.
        texts.into_iter().any(|location| {
            let folder = location.trim_end_matches('/');
            let below = url.strip_prefix(folder);
            location == "*" || below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    };
    if integration.enabled
        && listed("STORAGE_ALLOWED_LOCATIONS")
        && !listed("STORAGE_BLOCKED_LOCATIONS")
    {
        return Ok(());
    }
    let text = format!("Location '{url}' is not allowed by integration '{name}'.");
    Err(Error::new(ErrorCode::InvalidStatement, text))
}

/// A URL that a stage can have.
fn check_url(url: &str) -> Result<()> {
    let known = ["s3://", "s3gov://", "s3compat://", "file://"];
    if known.iter().any(|prefix| url.starts_with(prefix)) {
        return Ok(());
    }
    if url.starts_with("gcs://") || url.starts_with("azure://") {
        return Err(Error::not_supported(format!("stages at {url}")));
    }
    let text = format!("invalid URL prefix found in: '{url}'");
    Err(Error::new(ErrorCode::InvalidUrl, text))
}

fn stage_format(running: &StatementContext, option: &StatementOption) -> Result<StageFileFormat> {
    let named = |name: &OptionValue| {
        let written = match name {
            OptionValue::Text(text) => firn_parse::parse_object_name(text)?,
            other => other.as_name().ok_or_else(|| invalid(option))?,
        };
        let path = running.session.path.complete(&written, "CREATE STAGE")?;
        running.catalog().expect_path(ObjectKind::FileFormat, &path)?;
        let quoted = [&path.database, &path.schema, &path.name]
            .map(|part| firn_types::Identifier::to_sql(part));
        Ok(StageFileFormat::Named(quoted.join(".")))
    };
    match &option.value {
        OptionValue::Nested(list) => {
            match list.iter().find(|option| option.name == "FORMAT_NAME") {
                Some(_) if list.len() > 1 => {
                    Err(Error::not_supported("options beside FORMAT_NAME in a stage"))
                }
                Some(name) => named(&name.value),
                None => {
                    let format = crate::stages::format(list)?;
                    Ok(StageFileFormat::Options(to_stored(&format.pairs())))
                }
            }
        }
        name => named(name),
    }
}

/// A file format object of the written options.
fn file_format(options: &[StatementOption], header: Header, temporary: bool) -> Result<FileFormat> {
    let format = crate::stages::format(options)?;
    let format_type = format.format_type().to_string();
    let mut options = to_stored(&format.pairs());
    options.retain(|(name, _)| name != "TYPE");
    Ok(FileFormat { header, format_type, options, temporary })
}

fn integration(options: &[StatementOption], header: Header) -> Result<Integration> {
    let kind = text_option(options, "TYPE").unwrap_or_default().to_uppercase();
    if kind != "EXTERNAL_STAGE" {
        return Err(Error::not_supported(format!("integrations of TYPE = {kind}")));
    }
    let enabled = options
        .iter()
        .find(|option| option.name == "ENABLED")
        .is_none_or(|option| option.value.as_boolean().unwrap_or(true));
    Ok(Integration {
        header,
        integration_type: kind,
        category: "STORAGE".to_string(),
        enabled,
        properties: pairs(options, &["TYPE", "ENABLED", "COMMENT"]),
    })
}

pub(super) fn set_warehouse(warehouse: &mut Warehouse, options: &[StatementOption]) -> Result<()> {
    for option in options {
        let text = option.value.as_text();
        match option.name.as_str() {
            "COMMENT" => warehouse.header.comment = text.unwrap_or_default(),
            "WAREHOUSE_SIZE" => {
                let wanted = text.unwrap_or_default().to_uppercase().replace('-', "");
                let size = WAREHOUSE_SIZES.iter().find(|(name, _)| *name == wanted);
                warehouse.size = size.ok_or_else(|| invalid(option))?.1.to_string();
            }
            "AUTO_SUSPEND" => {
                warehouse.auto_suspend_seconds = match (&option.value, option.value.as_integer()) {
                    (OptionValue::Null, _) => None,
                    (_, Some(0)) => None,
                    (_, Some(seconds)) => {
                        Some(u64::try_from(seconds).map_err(|_| invalid(option))?)
                    }
                    _ => return Err(invalid(option)),
                };
            }
            "AUTO_RESUME" => {
                warehouse.auto_resume = option.value.as_boolean().ok_or_else(|| invalid(option))?;
            }
            "INITIALLY_SUSPENDED" => {
                warehouse.suspended = option.value.as_boolean().ok_or_else(|| invalid(option))?;
            }
            "WAREHOUSE_TYPE"
            | "MIN_CLUSTER_COUNT"
            | "MAX_CLUSTER_COUNT"
            | "SCALING_POLICY"
            | "RESOURCE_MONITOR"
            | "ENABLE_QUERY_ACCELERATION"
            | "QUERY_ACCELERATION_MAX_SCALE_FACTOR"
            | "MAX_CONCURRENCY_LEVEL"
            | "STATEMENT_QUEUED_TIMEOUT_IN_SECONDS"
            | "STATEMENT_TIMEOUT_IN_SECONDS" => {
                warehouse.properties.retain(|(name, _)| *name != option.name);
                warehouse.properties.push((option.name.clone(), text.unwrap_or_default()));
            }
            _ => return Err(invalid(option)),
        }
    }
    Ok(())
}
