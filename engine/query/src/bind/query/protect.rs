//! What policies leave of a table's or view's rows and columns.
//!
//! Projection policies and aggregation policies are noted for the statement as a whole (`constraint`); what an aggregation
//! policy counts goes with the rows as columns that nobody else sees.
//!
//! ```text
//! Secure
//!   Project (masked columns)          masking policies, also those of tags
//!     Filter (row access policy)      over the values as they are
//!       the table's or view's own rows
//! ```
//!
//! This is done where a relation is bound, whatever reads it: queries, views, the targets of DML, unloading. `Secure`
//! keeps the optimizer from computing anything that could fail below it.

use firn_account::catalog::{Attached, Catalog, Header, Object, ObjectKind, PolicyUse};
use firn_expression::{Expr, fold};
use firn_plan::{Filter, Plan, PlanColumn, Project, ProjectItem, Secure};
use firn_types::{
    ColumnId, Error, ErrorCode, FieldId, ObjectId, Result, SqlType, TypeFamily, Value,
};

use crate::bind::constraint::{note_groups, note_projection};
use crate::bind::context::Env;
use crate::bind::expr::{Judged, as_type, attach, cast};
use crate::bind::{Binder, BoundQuery};

/// A table or view whose rows are to be shown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Protected<'p> {
    /// Its header, with what is attached to it.
    pub(crate) header: &'p Header,
    /// Its columns in order, by what attachments call them.
    pub(crate) fields: &'p [FieldId],
    /// `DATABASE.SCHEMA.NAME`.
    pub(crate) name: &'p str,
}

/// The policies that protect a relation.
#[derive(Debug, Default)]
struct Policies<'c> {
    /// The row access policy.
    rows: Option<(&'c Object, &'c PolicyUse)>,
    /// Positions of columns with their masking policies.
    masks: Vec<(usize, &'c Object, &'c PolicyUse)>,
    /// Positions of columns with their projection policies.
    projections: Vec<(usize, &'c Object)>,
    /// The aggregation policy.
    groups: Option<(&'c Object, &'c PolicyUse)>,
}

impl<'c> Policies<'c> {
    /// Those in force. A policy that is not there any more is an error: what it protected stays hidden.
    fn of(
        catalog: &'c Catalog,
        header: &'c Header,
        columns: impl Iterator<Item = (FieldId, SqlType)>,
    ) -> Result<Policies<'c>> {
        let attachments = &header.attachments;
        let rows = policy_of(catalog, &attachments.own, ObjectKind::RowAccessPolicy)?;
        let groups = policy_of(catalog, &attachments.own, ObjectKind::AggregationPolicy)?;
        let (mut masks, mut projections) = (Vec::new(), Vec::new());
        for (position, (field, sql_type)) in columns.enumerate() {
            let attached = attachments.column(field);
            let own = attached.map(|own| policy_of(catalog, own, ObjectKind::MaskingPolicy));
            let found = match own.transpose()?.flatten() {
                Some(own) => Some(own),
                None => policy_of_tags(catalog, header, field, sql_type)?,
            };
            masks.extend(found.map(|(policy, used)| (position, policy, used)));
            let own = attached.map(|own| policy_of(catalog, own, ObjectKind::ProjectionPolicy));
            projections.extend(own.transpose()?.flatten().map(|(policy, _)| (position, policy)));
        }
        Ok(Policies { rows, masks, projections, groups })
    }

    /// Notes those that protect an object.
    fn note(&self, binder: &Binder<'_>, on: ObjectId, fields: &[FieldId]) {
        for policy in [self.rows, self.groups].into_iter().flatten() {
            binder.note_policy(on, None, policy.0.id());
        }
        let masks = self.masks.iter().map(|(position, policy, _)| (*position, *policy));
        for (position, policy) in masks.chain(self.projections.iter().copied()) {
            binder.note_policy(on, fields.get(position).copied(), policy.id());
        }
    }

    fn is_empty(&self) -> bool {
        self.rows.is_none()
            && self.masks.is_empty()
            && self.projections.is_empty()
            && self.groups.is_none()
    }
}

