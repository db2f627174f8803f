//! Calls of functions that users have made: the body takes the place of the call, so that it costs what it
//! would cost if it were written there.
//!
//! A body is bound where its function is, with its owner's rights, over columns that stand for its parameters;
//! then each of those is replaced by the argument. One that is used more than once is computed once for a row
//! all the same, since equal parts of an expression are; but one that is volatile, or large, is computed beside
//! the rows first: `f(RANDOM())` draws one number a row, and calls within calls do not double with every level.

use std::collections::HashMap;
use std::sync::Arc;

use firn_account::catalog::{
    Action, CurrentPath, Function, Header, Namespace, Object, ObjectPath, Parameter, Returns,
};
use firn_expression::Expr;
use firn_functions::{ForeignFunction, Volatility};
use firn_parse::ast::{Argument, ArgumentValue, FunctionBody, FunctionCall};
use firn_plan::{ApplyKind, Plan, PlanColumn, Project, ProjectItem};
use firn_types::{ColumnId, Error, ErrorCode, ObjectName, Result, SqlType, TypeFamily, coerce};

use super::{ExprBinder, Gathered, PendingApply, cast, explicit_cast};
use crate::bind::clause::Clause;
use crate::bind::context::Env;
use crate::bind::query::bind_query;
use crate::bind::scope::{Relation, Scope};
use crate::bind::{Binder, BoundQuery};

/// Parts of an argument's copies that a plan may have.
const COPIED_PARTS_MAX: usize = 1000;

/// Functions of one name, which differ in what they take.
#[derive(Debug)]
pub(crate) struct Overloads {
    path: ObjectPath,
    functions: Vec<Arc<Function>>,
}

/// A call whose function is chosen: an argument for each parameter, cast to its type.
#[derive(Debug)]
pub(crate) struct ChosenCall {
    path: ObjectPath,
    function: Arc<Function>,
    arguments: Vec<Expr>,
}

/// What has a body: a function, or a policy.
pub(super) struct Bodied<'b> {
    /// Its header.
    pub(super) header: &'b Header,
    /// What it takes.
    pub(super) parameters: &'b [Parameter],
    /// The body's text.
    pub(super) text: &'b str,
    /// What errors call it: `function F`.
    pub(super) called: String,
    /// Whether it may use the variables of a session that it is called in.
    pub(super) variables: bool,
}

/// A bound body, in terms of columns that stand for the parameters.
pub(super) struct Body<T> {
    pub(super) parameters: Vec<PlanColumn>,
    pub(super) bound: T,
}

impl Overloads {
    /// The name that the functions are called by.
    pub(super) fn name(&self) -> &str {
        &self.path.name
    }

    /// Whether one of them aggregates.
    pub(super) fn is_aggregate(&self) -> bool {
        self.functions.iter().any(|function| function.traits.aggregate)
    }
}

impl ChosenCall {
    /// The function and its arguments, when its body is in another language than SQL, or a block.
    pub(crate) fn foreign(&self) -> Option<(Arc<ForeignFunction>, Vec<Expr>)> {
        let foreign = super::foreign::stays_call(&self.function);
        let function = || Arc::new(super::foreign::in_plan(&self.function));
        foreign.then(|| (function(), self.arguments.clone()))
    }

    /// The name that the function is called by.
    pub(crate) fn name(&self) -> &str {
        &self.path.name
    }
}

