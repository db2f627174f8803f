//! Expressions: names become columns, operators and calls become functions, types meet by casts.

mod aggregate;
mod block_function;
mod case;
mod collation;
mod column;
mod constraint;
mod foreign;
mod function;
mod lambda;
mod like_between_in;
mod literal;
mod operator;
mod policy;
mod procedure;
mod search;
mod semi_structured;
mod simulation;
mod special;
mod star;
mod structured;
mod subquery;
mod user_aggregate;
mod user_function;
mod window;

use std::collections::HashMap;

use firn_expression::Expr;
use firn_expression::fold;
use firn_functions::Argument;
use firn_functions::registry::{self, Function};
use firn_parse::ast::{self, ExprKind};
use firn_plan::{AggregateCall, Apply, ApplyKind, Plan, Project, ProjectItem, WindowCall};
use firn_types::decimal::fits_precision;
use firn_types::limits::NESTING_MAX;
use firn_types::{
    ColumnId, Decimal, Error, ErrorCode, ObjectId, Result, Span, SqlType, Value, coerce,
};

use super::Binder;
use super::clause::Clause;
use super::context::Env;
use super::data_type;
use super::scope::Scope;

pub(crate) use aggregate::{counted, sort_key};
pub(crate) use column::{NILADIC, not_in_order};
pub(crate) use constraint::{Projection, groups, projection};
pub(crate) use literal::text_literal;
pub(crate) use operator::{comparable, compare};
pub(crate) use policy::{Judged, as_type};
pub use procedure::Procedures;
pub use simulation::Simulation;
pub use special::{RewrittenFunction, rewritten_functions};
pub(crate) use star::expand_star;
pub(crate) use structured::{flattened, is_structured, plain};
pub(crate) use user_function::Overloads;

/// The select list's aliases with what they stand for; nothing for a name that two items carry.
pub(crate) type Aliases<'a> = HashMap<String, Option<&'a ast::Expr>>;

/// What binding the expressions of one SELECT has gathered for the nodes below them.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    /// Aggregates, to be computed by the aggregate node.
    pub(crate) aggregates: Vec<AggregateCall>,
    /// Window functions, to be computed by the window node.
    pub(crate) windows: Vec<WindowCall>,
    /// Subqueries, to be computed below the node that uses them.
    pub(crate) applies: Vec<PendingApply>,
    /// Subqueries inside aggregates' arguments and groups, to be computed below the aggregate node.
    pub(crate) input_applies: Vec<PendingApply>,
    /// Calls of functions whose bodies are queries, by function, arguments, and whether they stand below the
    /// aggregate node: the same call is computed once.
    pub(crate) calls: HashMap<(ObjectId, Vec<Expr>, bool), Expr>,
    /// What stands in GROUP BY and holds a subquery, by how it is written: when it is written again, in the
    /// select list, the same value is meant.
    pub(crate) grouped_subqueries: HashMap<String, Expr>,
}

/// A subquery that an expression reads a column of.
#[derive(Debug)]
pub(crate) struct PendingApply {
    /// What becomes of its rows.
    pub(crate) kind: ApplyKind,
    /// The subquery.
    pub(crate) right: Plan,
    /// Whether it is one row of values that are computed anew beside each row, even where they use nothing
    /// of it: the argument of a function.
    pub(crate) each_row: bool,
}

impl PendingApply {
    /// The subquery in terms of the groups of the query around it.
    ///
    /// # Errors
    /// `NotGrouped` when it reads a column of `scope` that is neither grouped nor aggregated.
    pub(crate) fn regrouped(mut self, scope: &Scope<'_>, grouping: &Grouping) -> Result<Self> {
        let mut refused = None;
        let mut regroup = |part: Expr| match part.as_column() {
            Some(id) if !grouping.columns.contains(&id) => match grouping.groups.get(&part) {
                Some(group) => group.clone(),
                None => {
                    refused = refused.take().or_else(|| scope.name_of(id));
                    part
                }
            },
            _ => part,
        };
        self.right = self.right.transform_up(&mut |mut node| {
            for expr in node.expressions_mut() {
                let taken = std::mem::replace(expr, Expr::boolean(true));
                *expr = taken.map(&mut regroup);
            }
            node
        });
        refused.map_or(Ok(self), |name| Err(column::not_grouped(&name)))
    }

