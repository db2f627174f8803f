//! Every session parameter, as data: SET, SHOW, errors and documentation read this one table.

/// What values a parameter takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// TRUE or FALSE.
    Boolean,
    /// A whole number in a range.
    Number(i64, i64),
    /// Any text.
    Text,
    /// One of these words, in any case.
    Word(&'static [&'static str]),
    /// The name of a time zone.
    Zone,
}

/// One parameter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parameter {
    /// Its name.
    pub(crate) name: &'static str,
    /// What values it takes.
    pub(crate) kind: Kind,
    /// Its value unless set.
    pub(crate) default: &'static str,
    /// One sentence.
    pub(crate) description: &'static str,
}

const fn parameter(
    name: &'static str,
    kind: Kind,
    default: &'static str,
    description: &'static str,
) -> Parameter {
    Parameter { name, kind, default, description }
}

/// A parameter of clients alone, which a server tells them.
const fn for_clients(name: &'static str, kind: Kind, default: &'static str) -> Parameter {
    parameter(name, kind, default, "Kept, and told to clients.")
}

/// How clients want results.
const RESULT_FORMAT: Kind = Kind::Word(&["ARROW", "JSON", "ARROW_FORCE"]);

/// What a parameter of kind [`RESULT_FORMAT`] says.
const FORM_OF_RESULTS: &str = "The form in which a server sends rows to this client.";