/// The policy of a kind among what is attached.
fn policy_of<'c>(
    catalog: &'c Catalog,
    attached: &'c Attached,
    kind: ObjectKind,
) -> Result<Option<(&'c Object, &'c PolicyUse)>> {
    for used in &attached.policies {
        let policy = existing(catalog, used.policy)?;
        if policy.kind() == kind {
            return Ok(Some((policy, used)));
        }
    }
    Ok(None)
}

/// The masking policy that a column has by its tags, or those of its table, schema and database: the first that takes
/// values of its type.
fn policy_of_tags<'c>(
    catalog: &'c Catalog,
    header: &'c Header,
    field: FieldId,
    sql_type: SqlType,
) -> Result<Option<(&'c Object, &'c PolicyUse)>> {
    for tag in catalog.tags_of(header, Some(field)) {
        let Some(tag) = catalog.object(tag.tag) else { continue };
        for used in &tag.header().attachments.own.policies {
            let policy = existing(catalog, used.policy)?;
            if policy.policy_body().is_some_and(|body| body.takes(sql_type)) {
                return Ok(Some((policy, used)));
            }
        }
    }
    Ok(None)
}

fn existing(catalog: &Catalog, policy: ObjectId) -> Result<&Object> {
    catalog.object(policy).ok_or_else(|| {
        let text = "A policy that protects the data does not exist any more.";
        Error::new(ErrorCode::InvalidStatement, text)
    })
}

/// Whether policies protect a relation.
///
/// # Errors
/// When one of them does not exist any more.
pub(crate) fn is_protected(
    catalog: &Catalog,
    header: &Header,
    columns: impl Iterator<Item = (FieldId, SqlType)>,
) -> Result<bool> {
    Policies::of(catalog, header, columns).map(|policies| !policies.is_empty())
}

