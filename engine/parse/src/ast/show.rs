//! SHOW, DESCRIBE and EXPLAIN.

use firn_types::Span;

use super::{Expr, GrantTarget, Name, ObjectKind, Statement, StatementOption, TypeName};

/// SHOW.
#[derive(Clone, Debug, PartialEq)]
pub struct Show {
    /// What is shown.
    pub kind: ShowKind,
    /// TERSE.
    pub terse: bool,
    /// HISTORY: dropped ones too.
    pub history: bool,
    /// LIKE: a pattern without regard to case.
    pub like: Option<String>,
    /// IN, where written.
    pub scope: Option<ShowScope>,
    /// STARTS WITH.
    pub starts_with: Option<String>,
    /// LIMIT.
    pub limit: Option<u64>,
    /// LIMIT .. FROM.
    pub from: Option<String>,
    /// Where the words after SHOW were written.
    pub span: Span,
}

/// What SHOW shows.
#[derive(Clone, Debug, PartialEq)]
pub enum ShowKind {
    /// All objects of a kind.
    Objects(ObjectKind),
    /// OBJECTS: tables and views.
    TablesAndViews,
    /// COLUMNS.
    Columns,
    /// VARIABLES.
    Variables,
    /// PARAMETERS.
    Parameters,
    /// TRANSACTIONS.
    Transactions,
    /// LOCKS.
    Locks,
    /// PRIMARY KEYS.
    PrimaryKeys,
    /// UNIQUE KEYS.
    UniqueKeys,
    /// IMPORTED KEYS.
    ImportedKeys,
    /// EXPORTED KEYS.
    ExportedKeys,
    /// USER PROGRAMMATIC ACCESS TOKENS, of the current user unless named.
    AccessTokens(Option<Name>),
    /// USER FUNCTIONS.
    UserFunctions,
    /// GRANTS of the current user.
    Grants,
    /// GRANTS ON kind name; an account has no name.
    GrantsOn(Option<ObjectKind>, Option<Name>, Option<Vec<TypeName>>),
    /// GRANTS TO.
    GrantsTo(GrantTarget),
    /// GRANTS OF.
    GrantsOf(GrantTarget),
    /// FUTURE GRANTS IN a database or schema.
    FutureGrantsIn(ObjectKind, Name),
    /// FUTURE GRANTS TO.
    FutureGrantsTo(GrantTarget),
}

/// IN.
#[derive(Clone, Debug, PartialEq)]
pub enum ShowScope {
    /// ACCOUNT.
    Account,
    /// DATABASE, the current one unless named.
    Database(Option<Name>),
    /// SCHEMA, the current one unless named.
    Schema(Option<Name>),
    /// A bare name: a schema, or a database where only databases have such objects.
    Name(Name),
    /// TABLE.
    Table(Name),
    /// VIEW or MATERIALIZED VIEW.
    View(Name),
    /// SESSION (parameters).
    Session,
    /// Any other object: WAREHOUSE, USER, TASK (parameters).
    Object(ObjectKind, Option<Name>),
}

/// DESCRIBE.
#[derive(Clone, Debug, PartialEq)]
pub struct Describe {
    /// What is described.
    pub kind: DescribeKind,
    /// `TYPE = STAGE` and the like.
    pub options: Vec<StatementOption>,
}

/// What DESCRIBE describes.
#[derive(Clone, Debug, PartialEq)]
pub enum DescribeKind {
    /// An object.
    Object(ObjectKind, Name),
    /// A function or procedure with its argument types.
    Routine(ObjectKind, Name, Vec<TypeName>),
    /// RESULT 'id'.
    Result(Expr),
}

/// EXPLAIN.
#[derive(Clone, Debug, PartialEq)]
pub struct Explain {
    /// USING.
    pub format: ExplainFormat,
    /// The statement.
    pub statement: Box<Statement>,
    /// Where the statement's text begins and ends.
    pub statement_span: Span,
}

/// How EXPLAIN answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExplainFormat {
    /// One row an operation.
    #[default]
    Tabular,
    /// One JSON text.
    Json,
    /// One text for people.
    Text,
    /// The plan as it was bound, and after each optimizer rule that changes it; firn's own.
    Rules,
}
