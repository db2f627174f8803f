//! What the session and its statement are.

use firn_column::Column;
use firn_column::kernels::forms::without_dictionary;
use firn_types::{Error, ErrorCode, Result, SqlType, Value};

use super::{Kernel, ScalarBinding, ScalarFunction};
use crate::driver::{ints, null_propagating};
use crate::{Argument, Arity, Documentation, Example, FunctionContext, Volatility, accept};

const CATEGORY: &str = "Context";

/// The functions of this folder.
pub(crate) const FUNCTIONS: &[&ScalarFunction] = &[
    &CURRENT_ACCOUNT,
    &CURRENT_ACCOUNT_NAME,
    &CURRENT_AVAILABLE_ROLES,
    &CURRENT_CLIENT,
    &CURRENT_DATABASE,
    &CURRENT_IP_ADDRESS,
    &CURRENT_ORGANIZATION_NAME,
    &CURRENT_REGION,
    &CURRENT_ROLE,
    &CURRENT_ROLE_TYPE,
    &CURRENT_SCHEMA,
    &CURRENT_SCHEMAS,
    &CURRENT_SECONDARY_ROLES,
    &CURRENT_SESSION,
    &CURRENT_STATEMENT,
    &CURRENT_TRANSACTION,
    &CURRENT_USER,
    &CURRENT_VERSION,
    &CURRENT_WAREHOUSE,
    &INVOKER_ROLE,
    &IS_DATABASE_ROLE_IN_SESSION,
    &IS_ROLE_IN_SESSION,
    &LAST_QUERY_ID,
    &LAST_TRANSACTION,
];

macro_rules! fact {
    ($constant:ident, $fact:expr, $summary:literal, $examples:expr) => {
        /// A fact of the session.
        const $constant: ScalarFunction = ScalarFunction::new(
            stringify!($constant),
            Arity::exactly(0),
            |_| ScalarBinding::new(Vec::new(), SqlType::TEXT, kernel($fact)),
            Documentation::of(CATEGORY, $summary, $examples),
        )
        .with_volatility(Volatility::Stable);
    };
}

fact!(CURRENT_ACCOUNT, |c| Ok(Some(c.account.clone())), "The name of the account.", &[]);
fact!(CURRENT_ACCOUNT_NAME, |c| Ok(Some(c.account.clone())), "The name of the account.", &[]);
fact!(
    CURRENT_AVAILABLE_ROLES,
    |c| c.host.system_function("CURRENT_AVAILABLE_ROLES", &[]),
    "The roles that the user may take, as a JSON array.",
    &[]
);
fact!(CURRENT_CLIENT, |c| Ok(Some(client(c))), "The program that sent the statement.", &[]);
fact!(
    CURRENT_DATABASE,
    |c| Ok(c.database.clone()),
    "The database in use; NULL without one.",
    &[Example::of("CURRENT_DATABASE()", "FIRN")]
);
fact!(
    CURRENT_IP_ADDRESS,
    |c| Ok(Some(c.address.as_deref().unwrap_or("127.0.0.1").to_string())),
    "The address that the statement came from.",
    &[Example::of("CURRENT_IP_ADDRESS()", "127.0.0.1")]
);
fact!(
    CURRENT_ORGANIZATION_NAME,
    |c| Ok(Some(c.account.clone())),
    "The name of the organization that owns the account.",
    &[]
);
fact!(
    CURRENT_REGION,
    |_| Ok(Some("LOCAL".to_string())),
    "Where the account is.",
    &[Example::of("CURRENT_REGION()", "LOCAL")]
);
fact!(
    CURRENT_ROLE,
    |c| Ok(Some(c.role.clone())),
    "The role in use.",
    &[Example::of("CURRENT_ROLE()", "ACCOUNTADMIN")]
);
fact!(
    CURRENT_ROLE_TYPE,
    |_| Ok(Some("ROLE".to_string())),
    "The kind of the role in use.",
    &[Example::of("CURRENT_ROLE_TYPE()", "ROLE")]
);
fact!(
    CURRENT_SCHEMA,
    |c| Ok(c.schema.clone()),
    "The schema in use; NULL without one.",
    &[Example::of("CURRENT_SCHEMA()", "PUBLIC")]
);
fact!(
    CURRENT_SCHEMAS,
    |c| Ok(Some(search_path(c))),
    "The schemas that names are looked up in, as a JSON array.",
    &[]
);
fact!(
    CURRENT_SECONDARY_ROLES,
    |c| c.host.system_function("CURRENT_SECONDARY_ROLES", &[]),
    "The secondary roles in use, as a JSON object.",
    &[]
);
fact!(CURRENT_SESSION, |c| Ok(Some(c.session_id.to_string())), "The number of the session.", &[]);
fact!(
    CURRENT_STATEMENT,
    |c| c.host.system_function("CURRENT_STATEMENT", &[]),
    "The text of the statement.",
    &[]
);
fact!(
    CURRENT_TRANSACTION,
    |c| Ok(c.transaction_id.clone()),
    "The open transaction; NULL outside of one.",
    &[Example::of("CURRENT_TRANSACTION()", "NULL")]
);
fact!(CURRENT_USER, |c| Ok(Some(c.user.clone())), "The user.", &[]);
fact!(
    CURRENT_VERSION,
    |_| Ok(Some(env!("CARGO_PKG_VERSION").to_string())),
    "The version of firn.",
    &[]
);
fact!(
    CURRENT_WAREHOUSE,
    |c| Ok(c.warehouse.clone()),
    "The warehouse in use; NULL without one.",
    &[Example::of("CURRENT_WAREHOUSE()", "COMPUTE_WH")]
);
fact!(
    INVOKER_ROLE,
    |c| Ok(Some(c.role.clone())),
    "The role that runs the statement.",
    &[Example::of("INVOKER_ROLE()", "ACCOUNTADMIN")]
);
fact!(
    LAST_TRANSACTION,
    |c| c.host.system_function("LAST_TRANSACTION", &[]),
    "The last transaction that was committed or rolled back.",
    &[]
);

