//! SHOW FUNCTIONS and SHOW PROCEDURES.

use firn_account::catalog::{Function as UserFunction, Namespace, Object, Procedure, Returns};
use firn_functions::Arity;
use firn_functions::registry::{self, Function};
use firn_query::bind::rewritten_functions;
use firn_types::{Result, Value};

use super::ShowContext;
use crate::introspect::listing::{Cell, Listing, number, text, time, y_n};
use crate::introspect::{routine, table_function};

const FUNCTIONS: &str = "created_on:time, name, schema_name, is_builtin, is_aggregate, is_ansi, \
                         min_num_arguments:number, max_num_arguments:number, arguments, \
                         description, catalog_name, is_table_function, valid_for_clustering, \
                         is_secure, secrets, external_access_integrations, is_external_function, \
                         language, is_memoizable, is_data_metric";

const PROCEDURES: &str = "created_on:time, name, schema_name, is_builtin, is_aggregate, is_ansi, \
                          min_num_arguments:number, max_num_arguments:number, arguments, \
                          description, catalog_name, is_table_function, valid_for_clustering, \
                          is_secure, secrets, external_access_integrations";

/// Arguments that are written out of a function that takes any number.
const ARGUMENTS_SHOWN: usize = 2;

/// What a listing tells of a function.
struct FunctionInfo {
    name: &'static str,
    summary: &'static str,
    arity: Arity,
    aggregate: bool,
    table: bool,
}

impl ShowContext<'_> {
    /// SHOW FUNCTIONS.
    pub(in crate::introspect) fn all_functions(&self) -> Result<Listing> {
        self.functions(true)
    }

    /// SHOW FUNCTIONS: those of users, and with `built_in` the built-in ones before them.
    pub(super) fn functions(&self, built_in: bool) -> Result<Listing> {
        let mut listing = Listing::show(FUNCTIONS);
        if built_in {
            let mut all = functions();
            all.sort_by_key(|info| info.name);
            for info in &all {
                self.add(&mut listing, info.name, &cells(info));
            }
        }
        for found in self.scoped_objects(Namespace::Function)? {
            let Object::Function(function) = &found.object else { continue };
            let mut cells = user_cells(function);
            cells.push(("schema_name", text(found.place.schema())));
            cells.push(("catalog_name", text(found.place.database())));
            self.add(&mut listing, function.called(), &cells);
        }
        Ok(listing)
    }
}

impl ShowContext<'_> {
    /// SHOW PROCEDURES.
    pub(in crate::introspect) fn procedures(&self) -> Result<Listing> {
        let mut listing = Listing::show(PROCEDURES);
        for found in self.scoped_objects(Namespace::Procedure)? {
            let Object::Procedure(procedure) = &found.object else { continue };
            let Procedure { header, parameters, returns, traits, .. } = procedure.as_ref();
            let comment = &header.comment;
            let description = if comment.is_empty() { "user-defined procedure" } else { comment };
            let called = procedure.called();
            let cells = [
                ("created_on", time(header.created_nanos)),
                ("name", text(called)),
                ("schema_name", text(found.place.schema())),
                ("is_builtin", y_n(false)),
                ("is_aggregate", y_n(false)),
                ("is_ansi", y_n(false)),
                ("min_num_arguments", number(routine::required(parameters) as u64)),
                ("max_num_arguments", number(parameters.len() as u64)),
                ("arguments", text(routine::with_return(called, parameters, returns))),
                ("description", text(description)),
                ("catalog_name", text(found.place.database())),
                ("is_table_function", y_n(matches!(returns, Returns::Table(_)))),
                ("valid_for_clustering", y_n(false)),
                ("is_secure", y_n(traits.secure)),
            ];
            self.add(&mut listing, called, &cells);
        }
        Ok(listing)
    }
}

