//! FROM: sources between commas, each seeing those before it where it is lateral.

use firn_types::{Error, ErrorCode, Result};

use super::{
    bind_query, join, match_recognize, pivot, source, stage_source, table_function, values,
};
use crate::bind::context::Env;
use crate::bind::scope::{Relation, Scope, ScopeColumn};
use crate::bind::{Binder, BoundQuery};
use firn_parse::ast::{self, TableAlias, TableExpr, TableKind};
use firn_plan::{Apply, ApplyKind, Join, JoinKind, Plan, Sample, SampleSize};

/// The rows of FROM and the columns in sight.
#[derive(Debug)]
pub(crate) struct From {
    /// Where the rows come from.
    pub(crate) plan: Plan,
    /// Its columns, source by source.
    pub(crate) relations: Vec<Relation>,
}

/// What binding a source may look at.
pub(super) struct FromContext<'f> {
    pub(super) binder: &'f Binder<'f>,
    pub(super) env: &'f Env<'f>,
    /// The statement's expressions: staged files have the columns that these ask for.
    pub(super) read: &'f [&'f ast::Expr],
}

/// Binds FROM. `read` are the expressions that use its columns.
///
/// # Errors
/// Compilation errors with their place.
pub(crate) fn bind_from(
    binder: &Binder<'_>,
    from: &[TableExpr],
    read: &[&ast::Expr],
    env: &Env<'_>,
) -> Result<From> {
    let context = FromContext { binder, env, read };
    let mut sources = from.iter();
    let Some(first) = sources.next() else {
        let rows = values::array_of_values(binder, env)?;
        let plan = rows.unwrap_or_else(Plan::one_row);
        return Ok(From { plan, relations: Vec::new() });
    };
    let mut left = bind_source(&context, first, None)?.into_from();
    for source in sources {
        let right = bind_source(&context, source, Some(&left))?;
        left = beside(left, right, ApplyKind::Inner);
    }
    check_names(&left.relations, from)?;
    Ok(left)
}

/// A source, and how its rows relate to those before it.
#[derive(Debug)]
pub(super) enum Source {
    /// Rows of its own, or rows that may depend on those before it.
    Alone(From),
    /// A table function over the rows before it: its plan gives their columns again.
    Expanding(From),
}

impl Source {
    /// The source as the first of FROM.
    pub(super) fn into_from(self) -> From {
        match self {
            Source::Alone(from) | Source::Expanding(from) => from,
        }
    }
}

/// Puts a source beside those before it: each pair of rows, or with `Left` also the unmatched left ones.
pub(super) fn beside(left: From, right: Source, kind: ApplyKind) -> From {
    let mut relations = left.relations;
    match right {
        Source::Expanding(right) => {
            relations.extend(right.relations);
            From { plan: right.plan, relations }
        }
        Source::Alone(right) => {
            relations.extend(right.relations);
            let lateral = reads_from(&right.plan, &left.plan);
            let (left, right) = (Box::new(left.plan), Box::new(right.plan));
            let plan = if lateral {
                Plan::Apply(Box::new(Apply { kind, left, right }))
            } else {
                let kind = match kind {
                    ApplyKind::Left => JoinKind::Left,
                    _ => JoinKind::Inner,
                };
                let (keys, conditions) = (Vec::new(), Vec::new());
                Plan::Join(Box::new(Join { kind, left, right, keys, conditions }))
            };
            From { plan, relations }
        }
    }
}

/// Whether a plan uses columns that another one gives.
pub(super) fn reads_from(plan: &Plan, other: &Plan) -> bool {
    let given: Vec<_> = other.columns().iter().map(|column| column.id).collect();
    let mut found = false;
    plan.visit(&mut |node| {
        found = found
            || node
                .expressions()
                .iter()
                .any(|expr| expr.columns_used().iter().any(|id| given.contains(id)));
    });
    found
}

/// Binds one source; `left` are the sources before it.
pub(super) fn bind_source(
    context: &FromContext<'_>,
    source: &TableExpr,
    left: Option<&From>,
) -> Result<Source> {
    let FromContext { binder, env, .. } = context;
    let bound = match &source.kind {
        TableKind::Table { name, at, changes } => {
            let at = at.as_ref().map(|at| (at, changes.as_ref()));
            Source::Alone(source::bind_table(binder, name, at, source, env)?)
        }
        TableKind::Subquery { query, lateral } => {
            let scope = Scope {
                relations: left.map_or(Vec::new(), |left| left.relations.clone()),
                outer: env.outer,
            };
            let inner = if *lateral { env.inside(&scope) } else { deeper(env) };
            let bound = bind_query(binder, query, &inner)?;
            Source::Alone(derived(bound, ""))
        }
        TableKind::Values(values) => {
            Source::Alone(derived(values::bind_values(binder, values, env)?, "VALUES"))
        }
        TableKind::Function(call) => table_function::bind(context, call, source, left)?,
        TableKind::Stage { location, options } => {
            Source::Alone(stage_source::bind(context, location, options)?)
        }
        TableKind::Join(join) => join::bind_join(context, join, left)?,
        TableKind::Pivot(pivot) => Source::Alone(pivot::bind_pivot(context, pivot)?),
        TableKind::Unpivot(unpivot) => Source::Alone(pivot::bind_unpivot(context, unpivot)?),
        TableKind::MatchRecognize(clause) => {
            Source::Alone(match_recognize::bind_match(context, clause)?)
        }
    };
    let finish = |from: From| -> Result<From> {
        let from = sampled(context, from, source)?;
        aliased(from, source.alias.as_ref())
    };
    Ok(match bound {
        Source::Alone(from) => Source::Alone(finish(from)?),
        Source::Expanding(from) => Source::Expanding(finish(from)?),
    })
}