/// IS_DATABASE_ROLE_IN_SESSION(role)
const IS_DATABASE_ROLE_IN_SESSION: ScalarFunction = ScalarFunction::new(
    "IS_DATABASE_ROLE_IN_SESSION",
    Arity::exactly(1),
    |arguments| bind_is_role("IS_DATABASE_ROLE_IN_SESSION", arguments),
    Documentation::of(
        CATEGORY,
        "Whether the role in use was granted this role of the database in use.",
        &[Example::of("IS_DATABASE_ROLE_IN_SESSION('no_such_role')", "False")],
    ),
)
.with_volatility(Volatility::Stable);

/// IS_ROLE_IN_SESSION(role)
const IS_ROLE_IN_SESSION: ScalarFunction = ScalarFunction::new(
    "IS_ROLE_IN_SESSION",
    Arity::exactly(1),
    |arguments| bind_is_role("IS_ROLE_IN_SESSION", arguments),
    Documentation::of(
        CATEGORY,
        "Whether the role in use is this one or was granted it.",
        &[Example::of("IS_ROLE_IN_SESSION('ACCOUNTADMIN')", "True")],
    ),
)
.with_volatility(Volatility::Stable);

/// LAST_QUERY_ID([number])
const LAST_QUERY_ID: ScalarFunction = ScalarFunction::new(
    "LAST_QUERY_ID",
    Arity::between(0, 1),
    bind_last_query_id,
    Documentation::of(
        CATEGORY,
        "The id of an earlier statement of the session: -1 is the last one, 1 the first one.",
        &[],
    ),
)
.with_volatility(Volatility::Stable);

fn client(context: &FunctionContext) -> String {
    let own = || format!("firn {}", env!("CARGO_PKG_VERSION"));
    context.client.as_ref().map_or_else(own, ToString::to_string)
}

fn search_path(context: &FunctionContext) -> String {
    let Some(database) = &context.database else { return "[]".to_string() };
    let schema = context.schema.iter().map(|schema| format!("\"{database}.{schema}\""));
    let public =
        (context.schema.as_deref() != Some("PUBLIC")).then(|| format!("\"{database}.PUBLIC\""));
    format!("[{}]", schema.chain(public).collect::<Vec<_>>().join(", "))
}

fn kernel(fact: fn(&FunctionContext) -> Result<Option<String>>) -> Kernel {
    Kernel::aware(move |call, _| {
        let value = fact(call.context)?.map_or(Value::Null, Value::text);
        Column::constant(&value, SqlType::TEXT, call.rows)
    })
}

fn bind_is_role(name: &'static str, arguments: &[Argument]) -> Result<ScalarBinding> {
    let input = accept::text(name, arguments, 0)?;
    let kernel = null_propagating(move |rows, columns| {
        let role = crate::driver::texts(&columns[0])?;
        rows.map(|at| {
            let host = &rows.call.context.host;
            let answer = host.system_function(name, &[Some(role.get(at).to_string())])?;
            Ok(Some(answer.is_some_and(|answer| answer.eq_ignore_ascii_case("true"))))
        })
    });
    ScalarBinding::new(vec![input], SqlType::Boolean, kernel)
}

fn bind_last_query_id(arguments: &[Argument]) -> Result<ScalarBinding> {
    let mut types = Vec::new();
    if !arguments.is_empty() {
        types.push(accept::integer("LAST_QUERY_ID", arguments, 0)?);
    }
    let kernel = Kernel::aware(|call, columns| {
        let offset = match columns.first().map(without_dictionary) {
            None => -1,
            Some(column) if call.rows == 0 || column.is_null(0) => {
                return Ok(Column::nulls_of(SqlType::TEXT, call.rows));
            }
            Some(column) => ints(&column)?.get(0),
        };
        let wrong = || {
            let text = format!("Statement {offset} of the session not found");
            Error::new(ErrorCode::StatementNotFound, text)
        };
        let id = call.context.host.query_id(offset);
        let id = if offset == -1 { id } else { Some(id.ok_or_else(wrong)?) };
        Column::constant(&id.map_or(Value::Null, Value::text), SqlType::TEXT, call.rows)
    });
    ScalarBinding::new(types, SqlType::varchar(36), kernel)
}
