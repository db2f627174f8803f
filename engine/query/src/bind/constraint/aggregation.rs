//! Aggregation policies: rows of a constrained relation leave the statement only in groups, each of so many rows or
//! entities.
//!
//! ```text
//! Project (NULL for what is of too few)
//!   Aggregate by the keys and whether they are left over
//!     Project (NULL for keys of groups that are too small: all of those are one group, the remainder)
//!       Window (how many rows or entities each group has)
//! ```
//!
//! What is counted goes with the rows, as columns that the nodes on their way pass on, up to the nearest `Aggregate`.

use std::collections::HashMap;

use firn_expression::Expr;
use firn_functions::{Argument, registry};
use firn_plan::{
    Aggregate, AggregateCall, ApplyKind, CteRef, Frame, Plan, PlanColumn, Project, ProjectItem,
    SetOperation, SetOperator, Window, WindowCall, WindowTarget, With,
};
use firn_types::scan_predicate::Comparison;
use firn_types::{ColumnId, Decimal, Result, SqlType, Value};

use super::{Constraints, Requirement, refused};
use crate::bind::Binder;
use crate::bind::expr::compare;

/// Aggregates that tell of a group, and of none of its rows.
const ALLOWED: [&str; 5] = ["APPROX_COUNT_DISTINCT", "AVG", "COUNT", "HLL", "SUM"];

/// The plan with groups as large as the policies of what it reads ask for.
///
/// # Errors
/// When rows come out that are in no group, or go through what would tell of single ones.
pub(super) fn grouped(binder: &Binder<'_>, plan: Plan, constraints: &Constraints) -> Result<Plan> {
    if constraints.groups.is_empty() {
        return Ok(plan);
    }
    let mut pass = Pass { binder, constraints, definitions: HashMap::new() };
    let (mut plan, open) = pass.visit(plan)?;
    refuse_open(&open, "must aggregate its rows")?;
    relax_plan(&mut plan);
    Ok(plan)
}

/// Lets every column be NULL: groups that are too small are.
fn relax_plan(plan: &mut Plan) {
    plan.inputs_mut().into_iter().for_each(relax_plan);
    plan.expressions_mut().into_iter().for_each(relax);
    match plan {
        Plan::SetOperation(node) => nullable(&mut node.columns),
        Plan::CteRef(node) => nullable(&mut node.columns),
        Plan::RecursiveCte(node) => nullable(&mut node.columns),
        _ => {}
    }
}

fn nullable(columns: &mut [PlanColumn]) {
    columns.iter_mut().for_each(|column| column.nullable = true);
}

/// Lets every column of an expression be NULL.
pub(crate) fn relax(expr: &mut Expr) {
    if let Expr::Column { nullable, .. } = expr {
        *nullable = true;
    }
    expr.children_mut().into_iter().for_each(relax);
}

/// Requirements that rows bring with them, whose keys are columns of the plan.
type Open = Vec<Requirement>;

struct Pass<'p> {
    binder: &'p Binder<'p>,
    constraints: &'p Constraints,
    /// What the rows of named queries bring with them, and in which places.
    definitions: HashMap<u32, (Open, Vec<PlanColumn>)>,
}

fn refuse_open(open: &Open, what: &str) -> Result<()> {
    match open.first() {
        None => Ok(()),
        Some(requirement) => Err(refused(format!(
            "A query of '{}' {what}, as its aggregation policy says.",
            requirement.object
        ))),
    }
}