impl Binder<'_> {
    /// The functions that a name means; none when there are none.
    pub(crate) fn user_functions(&self, name: &ObjectName, env: &Env<'_>) -> Option<Overloads> {
        let path = self.complete(name, env, "SELECT").ok()?;
        let schema = env.catalog.schema_of(&path)?;
        let functions: Vec<Arc<Function>> = env
            .catalog
            .children(Namespace::Function, schema)
            .into_iter()
            .filter_map(Object::as_function)
            .filter(|function| function.called() == path.name)
            .cloned()
            .collect();
        (!functions.is_empty()).then_some(Overloads { path, functions })
    }

    /// Does something with the body of a function, where the function is.
    fn with_body<T>(
        &self,
        function: &Arc<Function>,
        path: &ObjectPath,
        env: &Env<'_>,
        work: impl FnOnce(FunctionBody, &Env<'_>, &Scope<'_>) -> Result<T>,
    ) -> Result<Body<T>> {
        let bodied = Bodied {
            header: &function.header,
            parameters: &function.parameters,
            text: &function.code.body,
            called: format!("function {}", function.called()),
            variables: true,
        };
        self.with_text(&bodied, path, env, work)
    }

    /// Does something with a body, where what has it is, with its owner's rights.
    pub(super) fn with_text<T>(
        &self,
        bodied: &Bodied<'_>,
        path: &ObjectPath,
        env: &Env<'_>,
        work: impl FnOnce(FunctionBody, &Env<'_>, &Scope<'_>) -> Result<T>,
    ) -> Result<Body<T>> {
        let Bodied { header, parameters, text, called, variables } = bodied;
        let id = header.id;
        let failure = |error: Error| {
            let text = format!("in {called}: {}", error.render(text));
            Error::new(error.code(), text)
        };
        if self.views.borrow().contains(&id) {
            let text = format!("{called} calls itself");
            return Err(Error::new(ErrorCode::InvalidStatement, text));
        }
        let body = firn_parse::parse_function_body(text).map_err(failure)?;
        let column =
            |parameter: &Parameter| self.fresh_column(&parameter.name, parameter.sql_type, true);
        let parameters: Vec<PlanColumn> = parameters.iter().map(column).collect();
        let relations = vec![Relation::new("", parameters.clone())];
        let scope = Scope { relations, outer: None };
        let inner = CurrentPath {
            database: Some(path.database.clone()),
            schema: Some(path.schema.clone()),
        };
        self.views.borrow_mut().push(id);
        let catalog = env.catalog.as_role(header.owner);
        let variables = *variables && env.variables;
        let inside = Env { variables, ..env.view(&catalog, &inner, text, &[]) };
        let bound = work(body, &inside, &scope);
        self.views.borrow_mut().pop();
        Ok(Body { parameters, bound: bound.map_err(failure)? })
    }

    /// Whether a new function's body compiles and gives what is declared.
    ///
    /// # Errors
    /// Compilation errors of the body, with their place in it; `ReturnType`.
    pub fn check_function(&self, function: &Arc<Function>, path: &ObjectPath) -> Result<()> {
        if firn_parse::is_block(&function.code.body) {
            return super::block_function::check(function);
        }
        let catalog = self.context.catalog.as_ref();
        let env = Env::root(catalog, &self.context.path, "");
        let header = &function.header;
        // What calls the function that this one replaces will call this one.
        let replaced = catalog.find(Namespace::Function, header.parent, &header.name);
        self.views.borrow_mut().extend(replaced.map(Object::id));
        match &function.returns {
            Returns::Value(declared) => {
                let actual = self.with_body(function, path, &env, |body, env, scope| {
                    let mut gathered = Gathered::default();
                    let mut binder =
                        ExprBinder::new(self, env, scope, Clause::Single, &mut gathered);
                    Ok(binder.bind_body(&body)?.sql_type())
                })?;
                compatible(*declared, actual.bound)
            }
            Returns::Table(_) => self.table_body(function, path, &env).map(|_| ()),
        }
    }

    /// The query of a table function, as the columns that it declares.
    fn table_body(
        &self,
        function: &Arc<Function>,
        path: &ObjectPath,
        env: &Env<'_>,
    ) -> Result<Body<BoundQuery>> {
        let Returns::Table(declared) = &function.returns else {
            let text = format!("Function {} is no table function", function.called());
            return Err(Error::new(ErrorCode::InvalidStatement, text));
        };
        let body = self.with_body(function, path, env, |body, env, scope| match body {
            FunctionBody::Query(query) => bind_query(self, &query, &env.inside(scope)),
            FunctionBody::Expr(expr) => {
                let text = "the body of a table function must be a query";
                Err(Error::new(ErrorCode::InvalidStatement, text).at(expr.span))
            }
        })?;
        let Body { parameters, bound } = body;
        let actual: Vec<SqlType> = bound.columns.iter().map(|column| column.sql_type).collect();
        if actual.len() != declared.len() {
            let text = format!(
                "Declared return type 'TABLE' with {} column(s) is incompatible with actual return type \
                 with {} column(s)",
                declared.len(),
                actual.len()
            );
            return Err(Error::new(ErrorCode::ReturnType, text));
        }
        let mut items = Vec::with_capacity(declared.len());
        for (column, (name, sql_type)) in bound.columns.iter().zip(declared) {
            compatible(*sql_type, column.sql_type)?;
            let sql_type = roomy(*sql_type, column.sql_type);
            let expr = explicit_cast(column.expr(), sql_type, false)?;
            items.push(ProjectItem { id: self.fresh(), name: name.clone(), expr });
        }
        let columns = items.iter().map(ProjectItem::column).collect();
        let plan = Plan::Project(Project { input: Box::new(bound.plan), items });
        Ok(Body { parameters, bound: BoundQuery { plan, columns } })
    }

    /// The rows of a table function's call.
    ///
    /// # Errors
    /// When the body no longer compiles.
    pub(crate) fn call_table_function(
        &self,
        call: ChosenCall,
        env: &Env<'_>,
    ) -> Result<BoundQuery> {
        let ChosenCall { path, function, arguments } = call;
        let Body { parameters, mut bound } = self.table_body(&function, &path, env)?;
        bound.plan = substituted(bound.plan, &values_of(&parameters, arguments));
        Ok(bound)
    }
}

