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
//! keeps the optimizer from computing anything that could fail below it. Where the policies leave somebody everything as
//! it is, nothing of this stands in the plan.

use firn_account::catalog::{
    Action, Attached, Catalog, Header, Object, ObjectKind, PolicyUse, VisibleCatalog, insufficient,
    privilege,
};
use firn_expression::{Expr, fold};
use firn_plan::{Filter, Plan, PlanColumn, Project, ProjectItem, Secure};
use firn_types::{
    ColumnId, Error, ErrorCode, FieldId, ObjectId, Result, SqlType, TypeFamily, Value,
};

use crate::bind::constraint::{note_groups, note_projection};
use crate::bind::context::Env;
use crate::bind::expr::{Judged, as_type, attach, cast, keeps_form};
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
    /// Columns beside its own that are passed on as they are.
    pub(crate) passed: &'p [ColumnId],
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

    /// Lets only those see what the policies would leave of an object elsewhere who own it and may attach them.
    fn authorize_simulation(&self, catalog: &VisibleCatalog, header: &Header) -> Result<()> {
        let object = catalog.object_or_err(header.id)?;
        if !catalog.owns(object) {
            return Err(insufficient(object));
        }
        let rows = [self.rows, self.groups].into_iter().flatten().map(|(policy, _)| policy);
        let masks = self.masks.iter().map(|(_, policy, _)| *policy);
        let projections = self.projections.iter().map(|(_, policy)| *policy);
        for policy in rows.chain(masks).chain(projections) {
            if !catalog.holds_on_account(&privilege::to_apply(policy.kind())) {
                catalog.authorize(Action::Apply, policy)?;
            }
        }
        Ok(())
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
    let Protected { header, fields, .. } = relation;
    let typed = fields.iter().zip(&bound.columns).map(|(field, column)| (*field, column.sql_type));
    let policies = Policies::of(env.catalog, header, typed)?;
    if policies.is_empty() {
        return Ok(bound);
    }
    policies.note(binder, header.id, fields);
    if binder.context.simulation.is_some() {
        policies.authorize_simulation(&binder.context.catalog, header)?;
    }
    let BoundQuery { plan, columns } = bound;
    let passed = locator.into_iter().chain(relation.passed.iter().copied()).collect();
    let mut rows = Rows { binder, relation, env, plan, columns, passed, barred: false };
    // Rows that are to be changed are put out by nobody, as long as each column stays where it is.
    let reads = locator.is_none();
    if let Some((policy, used)) = policies.groups.filter(|_| reads) {
        rows.group(policy, used)?;
    }
    if let Some((policy, used)) = policies.rows {
        rows.filter(policy, used)?;
    }
    rows.mask(&policies.masks)?;
    for (position, policy) in policies.projections {
        let value = constraint_of(binder, policy, &rows.env_of(fields.get(position)))?;
        let target = (!reads).then_some(position);
        rows.barred |= note_projection(binder, &value, &rows.columns[position], target)? && reads;
    }
    Ok(rows.shown())
}

/// The rows of a relation on their way through its policies.
struct Rows<'r> {
    binder: &'r Binder<'r>,
    relation: Protected<'r>,
    env: &'r Env<'r>,
    plan: Plan,
    columns: Vec<PlanColumn>,
    /// Columns that are passed on beside those of the relation.
    passed: Vec<ColumnId>,
    /// Whether anything is kept from who reads.
    barred: bool,
}