impl Pass<'_> {
    /// A plan with the keys of what its rows bring with them among its columns.
    fn visit(&mut self, plan: Plan) -> Result<(Plan, Open)> {
        match plan {
            Plan::SetOperation(node) => self.set_operation(node),
            Plan::With(node) => self.with(*node),
            Plan::CteRef(node) => Ok(self.reference(node)),
            Plan::Aggregate(mut node) => {
                let (input, open) = self.visit(*node.input)?;
                node.input = Box::new(input);
                Ok((self.aggregate(*node, &open)?, Open::new()))
            }
            other => self.other(other),
        }
    }

    /// Nodes that pass rows on, or may not.
    fn other(&mut self, mut plan: Plan) -> Result<(Plan, Open)> {
        let mut open = Vec::new();
        for input in plan.inputs_mut() {
            let (visited, brought) = self.visit(std::mem::replace(input, Plan::one_row()))?;
            *input = visited;
            open.push(brought);
        }
        match &plan {
            Plan::Join(node) => {
                for (gives, open) in
                    [node.kind.gives_left(), node.kind.gives_right()].iter().zip(&open)
                {
                    if !gives {
                        refuse_open(open, "must aggregate its rows where they are compared")?;
                    }
                }
            }
            Plan::Apply(node) if !matches!(node.kind, ApplyKind::Inner | ApplyKind::Left) => {
                if let Some(right) = open.get(1) {
                    refuse_open(right, "must aggregate its rows in the subquery")?;
                }
            }
            Plan::Window(node) if self.tells_rows_apart(node) => {}
            Plan::Window(_) => {
                open.iter()
                    .try_for_each(|open| refuse_open(open, "cannot have window functions"))?;
            }
            Plan::RecursiveCte(_) | Plan::ForeignTable(_) => {
                let what = "cannot be recursive or call table functions in another language";
                open.iter().try_for_each(|open| refuse_open(open, what))?;
            }
            _ => {}
        }
        let mut open: Open = open.into_iter().flatten().collect();
        match &mut plan {
            Plan::Secure(node) => {
                let given = node.input.columns();
                let is_given = |key: &PlanColumn| given.iter().any(|column| column.id == key.id);
                // Above, groups may still be called as the keys of what they are made of.
                let own = self.constraints.groups.iter().filter(|own| own.object == node.object);
                open.extend(own.filter(|own| own.keys.iter().all(is_given)).cloned());
            }
            Plan::Project(node) => pass_on(node, &open),
            _ => {}
        }
        Ok((plan, open))
    }

    /// Whether a node numbers the rows of a view for the policy of that view.
    fn tells_rows_apart(&self, node: &Window) -> bool {
        let keys = || self.constraints.groups.iter().flat_map(|known| &known.keys);
        node.calls.iter().all(|call| keys().any(|key| key.id == call.id))
    }

    /// UNION ALL: each key is a column of its own, which is NULL in the rows of the other inputs.
    fn set_operation(&mut self, mut node: SetOperation) -> Result<(Plan, Open)> {
        let mut inputs = Vec::with_capacity(node.inputs.len());
        for input in std::mem::take(&mut node.inputs) {
            inputs.push(self.visit(input)?);
        }
        if inputs.iter().all(|(_, open)| open.is_empty()) {
            node.inputs = inputs.into_iter().map(|(plan, _)| plan).collect();
            return Ok((Plan::SetOperation(node), Open::new()));
        }
        if node.operator != SetOperator::UnionAll {
            for (_, open) in &inputs {
                refuse_open(open, "cannot be compared with another one by INTERSECT or EXCEPT")?;
            }
        }
        let width = node.columns.len();
        let keys: Vec<PlanColumn> = inputs.iter().flat_map(|(_, open)| keys_of(open)).collect();
        let mut fresh: HashMap<ColumnId, PlanColumn> = HashMap::new();
        for key in &keys {
            let column = self.binder.fresh_column(&key.name, key.sql_type, true);
            fresh.insert(key.id, column.clone());
            node.columns.push(column);
        }
        let mut all = Open::new();
        for (plan, open) in inputs {
            let own = keys_of(&open);
            let items = plan.columns().into_iter().take(width).map(|column| ProjectItem {
                id: self.binder.fresh(),
                name: column.name.clone(),
                expr: column.expr(),
            });
            let mut items: Vec<ProjectItem> = items.collect();
            items.extend(keys.iter().map(|key| ProjectItem {
                id: self.binder.fresh(),
                name: key.name.clone(),
                expr: match own.contains(key) {
                    true => key.expr(),
                    false => Expr::null(key.sql_type),
                },
            }));
            node.inputs.push(Plan::Project(Project { input: Box::new(plan), items }));
            all.extend(open.iter().map(|one| one.with_keys(|key| fresh[&key.id].clone())));
        }
        Ok((Plan::SetOperation(node), all))
    }

    fn with(&mut self, mut node: With) -> Result<(Plan, Open)> {
        let width = node.definition.columns().len();
        let before = node.definition.columns();
        let (definition, open) = self.visit(*node.definition)?;
        // The columns that are known by their places stay in them.
        let mut items: Vec<ProjectItem> =
            before.iter().take(width).map(ProjectItem::pass).collect();
        let keys = keys_of(&open);
        let added = keys.iter().filter(|key| before.iter().all(|column| column.id != key.id));
        items.extend(added.map(ProjectItem::pass));
        let places = items.iter().map(ProjectItem::column).collect();
        node.definition = match open.is_empty() {
            true => Box::new(definition),
            false => Box::new(Plan::Project(Project { input: Box::new(definition), items })),
        };
        self.definitions.insert(node.cte, (open, places));
        let (body, open) = self.visit(*node.body)?;
        node.body = Box::new(body);
        Ok((Plan::With(Box::new(node)), open))
    }

    fn reference(&self, mut node: CteRef) -> (Plan, Open) {
        let Some((open, places)) =
            self.definitions.get(&node.cte).filter(|(open, _)| !open.is_empty())
        else {
            return (Plan::CteRef(node), Open::new());
        };
        for column in places.iter().skip(node.columns.len()) {
            node.columns.push(self.binder.fresh_column(&column.name, column.sql_type, true));
        }
        let here = |key: &PlanColumn| {
            let place = places.iter().position(|column| column.id == key.id);
            node.columns[place.unwrap_or_default()].clone()
        };
        let open = open.iter().map(|one| one.with_keys(here)).collect();
        (Plan::CteRef(node), open)
    }

    fn aggregate(&self, mut node: Aggregate, open: &Open) -> Result<Plan> {
        if open.is_empty() {
            return Ok(Plan::Aggregate(Box::new(node)));
        }
        if node.grouping_sets.is_some() {
            refuse_open(open, "cannot have GROUPING SETS, ROLLUP or CUBE")?;
        }
        if let Some(call) =
            node.aggregates.iter().find(|call| !ALLOWED.contains(&call.function.name))
        {
            refuse_open(open, &format!("cannot have {}", call.function.name))?;
        }
        let outputs: Vec<(ColumnId, String)> = node
            .groups
            .iter()
            .map(|item| (item.id, item.name.clone()))
            .chain(node.aggregates.iter().map(|call| (call.id, call.name.clone())))
            .collect();
        let open = self.rename(&mut node, open);
        if !node.groups.is_empty() {
            self.merge_small(&mut node, &open)?;
        }
        let groups = node.groups.len();
        let mut enough = Vec::with_capacity(open.len());
        for requirement in &open {
            let call = self.count(requirement)?;
            enough.push(at_least(call.column().expr(), requirement.least)?);
            node.aggregates.push(call);
        }
        let enough = Expr::all(enough);
        let columns = Aggregate::columns(&node);
        // Behind the groups comes whether they are the remainder.
        let own = usize::from(groups > 0);
        let shown = columns[..groups - own].iter().chain(&columns[groups..]);
        let items = outputs.into_iter().zip(shown).enumerate();
        let items = items.map(|(place, ((id, name), column))| {
            let is_group = place < groups - own;
            let expr = column.expr();
            let expr = if is_group { expr } else { or_null(enough.clone(), expr) };
            ProjectItem { id, name, expr }
        });
        let items = items.collect();
        let input = Box::new(Plan::Aggregate(Box::new(node)));
        Ok(Plan::Project(Project { input, items }))
    }

    /// Gives all that comes into an aggregation other ids: its outputs have those of columns that it passes on, and
    /// are other values now.
    fn rename(&self, node: &mut Aggregate, open: &Open) -> Open {
        let columns = node.input.columns();
        let items: Vec<ProjectItem> = columns
            .iter()
            .map(|column| ProjectItem {
                id: self.binder.fresh(),
                name: column.name.clone(),
                expr: column.expr(),
            })
            .collect();
        let renamed: HashMap<ColumnId, PlanColumn> = columns
            .iter()
            .map(|column| column.id)
            .zip(items.iter().map(ProjectItem::column))
            .collect();
        let input = std::mem::replace(&mut *node.input, Plan::one_row());
        *node.input = Plan::Project(Project { input: Box::new(input), items });
        let mut exprs: Vec<&mut Expr> = node.groups.iter_mut().map(|item| &mut item.expr).collect();
        for call in &mut node.aggregates {
            exprs.extend(&mut call.arguments);
            exprs.extend(call.order_by.iter_mut().map(|key| &mut key.expr));
            call.id = self.binder.fresh();
        }
        exprs.into_iter().for_each(|expr| rename(expr, &renamed));
        node.groups.iter_mut().for_each(|item| item.id = self.binder.fresh());
        open.iter()
            .map(|one| one.with_keys(|key| renamed.get(&key.id).unwrap_or(key).clone()))
            .collect()
    }

    /// Puts the groups that are too small together, under NULLs; behind the groups' keys stands whether they are.
    fn merge_small(&self, node: &mut Aggregate, open: &Open) -> Result<()> {
        let input = std::mem::replace(&mut *node.input, Plan::one_row());
        let mut items: Vec<ProjectItem> = input.columns().iter().map(ProjectItem::pass).collect();
        let keys: Vec<ProjectItem> = node
            .groups
            .iter()
            .map(|group| ProjectItem {
                id: self.binder.fresh(),
                name: group.name.clone(),
                expr: group.expr.clone(),
            })
            .collect();
        items.extend(keys.iter().cloned());
        let plan = Plan::Project(Project { input: Box::new(input), items });
        let by: Vec<Expr> = keys.iter().map(|key| key.column().expr()).collect();
        let mut calls = Vec::with_capacity(open.len());
        let mut enough = Vec::with_capacity(open.len());
        for requirement in open {
            let call = self.count(requirement)?;
            enough.push(at_least(call.column().expr(), requirement.least)?);
            calls.push(over(call, &by));
        }
        let enough = Expr::all(enough);
        let plan = Plan::Window(Window { input: Box::new(plan), calls, top: None });
        let mut items: Vec<ProjectItem> = plan.columns().iter().map(ProjectItem::pass).collect();
        for (group, key) in node.groups.iter_mut().zip(&keys) {
            let item = ProjectItem {
                id: self.binder.fresh(),
                name: group.name.clone(),
                expr: or_null(enough.clone(), key.column().expr()),
            };
            group.expr = item.column().expr();
            items.push(item);
        }
        let small = Expr::Not(Box::new(enough));
        let small =
            ProjectItem { id: self.binder.fresh(), name: "REMAINDER".to_string(), expr: small };
        let by_small = ProjectItem {
            id: self.binder.fresh(),
            name: small.name.clone(),
            expr: small.column().expr(),
        };
        items.push(small);
        node.groups.push(by_small);
        *node.input = Plan::Project(Project { input: Box::new(plan), items });
        Ok(())
    }

    /// `COUNT(DISTINCT keys)`.
    fn count(&self, requirement: &Requirement) -> Result<AggregateCall> {
        let function = registry::aggregate("COUNT")?;
        let arguments: Vec<Expr> = requirement.keys.iter().map(PlanColumn::expr).collect();
        let given = arguments.iter();
        let given =
            given.map(|key| Argument { sql_type: key.sql_type(), constant: None, name: None });
        let signature = function.resolve(given.collect())?;
        let (id, name) = (self.binder.fresh(), "GROUP_SIZE".to_string());
        let (distinct, order_by) = (true, Vec::new());
        Ok(AggregateCall { id, name, function, signature, arguments, distinct, order_by })
    }
}