fn functions() -> Vec<FunctionInfo> {
    // Operators are functions too, but nobody calls them.
    let named = |name: &&str| name.starts_with(|c: char| c.is_ascii_alphabetic());
    let mut all: Vec<FunctionInfo> = registry::names()
        .filter(named)
        .filter_map(|name| registry::find(name).map(|function| of_registry(name, function)))
        .collect();
    all.extend(rewritten_functions().map(|function| FunctionInfo {
        name: function.name,
        summary: function.summary,
        arity: function.arity,
        aggregate: false,
        table: false,
    }));
    all.extend(table_function::listed().map(|(name, parameters, summary)| FunctionInfo {
        name,
        summary,
        arity: Arity::between(0, parameters),
        aggregate: false,
        table: true,
    }));
    all
}

fn of_registry(name: &'static str, function: Function) -> FunctionInfo {
    let (summary, arity, aggregate, table) = match function {
        Function::Scalar(f) => (f.documentation.summary, f.arity, false, false),
        Function::Aggregate(f) => (f.documentation.summary, f.arity, true, false),
        Function::Window(f) => (f.documentation.summary, f.arity, true, false),
        Function::Table(f) => {
            (f.documentation.summary, Arity::between(0, f.parameters.len()), false, true)
        }
    };
    FunctionInfo { name, summary, arity, aggregate, table }
}

/// What is told of a user's function, wherever it is.
fn user_cells(function: &UserFunction) -> Vec<Cell<'_>> {
    let comment = &function.header.comment;
    let description = if comment.is_empty() { "user-defined function" } else { comment };
    let traits = &function.traits;
    vec![
        ("created_on", time(function.header.created_nanos)),
        ("name", text(function.called())),
        ("is_builtin", y_n(false)),
        ("is_aggregate", y_n(traits.aggregate)),
        ("is_ansi", y_n(false)),
        ("min_num_arguments", number(routine::required(&function.parameters) as u64)),
        ("max_num_arguments", number(function.parameters.len() as u64)),
        (
            "arguments",
            text(routine::with_return(function.called(), &function.parameters, &function.returns)),
        ),
        ("description", text(description)),
        ("is_table_function", y_n(matches!(function.returns, Returns::Table(_)))),
        ("valid_for_clustering", y_n(false)),
        ("is_secure", y_n(traits.secure)),
        ("is_external_function", y_n(false)),
        ("language", text(function.code.language.name())),
        ("is_memoizable", y_n(traits.memoizable)),
        ("is_data_metric", y_n(false)),
    ]
}

fn cells(info: &FunctionInfo) -> Vec<Cell<'static>> {
    let most = i64::try_from(info.arity.max).ok().filter(|count| *count < i64::MAX);
    vec![
        ("name", text(info.name)),
        ("is_builtin", y_n(true)),
        ("is_aggregate", y_n(info.aggregate)),
        ("is_ansi", y_n(false)),
        ("min_num_arguments", number(info.arity.min as u64)),
        ("max_num_arguments", most.map_or(Value::Null, number)),
        ("arguments", text(arguments(info))),
        ("description", text(info.summary)),
        ("is_table_function", y_n(info.table)),
        ("valid_for_clustering", y_n(false)),
        ("is_secure", y_n(false)),
        ("is_external_function", y_n(false)),
        ("language", text("SQL")),
        ("is_memoizable", y_n(false)),
        ("is_data_metric", y_n(false)),
    ]
}

/// `F(ANY [, ANY]) RETURN ANY`: types are chosen when a call is bound.
fn arguments(info: &FunctionInfo) -> String {
    let Arity { min, max } = info.arity;
    let any = |count: usize| vec!["ANY"; count].join(", ");
    let more = max.saturating_sub(min);
    let optional = match (min, more) {
        (_, 0) => String::new(),
        (0, more) if more <= ARGUMENTS_SHOWN => format!("[{}]", any(more)),
        (_, more) if more <= ARGUMENTS_SHOWN => format!(" [, {}]", any(more)),
        (0, _) => "[ANY, ...]".to_string(),
        _ => " [, ...]".to_string(),
    };
    let returns = if info.table { "TABLE" } else { "ANY" };
    format!("{}({}{optional}) RETURN {returns}", info.name, any(min))
}
