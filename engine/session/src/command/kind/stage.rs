//! Stages.

use std::sync::Arc;

use firn_account::catalog::{
    ACCOUNT, Action, Header, Integration, Namespace, Object, ObjectKind, Stage, StageCredentials,
    StageFileFormat, StageLocation,
};
use firn_loader::options::to_stored;
use firn_parse::ast::{CreateObject, OptionValue, StatementOption, TableLifetime};
use firn_types::{Error, ErrorCode, Result};

use super::integration::STORAGE;
use super::{KindHandler, changed, invalid, pairs, unset_comment};
use crate::command::definition::text_option;
use crate::command::option_table::{
    COMMENT, OptionDefinition, SETTABLE, Takes, done, missing, shown,
};
use crate::lifecycle::StatementContext;
use crate::reach::{self, Place};

const OPTIONS: &[OptionDefinition] = &[
    COMMENT,
    done("COPY_OPTIONS", Takes::Group, SETTABLE),
    done("CREDENTIALS", Takes::Group, SETTABLE),
    done("DIRECTORY", Takes::Group, SETTABLE),
    shown("ENCRYPTION", Takes::Group, SETTABLE),
    done("ENDPOINT", Takes::Text, SETTABLE),
    done("FILE_FORMAT", Takes::Anything, SETTABLE),
    done("STORAGE_INTEGRATION", Takes::Name, SETTABLE),
    done("URL", Takes::Text, SETTABLE),
    missing("USE_PRIVATELINK_ENDPOINT", "FALSE"),
];

/// What is done with stages.
pub(super) const HANDLER: KindHandler = KindHandler {
    kind: ObjectKind::Stage,
    options: OPTIONS,
    create: Some(create),
    set: Some(set),
    unset: Some(unset_comment),
};

fn create(running: &StatementContext, ast: &CreateObject, header: Header) -> Result<Object> {
    let mut stage = Stage::internal(header);
    stage.temporary = ast.lifetime == TableLifetime::Temporary;
    set_stage(running, &mut stage, &ast.options)?;
    Ok(stage.into())
}

fn set(running: &StatementContext, object: &Object, options: &[StatementOption]) -> Result<Object> {
    let Object::Stage(stage) = object else { return Err(super::another()) };
    if let Some(setting) = setting_of_directory(options, REFRESH_ON_CREATE) {
        let text = "REFRESH_ON_CREATE is for CREATE STAGE alone: ALTER STAGE .. REFRESH brings a directory table up to date.";
        return Err(Error::new(ErrorCode::InvalidParameterValue, text).at(setting.span));
    }
    changed(stage, |stage| set_stage(running, stage, options))
}

fn set_stage(
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
                        *credentials = StageCredentials::Plain(pairs(list, &[]));
                    }
                    (value, "ENDPOINT") => *endpoint = value.as_text(),
                    (value, _) => {
                        let name = value.as_name().map(|name| name.object().name.clone());
                        *integration = name.or_else(|| value.as_text());
                    }
                }
            }
            "DIRECTORY" => set_directory(stage, option)?,
            "FILE_FORMAT" => stage.file_format = Some(stage_format(running, option)?),
            "COPY_OPTIONS" => match &option.value {
                OptionValue::Nested(list) => stage.copy_options = pairs(list, &[]),
                _ => return Err(invalid(option)),
            },
            _ => return Err(invalid(option)),
        }
    }
    if let Some((url, integration, endpoint, credentials)) = external {
        let integrated =
            integration.as_ref().map(|name| check_location(running, &url, name)).transpose()?;
        running.session.reach.access(&Place {
            url: &url,
            endpoint: endpoint.as_deref(),
            has_credentials: has_own(&credentials),
            integration: integrated.as_deref(),
        })?;
        let credentials = sealed(running, stage.temporary, credentials)?;
        stage.location = StageLocation::External { url, integration, endpoint, credentials };
    }
    if let Some(comment) = text("COMMENT") {
        stage.header.comment = comment;
    }
    Ok(())
}