impl ExprBinder<'_> {
    /// A call of a user's function of this name that gives a value; none when there is no such function.
    pub(super) fn bind_user_function(
        &mut self,
        name: &ObjectName,
        call: &FunctionCall,
    ) -> Result<Option<Expr>> {
        let Some(overloads) = self.binder.user_functions(name, self.env) else { return Ok(None) };
        if call.over.is_some() {
            let text = format!("Function {} is no window function", overloads.path.name);
            return Err(Error::new(ErrorCode::InvalidStatement, text));
        }
        super::function::refuse_qualifiers(call, &overloads.path.name)?;
        if overloads.is_aggregate() {
            return self.bind_user_aggregate(overloads, call).map(Some);
        }
        let call = self.choose(overloads, call)?;
        match call.function.returns {
            Returns::Value(_) if super::foreign::stays_call(&call.function) => {
                super::foreign::call(&call.function, call.arguments).map(Some)
            }
            Returns::Value(declared) => self.inline(call, declared).map(Some),
            Returns::Table(_) => {
                let name = &call.path.name;
                let text =
                    format!("Table function {name} may only stand in FROM: TABLE({name}(..))");
                Err(Error::new(ErrorCode::InvalidStatement, text))
            }
        }
    }

    /// The function that takes the arguments of a call with the fewest and mildest conversions.
    ///
    /// # Errors
    /// `InvalidArgumentTypes` when none takes them; when the roles may not use it.
    pub(crate) fn choose(
        &mut self,
        overloads: Overloads,
        call: &FunctionCall,
    ) -> Result<ChosenCall> {
        let Overloads { path, functions } = overloads;
        let given = self.given(&path.name, &call.arguments)?;
        let best = functions
            .iter()
            .filter_map(|function| Some((cost(&function.parameters, &given)?, function)))
            .min_by_key(|(cost, _)| *cost);
        let Some((_, function)) = best else {
            return Err(wrong_arguments(&path.name, &given));
        };
        self.env.catalog.authorize(Action::Use, &Object::Function(Arc::clone(function)))?;
        let arguments = self.ordered(&function.parameters, given)?;
        Ok(ChosenCall { path, function: Arc::clone(function), arguments })
    }

    /// The arguments of a call, with their names.
    fn given<'c>(
        &mut self,
        name: &str,
        arguments: &'c [Argument],
    ) -> Result<Vec<(Option<&'c str>, Expr)>> {
        let mut given = Vec::with_capacity(arguments.len());
        for argument in arguments {
            let ArgumentValue::Expr(expr) = &argument.value else {
                return Err(Error::not_supported(format!("this argument of {name}")));
            };
            let name = argument.name.as_ref().map(|name| name.name.as_str());
            given.push((name, self.bind_inner(expr)?));
        }
        Ok(given)
    }

    /// The arguments in the order of the parameters, cast to their types; defaults where none is given.
    pub(super) fn ordered(
        &mut self,
        parameters: &[Parameter],
        given: Vec<(Option<&str>, Expr)>,
    ) -> Result<Vec<Expr>> {
        let mut ordered: Vec<Option<Expr>> = parameters.iter().map(|_| None).collect();
        for (position, (name, expr)) in given.into_iter().enumerate() {
            let place = place_of(parameters, position, name);
            if let Some(place) = place.and_then(|place| ordered.get_mut(place)) {
                *place = Some(expr);
            }
        }
        let mut arguments = Vec::with_capacity(ordered.len());
        for (argument, parameter) in ordered.into_iter().zip(parameters) {
            let argument = match (argument, &parameter.default) {
                (Some(argument), _) => argument,
                (None, Some(text)) => {
                    let scope = Scope::default();
                    let mut gathered = Gathered::default();
                    let (binder, env) = (self.binder, self.env);
                    let mut inner =
                        ExprBinder::new(binder, env, &scope, Clause::Single, &mut gathered);
                    inner.bind(&firn_parse::parse_expression(text)?).map_err(Error::without_span)?
                }
                (None, None) => Expr::null(parameter.sql_type),
            };
            arguments.push(cast(argument, parameter.sql_type));
        }
        Ok(arguments)
    }

    /// The body in the place of a call.
    fn inline(&mut self, call: ChosenCall, declared: SqlType) -> Result<Expr> {
        let ChosenCall { path, function, arguments } = call;
        let below = matches!(self.clause, Clause::AggregateArgument | Clause::GroupBy);
        let key = (function.header.id, arguments.clone(), below);
        if let Some(known) = self.gathered.calls.get(&key) {
            return Ok(known.clone());
        }
        let mut gathered = Gathered::default();
        let (binder, depth) = (self.binder, self.depth);
        let body = binder.with_body(&function, &path, self.env, |body, env, scope| {
            let mut inner = ExprBinder::new(binder, env, scope, Clause::Single, &mut gathered);
            inner.depth = depth;
            inner.bind_body(&body)
        })?;
        let mut result = explicit_cast(body.bound, declared, false)?;
        if function.traits.strict {
            result = null_if_any_is(&body.parameters, result);
        }
        let mut values = values_of(&body.parameters, arguments);
        for parameter in &body.parameters {
            let count = uses(&result, &gathered.applies, parameter.id);
            if count > 1 && !self.in_lambda {
                self.compute_beside(parameter, count, &mut values);
            }
        }
        let is_query = !gathered.applies.is_empty();
        let mut volatile = result.volatility() == Volatility::Volatile;
        for apply in gathered.applies {
            apply.right.visit(&mut |node| {
                let mut parts = node.expressions().into_iter();
                volatile |= parts.any(|expr| expr.volatility() == Volatility::Volatile);
            });
            self.put_beside(with_values(apply, &values));
        }
        replace(&mut result, &values);
        volatile |= key.1.iter().any(|argument| argument.volatility() == Volatility::Volatile);
        if is_query && !volatile {
            self.gathered.calls.insert(key, result.clone());
        }
        Ok(result)
    }

    /// Computes an argument that is used `count` times once a row, where that matters; its column is then the
    /// argument.
    fn compute_beside(
        &mut self,
        parameter: &PlanColumn,
        count: usize,
        values: &mut HashMap<ColumnId, Expr>,
    ) {
        let windows: Vec<ColumnId> = self.gathered.windows.iter().map(|call| call.id).collect();
        let Some(value) = values.get_mut(&parameter.id) else { return };
        // What windows give is there only above.
        let reads_window = value.columns_used().iter().any(|id| windows.contains(id));
        let volatile = value.volatility() == Volatility::Volatile;
        if reads_window || !volatile && size(value).saturating_mul(count) <= COPIED_PARTS_MAX {
            return;
        }
        let column = self.binder.fresh_column(&parameter.name, value.sql_type(), true);
        let expr = std::mem::replace(value, column.expr());
        let items = vec![ProjectItem { id: column.id, name: column.name, expr }];
        let right = Plan::Project(Project { input: Box::new(Plan::one_row()), items });
        self.put_beside(PendingApply { kind: ApplyKind::Scalar, right, each_row: true });
    }

    /// The value of a body.
    pub(super) fn bind_body(&mut self, body: &FunctionBody) -> Result<Expr> {
        match body {
            FunctionBody::Expr(expr) => self.bind(expr),
            FunctionBody::Query(query) => self.bind_scalar_subquery(query),
        }
    }
}