/// The rows and columns of a relation as policies leave them; `locator` is a column that is passed on.
///
/// # Errors
/// When a policy does not compile any more.
pub(crate) fn protect(
    binder: &Binder<'_>,
    relation: Protected<'_>,
    bound: BoundQuery,
    locator: Option<ColumnId>,
    env: &Env<'_>,
) -> Result<BoundQuery> {
    let BoundQuery { mut plan, mut columns } = bound;
    let Protected { header, fields, name } = relation;
    let typed = fields.iter().zip(&columns).map(|(field, column)| (*field, column.sql_type));
    let policies = Policies::of(env.catalog, header, typed)?;
    if policies.is_empty() {
        return Ok(BoundQuery { plan, columns });
    }
    let arguments = |first: Option<usize>, used: &PolicyUse| -> Result<Vec<Expr>> {
        let at = |field: &FieldId| {
            let position = fields.iter().position(|other| other == field);
            let column = position.and_then(|position| columns.get(position));
            column.map(PlanColumn::expr).ok_or_else(|| {
                let text = "A column that a policy reads does not exist any more.";
                Error::new(ErrorCode::InvalidStatement, text)
            })
        };
        let first = first.and_then(|position| columns.get(position)).map(PlanColumn::expr);
        let others = used.arguments.iter().map(at).collect::<Result<Vec<_>>>()?;
        Ok(first.into_iter().chain(others).collect())
    };
    let of = |field: Option<&FieldId>| Env { protected: Some((header, field.copied())), ..*env };
    policies.note(binder, header.id, fields);
    // Rows that are to be changed are put out by nobody.
    let reads = locator.is_none();
    let mut passed: Vec<ColumnId> = locator.into_iter().collect();
    if let Some((policy, used)) = policies.groups.filter(|_| reads) {
        let asked = constraint_of(binder, policy, &of(None))?;
        let entity: Vec<PlanColumn> = fields
            .iter()
            .zip(&columns)
            .filter(|(field, _)| used.arguments.contains(field))
            .map(|(_, column)| column.clone())
            .collect();
        let (with_keys, keys) = note_groups(binder, &asked, name, &entity, plan)?;
        plan = with_keys;
        passed.extend(keys);
    }
    if let Some((policy, used)) = policies.rows {
        let judged = judge(binder, policy, arguments(None, used)?, &of(None))?;
        let input = Box::new(attach(plan, judged.applies));
        let condition = cast(judged.value, SqlType::Boolean);
        plan = Plan::Filter(Filter { input, conditions: condition.into_conjuncts() });
    }
    let mut masked = Vec::with_capacity(policies.masks.len());
    for (position, policy, used) in policies.masks {
        let arguments = arguments(Some(position), used)?;
        let judged = judge(binder, policy, arguments, &of(fields.get(position)))?;
        plan = attach(plan, judged.applies);
        masked.push((position, mask(binder, policy, judged.value, &columns[position])?));
    }
    if !masked.is_empty() {
        let mut items: Vec<ProjectItem> = columns.iter().map(ProjectItem::pass).collect();
        for (position, item) in masked {
            columns[position] = PlanColumn { nullable: true, ..item.column() };
            items[position] = item;
        }
        let given = plan.columns();
        let passed = |column: &&PlanColumn| {
            passed.contains(&column.id) && items.iter().all(|item| item.id != column.id)
        };
        let passed: Vec<ProjectItem> = given.iter().filter(passed).map(ProjectItem::pass).collect();
        items.extend(passed);
        plan = Plan::Project(Project { input: Box::new(plan), items });
    }
    for (position, policy) in policies.projections.into_iter().filter(|_| reads) {
        let value = constraint_of(binder, policy, &of(fields.get(position)))?;
        note_projection(binder, &value, &columns[position])?;
    }
    let plan = Plan::Secure(Secure { input: Box::new(plan), object: name.to_string() });
    Ok(BoundQuery { plan, columns })
}

/// A column under a mask.
fn mask(
    binder: &Binder<'_>,
    policy: &Object,
    value: Expr,
    column: &PlanColumn,
) -> Result<ProjectItem> {
    let declared = policy.policy_body().and_then(|body| body.returns);
    // A mask may be longer than the column's own texts.
    let wanted = match column.sql_type.family() {
        TypeFamily::Text => declared.unwrap_or(column.sql_type),
        _ => column.sql_type,
    };
    let expr = as_type(value, wanted)?;
    Ok(ProjectItem { id: binder.fresh(), name: column.name.clone(), expr })
}

/// What the body of a policy of projection or aggregation gives now.
fn constraint_of(binder: &Binder<'_>, policy: &Object, env: &Env<'_>) -> Result<Value> {
    let Judged { value, applies } = judge(binder, policy, Vec::new(), env)?;
    if applies.is_empty() {
        let constant = fold::constant(&value, &binder.context.functions)?;
        return constant.ok_or_else(|| {
            let text = format!("the body of policy {} is not constant", policy.name());
            Error::new(ErrorCode::ConstantArgument, text)
        });
    }
    let item = ProjectItem { id: binder.fresh(), name: "CONSTRAINT".to_string(), expr: value };
    let columns = vec![item.column()];
    let input = Box::new(attach(Plan::one_row(), applies));
    let plan = Plan::Project(Project { input, items: vec![item] });
    let query = binder.output(BoundQuery { plan, columns })?;
    let values = binder.context.services.values_of(query, binder.next_column_id())?;
    Ok(values.into_iter().next().unwrap_or(Value::Null))
}

fn judge(
    binder: &Binder<'_>,
    policy: &Object,
    arguments: Vec<Expr>,
    env: &Env<'_>,
) -> Result<Judged> {
    let body = policy.policy_body();
    let body = body.ok_or_else(|| Error::internal("a policy without a body"))?;
    binder.judge(policy, body, arguments, env)
}
