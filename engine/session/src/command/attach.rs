//! Attaching tags and policies to objects and their columns, and taking them off.

use firn_account::CatalogChange;
use firn_account::catalog::{
    ACCOUNT, Action, Attachments, Namespace, Object, ObjectKind, Parameter, PolicyUse,
    VisibleCatalog, insufficient, privilege,
};
use firn_parse::ast::{Attachment, AttachmentChange, ChangeAttachments, Name};
use firn_types::{Error, ErrorCode, FieldId, Identifier, ObjectId, Result, SqlType};

use super::kind::policy::check_value;
use crate::find::{live, place};
use crate::lifecycle::StatementContext;
use crate::login::policy::{OF_ACCOUNT, policy_of_account};
use crate::result::Rows;

/// Tags that one object or column may have.
const TAGS_MAX: usize = 50;

/// An object whose tags and policies change.
struct Change<'c> {
    running: &'c StatementContext,
    catalog: VisibleCatalog,
    object: &'c Object,
    columns: Vec<(FieldId, String, SqlType)>,
    attachments: Attachments,
}

/// ALTER of the tags and policies of an object.
///
/// # Errors
/// As [`attached`].
pub(super) fn alter(
    running: &mut StatementContext,
    object: &Object,
    changes: &[ChangeAttachments],
) -> Result<Rows> {
    let object = attached(running, object, changes)?;
    running.change(vec![CatalogChange::Alter { object }])?;
    Ok(Rows::done())
}

/// The object with its tags and policies changed.
///
/// # Errors
/// When there is no such column, tag or policy, it does not fit, another policy is in its place, or the roles may not
/// attach it.
pub(super) fn attached(
    running: &StatementContext,
    object: &Object,
    changes: &[ChangeAttachments],
) -> Result<Object> {
    if changes.is_empty() {
        return Ok(object.clone());
    }
    let attachments = object.header().attachments.clone();
    let (catalog, columns) = (running.catalog(), object.columns());
    let mut change = Change { running, catalog, object, columns, attachments };
    for one in changes {
        let field = one.column.as_ref().map(|column| change.field(column)).transpose()?;
        match &one.change {
            AttachmentChange::Set(all) => {
                all.iter().try_for_each(|attachment| change.set(field, attachment))?;
            }
            AttachmentChange::Unset(kind, names) => change.unset(field, *kind, names)?,
        }
    }
    change.attachments.tidy();
    change.check_policies()?;
    Ok(object.with_attachments(change.attachments))
}