    /// Whether the subquery, or the condition about it, uses columns that a plan gives.
    pub(crate) fn reads_from(&self, plan: &Plan) -> bool {
        let given: Vec<ColumnId> = plan.columns().iter().map(|column| column.id).collect();
        let reads = |expr: &Expr| expr.columns_used().iter().any(|id| given.contains(id));
        if let ApplyKind::Any { conditions, .. } = &self.kind
            && conditions.iter().any(&reads)
        {
            return true;
        }
        let mut found = false;
        self.right.visit(&mut |node| found |= node.expressions().iter().any(|expr| reads(expr)));
        found
    }
}

/// The plan with subqueries beside its rows.
pub(crate) fn attach(plan: Plan, applies: Vec<PendingApply>) -> Plan {
    applies.into_iter().fold(plan, |left, apply| {
        let PendingApply { kind, right, each_row } = apply;
        let right = match right {
            Plan::Project(Project { items, .. }) if each_row => {
                let columns = left.columns();
                let passed = columns.iter().map(ProjectItem::pass);
                let items = passed.chain(items).collect();
                return Plan::Project(Project { input: Box::new(left), items });
            }
            right => right,
        };
        Plan::Apply(Box::new(Apply { kind, left: Box::new(left), right: Box::new(right) }))
    })
}

/// How a grouped query's expressions see the rows of its input: only through the groups.
#[derive(Debug, Default)]
pub(crate) struct Grouping {
    /// Each group's expression with the column that it became.
    pub(crate) groups: HashMap<Expr, Expr>,
    /// The groups' own columns, which need no further grouping.
    pub(crate) columns: Vec<ColumnId>,
    /// With grouping sets: the column that tells the set, and for each set its number and the groups that
    /// are not in it.
    pub(crate) sets: Option<GroupingSets>,
}

/// What GROUPING() needs to know.
#[derive(Debug)]
pub(crate) struct GroupingSets {
    /// The column that tells the set.
    pub(crate) id: ColumnId,
    /// The number of each set with the groups that are rolled up in it.
    pub(crate) sets: Vec<(i128, Vec<Expr>)>,
}

/// Binds expressions in one place of a statement.
#[derive(Debug)]
pub(crate) struct ExprBinder<'b> {
    pub(crate) binder: &'b Binder<'b>,
    pub(crate) env: &'b Env<'b>,
    pub(crate) scope: &'b Scope<'b>,
    pub(crate) clause: Clause,
    /// The select list's aliases.
    pub(crate) aliases: Option<&'b Aliases<'b>>,
    /// The WINDOW clause.
    pub(crate) named_windows: Option<&'b HashMap<String, &'b ast::Window>>,
    /// The groups, once they are known.
    pub(crate) grouping: Option<&'b Grouping>,
    /// The parent's columns, in CONNECT BY.
    pub(crate) prior: Option<&'b Scope<'b>>,
    /// What a hierarchical query tells of a row's ancestors, by the place that asks for it.
    pub(crate) ancestry: Option<&'b HashMap<Span, Expr>>,
    pub(crate) gathered: &'b mut Gathered,
    /// Whether it stands in a lambda, where nothing can be computed beside the rows.
    in_lambda: bool,
    /// The aliases that are being expanded.
    expanding: Vec<String>,
    depth: usize,
}

