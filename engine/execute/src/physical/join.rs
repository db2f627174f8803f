//! Joins.

use std::collections::HashSet;
use std::sync::Arc;

use firn_expression::Expr;
use firn_plan::{Join, JoinKey, JoinKind};
use firn_types::scan_predicate::Comparison;
use firn_types::{ColumnId, Result, SqlType};

use super::{Builder, RuntimeFilters, Stream, Wanted, transformed, wanted_with};
use crate::evaluate::{Conditions, Expressions, Layout};
use crate::operators::join::{self, AfterProbe, JoinSpec, Probe, RuntimeFilter};
use crate::pipeline::{Branch, Step};
use crate::profile::OperatorId;

impl Builder<'_, '_> {
    pub(super) fn join(&mut self, node: &Join, wanted: &Wanted, id: OperatorId) -> Result<Stream> {
        let (keys, conditions) = split_keys(node);
        let key_side = |side: fn(&JoinKey) -> &Expr| keys.iter().map(side).cloned();
        let probe_keys: Vec<Expr> = key_side(|key| &key.left).collect();
        let build_keys: Vec<Expr> = key_side(|key| &key.right).collect();
        let maybe = maybe_conditions(node, &keys, &conditions);
        let mut used: HashSet<ColumnId> = HashSet::new();
        let judged = conditions.iter().chain(maybe.iter().flat_map(|(maybe, _)| maybe));
        judged.for_each(|condition| used.extend(condition.columns_used()));

        let below = wanted_with(&wanted.union(&used).copied().collect(), &build_keys);
        let runtime_filters = self.build_hints(node.kind);
        let build = self
            .with_runtime_filters(runtime_filters, |builder| builder.build(&node.right, &below))?;
        let payload = build.layout.positions_where(|id| wanted.contains(&id) || used.contains(&id));
        let carried = build.layout.project(&payload);
        let build_keys = Expressions::new(build_keys, &build.layout)?;

        // The join's shape needs the probe side's layout, and the probe side's scans need the join.
        let below = wanted_with(&wanted.union(&used).copied().collect(), &probe_keys);
        let probe_layout = self.layout_of_built(&node.left, &below)?;
        let parts = Parts { keys: &keys, conditions, maybe, used: &used };
        let spec = spec_of(
            node,
            parts,
            (&probe_keys, build_keys),
            (&probe_layout, &carried, payload),
            wanted,
        )?;
        let layout = output_layout(node.kind, &probe_layout, &carried, &spec);
        let join = Arc::new(join::Join::new(spec));
        self.end_in(build, join.clone(), id);
        let mut runtime_filters = self.runtime_filters.clone();
        if node.kind.filters_build_side() {
            // Without its match a build row would come out unmatched.
            runtime_filters.bounds.clear();
        }
        runtime_filters.filters.extend(runtime_filter(node.kind, &keys, &join));
        let probe = self.with_runtime_filters(runtime_filters, |builder| {
            builder.build_exactly(&node.left, &probe_layout.ids())
        })?;
        let phase = probe.phases();
        let mut stream = transformed(probe, Probe { join: join.clone() }, layout, id);
        let source = Step { operator: Arc::new(AfterProbe { join }) as Arc<_>, id };
        stream.branches.push(Branch { source, transforms: Vec::new(), phase, serial: false });
        Ok(stream)
    }

    /// What operators above say that holds of the build side's rows too: those of them that are left out must
    /// leave no trace.
    fn build_hints(&self, kind: JoinKind) -> RuntimeFilters {
        let filters = match kind.gives_right() && !kind.preserves_left() {
            true => self.runtime_filters.filters.clone(),
            false => Vec::new(),
        };
        RuntimeFilters { filters, bounds: Vec::new() }
    }

    /// The layout that a node's stream is given: its wanted columns in the node's order.
    fn layout_of_built(&self, plan: &firn_plan::Plan, wanted: &Wanted) -> Result<Layout> {
        let columns = plan.columns().into_iter().filter(|column| wanted.contains(&column.id));
        Ok(Layout::new(columns.map(|column| (column.id, column.sql_type)).collect()))
    }
}

/// The keys that are hashed, and everything else that must hold. NULL-safe keys beside others become
/// conditions.
fn split_keys(node: &Join) -> (Vec<JoinKey>, Vec<Expr>) {
    let mut conditions = node.conditions.clone();
    let mixed = node.keys.iter().any(|key| !key.null_equals_null);
    let mut keys = Vec::new();
    for key in &node.keys {
        if mixed && key.null_equals_null {
            conditions.push(equality(key));
        } else {
            keys.push(key.clone());
        }
    }
    (keys, conditions)
}