impl Change<'_> {
    fn field(&self, name: &Identifier) -> Result<FieldId> {
        let found = self.columns.iter().find(|(_, column, _)| *column == name.name);
        found.map(|(field, ..)| *field).ok_or_else(|| {
            let text = format!("invalid identifier '{name}'");
            Error::new(ErrorCode::InvalidIdentifier, text).at(name.span)
        })
    }

    fn type_of(&self, field: FieldId) -> Option<SqlType> {
        self.columns.iter().find(|(other, ..)| *other == field).map(|(.., sql_type)| *sql_type)
    }

    /// The tag or policy of a name, if the roles may attach it here.
    fn find(&self, kind: ObjectKind, name: &Name) -> Result<Object> {
        let place = place(self.running, kind, name)?;
        let found = live(&self.catalog, kind, &place);
        let found = found.ok_or_else(|| self.catalog.not_found(kind, place.parent, &place.name))?;
        self.authorize(&found)?;
        Ok(found)
    }

    /// Lets those pass who may attach such things to everything, or this one to what they own.
    fn authorize(&self, found: &Object) -> Result<()> {
        let kind = found.kind();
        if self.catalog.holds_on_account(&privilege::to_apply(kind)) {
            return Ok(());
        }
        if !self.catalog.owns(self.object) {
            return Err(insufficient(self.object));
        }
        self.catalog.authorize(Action::Apply, found)
    }

    fn set(&mut self, field: Option<FieldId>, attachment: &Attachment) -> Result<()> {
        let kind = attachment.kind;
        self.check_target(field, kind)?;
        let found = self.find(kind, &attachment.name)?;
        if let Some(value) = &attachment.value {
            check_allowed(&found, value)?;
            let tags = &mut self.attachments.of_mut(field).tags;
            if tags.len() >= TAGS_MAX && !tags.contains_key(&found.id()) {
                let text = format!("at most {TAGS_MAX} tags can be set on one object");
                return Err(Error::new(ErrorCode::InvalidStatement, text));
            }
            tags.insert(found.id(), value.clone());
            return Ok(());
        }
        let arguments = self.arguments(field, &found, attachment)?;
        let of_tag = self.object.kind() == ObjectKind::Tag;
        let alike = |catalog: &VisibleCatalog, used: &PolicyUse| match catalog.object(used.policy) {
            Some(other) if of_tag => first_family(other) == first_family(&found),
            Some(other) => other.kind() == kind,
            None => false,
        };
        let policies = &mut self.attachments.of_mut(field).policies;
        let other = policies.iter().position(|used| alike(&self.catalog, used));
        match other {
            Some(at) if attachment.force => {
                policies.remove(at);
            }
            Some(_) => return Err(already_attached(kind, field.is_some())),
            None => {}
        }
        policies.push(PolicyUse { policy: found.id(), arguments });
        Ok(())
    }

    /// Whether things of a kind can be attached to this.
    fn check_target(&self, field: Option<FieldId>, kind: ObjectKind) -> Result<()> {
        let relation = self.object.kind().namespace() == Namespace::Relation;
        let fits = match kind {
            ObjectKind::Tag => true,
            ObjectKind::MaskingPolicy => field.is_some() || self.object.kind() == ObjectKind::Tag,
            ObjectKind::ProjectionPolicy => field.is_some(),
            ObjectKind::RowAccessPolicy | ObjectKind::AggregationPolicy => {
                relation && field.is_none()
            }
            _ => self.object.kind() == ObjectKind::User,
        };
        if fits {
            return Ok(());
        }
        let target = match field {
            Some(_) => "column",
            None => self.object.kind().title(),
        };
        let article = if kind == ObjectKind::AggregationPolicy { "An" } else { "A" };
        let (kind, target) = (lower(kind), target.to_lowercase());
        let text = format!("{article} {kind} cannot be set on a {target}.");
        Err(Error::new(ErrorCode::InvalidStatement, text))
    }

    /// The columns that a policy is given, beside the one that it is attached to.
    fn arguments(
        &self,
        field: Option<FieldId>,
        policy: &Object,
        attachment: &Attachment,
    ) -> Result<Vec<FieldId>> {
        let written = attachment.columns.iter().map(|column| self.field(column));
        let written = written.collect::<Result<Vec<_>>>()?;
        let parameters = match (attachment.kind, policy.policy_body()) {
            (ObjectKind::RowAccessPolicy | ObjectKind::MaskingPolicy, Some(body)) => {
                &body.parameters
            }
            (ObjectKind::AggregationPolicy, _) => return Ok(written),
            _ if written.is_empty() => return Ok(written),
            _ => return Err(wrong_count(attachment, 0)),
        };
        if self.object.kind() == ObjectKind::Tag {
            return match parameters.len() == 1 && written.is_empty() {
                true => Ok(written),
                false => Err(wrong_count(attachment, 1)),
            };
        }
        let fields = match (field, written.as_slice()) {
            (Some(field), []) => vec![field],
            (Some(field), [first, ..]) if *first != field => {
                let text = "The first column of USING must be the column that is masked.";
                return Err(Error::new(ErrorCode::InvalidStatement, text).at(attachment.span));
            }
            _ => written,
        };
        if fields.len() != parameters.len() {
            return Err(wrong_count(attachment, parameters.len()));
        }
        let fits = |(field, parameter): (&FieldId, &Parameter)| {
            let family = self.type_of(*field).map(|sql_type| sql_type.family());
            family == Some(parameter.sql_type.family())
        };
        if !fields.iter().zip(parameters).all(fits) {
            let kind = lower(attachment.kind);
            let text = format!("Column data type does not match with {kind} data type.");
            return Err(Error::new(ErrorCode::InvalidStatement, text));
        }
        Ok(match field {
            Some(_) => fields.into_iter().skip(1).collect(),
            None => fields,
        })
    }

    fn unset(&mut self, field: Option<FieldId>, kind: ObjectKind, names: &[Name]) -> Result<()> {
        if kind == ObjectKind::Tag {
            for name in names {
                let tag = self.find(kind, name)?.id();
                self.attachments.of_mut(field).tags.remove(&tag);
            }
            return Ok(());
        }
        let mut named = Vec::with_capacity(names.len());
        for name in names {
            named.push(self.find(kind, name)?.id());
        }
        let mut dropped = Vec::new();
        for used in &self.attachments.of_mut(field).policies {
            let Some(policy) = self.catalog.object(used.policy) else { continue };
            if policy.kind() == kind && (named.is_empty() || named.contains(&policy.id())) {
                dropped.push(policy.clone());
            }
        }
        dropped.iter().try_for_each(|policy| self.authorize(policy))?;
        if dropped.len() < named.len() {
            let name = self.object.name();
            let text = format!("The {} is not attached to '{name}'.", lower(kind));
            return Err(Error::new(ErrorCode::InvalidStatement, text));
        }
        let dropped: Vec<_> = dropped.iter().map(Object::id).collect();
        let policies = &mut self.attachments.of_mut(field).policies;
        policies.retain(|used| !dropped.contains(&used.policy));
        Ok(())
    }

    /// What policies may not do together: a column is read by a row access policy or masked, unless the mask lets
    /// others read it; and what is stored in a materialized view cannot be protected any more.
    fn check_policies(&self) -> Result<()> {
        let of_kind = |field: Option<FieldId>, kind: ObjectKind| {
            let attached = match field {
                Some(field) => self.attachments.column(field)?,
                None => &self.attachments.own,
            };
            attached.policies.iter().find_map(|used| {
                let policy = self.catalog.object(used.policy)?;
                (policy.kind() == kind).then_some((policy, used))
            })
        };
        let rows = of_kind(None, ObjectKind::RowAccessPolicy);
        let read = rows.map(|(_, used)| used.arguments.as_slice()).unwrap_or_default();
        let mut masked = false;
        for (field, name, _) in &self.columns {
            let mask = of_kind(Some(*field), ObjectKind::MaskingPolicy);
            let Some((Object::MaskingPolicy(mask), _)) = mask else { continue };
            masked = true;
            if !mask.exempt_other_policies && (read.contains(field) || self.reads(*field)) {
                let text = format!(
                    "Column '{name}' cannot be masked and be an argument of another policy, unless its \
                     masking policy has EXEMPT_OTHER_POLICIES = TRUE."
                );
                return Err(Error::new(ErrorCode::InvalidStatement, text));
            }
        }
        let before = &self.object.header().attachments;
        let constrained = of_kind(None, ObjectKind::AggregationPolicy).is_some()
            || self
                .columns
                .iter()
                .any(|(field, ..)| of_kind(Some(*field), ObjectKind::ProjectionPolicy).is_some());
        if (masked || constrained || rows.is_some()) && *before != self.attachments {
            self.refuse_below_views()?;
        }
        Ok(())
    }

    /// Whether the masking policy of another column reads a column.
    fn reads(&self, field: FieldId) -> bool {
        let mut columns = self.attachments.columns.values().flat_map(|column| &column.policies);
        columns.any(|used| used.arguments.contains(&field))
    }

    fn refuse_below_views(&self) -> Result<()> {
        let above = |object: &&Object| {
            let view = object.as_materialized_view();
            view.is_some_and(|view| view.base_table == self.object.id())
                && object.header().dropped_nanos.is_none()
        };
        let everything = self.catalog.as_engine();
        match everything.all().find(above) {
            Some(view) => {
                let text = format!(
                    "A policy cannot be set on '{}': materialized view '{}' is over it.",
                    self.object.name(),
                    view.name()
                );
                Err(Error::new(ErrorCode::InvalidStatement, text))
            }
            None => Ok(()),
        }
    }
}