impl<'b> ExprBinder<'b> {
    /// A binder of expressions over `scope`.
    pub(crate) fn new(
        binder: &'b Binder<'b>,
        env: &'b Env<'b>,
        scope: &'b Scope<'b>,
        clause: Clause,
        gathered: &'b mut Gathered,
    ) -> ExprBinder<'b> {
        ExprBinder {
            binder,
            env,
            scope,
            clause,
            aliases: None,
            named_windows: None,
            grouping: None,
            prior: None,
            ancestry: None,
            gathered,
            in_lambda: false,
            expanding: Vec::new(),
            depth: 0,
        }
    }

    /// Binds an expression as it is used in its clause; in a grouped query, in terms of the groups.
    ///
    /// # Errors
    /// Compilation errors with their place.
    pub(crate) fn bind(&mut self, expr: &ast::Expr) -> Result<Expr> {
        let bound = self.bind_inner(expr)?;
        match self.grouping {
            Some(grouping) => self.regroup(bound, grouping).map_err(|e| e.at(expr.span)),
            None => Ok(bound),
        }
    }

    /// Binds a condition: a BOOLEAN.
    ///
    /// # Errors
    /// Compilation errors with their place; what is no condition is refused.
    pub(crate) fn bind_condition(&mut self, expr: &ast::Expr) -> Result<Expr> {
        let bound = self.bind(expr)?;
        self.to_condition(bound, expr)
    }

    fn to_condition(&self, bound: Expr, expr: &ast::Expr) -> Result<Expr> {
        match bound.sql_type() {
            SqlType::Boolean => Ok(bound),
            SqlType::Null | SqlType::Number { .. } | SqlType::Float => {
                Ok(cast(bound, SqlType::Boolean))
            }
            other => {
                let text = expr.span.of(self.env.text).to_uppercase();
                let text = format!("Invalid data type [{other}] for predicate [{text}]");
                Err(Error::new(ErrorCode::InvalidStatement, text).at(expr.span))
            }
        }
    }

    /// Binds without regard to grouping.
    pub(crate) fn bind_inner(&mut self, expr: &ast::Expr) -> Result<Expr> {
        if self.depth > NESTING_MAX {
            let text = "the expression is nested too deeply";
            return Err(Error::new(ErrorCode::InvalidStatement, text).at(expr.span));
        }
        if let Some(known) = self.grouped_subquery(expr) {
            return Ok(known);
        }
        let applies = self.gathered.input_applies.len();
        self.depth += 1;
        let bound = self.bind_kind(expr).map_err(|error| error.at(expr.span));
        self.depth -= 1;
        if self.clause == Clause::GroupBy && self.gathered.input_applies.len() > applies {
            let written = expr.span.of(self.env.text).to_string();
            self.gathered
                .grouped_subqueries
                .extend(bound.iter().map(|e| (written.clone(), e.clone())));
        }
        bound
    }

    /// What is grouped by, if it holds a subquery and is written like this expression.
    fn grouped_subquery(&self, expr: &ast::Expr) -> Option<Expr> {
        let grouping = self.grouping.filter(|_| !self.gathered.grouped_subqueries.is_empty())?;
        let known = self.gathered.grouped_subqueries.get(expr.span.of(self.env.text))?;
        grouping.groups.contains_key(known).then(|| known.clone())
    }

    fn bind_kind(&mut self, expr: &ast::Expr) -> Result<Expr> {
        match &expr.kind {
            ExprKind::Literal(value) => self.bind_literal(value),
            ExprKind::Interval(..) => Err(Error::not_supported("a bare INTERVAL")),
            ExprKind::Column(name) => self.bind_column(name),
            ExprKind::Position(source, position) => self.bind_position(source.as_ref(), *position),
            ExprKind::Variable(name) => self.bind_variable(name),
            ExprKind::Bind(bind) => self.bind_placeholder(bind, expr.span),
            ExprKind::Identifier(inner) => {
                let name = ast::Name::Identifier(inner.clone());
                let name = self.binder.plain_name(&name, self.env)?;
                self.bind_column(&name)
            }
            ExprKind::Unary(operator, operand) => self.bind_unary(*operator, operand),
            ExprKind::Binary(operator, left, right) => self.bind_binary(*operator, left, right),
            ExprKind::IsNull { operand, negated } => {
                let operand = self.bind_inner(operand)?;
                Ok(negate_if(*negated, Expr::IsNull(Box::new(operand))))
            }
            ExprKind::IsBoolean { operand, value, negated } => {
                let bound = self.bind_inner(operand)?;
                let left = Box::new(self.to_condition(bound, operand)?);
                let right = Box::new(Expr::boolean(*value));
                Ok(Expr::Distinct { distinct: *negated, left, right })
            }
            ExprKind::IsDistinctFrom { left, right, negated } => {
                let (left, right) = (self.bind_inner(left)?, self.bind_inner(right)?);
                distinct(!negated, left, right)
            }
            ExprKind::Like { kind, operand, pattern, escape, negated } => {
                let like = self.bind_like(*kind, operand, pattern, escape.as_deref())?;
                Ok(negate_if(*negated, like))
            }
            ExprKind::Between { operand, low, high, negated } => {
                let between = self.bind_between(operand, low, high)?;
                Ok(negate_if(*negated, between))
            }
            ExprKind::InList { operand, list, negated } => {
                Ok(negate_if(*negated, self.bind_in_list(operand, list)?))
            }
            ExprKind::InSubquery { operand, query, negated } => {
                Ok(negate_if(*negated, self.bind_in_subquery(operand, query)?))
            }
            ExprKind::Exists { query, negated } => {
                Ok(negate_if(*negated, self.bind_exists(query)?))
            }
            ExprKind::Quantified { operator, operand, quantifier, query } => {
                self.bind_quantified(*operator, operand, *quantifier, query)
            }
            ExprKind::Subquery(query) => self.bind_scalar_subquery(query),
            ExprKind::Case { operand, branches, otherwise } => {
                self.bind_case(operand.as_deref(), branches, otherwise.as_deref())
            }
            ExprKind::Cast { operand, to, lenient } => self.bind_cast(operand, to, *lenient),
            ExprKind::Function(call) => self.bind_call(call, expr),
            ExprKind::Path(base, steps) => self.bind_path(base, steps),
            ExprKind::Object(fields) => self.bind_object(fields),
            ExprKind::Array(items) => self.bind_array(items),
            ExprKind::Collate(text, rules) => collation::collated(self.bind_inner(text)?, rules),
            ExprKind::Row(_) => Err(Error::not_supported("a row of values here")),
            ExprKind::Lambda(..) => Err(Error::not_supported("lambda expressions")),
            ExprKind::OuterJoin(operand) => self.bind_marked(operand),
            ExprKind::Prior(operand) if self.prior.is_some() => self.bind_prior(operand),
            ExprKind::Prior(_) | ExprKind::ConnectByRoot(_) => self.bind_ancestry(expr.span),
            ExprKind::Star(_) => Err(Error::not_supported("columns in parentheses here")),
            ExprKind::Spread(_) => Err(Error::not_supported("the spread operator ** here")),
            ExprKind::Default => {
                let text = "unexpected 'DEFAULT'.";
                Err(Error::new(ErrorCode::Syntax, text))
            }
        }
    }

    /// `x (+)`.
    fn bind_marked(&mut self, operand: &ast::Expr) -> Result<Expr> {
        match self.clause {
            Clause::Marked => self.bind_inner(operand),
            _ => Err(Error::not_supported("the outer join marker (+) here")),
        }
    }

    /// `PRIOR x` in CONNECT BY: `x` of the parent.
    fn bind_prior(&mut self, operand: &ast::Expr) -> Result<Expr> {
        let parent = self.prior.take().unwrap_or(self.scope);
        let own = std::mem::replace(&mut self.scope, parent);
        let bound = self.bind_inner(operand);
        self.scope = own;
        self.prior = Some(parent);
        bound
    }

    /// What is asked of a row's ancestors at a place.
    fn bind_ancestry(&self, place: Span) -> Result<Expr> {
        let text = "PRIOR, CONNECT_BY_ROOT and SYS_CONNECT_BY_PATH need CONNECT BY";
        let found = self.ancestry.and_then(|ancestry| ancestry.get(&place)).cloned();
        found.ok_or_else(|| Error::new(ErrorCode::InvalidStatement, text).at(place))
    }

    fn bind_cast(
        &mut self,
        operand: &ast::Expr,
        to: &ast::TypeName,
        lenient: bool,
    ) -> Result<Expr> {
        let to = data_type::resolve(to, self.binder.context.timestamp_mapping)?;
        let input = self.bind_inner(operand)?;
        let from = input.sql_type();
        let takes = from == to || matches!(from, SqlType::Varchar { .. } | SqlType::Null);
        if lenient && !takes {
            let text = format!(
                "Function TRY_CAST cannot be used with arguments of types {from} and {to}."
            );
            return Err(Error::new(ErrorCode::InvalidTryCast, text));
        }
        explicit_cast(input, to, lenient)
    }
}

