//! What all definitions share: names, headers, modes, and what is said when it is done.

use firn_account::CatalogChange;
use firn_account::catalog::privilege::OWNERSHIP;
use firn_account::catalog::{
    Action, CreateMode as Mode, Grant, GrantTarget, Grantee, Header, Namespace, Object, ObjectKind,
    ObjectPath, VisibleCatalog,
};
use firn_parse::ast::{CreateMode, Name, StatementOption};
use firn_types::{Error, ErrorCode, Identifier, ObjectId, ObjectName, Result};

use super::attach;
use crate::lifecycle::StatementContext;
use crate::result::Rows;

/// Kinds whose objects CREATE OR ALTER makes anew under their id. What others hold beside their options, such as a
/// sequence's next number or a user's password, must not begin again.
const ALTERED_BY_CREATE: [ObjectKind; 7] = [
    ObjectKind::View,
    ObjectKind::FileFormat,
    ObjectKind::Stage,
    ObjectKind::Function,
    ObjectKind::Procedure,
    ObjectKind::Role,
    ObjectKind::Warehouse,
];

impl StatementContext {
    /// The written name, IDENTIFIER() resolved.
    pub(crate) fn written(&self, name: &Name) -> Result<ObjectName> {
        let functions = self.function_context();
        let named = || self.with_binder(&functions, |binder| binder.object_name(name, &self.sql));
        self.placeholders.in_name(named)
    }

    /// The name completed with the current database and schema.
    pub(crate) fn path(&self, name: &Name, verb: &str) -> Result<ObjectPath> {
        let functions = self.function_context();
        let named =
            || self.with_binder(&functions, |binder| binder.object_path(name, &self.sql, verb));
        self.placeholders.in_name(named)
    }

    /// The version of the account that the statement sees.
    pub(crate) fn catalog(&self) -> VisibleCatalog {
        self.session.catalog()
    }

    /// The header of a new object.
    pub(crate) fn header(
        &self,
        parent: ObjectId,
        name: &str,
        options: &[StatementOption],
    ) -> Header {
        let header = Header::new(parent, name, self.session.role, self.start_nanos);
        match text_option(options, "COMMENT") {
            Some(comment) => header.with_comment(comment),
            None => header,
        }
    }

    /// Creates an object as its mode says, and tells so.
    pub(crate) fn create_object(&mut self, object: Object, mode: CreateMode) -> Result<Rows> {
        self.create_copying(object, mode, false)
    }

    /// As [`StatementContext::create_object`]; with `copy_grants` the object gets the grants of the one that
    /// it replaces.
    pub(crate) fn create_copying(
        &mut self,
        object: Object,
        mode: CreateMode,
        copy_grants: bool,
    ) -> Result<Rows> {
        let called = object.called().to_string();
        let kind = object.kind();
        let catalog = self.catalog();
        if mode.or_alter {
            if !ALTERED_BY_CREATE.contains(&kind) {
                return Err(Error::not_supported(format!("CREATE OR ALTER {}", kind.words())));
            }
            if !object.header().attachments.is_empty() {
                return Err(Error::not_supported("tags and policies in CREATE OR ALTER"));
            }
            if let Some(old) = catalog.taken(&object) {
                if old.kind() != kind {
                    return Err(already_exists(&called));
                }
                catalog.authorize(Action::Alter, old)?;
                let changed = object.in_place_of(old);
                self.change(vec![CatalogChange::Alter { object: changed }])?;
                return Ok(Rows::done());
            }
        } else {
            refuse_or_alter(mode)?;
        }
        catalog.authorize_create(&object, mode.or_replace)?;
        if let Some(old) = catalog.taken(&object) {
            if mode.if_not_exists {
                let text = format!("{called} already exists, statement succeeded.");
                return Ok(Rows::status(text));
            }
            if !mode.or_replace {
                return Err(already_exists(&called));
            }
            attach::refuse_used(self, old)?;
        }
        let mode = if mode.or_replace { Mode::Replace } else { Mode::New };
        let (object, grants) = self.with_grants(object, copy_grants, None);
        let mut changes = vec![CatalogChange::Create { object, mode }];
        changes.extend(grants);
        self.change(changes)?;
        Ok(Rows::status(created(kind, &called)))
    }