/// The declared type of a table function's column; a text keeps the length that the body gives it where that is
/// more, since declared lengths cut and refuse nothing.
fn roomy(declared: SqlType, actual: SqlType) -> SqlType {
    match (declared, actual) {
        (SqlType::Varchar { length, collation }, SqlType::Varchar { length: given, .. }) => {
            SqlType::Varchar { length: length.max(given), collation }
        }
        _ => declared,
    }
}

/// The error of arguments that no function of a name takes.
pub(super) fn wrong_arguments(name: &str, given: &[(Option<&str>, Expr)]) -> Error {
    let types: Vec<String> = given.iter().map(|(_, expr)| expr.sql_type().to_string()).collect();
    let text = format!("Invalid argument types for function '{name}': ({})", types.join(", "));
    Error::new(ErrorCode::InvalidArgumentTypes, text)
}

/// The arguments by the columns that stand for them in the body.
pub(super) fn values_of(
    parameters: &[PlanColumn],
    arguments: Vec<Expr>,
) -> HashMap<ColumnId, Expr> {
    parameters.iter().map(|parameter| parameter.id).zip(arguments).collect()
}

pub(super) fn replace(expr: &mut Expr, values: &HashMap<ColumnId, Expr>) {
    let taken = std::mem::replace(expr, Expr::boolean(true));
    *expr = taken.map(&mut |part| match part.as_column().and_then(|id| values.get(&id)) {
        Some(value) => value.clone(),
        None => part,
    });
}

