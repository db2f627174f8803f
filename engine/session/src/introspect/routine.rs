//! How functions and procedures are shown: their arguments, what they give, and the statement that makes them again.

use firn_account::catalog::{Function, FunctionTraits, Parameter, Procedure, Returns, type_word};
use firn_types::{Code, Handler, Identifier, SqlType};

/// `(A NUMBER, B VARCHAR)`: the parameters with their types, without lengths.
pub(crate) fn argument_signature(parameters: &[Parameter]) -> String {
    let one = |parameter: &Parameter| {
        let (name, out) = (Identifier::to_sql(&parameter.name), word(parameter.output, "OUT "));
        format!("{name} {out}{}", type_word(parameter.sql_type))
    };
    format!("({})", parameters.iter().map(one).collect::<Vec<_>>().join(", "))
}

/// `F(NUMBER [, VARCHAR]) RETURN NUMBER`, as SHOW FUNCTIONS has it.
pub(crate) fn with_return(called: &str, parameters: &[Parameter], returns: &Returns) -> String {
    let required = required(parameters);
    let words = |parameters: &[Parameter]| -> Vec<String> {
        parameters.iter().map(|parameter| type_word(parameter.sql_type)).collect()
    };
    let (before, after) = parameters.split_at(required);
    let optional = match (before.is_empty(), words(after)) {
        (_, after) if after.is_empty() => String::new(),
        (true, after) => format!("[{}]", after.join(", ")),
        (false, after) => format!(" [, {}]", after.join(", ")),
    };
    let returns = match returns {
        Returns::Value(sql_type) => type_word(*sql_type),
        Returns::Table(columns) => table(columns, type_word),
    };
    format!("{called}({}{optional}) RETURN {returns}", words(before).join(", "))
}

/// How many arguments must be given.
pub(crate) fn required(parameters: &[Parameter]) -> usize {
    parameters.iter().take_while(|parameter| parameter.default.is_none()).count()
}

/// What it gives, with lengths: `NUMBER(38,0)` or `TABLE (A NUMBER(38,0))`.
pub(crate) fn returns(returns: &Returns) -> String {
    match returns {
        Returns::Value(sql_type) => sql_type.to_string(),
        Returns::Table(columns) => table(columns, |sql_type| sql_type.to_string()),
    }
}

fn table(columns: &[(String, SqlType)], word: impl Fn(SqlType) -> String) -> String {
    let column = |(name, sql_type): &(String, SqlType)| {
        format!("{} {}", Identifier::to_sql(name), word(*sql_type))
    };
    format!("TABLE ({})", columns.iter().map(column).collect::<Vec<_>>().join(", "))
}

/// The statement that makes a function again, under a name.
pub(crate) fn definition(function: &Function, name: &str) -> String {
    let traits = &function.traits;
    let kind = if traits.aggregate { "AGGREGATE FUNCTION" } else { "FUNCTION" };
    let mut text = head(kind, name, &function.parameters, (&function.returns, traits));
    match function.code.is_foreign() {
        true => {
            text.push_str(&language(&function.code, traits));
            text.push_str(word(!traits.volatile, "IMMUTABLE\n"));
        }
        false => {
            text.push_str(word(traits.strict, "RETURNS NULL ON NULL INPUT\n"));
            text.push_str(word(traits.volatile, "VOLATILE\n"));
        }
    }
    text.push_str(word(traits.memoizable, "MEMOIZABLE\n"));
    text.push_str(&comment(&function.header.comment));
    text.push_str(&behind(&function.code.body));
    text
}

/// The statement that makes a procedure again, under a name.
pub(crate) fn procedure_definition(procedure: &Procedure, name: &str) -> String {
    let traits = &procedure.traits;
    let mut text = head("PROCEDURE", name, &procedure.parameters, (&procedure.returns, traits));
    text.push_str(&language(&procedure.code, traits));
    text.push_str(&comment(&procedure.header.comment));
    text.push_str(if procedure.as_caller { "EXECUTE AS CALLER\n" } else { "EXECUTE AS OWNER\n" });
    text.push_str(&behind(&procedure.code.body));
    text
}

/// What the statements begin with.
fn head(
    kind: &str,
    name: &str,
    parameters: &[Parameter],
    (given, traits): (&Returns, &FunctionTraits),
) -> String {
    let parameter = |parameter: &Parameter| {
        let default = parameter.default.as_ref();
        let default = default.map_or(String::new(), |text| format!(" DEFAULT {text}"));
        let (name, out) = (Identifier::to_sql(&parameter.name), word(parameter.output, "OUT "));
        format!("{name} {out}{}{default}", parameter.sql_type)
    };
    let parameters: Vec<String> = parameters.iter().map(parameter).collect();
    format!(
        "CREATE OR REPLACE {}{}{kind} {name}({})\nRETURNS {}{}\n",
        word(traits.temporary, "TEMPORARY "),
        word(traits.secure, "SECURE "),
        parameters.join(", "),
        returns(given),
        word(traits.not_null, " NOT NULL"),
    )
}

/// The language, that it is not called for NULL, and what is called with what it needs.
fn language(code: &Code, traits: &FunctionTraits) -> String {
    let mut text = format!("LANGUAGE {}\n{}", code.language, word(traits.strict, "STRICT\n"));
    let Some(handler) = &code.handler else { return text };
    let list = |name: &str, all: &[String]| match all.is_empty() {
        true => String::new(),
        false => {
            let all: Vec<String> = all.iter().map(|one| literal(one)).collect();
            format!("{name}=({})\n", all.join(","))
        }
    };
    text.push_str(&format!("RUNTIME_VERSION={}\n", literal(&handler.runtime_version)));
    text.push_str(&list("PACKAGES", &handler.packages));
    text.push_str(&list("IMPORTS", &handler.imports));
    text.push_str(&format!("HANDLER={}\n", literal(&handler.name)));
    text
}

/// What a handler imports, as listings have it: `[@"D"."S"."STAGE"/file.py]`.
pub(crate) fn imports(handler: &Handler) -> String {
    format!("[{}]", handler.imports.join(", "))
}

/// The packages that a handler needs, as listings have them: `['numpy', 'pandas==2.*']`.
pub(crate) fn packages(handler: &Handler) -> String {
    let quoted: Vec<String> = handler.packages.iter().map(|name| format!("'{name}'")).collect();
    format!("[{}]", quoted.join(", "))
}

/// The body, where the code is not only imported.
fn behind(body: &str) -> String {
    if body.is_empty() { ";".to_string() } else { format!("AS {};", literal(body)) }
}

fn word(is: bool, word: &'static str) -> &'static str {
    if is { word } else { "" }
}

fn comment(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("COMMENT={}\n", literal(text)) }
}

/// A text as a SQL literal on as many lines as it has.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}