fn first_family(policy: &Object) -> Option<firn_types::TypeFamily> {
    Some(policy.policy_body()?.parameters.first()?.sql_type.family())
}

fn lower(kind: ObjectKind) -> String {
    kind.title().to_lowercase()
}

fn already_attached(kind: ObjectKind, column: bool) -> Error {
    let (target, kind) = (if column { "column" } else { "object" }, lower(kind));
    let text = format!(
        "Specified {target} already attached to another {kind}. A {target} cannot be attached to multiple \
         policies of a kind. Please drop the current association in order to attach a new {kind}."
    );
    Error::new(ErrorCode::InvalidStatement, text)
}

fn wrong_count(attachment: &Attachment, wanted: usize) -> Error {
    let kind = attachment.kind.title();
    let text = format!("{kind} takes {wanted} column(s).");
    Error::new(ErrorCode::InvalidStatement, text).at(attachment.span).without_span()
}

fn check_allowed(tag: &Object, value: &str) -> Result<()> {
    check_value(value)?;
    let allowed = tag.as_tag().and_then(|tag| tag.allowed_values.as_ref());
    if allowed.is_none_or(|allowed| allowed.iter().any(|other| other == value)) {
        return Ok(());
    }
    let text = format!("Tag value '{value}' is not an allowed value of tag '{}'.", tag.name());
    Err(Error::new(ErrorCode::InvalidParameterValue, text))
}