/// A subquery of a body in terms of the arguments.
pub(super) fn with_values(
    mut apply: PendingApply,
    values: &HashMap<ColumnId, Expr>,
) -> PendingApply {
    if let ApplyKind::Any { conditions, .. } = &mut apply.kind {
        conditions.iter_mut().for_each(|condition| replace(condition, values));
    }
    apply.right = substituted(apply.right, values);
    apply
}

fn substituted(plan: Plan, values: &HashMap<ColumnId, Expr>) -> Plan {
    plan.transform_up(&mut |mut node| {
        node.expressions_mut().into_iter().for_each(|expr| replace(expr, values));
        node
    })
}

/// How often a column is used by an expression and the subqueries beside it.
fn uses(expr: &Expr, applies: &[PendingApply], id: ColumnId) -> usize {
    let mut count = 0;
    let mut look =
        |expr: &Expr| expr.visit(&mut |part| count += usize::from(part.as_column() == Some(id)));
    look(expr);
    for apply in applies {
        if let ApplyKind::Any { conditions, .. } = &apply.kind {
            conditions.iter().for_each(&mut look);
        }
        apply.right.visit(&mut |node| node.expressions().into_iter().for_each(&mut look));
    }
    count
}

/// How many parts an expression has.
fn size(expr: &Expr) -> usize {
    let mut count = 0;
    expr.visit(&mut |_| count += 1);
    count
}

/// NULL where one of the parameters is.
fn null_if_any_is(parameters: &[PlanColumn], result: Expr) -> Expr {
    let sql_type = result.sql_type();
    let is_null = |column: &PlanColumn| Expr::IsNull(Box::new(column.expr()));
    let branches = parameters.iter().map(|column| (is_null(column), Expr::null(sql_type)));
    let branches: Vec<(Expr, Expr)> = branches.collect();
    match branches.is_empty() {
        true => result,
        false => Expr::Case { branches, otherwise: Some(Box::new(result)), sql_type },
    }
}

/// The parameter that an argument is for.
fn place_of(parameters: &[Parameter], position: usize, name: Option<&str>) -> Option<usize> {
    match name {
        None => (position < parameters.len()).then_some(position),
        Some(name) => parameters.iter().position(|parameter| parameter.name == name),
    }
}

/// What it costs to give a function these arguments; none when it does not take them.
pub(super) fn cost(parameters: &[Parameter], given: &[(Option<&str>, Expr)]) -> Option<u32> {
    let mut total = 0;
    let mut filled = vec![false; parameters.len()];
    for (position, (name, expr)) in given.iter().enumerate() {
        let place = place_of(parameters, position, *name)?;
        if std::mem::replace(&mut filled[place], true) {
            return None;
        }
        total += conversion_cost(expr.sql_type(), parameters[place].sql_type)?;
    }
    let mut missing = parameters.iter().zip(&filled).filter(|(_, filled)| !**filled);
    missing.all(|(parameter, _)| parameter.default.is_some()).then_some(total)
}

/// How far a type is from another one; none when it is not converted silently.
fn conversion_cost(from: SqlType, to: SqlType) -> Option<u32> {
    if !coerce::can_coerce(from, to) {
        return None;
    }
    if from.family() == to.family() || from.family() == TypeFamily::Null {
        return Some(0);
    }
    Some(match to.family() {
        TypeFamily::Float if from.is_numeric() => 1,
        _ if from.is_timestamp() && to.is_timestamp() => 1,
        TypeFamily::Variant => 4,
        TypeFamily::Text => 3,
        _ => 2,
    })
}

/// Whether a body that gives `actual` may be declared to give `declared`: they are of one family.
pub(super) fn compatible(declared: SqlType, actual: SqlType) -> Result<()> {
    let structured = |sql_type: SqlType| sql_type.structured().is_some();
    let alike = declared.family() == actual.family() && structured(declared) == structured(actual);
    if alike || actual.family() == TypeFamily::Null {
        return Ok(());
    }
    let text = format!(
        "Declared return type '{declared}' is incompatible with actual return type '{actual}'"
    );
    Err(Error::new(ErrorCode::ReturnType, text))
}