/// All session parameters, by name.
pub(crate) const PARAMETERS: &[Parameter] = &[
    parameter(
        "ABORT_DETACHED_QUERY",
        Kind::Boolean,
        "FALSE",
        "Accepted; a session's statements end with it.",
    ),
    parameter(
        "AUTOCOMMIT",
        Kind::Boolean,
        "TRUE",
        "Whether each statement outside of a transaction commits by itself.",
    ),
    parameter(
        "BINARY_INPUT_FORMAT",
        Kind::Word(&["HEX", "BASE64", "UTF8", "UTF-8"]),
        "HEX",
        "How texts become BINARY.",
    ),
    parameter(
        "BINARY_OUTPUT_FORMAT",
        Kind::Word(&["HEX", "BASE64"]),
        "HEX",
        "How BINARY is printed.",
    ),
    for_clients("CLIENT_ENABLE_LOG_INFO_STATEMENT_PARAMETERS", Kind::Boolean, "FALSE"),
    for_clients("CLIENT_MEMORY_LIMIT", Kind::Number(0, 1_000_000_000), "1536"),
    for_clients("CLIENT_METADATA_REQUEST_USE_CONNECTION_CTX", Kind::Boolean, "FALSE"),
    for_clients("CLIENT_METADATA_USE_SESSION_DATABASE", Kind::Boolean, "FALSE"),
    for_clients("CLIENT_PREFETCH_THREADS", Kind::Number(1, 10), "4"),
    for_clients("CLIENT_RESULT_CHUNK_SIZE", Kind::Number(16, 160), "160"),
    for_clients("CLIENT_RESULT_COLUMN_CASE_INSENSITIVE", Kind::Boolean, "FALSE"),
    for_clients("CLIENT_RESULT_PREFETCH_SLOTS", Kind::Number(1, 100), "2"),
    for_clients("CLIENT_RESULT_PREFETCH_THREADS", Kind::Number(1, 10), "1"),
    for_clients("CLIENT_SESSION_CLONE", Kind::Boolean, "FALSE"),
    parameter(
        "CLIENT_SESSION_KEEP_ALIVE",
        Kind::Boolean,
        "FALSE",
        "Kept; clients that want it send signs of life.",
    ),
    for_clients("CLIENT_SESSION_KEEP_ALIVE_HEARTBEAT_FREQUENCY", Kind::Number(900, 3600), "3600"),
    for_clients("CLIENT_STAGE_ARRAY_BINDING_THRESHOLD", Kind::Number(0, 1_000_000_000), "500000"),
    for_clients("CLIENT_TELEMETRY_ENABLED", Kind::Boolean, "FALSE"),
    for_clients(
        "CLIENT_TIMESTAMP_TYPE_MAPPING",
        Kind::Word(&["TIMESTAMP_LTZ", "TIMESTAMP_NTZ"]),
        "TIMESTAMP_LTZ",
    ),
    for_clients("C_API_QUERY_RESULT_FORMAT", RESULT_FORMAT, "ARROW"),
    parameter("DATE_INPUT_FORMAT", Kind::Text, "AUTO", "How texts become DATE."),
    parameter("DATE_OUTPUT_FORMAT", Kind::Text, "YYYY-MM-DD", "How DATE is printed."),
    parameter(
        "DEFAULT_NULL_ORDERING",
        Kind::Word(&["LAST", "FIRST"]),
        "LAST",
        "Where NULLs stand in an ascending order.",
    ),
    parameter(
        "ERROR_ON_NONDETERMINISTIC_MERGE",
        Kind::Boolean,
        "TRUE",
        "Whether MERGE fails when several source rows change one target row.",
    ),
    parameter(
        "ERROR_ON_NONDETERMINISTIC_UPDATE",
        Kind::Boolean,
        "FALSE",
        "Whether UPDATE fails when several source rows change one target row.",
    ),
    parameter("GO_QUERY_RESULT_FORMAT", RESULT_FORMAT, "ARROW", FORM_OF_RESULTS),
    parameter("JDBC_QUERY_RESULT_FORMAT", RESULT_FORMAT, "ARROW", FORM_OF_RESULTS),
    for_clients("JDBC_TREAT_DECIMAL_AS_INT", Kind::Boolean, "TRUE"),
    for_clients("JDBC_TREAT_TIMESTAMP_NTZ_AS_UTC", Kind::Boolean, "FALSE"),
    for_clients("JDBC_USE_SESSION_TIMEZONE", Kind::Boolean, "TRUE"),
    parameter(
        "JSON_INDENT",
        Kind::Number(0, 16),
        "2",
        "Blanks per level of printed JSON; 0 prints one line.",
    ),
    parameter(
        "LOCK_TIMEOUT",
        Kind::Number(0, 1_000_000_000),
        "43200",
        "Seconds that a statement waits for rows that another session's open transaction has changed; 0 for none.",
    ),
    parameter(
        "MULTI_STATEMENT_COUNT",
        Kind::Number(0, 1_000_000_000),
        "1",
        "How many statements a request to a server has; 0 for any number.",
    ),
    for_clients("ODBC_QUERY_RESULT_FORMAT", RESULT_FORMAT, "ARROW"),
    for_clients("ODBC_TREAT_DECIMAL_AS_INT", Kind::Boolean, "FALSE"),
    parameter("PYTHON_CONNECTOR_QUERY_RESULT_FORMAT", RESULT_FORMAT, "ARROW", FORM_OF_RESULTS),
    for_clients("PYTHON_SNOWPARK_USE_SCOPED_TEMP_OBJECTS", Kind::Boolean, "FALSE"),
    for_clients("PYTHON_SNOWPARK_USE_SQL_SIMPLIFIER", Kind::Boolean, "TRUE"),
    parameter("QUERY_TAG", Kind::Text, "", "A text that the history keeps with each statement."),
    parameter(
        "QUOTED_IDENTIFIERS_IGNORE_CASE",
        Kind::Boolean,
        "FALSE",
        "Whether letters of quoted names are folded to upper case.",
    ),
    parameter(
        "ROWS_PER_RESULTSET",
        Kind::Number(0, i64::MAX),
        "0",
        "Most rows of a result; 0 for all.",
    ),
    parameter(
        "SEARCH_PATH",
        Kind::Text,
        "$current, $public",
        "Accepted; names resolve in the current schema.",
    ),
    parameter(
        "STATEMENT_QUEUED_TIMEOUT_IN_SECONDS",
        Kind::Number(0, 604_800),
        "0",
        "Seconds that a statement may wait for its warehouse; 0 for the longest.",
    ),
    parameter(
        "STATEMENT_TIMEOUT_IN_SECONDS",
        Kind::Number(0, 604_800),
        "172800",
        "Seconds after which a statement is canceled; 0 for the longest.",
    ),
    parameter(
        "STRICT_JSON_OUTPUT",
        Kind::Boolean,
        "FALSE",
        "Accepted; printed JSON is strict but for undefined.",
    ),
    parameter(
        "TIMESTAMP_DAY_IS_ALWAYS_24H",
        Kind::Boolean,
        "FALSE",
        "Accepted; days of a zone keep their own length.",
    ),
    parameter("TIMESTAMP_INPUT_FORMAT", Kind::Text, "AUTO", "How texts become timestamps."),
    parameter(
        "TIMESTAMP_LTZ_OUTPUT_FORMAT",
        Kind::Text,
        "",
        "How TIMESTAMP_LTZ is printed; empty for TIMESTAMP_OUTPUT_FORMAT.",
    ),
    parameter(
        "TIMESTAMP_NTZ_OUTPUT_FORMAT",
        Kind::Text,
        "YYYY-MM-DD HH24:MI:SS.FF3",
        "How TIMESTAMP_NTZ is printed.",
    ),
    parameter(
        "TIMESTAMP_OUTPUT_FORMAT",
        Kind::Text,
        "YYYY-MM-DD HH24:MI:SS.FF3 TZHTZM",
        "How timestamps are printed.",
    ),
    parameter(
        "TIMESTAMP_TYPE_MAPPING",
        Kind::Word(&["TIMESTAMP_NTZ", "TIMESTAMP_LTZ", "TIMESTAMP_TZ"]),
        "TIMESTAMP_NTZ",
        "What TIMESTAMP means.",
    ),
    parameter(
        "TIMESTAMP_TZ_OUTPUT_FORMAT",
        Kind::Text,
        "",
        "How TIMESTAMP_TZ is printed; empty for TIMESTAMP_OUTPUT_FORMAT.",
    ),
    parameter("TIMEZONE", Kind::Zone, "America/Los_Angeles", "The session's time zone."),
    parameter("TIME_INPUT_FORMAT", Kind::Text, "AUTO", "How texts become TIME."),
    parameter("TIME_OUTPUT_FORMAT", Kind::Text, "HH24:MI:SS", "How TIME is printed."),
    parameter(
        "TRANSACTION_ABORT_ON_ERROR",
        Kind::Boolean,
        "FALSE",
        "Whether any error rolls the transaction back.",
    ),
    parameter(
        "TRANSACTION_DEFAULT_ISOLATION_LEVEL",
        Kind::Word(&["READ COMMITTED"]),
        "READ COMMITTED",
        "The one isolation level.",
    ),
    parameter(
        "TWO_DIGIT_CENTURY_START",
        Kind::Number(1900, 2100),
        "1970",
        "The first year that two digits mean.",
    ),
    parameter(
        "UNSUPPORTED_DDL_ACTION",
        Kind::Word(&["IGNORE", "FAIL"]),
        "ignore",
        "Accepted; what is not supported fails.",
    ),
    parameter("USE_CACHED_RESULT", Kind::Boolean, "TRUE", "Kept; every query is computed."),
    parameter(
        "WEEK_OF_YEAR_POLICY",
        Kind::Number(0, 1),
        "0",
        "Whether the first week of a year is the one with its first day.",
    ),
    parameter(
        "WEEK_START",
        Kind::Number(0, 7),
        "0",
        "The first day of a week: 1 for Monday to 7 for Sunday, 0 as ISO.",
    ),
];

/// The parameter of this upper-case name.
pub(crate) fn find(name: &str) -> Option<&'static Parameter> {
    PARAMETERS.iter().find(|parameter| parameter.name == name)
}