impl Binder<'_> {
    /// The value and type of an expression that must be constant.
    ///
    /// # Errors
    /// Compilation errors; `ConstantArgument` when it depends on rows.
    pub(crate) fn bind_constant(
        &self,
        expr: &ast::Expr,
        env: &Env<'_>,
    ) -> Result<(Value, SqlType)> {
        let scope = Scope::default();
        let mut gathered = Gathered::default();
        let bound = {
            let mut binder = ExprBinder::new(self, env, &scope, Clause::Single, &mut gathered);
            binder.bind(expr)?
        };
        let value = fold::constant(&bound, &self.context.functions)?;
        match value {
            Some(value) if gathered.applies.is_empty() => Ok((value, bound.sql_type())),
            _ => {
                let text = format!("expected a constant, found '{}'", expr.span.of(env.text));
                Err(Error::new(ErrorCode::ConstantArgument, text).at(expr.span))
            }
        }
    }
}

impl ExprBinder<'_> {
    /// What a function's binding sees of an argument.
    fn argument(&self, expr: &Expr) -> Argument {
        let constant = match expr {
            Expr::Literal { value, .. } => Some(value.clone()),
            // An error of a constant belongs to the run, and only if the row is reached.
            other => fold::constant_as_bound(other, &self.binder.context.functions).ok().flatten(),
        };
        Argument { sql_type: expr.sql_type(), constant, name: None }
    }
}