/// DIRECTORY = (ENABLE = TRUE ..).
fn set_directory(stage: &mut Stage, option: &StatementOption) -> Result<()> {
    let OptionValue::Nested(settings) = &option.value else { return Err(invalid(option)) };
    let (mut enable, mut auto_refresh) = (None, None);
    // What is asked of a directory table, which there must be for it.
    let mut asked = None;
    for setting in settings {
        let wanted = setting.value.as_boolean();
        match setting.name.as_str() {
            "ENABLE" => enable = wanted,
            "AUTO_REFRESH" => auto_refresh = wanted,
            // CREATE does it.
            REFRESH_ON_CREATE => {}
            name => {
                let what = format!("{name} of DIRECTORY");
                return Err(Error::not_supported(what).at(setting.span));
            }
        }
        match wanted {
            None => return Err(invalid(setting)),
            Some(true) if setting.name != "ENABLE" => asked = Some(setting),
            Some(_) => {}
        }
    }
    let mut directory = stage.directory.as_deref().cloned();
    match enable {
        Some(true) => _ = directory.get_or_insert_default(),
        Some(false) => directory = None,
        None => {}
    }
    match (&mut directory, asked) {
        (None, Some(setting)) => {
            let text =
                format!("{} of DIRECTORY needs a directory table: ENABLE = TRUE.", setting.name);
            return Err(Error::new(ErrorCode::InvalidParameterValue, text).at(setting.span));
        }
        (Some(directory), _) => {
            directory.auto_refresh = auto_refresh.unwrap_or(directory.auto_refresh);
        }
        (None, None) => {}
    }
    stage.directory = directory.map(Arc::new);
    Ok(())
}

/// The setting of DIRECTORY that says whether CREATE refreshes the directory table.
const REFRESH_ON_CREATE: &str = "REFRESH_ON_CREATE";

/// Whether the directory table of a stage that options make is refreshed at once: that of an external one, unless they
/// say otherwise.
pub(in crate::command) fn refreshes_on_create(stage: &Stage, options: &[StatementOption]) -> bool {
    let said = setting_of_directory(options, REFRESH_ON_CREATE);
    let wanted = said.and_then(|setting| setting.value.as_boolean()).unwrap_or(true);
    wanted && stage.directory.is_some() && stage.location != StageLocation::Internal
}

/// A setting of the option DIRECTORY.
fn setting_of_directory<'o>(
    options: &'o [StatementOption],
    name: &str,
) -> Option<&'o StatementOption> {
    let directory = options.iter().find(|option| option.name == "DIRECTORY")?;
    let OptionValue::Nested(settings) = &directory.value else { return None };
    settings.iter().find(|setting| setting.name == name)
}

/// The credentials as they are kept: sealed, unless the stage belongs to the session.
fn sealed(
    running: &StatementContext,
    temporary: bool,
    credentials: StageCredentials,
) -> Result<StageCredentials> {
    let pairs = match credentials {
        StageCredentials::Plain(pairs) if !temporary && !pairs.is_empty() => pairs,
        kept => return Ok(kept),
    };
    // The key that the account uses is the one of its newest secret.
    let catalog = running.catalog().as_engine();
    let others = catalog.all().filter_map(Object::as_stage);
    let others = others.filter_map(|stage| match &stage.location {
        StageLocation::External { credentials: StageCredentials::Sealed(sealed), .. } => {
            Some((stage.header.altered_nanos, sealed.key.as_str()))
        }
        _ => None,
    });
    let used = others.max().map(|(_, key)| key);
    running.session.shared.keys.seal(&pairs, used).map(StageCredentials::Sealed)
}

/// Whether credentials have key and secret; what is sealed is seen when the stage is opened.
fn has_own(credentials: &StageCredentials) -> bool {
    match credentials {
        StageCredentials::Plain(pairs) => {
            let has = |name: &str| pairs.iter().any(|(key, _)| key == name);
            has("AWS_KEY_ID") && has("AWS_SECRET_KEY")
        }
        StageCredentials::Sealed(_) => true,
    }
}

/// A storage integration says where its stages may be.
fn check_location(running: &StatementContext, url: &str, name: &str) -> Result<Arc<Integration>> {
    let catalog = running.catalog();
    let found = catalog.find(Namespace::Integration, ACCOUNT, name);
    let Some(object @ Object::Integration(integration)) = found else {
        return Err(catalog.not_found(ObjectKind::Integration, ACCOUNT, name));
    };
    catalog.authorize(Action::Use, object)?;
    if integration.category != STORAGE {
        let text = format!(
            "Integration '{name}' has TYPE = {}: a stage needs a storage integration.",
            integration.integration_type
        );
        return Err(Error::new(ErrorCode::InvalidParameterValue, text));
    }
    if reach::allows(integration, url) {
        return Ok(Arc::clone(integration));
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
        running.catalog().resolve(ObjectKind::FileFormat, &path)?;
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