/// The surroundings of a query one level deeper, with the same outer columns.
pub(super) fn deeper<'e>(env: &Env<'e>) -> Env<'e> {
    Env { depth: env.depth + 1, ..*env }
}

/// A bound query as a source.
pub(super) fn derived(bound: BoundQuery, name: &str) -> From {
    From { relations: vec![Relation::new(name, bound.columns)], plan: bound.plan }
}

/// The source under its alias. A join in parentheses keeps its sources' names unless it has one.
fn aliased(mut from: From, alias: Option<&TableAlias>) -> Result<From> {
    let Some(alias) = alias else { return Ok(from) };
    let mut columns: Vec<ScopeColumn> =
        from.relations.drain(..).flat_map(|relation| relation.columns).collect();
    let shown = columns.iter().filter(|column| !column.pseudo).count();
    if alias.columns.len() > shown {
        let text = format!(
            "alias '{}' names {} columns, but there are {shown}",
            alias.name,
            alias.columns.len()
        );
        return Err(Error::new(ErrorCode::InvalidStatement, text).at(alias.name.span));
    }
    let renamed = columns.iter_mut().filter(|column| !column.pseudo);
    for (column, name) in renamed.zip(&alias.columns) {
        column.column.name = name.name.clone();
    }
    let name = alias.name.name.clone();
    if let Plan::Scan(scan) = &mut from.plan {
        scan.alias = Some(name.clone());
    }
    from.relations = vec![Relation { name, path: Vec::new(), columns }];
    Ok(from)
}

fn sampled(context: &FromContext<'_>, from: From, source: &TableExpr) -> Result<From> {
    let Some(sample) = &source.sample else { return Ok(from) };
    let number = |expr: &ast::Expr| -> Result<f64> {
        use firn_types::Value;
        match context.binder.bind_constant(expr, context.env)?.0 {
            Value::Number(n) => Ok(n.unscaled as f64 / 10_f64.powi(i32::from(n.scale))),
            Value::Float(n) => Ok(n),
            _ => {
                let text = "SAMPLE needs a number";
                Err(Error::new(ErrorCode::InvalidStatement, text).at(expr.span))
            }
        }
    };
    let out_of_range =
        |text: &str| Err(Error::new(ErrorCode::InvalidParameterValue, text).at(source.span));
    let size = match &sample.size {
        ast::SampleSize::Percent(expr) => match number(expr)? {
            percent if (0.0..=100.0).contains(&percent) => SampleSize::Percent(percent),
            _ => return out_of_range("sample size in percent must be from 0 to 100"),
        },
        ast::SampleSize::Rows(expr) => match number(expr)? {
            rows if (0.0..=1_000_000.0).contains(&rows) => SampleSize::Rows(rows as u64),
            _ => return out_of_range("sample size in rows must be from 0 to 1000000"),
        },
    };
    if sample.seed.is_some() && matches!(size, SampleSize::Rows(_)) {
        return out_of_range("SEED does not go with a number of rows");
    }
    if sample.seed.is_some() && !matches!(source.kind, TableKind::Table { .. }) {
        return out_of_range("SEED goes only with a table");
    }
    if sample.block && matches!(size, SampleSize::Rows(_)) {
        return out_of_range("SYSTEM sampling does not take a number of rows");
    }
    let seed = sample.seed.as_ref().map(number).transpose()?.map(|seed| seed as u64);
    let plan = Plan::Sample(Sample { input: Box::new(from.plan), size, seed });
    Ok(From { plan, relations: from.relations })
}

/// Two sources of one name cannot be told apart.
pub(super) fn check_names(relations: &[Relation], from: &[TableExpr]) -> Result<()> {
    for (index, relation) in relations.iter().enumerate() {
        let twice = relations[..index].iter().any(|other| {
            !relation.name.is_empty() && other.name == relation.name && other.path == relation.path
        });
        if twice {
            let text = format!("duplicate alias '{}'", relation.name);
            let span = from.first().map(|source| source.span).unwrap_or_default();
            return Err(Error::new(ErrorCode::InvalidStatement, text).at(span).without_span());
        }
    }
    Ok(())
}