/// `NOT x`, when asked for.
fn negate_if(negated: bool, expr: Expr) -> Expr {
    if negated { Expr::Not(Box::new(expr)) } else { expr }
}

/// The expression as another type, without a cast where every value keeps its form.
pub(crate) fn cast(input: Expr, to: SqlType) -> Expr {
    let from = input.sql_type();
    if keeps_form(from, to) {
        return input;
    }
    if let Expr::Literal { value: Value::Null, .. } = input {
        return Expr::null(to);
    }
    if let Some(number) = rescaled(&input, to) {
        return number;
    }
    match (from, to) {
        (SqlType::Varchar { .. }, SqlType::Boolean) => implicit_boolean(input),
        _ => Expr::Cast { input: Box::new(input), to, lenient: false },
    }
}

/// A constant number at a type that has room for all its digits: VALUES may bring many of them.
fn rescaled(input: &Expr, to: SqlType) -> Option<Expr> {
    let (Expr::Literal { value: Value::Number(number), .. }, SqlType::Number { precision, scale }) =
        (input, to)
    else {
        return None;
    };
    let factor = 10_i128.checked_pow(u32::from(scale.checked_sub(number.scale)?))?;
    let unscaled = number.unscaled.checked_mul(factor)?;
    let value = Value::Number(Decimal { unscaled, scale });
    fits_precision(unscaled, precision).then_some(Expr::Literal { value, sql_type: to })
}

/// A text as a BOOLEAN: fewer words are understood than by a cast.
fn implicit_boolean(input: Expr) -> Expr {
    let bound = match registry::find("$BOOLEAN") {
        Some(Function::Scalar(function)) => {
            function.resolve(vec![Argument::of(input.sql_type())]).ok().map(|s| (function, s))
        }
        _ => None,
    };
    match bound {
        Some((function, signature)) => Expr::Call { function, signature, arguments: vec![input] },
        None => Expr::Cast { input: Box::new(input), to: SqlType::Boolean, lenient: false },
    }
}