/// What sets or unsets the password policy and the session policy of the account.
///
/// # Errors
/// For what else can be attached; when the policy does not exist, or another one is in its place without FORCE.
pub(super) fn of_account(
    running: &StatementContext,
    changes: &[ChangeAttachments],
) -> Result<Vec<CatalogChange>> {
    let catalog = running.catalog();
    let mut done = Vec::new();
    let mut set = |kind: ObjectKind, value: Option<String>| {
        let name = kind.words().to_string();
        done.push(CatalogChange::SetParameter { on: ACCOUNT, name, value });
    };
    for change in changes {
        match &change.change {
            AttachmentChange::Unset(kind, _) if OF_ACCOUNT.contains(kind) => set(*kind, None),
            AttachmentChange::Unset(other, _) => return Err(not_of_account(*other)),
            AttachmentChange::Set(all) => {
                for one in all {
                    let kind = one.kind;
                    if !OF_ACCOUNT.contains(&kind) {
                        return Err(not_of_account(kind));
                    }
                    if policy_of_account(&catalog, kind).is_some() && !one.force {
                        return Err(already_attached(kind, false));
                    }
                    let place = place(running, kind, &one.name)?;
                    let found = live(&catalog, kind, &place);
                    let missing = || catalog.not_found(kind, place.parent, &place.name);
                    set(kind, Some(found.ok_or_else(missing)?.id().0.to_string()));
                }
            }
        }
    }
    Ok(done)
}

fn not_of_account(kind: ObjectKind) -> Error {
    Error::not_supported(format!("{} of the account", kind.words()))
}

/// Keeps a policy as long as something has it, and a tag as long as it has a policy.
///
/// # Errors
/// When something has, or it has one.
pub(super) fn refuse_used(running: &StatementContext, policy: &Object) -> Result<()> {
    match policy.kind() {
        ObjectKind::Tag => return refuse_bringing(running, policy),
        kind if !privilege::APPLIED.contains(&kind) => return Ok(()),
        _ => {}
    }
    let everything = running.catalog().as_engine();
    let used = |object: &Object| object.header().attachments.use_of(policy.id());
    if !everything.all().any(used)
        && policy_of_account(&everything, policy.kind()) != Some(policy.id())
    {
        return Ok(());
    }
    let text = format!(
        "Policy {} cannot be dropped/replaced as it is associated with one or more entities.",
        running.catalog().full_name(policy.id())
    );
    Err(Error::new(ErrorCode::InvalidStatement, text))
}