    /// A new object with the grants that it begins with: those that its schema, or else its database, has for
    /// objects of its kind that are created later; those of the object that it replaces, when `copy_grants`
    /// asks for them; those of another one, whose copy it is.
    pub(crate) fn with_grants(
        &self,
        object: Object,
        copy_grants: bool,
        copied: Option<ObjectId>,
    ) -> (Object, Vec<CatalogChange>) {
        let catalog = self.catalog();
        if object.is_temporary() {
            return (object, Vec::new());
        }
        let words = object.kind().words();
        let future = |container: ObjectId| -> Vec<Grant> {
            let grants = catalog.future_grants_in(container).into_iter();
            let fits = |grant: &&Grant| matches!(&grant.target, GrantTarget::Future { kind, .. } if kind == words);
            grants.filter(fits).cloned().collect()
        };
        let parent = object.header().parent;
        let mut grants = future(parent);
        if let (true, Some(container)) = (grants.is_empty(), catalog.object(parent)) {
            grants = future(container.header().parent);
        }
        let replaced = catalog.taken(&object).filter(|_| copy_grants).map(Object::id);
        let others = replaced.into_iter().chain(copied);
        grants.extend(others.flat_map(|id| catalog.grants_on(&GrantTarget::Object(id))).cloned());
        let owner = grants.iter().find(|grant| grant.privilege == OWNERSHIP);
        let object = match owner.map(|grant| grant.grantee) {
            Some(Grantee::Role(role)) => object.with_owner(role),
            _ => object,
        };
        let target = GrantTarget::Object(object.id());
        grants.retain(|grant| grant.privilege != OWNERSHIP);
        let of_it = |grant: Grant| {
            let created_nanos = self.start_nanos;
            CatalogChange::Grant(Grant { target: target.clone(), created_nanos, ..grant })
        };
        (object, grants.into_iter().map(of_it).collect())
    }

    /// The live object of a kind and path; none when it or its container does not exist.
    pub(crate) fn find(&self, kind: ObjectKind, path: &ObjectPath) -> Option<Object> {
        self.catalog()
            .find_path(kind.namespace(), path)
            .cloned()
            .filter(|found| kind.namespace() != Namespace::Relation || found.kind() == kind)
    }
}

/// `Table T successfully created.`
pub(super) fn created(kind: ObjectKind, name: &str) -> String {
    let word = match kind {
        ObjectKind::Stage => "Stage area",
        other => other.title(),
    };
    format!("{word} {name} successfully created.")
}

/// The error for a name that is taken.
pub(super) fn already_exists(name: &str) -> Error {
    Error::new(ErrorCode::AlreadyExists, format!("Object '{name}' already exists."))
}

/// CREATE OR ALTER is another statement than CREATE.
///
/// # Errors
/// `not_supported` when it was written; an error for OR REPLACE with IF NOT EXISTS.
pub(super) fn refuse_or_alter(mode: CreateMode) -> Result<()> {
    if mode.or_alter {
        return Err(Error::not_supported("CREATE OR ALTER"));
    }
    if mode.or_replace && mode.if_not_exists {
        let text = "options OR REPLACE and IF NOT EXISTS are incompatible.";
        return Err(Error::new(ErrorCode::InvalidStatement, text));
    }
    Ok(())
}

/// The text of an option.
pub(super) fn text_option(options: &[StatementOption], name: &str) -> Option<String> {
    options.iter().find(|option| option.name == name)?.value.as_text()
}

/// Parameters of an object that are kept beside its definition.
const KEPT: &str = "MAX_DATA_EXTENSION_TIME_IN_DAYS";

/// What keeps the parameters among some options.
pub(super) fn kept_parameters(on: ObjectId, options: &[StatementOption]) -> Vec<CatalogChange> {
    let kept = options.iter().filter(|option| option.name == KEPT);
    let change = |option: &StatementOption| CatalogChange::SetParameter {
        on,
        name: option.name.clone(),
        value: option.value.as_text(),
    };
    kept.map(change).collect()
}

/// What forgets the parameters among some names.
pub(super) fn forgotten_parameters(on: ObjectId, names: &[Identifier]) -> Vec<CatalogChange> {
    let kept = names.iter().filter(|name| name.name.eq_ignore_ascii_case(KEPT));
    let change = |_| CatalogChange::SetParameter { on, name: KEPT.to_string(), value: None };
    kept.map(change).collect()
}

/// A number of days of time travel.
///
/// # Errors
/// `InvalidParameterValue` outside of 0 to 90.
pub(super) fn retention_days(option: &StatementOption) -> Result<u32> {
    let days = option.value.as_integer().and_then(|days| u32::try_from(days).ok());
    match days {
        Some(days) if days <= firn_types::limits::RETENTION_DAYS_MAX => Ok(days),
        _ => {
            let value = option.value.as_text().unwrap_or_default();
            let text = format!("invalid value [{value}] for parameter '{}'", option.name);
            Err(Error::new(ErrorCode::InvalidParameterValue, text))
        }
    }
}