impl Requirement {
    fn with_keys(&self, key: impl Fn(&PlanColumn) -> PlanColumn) -> Requirement {
        Requirement { keys: self.keys.iter().map(key).collect(), ..self.clone() }
    }
}

fn keys_of(open: &Open) -> Vec<PlanColumn> {
    let mut keys: Vec<PlanColumn> = Vec::new();
    for key in open.iter().flat_map(|requirement| &requirement.keys) {
        if keys.iter().all(|other| other.id != key.id) {
            keys.push(key.clone());
        }
    }
    keys
}

/// Lets a projection pass keys on.
fn pass_on(node: &mut Project, open: &Open) {
    for key in keys_of(open) {
        if node.items.iter().all(|item| item.id != key.id) {
            node.items.push(ProjectItem::pass(&key));
        }
    }
}

fn rename(expr: &mut Expr, renamed: &HashMap<ColumnId, PlanColumn>) {
    if let Expr::Column { id, .. } = expr
        && let Some(column) = renamed.get(id)
    {
        *id = column.id;
    }
    expr.children_mut().into_iter().for_each(|child| rename(child, renamed));
}

/// An aggregate over all rows with the same keys.
fn over(call: AggregateCall, by: &[Expr]) -> WindowCall {
    let AggregateCall { id, name, function, signature, arguments, distinct, order_by } = call;
    WindowCall {
        id,
        name,
        target: WindowTarget::Aggregate { function, signature, distinct, within: order_by },
        arguments,
        partition_by: by.to_vec(),
        order_by: Vec::new(),
        frame: Frame::whole(),
        ignore_nulls: false,
    }
}

fn at_least(count: Expr, least: u64) -> Result<Expr> {
    let value = Value::Number(Decimal { unscaled: i128::from(least), scale: 0 });
    let least = Expr::Literal { value, sql_type: SqlType::INTEGER };
    compare(Comparison::GreaterOrEqual, count, least)
}

fn or_null(condition: Expr, value: Expr) -> Expr {
    let sql_type: SqlType = value.sql_type();
    let otherwise = Some(Box::new(Expr::null(sql_type)));
    Expr::Case { branches: vec![(condition, value)], otherwise, sql_type }
}