fn refuse_bringing(running: &StatementContext, tag: &Object) -> Result<()> {
    if !brings_policies(tag) {
        return Ok(());
    }
    let text = format!(
        "Tag {} cannot be dropped/replaced as it has a masking policy; take that off with ALTER TAG .. UNSET \
         MASKING POLICY first.",
        running.catalog().full_name(tag.id())
    );
    Err(Error::new(ErrorCode::InvalidStatement, text))
}

fn brings_policies(tag: &Object) -> bool {
    tag.header().attachments.iter().any(|(_, attached)| !attached.policies.is_empty())
}

/// Keeps a database or schema as long as something outside of it is protected by what is in it: its policies, and
/// its tags that bring policies. What was dropped and can be brought back counts, too: it would come back without them.
///
/// # Errors
/// The first policy or tag that is in use, and where.
pub(super) fn refuse_protecting(running: &StatementContext, container: &Object) -> Result<()> {
    if !matches!(container.kind(), ObjectKind::Database | ObjectKind::Schema) {
        return Ok(());
    }
    let everything = running.catalog().as_engine();
    let inside = |object: &Object| is_inside(&everything, object, container.id());
    let protecting = |id: ObjectId| {
        let found = everything.object(id).filter(|object| inside(object))?;
        (found.kind() != ObjectKind::Tag || brings_policies(found)).then_some(found)
    };
    let mut of_account =
        OF_ACCOUNT.into_iter().filter_map(|kind| policy_of_account(&everything, kind));
    if let Some(policy) = of_account.find_map(protecting) {
        return Err(protecting_error(running, container, policy, "the account"));
    }
    for user in everything.all().filter(|user| !user.header().attachments.is_empty()) {
        let all = user.header().attachments.iter().map(|(_, attached)| attached);
        let mut used = all.flat_map(|attached| {
            attached.policies.iter().map(|one| one.policy).chain(attached.tags.keys().copied())
        });
        if !inside(user)
            && let Some(policy) = used.find_map(protecting)
        {
            let name = running.catalog().full_name(user.id());
            let dropped = if is_dropped(&everything, user) { "dropped " } else { "" };
            let user = format!("{dropped}{} '{name}'", user.kind().words().to_lowercase());
            return Err(protecting_error(running, container, policy, &user));
        }
    }
    Ok(())
}

/// Whether an object is in a container, or is the container.
fn is_inside(catalog: &VisibleCatalog, object: &Object, container: ObjectId) -> bool {
    with_parents(catalog, object).any(|object| object.id() == container)
}

/// Whether an object was dropped, by itself or with what it was in.
fn is_dropped(catalog: &VisibleCatalog, object: &Object) -> bool {
    with_parents(catalog, object).any(|object| object.header().dropped_nanos.is_some())
}

/// An object, and what it is in.
fn with_parents<'c>(
    catalog: &'c VisibleCatalog,
    object: &'c Object,
) -> impl Iterator<Item = &'c Object> {
    std::iter::successors(Some(object), |object| catalog.object(object.header().parent))
}

fn protecting_error(
    running: &StatementContext,
    container: &Object,
    policy: &Object,
    user: &str,
) -> Error {
    let container = container.kind().words().to_lowercase();
    let kind = if policy.kind() == ObjectKind::Tag { "tag" } else { "policy" };
    let policy = running.catalog().full_name(policy.id());
    let text = format!(
        "Cannot drop {container} because {kind} '{policy}' is set on {user}. Unset the {kind} '{policy}' and then \
         try the drop operation again."
    );
    Error::new(ErrorCode::InvalidStatement, text)
}