/// Whether every value of `from` is a value of `to` in the same physical form.
pub(crate) fn keeps_form(from: SqlType, to: SqlType) -> bool {
    match (from, to) {
        (
            SqlType::Number { precision: p1, scale: s1 },
            SqlType::Number { precision: p2, scale: s2 },
        ) => s1 == s2 && p1 <= p2,
        (
            SqlType::Varchar { length: from, collation: rules },
            SqlType::Varchar { length: to, collation },
        ) => from <= to && rules.same_rules(collation),
        (SqlType::Binary { length: from }, SqlType::Binary { length: to }) => from <= to,
        (SqlType::Time { scale: from }, SqlType::Time { scale: to })
        | (SqlType::TimestampNtz { scale: from }, SqlType::TimestampNtz { scale: to })
        | (SqlType::TimestampLtz { scale: from }, SqlType::TimestampLtz { scale: to })
        | (SqlType::TimestampTz { scale: from }, SqlType::TimestampTz { scale: to }) => from <= to,
        // An OBJECT or ARRAY is a VARIANT as it stands.
        (SqlType::Object | SqlType::Array | SqlType::Structured(_), SqlType::Variant) => true,
        (from, to) => from == to,
    }
}

/// A cast that the user wrote; kept even where it changes nothing but the declared type.
pub(crate) fn explicit_cast(input: Expr, to: SqlType, lenient: bool) -> Result<Expr> {
    let from = input.sql_type();
    if from == to {
        return Ok(input);
    }
    if !coerce::can_cast(from, to) {
        let text = format!("invalid type [CAST({input} AS {to})] for parameter 'TO_{}'", word(to));
        return Err(Error::new(ErrorCode::InvalidParameterType, text));
    }
    if let Expr::Literal { value: Value::Null, .. } = input {
        return Ok(Expr::null(to));
    }
    Ok(Expr::Cast { input: Box::new(input), to, lenient })
}

/// The type's name without parameters.
fn word(sql_type: SqlType) -> String {
    let text = sql_type.to_string();
    text.split('(').next().unwrap_or_default().to_string()
}

/// `IS [NOT] DISTINCT FROM` of operands that are made comparable.
pub(crate) fn distinct(distinct: bool, left: Expr, right: Expr) -> Result<Expr> {
    let (left, right) = operator::comparable(left, right)?;
    Ok(Expr::Distinct { distinct, left: Box::new(left), right: Box::new(right) })
}

/// Casts expressions to the type that they meet at.
///
/// # Errors
/// `InvalidArgumentTypes` when they have none; `what` names the construct.
pub(crate) fn unify(what: &str, exprs: Vec<Expr>) -> Result<(Vec<Expr>, SqlType)> {
    // A constant text beside numbers is the number that it writes.
    let has_number = exprs.iter().any(|expr| expr.sql_type().is_numeric());
    let exprs: Vec<Expr> =
        if has_number { exprs.into_iter().map(operator::number_literal).collect() } else { exprs };
    let types: Vec<SqlType> = exprs.iter().map(Expr::sql_type).collect();
    check_collations(what, &exprs)?;
    let Some(common) = coerce::common_type(&types) else {
        let types: Vec<String> = types.iter().map(ToString::to_string).collect();
        let text = format!("Invalid argument types for function '{what}': ({})", types.join(", "));
        return Err(Error::new(ErrorCode::InvalidArgumentTypes, text));
    };
    Ok((exprs.into_iter().map(|expr| cast(expr, common)).collect(), common))
}

/// Refuses texts whose collations do not go together; the error names them as Snowflake's does.
fn check_collations(what: &str, exprs: &[Expr]) -> Result<()> {
    if matches!(what, "CASE" | "DECODE" | "GREATEST" | "LEAST") {
        return collation::common(exprs).map(|_| ());
    }
    let mut common = firn_types::Collation::NONE;
    for expr in exprs {
        common = collation::merged(expr.sql_type().collation(), common)?;
    }
    Ok(())
}

/// Whether two operands are equal, made comparable first.
///
/// # Errors
/// `InvalidArgumentTypes` when they do not compare.
pub(crate) fn compare_equal(left: Expr, right: Expr) -> Result<Expr> {
    operator::compare(firn_types::scan_predicate::Comparison::Equal, left, right)
}