impl<'r> Rows<'r> {
    /// The surroundings of the body of a policy of the relation, or of one of its columns.
    fn env_of(&self, field: Option<&FieldId>) -> Env<'r> {
        Env { protected: Some((self.relation.header, field.copied())), ..*self.env }
    }

    /// What the parameters of a policy stand for: the column that it is of, and those that it was given.
    fn arguments(&self, first: Option<usize>, used: &PolicyUse) -> Result<Vec<Expr>> {
        let at = |field: &FieldId| {
            let position = self.relation.fields.iter().position(|other| other == field);
            let column = position.and_then(|position| self.columns.get(position));
            column.map(PlanColumn::expr).ok_or_else(|| {
                let text = "A column that a policy reads does not exist any more.";
                Error::new(ErrorCode::InvalidStatement, text)
            })
        };
        let first = first.and_then(|position| self.columns.get(position)).map(PlanColumn::expr);
        let others = used.arguments.iter().map(at).collect::<Result<Vec<_>>>()?;
        Ok(first.into_iter().chain(others).collect())
    }

    fn take_plan(&mut self) -> Plan {
        std::mem::replace(&mut self.plan, Plan::one_row())
    }

    /// What an aggregation policy counts goes with the rows.
    fn group(&mut self, policy: &Object, used: &PolicyUse) -> Result<()> {
        let asked = constraint_of(self.binder, policy, &self.env_of(None))?;
        let columns = self.relation.fields.iter().zip(&self.columns);
        let entity = columns.filter(|(field, _)| used.arguments.contains(field));
        let entity: Vec<PlanColumn> = entity.map(|(_, column)| column.clone()).collect();
        let plan = self.take_plan();
        let (plan, keys) = note_groups(self.binder, &asked, self.relation.name, &entity, plan)?;
        self.plan = plan;
        self.barred |= !keys.is_empty();
        self.passed.extend(keys);
        Ok(())
    }

    /// The rows that a row access policy shows.
    fn filter(&mut self, policy: &Object, used: &PolicyUse) -> Result<()> {
        let arguments = self.arguments(None, used)?;
        let judged = judge(self.binder, policy, arguments, &self.env_of(None))?;
        let condition = cast(judged.value, SqlType::Boolean);
        if !shows_all(self.binder, &condition) {
            let input = Box::new(attach(self.take_plan(), judged.applies));
            self.plan = Plan::Filter(Filter { input, conditions: condition.into_conjuncts() });
            self.barred = true;
        }
        Ok(())
    }

    /// The columns as masking policies show them. All policies see the values as they are.
    fn mask(&mut self, masks: &[(usize, &Object, &PolicyUse)]) -> Result<()> {
        let mut masked = Vec::with_capacity(masks.len());
        for (position, policy, used) in masks {
            let arguments = self.arguments(Some(*position), used)?;
            let env = self.env_of(self.relation.fields.get(*position));
            let judged = judge(self.binder, policy, arguments, &env)?;
            let column = &self.columns[*position];
            if shows(self.binder, &judged.value, column) {
                continue;
            }
            masked.push((*position, mask(self.binder, policy, judged.value, column)?));
            self.plan = attach(self.take_plan(), judged.applies);
        }
        if masked.is_empty() {
            return Ok(());
        }
        let mut items: Vec<ProjectItem> = self.columns.iter().map(ProjectItem::pass).collect();
        for (position, item) in masked {
            self.columns[position] = PlanColumn { nullable: true, ..item.column() };
            items[position] = item;
        }
        let given = self.plan.columns();
        let passed = |column: &&PlanColumn| {
            self.passed.contains(&column.id) && items.iter().all(|item| item.id != column.id)
        };
        let passed: Vec<ProjectItem> = given.iter().filter(passed).map(ProjectItem::pass).collect();
        items.extend(passed);
        self.plan = Plan::Project(Project { input: Box::new(self.take_plan()), items });
        self.barred = true;
        Ok(())
    }

    /// What is left, behind a wall where anything is kept back.
    fn shown(self) -> BoundQuery {
        let (plan, columns) = (self.plan, self.columns);
        if !self.barred {
            return BoundQuery { plan, columns };
        }
        let object = self.relation.name.to_string();
        BoundQuery { plan: Plan::Secure(Secure { input: Box::new(plan), object }), columns }
    }
}

/// Whether a row access policy shows every row to who reads now.
fn shows_all(binder: &Binder<'_>, condition: &Expr) -> bool {
    let now = condition.clone().folded_for_statement(&binder.context.functions);
    matches!(now.as_literal(), Some(Value::Boolean(true)))
}

/// Whether a mask shows a column as it is to who reads now.
fn shows(binder: &Binder<'_>, value: &Expr, column: &PlanColumn) -> bool {
    let now = value.clone().folded_for_statement(&binder.context.functions);
    let mut shown = &now;
    while let Expr::Cast { input, to, .. } = shown
        && holds(*to, column.sql_type)
    {
        shown = input;
    }
    shown.as_column() == Some(column.id)
}

/// Whether a cast to a type and back changes no value of a column.
fn holds(to: SqlType, column: SqlType) -> bool {
    match (to, column) {
        (
            SqlType::Number { precision: to, scale: to_scale },
            SqlType::Number { precision, scale },
        ) => to_scale >= scale && to - to_scale >= precision - scale,
        _ => keeps_form(column, to) && to.family() == column.family(),
    }
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