fn equality(key: &JoinKey) -> Expr {
    let (left, right) = (Box::new(key.left.clone()), Box::new(key.right.clone()));
    match key.null_equals_null {
        true => Expr::Distinct { distinct: false, left, right },
        false => Expr::Compare { operator: Comparison::Equal, left, right },
    }
}

/// For a mark that may be NULL: what a pair meets that would match if its NULL keys were equal to all and
/// its NULL conditions were TRUE, and whether conditions may be NULL. None where it is enough to know of
/// NULLs on either side.
fn maybe_conditions(
    node: &Join,
    keys: &[JoinKey],
    conditions: &[Expr],
) -> Option<(Vec<Expr>, bool)> {
    let JoinKind::Mark { nulls: true, .. } = node.kind else { return None };
    let open = conditions.iter().any(Expr::nullable);
    if (keys.is_empty() && !open) || (keys.len() == 1 && conditions.is_empty()) {
        return None;
    }
    let is_null = |expr: &Expr| Expr::IsNull(Box::new(expr.clone()));
    let key = |key: &JoinKey| match key.null_equals_null {
        true => equality(key),
        false => Expr::Or(vec![equality(key), is_null(&key.left), is_null(&key.right)]),
    };
    let condition = |condition: &Expr| match condition.nullable() {
        true => Expr::Or(vec![condition.clone(), is_null(condition)]),
        false => condition.clone(),
    };
    Some((keys.iter().map(key).chain(conditions.iter().map(condition)).collect(), open))
}

/// What a pair must meet.
struct Parts<'a> {
    keys: &'a [JoinKey],
    conditions: Vec<Expr>,
    maybe: Option<(Vec<Expr>, bool)>,
    /// The columns that conditions use.
    used: &'a HashSet<ColumnId>,
}

fn spec_of(
    node: &Join,
    parts: Parts<'_>,
    (probe_keys, build_keys): (&[Expr], Expressions),
    (probe, carried, payload): (&Layout, &Layout, Vec<usize>),
    wanted: &Wanted,
) -> Result<JoinSpec> {
    let condition_probe = probe.positions_where(|id| parts.used.contains(&id));
    let condition_build = carried.positions_where(|id| parts.used.contains(&id));
    let judged = probe.project(&condition_probe).joined(&carried.project(&condition_build));
    let probe_output = match node.kind.gives_left() {
        true => probe.positions_where(|id| wanted.contains(&id)),
        false => Vec::new(),
    };
    let build_output = match node.kind.gives_right() {
        true => carried.positions_where(|id| wanted.contains(&id)),
        false => Vec::new(),
    };
    let types = |layout: &Layout, positions: &[usize]| -> Vec<SqlType> {
        layout.project(positions).types()
    };
    Ok(JoinSpec {
        kind: node.kind,
        probe_keys: Expressions::new(probe_keys.to_vec(), probe)?,
        build_keys,
        null_safe: !parts.keys.is_empty() && parts.keys.iter().all(|key| key.null_equals_null),
        payload,
        conditions: Conditions::new(parts.conditions, &judged)?,
        open_conditions: parts.maybe.as_ref().is_some_and(|(_, open)| *open),
        maybe: parts.maybe.map(|(maybe, _)| Conditions::new(maybe, &judged)).transpose()?,
        condition_probe,
        condition_build,
        probe_types: types(probe, &probe_output),
        probe_output,
        build_types: types(carried, &build_output),
        build_output,
    })
}

fn output_layout(kind: JoinKind, probe: &Layout, carried: &Layout, spec: &JoinSpec) -> Layout {
    let layout = probe.project(&spec.probe_output);
    match kind {
        JoinKind::Mark { id, .. } => layout.joined(&Layout::new(vec![(id, SqlType::Boolean)])),
        _ => layout.joined(&carried.project(&spec.build_output)),
    }
}

/// The filter that a build side makes for the scans below the probe side: only where a row without a
/// match leaves no trace.
fn runtime_filter(
    kind: JoinKind,
    keys: &[JoinKey],
    join: &Arc<join::Join>,
) -> Option<RuntimeFilter> {
    let columns: Vec<_> = keys.iter().map(|key| key.left.as_column()).collect();
    let usable = !kind.preserves_left()
        && keys.iter().all(|key| !key.null_equals_null)
        && columns.iter().any(Option::is_some);
    usable.then(|| RuntimeFilter { columns, join: Arc::clone(join) })
}
