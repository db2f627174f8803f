//! Queries.

use firn_types::{Identifier, Span};

use super::{Expr, FunctionCall, Name, NamedWindow, StageLocation, StatementOption};

/// A query: everything that yields rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// WITH.
    pub with: Option<With>,
    /// SELECT, set operations or VALUES.
    pub body: QueryBody,
    /// ORDER BY.
    pub order_by: Option<OrderBy>,
    /// LIMIT, FETCH and OFFSET.
    pub limit: Option<Limit>,
    /// Where it was written.
    pub span: Span,
}

/// WITH.
#[derive(Clone, Debug, PartialEq)]
pub struct With {
    /// RECURSIVE was written; a query may refer to itself without.
    pub recursive: bool,
    /// The named queries, in order.
    pub ctes: Vec<Cte>,
}

/// `name [(columns)] AS (query)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Cte {
    /// Its name.
    pub name: Identifier,
    /// The names of its columns, where given.
    pub columns: Vec<Identifier>,
    /// The query.
    pub query: Box<Query>,
}

/// The part of a query before ORDER BY.
#[derive(Clone, Debug, PartialEq)]
pub enum QueryBody {
    /// SELECT.
    Select(Box<Select>),
    /// A query in parentheses.
    Query(Box<Query>),
    /// UNION, INTERSECT, EXCEPT.
    SetOperation(Box<SetOperation>),
    /// VALUES.
    Values(Values),
}

/// A chain of the same set operation, applied from left to right.
#[derive(Clone, Debug, PartialEq)]
pub struct SetOperation {
    /// Which one.
    pub operator: SetOperator,
    /// ALL: duplicates stay.
    pub all: bool,
    /// BY NAME: columns are matched by name, not by place.
    pub by_name: bool,
    /// The operands, two or more.
    pub branches: Vec<QueryBody>,
    /// Where it was written.
    pub span: Span,
}

/// Which set operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetOperator {
    /// UNION.
    Union,
    /// INTERSECT.
    Intersect,
    /// EXCEPT, also written MINUS.
    Except,
}

/// SELECT.
#[derive(Clone, Debug, PartialEq)]
pub struct Select {
    /// DISTINCT.
    pub distinct: bool,
    /// TOP n.
    pub top: Option<Expr>,
    /// The select list; empty only in erroneous statements.
    pub items: Vec<SelectItem>,
    /// FROM: the items between commas.
    pub from: Vec<TableExpr>,
    /// START WITH and CONNECT BY.
    pub hierarchy: Option<Hierarchy>,
    /// WHERE.
    pub filter: Option<Expr>,
    /// GROUP BY.
    pub group_by: Option<GroupBy>,
    /// HAVING.
    pub having: Option<Expr>,
    /// QUALIFY.
    pub qualify: Option<Expr>,
    /// WINDOW.
    pub windows: Vec<NamedWindow>,
    /// Where it was written.
    pub span: Span,
}

/// START WITH .. CONNECT BY ..
#[derive(Clone, Debug, PartialEq)]
pub struct Hierarchy {
    /// START WITH: the first rows; all without it.
    pub start: Option<Expr>,
    /// CONNECT BY: what must hold of a row and its parent.
    pub connect: Vec<Expr>,
}

/// One item of a select list.
#[derive(Clone, Debug, PartialEq)]
pub struct SelectItem {
    /// What it is.
    pub kind: SelectItemKind,
    /// Its source text, without an alias: the header of an expression without alias is this text in
    /// upper case.
    pub span: Span,
}

/// What an item of a select list is.
#[derive(Clone, Debug, PartialEq)]
pub enum SelectItemKind {
    /// An expression, perhaps with an alias.
    Expr(Expr, Option<Identifier>),
    /// `*` or `t.*`.
    Star(Box<Star>),
}

/// `*` with its modifiers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Star {
    /// `t` of `t.*`.
    pub qualifier: Option<firn_types::ObjectName>,
    /// ILIKE 'pattern': only columns whose name matches.
    pub ilike: Option<String>,
    /// EXCLUDE: not these.
    pub exclude: Vec<Identifier>,
    /// REPLACE (expr AS column).
    pub replace: Vec<(Expr, Identifier)>,
    /// RENAME column AS name.
    pub rename: Vec<(Identifier, Identifier)>,
    /// Where it was written.
    pub span: Span,
}

/// GROUP BY.
#[derive(Clone, Debug, PartialEq)]
pub enum GroupBy {
    /// ALL: every item of the select list that has no aggregate.
    All(Span),
    /// What is written; the grouping sets are the product of the items.
    Items(Vec<GroupItem>),
}

/// One item of GROUP BY.
#[derive(Clone, Debug, PartialEq)]
pub enum GroupItem {
    /// An expression, an alias or a position.
    Expr(Expr),
    /// GROUPING SETS; `GROUP BY ()` is one empty set.
    Sets(Vec<Vec<Expr>>, Span),
    /// ROLLUP; each element is one level.
    Rollup(Vec<Vec<Expr>>, Span),
    /// CUBE; each element is in or out.
    Cube(Vec<Vec<Expr>>, Span),
}

/// ORDER BY.
#[derive(Clone, Debug, PartialEq)]
pub enum OrderBy {
    /// ALL: every item of the select list, from left to right.
    All {
        /// DESC.
        descending: bool,
        /// NULLS FIRST or LAST, where written.
        nulls_first: Option<bool>,
        /// Where it was written.
        span: Span,
    },
    /// What is written.
    Items(Vec<OrderItem>),
}

/// One item of an ORDER BY.
#[derive(Clone, Debug, PartialEq)]
pub struct OrderItem {
    /// By what.
    pub expr: Expr,
    /// DESC.
    pub descending: bool,
    /// NULLS FIRST or LAST, where written.
    pub nulls_first: Option<bool>,
}

/// LIMIT, FETCH and OFFSET; NULL and an empty string mean none.
#[derive(Clone, Debug, PartialEq)]
pub struct Limit {
    /// Most rows.
    pub count: Option<Expr>,
    /// Rows passed over first.
    pub offset: Option<Expr>,
}

/// VALUES.
#[derive(Clone, Debug, PartialEq)]
pub struct Values {
    /// The rows; they may differ in width, which the binder refuses.
    pub rows: Vec<Vec<Expr>>,
    /// Where it was written.
    pub span: Span,
}

/// A source of rows in FROM.
#[derive(Clone, Debug, PartialEq)]
pub struct TableExpr {
    /// What it is.
    pub kind: TableKind,
    /// AS name (columns).
    pub alias: Option<TableAlias>,
    /// SAMPLE.
    pub sample: Option<Sample>,
    /// Where it was written.
    pub span: Span,
}

/// An alias in FROM.
#[derive(Clone, Debug, PartialEq)]
pub struct TableAlias {
    /// The name.
    pub name: Identifier,
    /// New names of the first columns.
    pub columns: Vec<Identifier>,
}

/// What a source of rows is.
#[derive(Clone, Debug, PartialEq)]
pub enum TableKind {
    /// A table, view or named query.
    Table {
        /// Its name.
        name: Name,
        /// AT or BEFORE.
        at: Option<TimeTravel>,
        /// CHANGES.
        changes: Option<Changes>,
    },
    /// A query in parentheses.
    Subquery {
        /// The query.
        query: Box<Query>,
        /// LATERAL: it sees the items before it.
        lateral: bool,
    },
    /// `TABLE(f(..))`, `LATERAL f(..)` or `f(..)`: always sees the items before it.
    Function(Box<FunctionCall>),
    /// `VALUES ..`.
    Values(Values),
    /// Staged files.
    Stage {
        /// Where they are.
        location: StageLocation,
        /// `(FILE_FORMAT => .., PATTERN => ..)`.
        options: Vec<StatementOption>,
    },
    /// PIVOT.
    Pivot(Box<Pivot>),
    /// UNPIVOT.
    Unpivot(Box<Unpivot>),
    /// MATCH_RECOGNIZE.
    MatchRecognize(Box<MatchRecognize>),
    /// A join.
    Join(Box<Join>),
}

/// A join of two sources.
#[derive(Clone, Debug, PartialEq)]
pub struct Join {
    /// The left side.
    pub left: TableExpr,
    /// The right side.
    pub right: TableExpr,
    /// Which rows without partner stay.
    pub kind: JoinKind,
    /// What makes two rows partners.
    pub constraint: JoinConstraint,
    /// ASOF JOIN.
    pub asof: Option<AsofJoin>,
}

/// The condition of an ASOF JOIN.
#[derive(Clone, Debug, PartialEq)]
pub struct AsofJoin {
    /// MATCH_CONDITION.
    pub condition: Expr,
}

/// Which rows without partner stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinKind {
    /// None; also a JOIN without condition.
    Inner,
    /// Those of the left side.
    Left,
    /// Those of the right side.
    Right,
    /// All.
    Full,
    /// There is no condition.
    Cross,
}

/// What makes two rows partners.
#[derive(Clone, Debug, PartialEq)]
pub enum JoinConstraint {
    /// Nothing was written.
    None,
    /// ON.
    On(Expr),
    /// USING.
    Using(Vec<Identifier>),
    /// NATURAL: all columns of the same name.
    Natural,
}

/// AT or BEFORE.
#[derive(Clone, Debug, PartialEq)]
pub struct TimeTravel {
    /// BEFORE: without the effect of that statement or moment.
    pub before: bool,
    /// When.
    pub point: TimePoint,
    /// Where it was written.
    pub span: Span,
}

/// A moment in a table's history.
#[derive(Clone, Debug, PartialEq)]
pub enum TimePoint {
    /// TIMESTAMP => expr.
    Timestamp(Expr),
    /// OFFSET => seconds, negative.
    Offset(Expr),
    /// STATEMENT => query id.
    Statement(Expr),
    /// STREAM => name.
    Stream(Expr),
}

/// CHANGES (INFORMATION => ..) AT .. [END ..].
#[derive(Clone, Debug, PartialEq)]
pub struct Changes {
    /// APPEND_ONLY instead of DEFAULT.
    pub append_only: bool,
    /// END.
    pub end: Option<TimeTravel>,
}

/// SAMPLE.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// SYSTEM or BLOCK: whole blocks, not rows.
    pub block: bool,
    /// How much.
    pub size: SampleSize,
    /// REPEATABLE or SEED.
    pub seed: Option<Expr>,
}

/// How much of a table a sample takes.
#[derive(Clone, Debug, PartialEq)]
pub enum SampleSize {
    /// This percentage.
    Percent(Expr),
    /// This many rows.
    Rows(Expr),
}

/// PIVOT.
#[derive(Clone, Debug, PartialEq)]
pub struct Pivot {
    /// What is pivoted.
    pub source: TableExpr,
    /// The aggregate.
    pub aggregate: FunctionCall,
    /// Its alias.
    pub alias: Option<Identifier>,
    /// FOR.
    pub column: Identifier,
    /// IN.
    pub values: PivotValues,
    /// DEFAULT ON NULL.
    pub default: Option<Expr>,
}

/// Which values of the pivot column become columns.
#[derive(Clone, Debug, PartialEq)]
pub enum PivotValues {
    /// These.
    List(Vec<PivotValue>),
    /// ANY [ORDER BY ..].
    Any(Vec<OrderItem>),
    /// Those of a query.
    Query(Box<Query>),
}

/// A value that becomes a column.
#[derive(Clone, Debug, PartialEq)]
pub struct PivotValue {
    /// The value.
    pub expr: Expr,
    /// The column's name, where given.
    pub alias: Option<Identifier>,
}

/// UNPIVOT.
#[derive(Clone, Debug, PartialEq)]
pub struct Unpivot {
    /// What is unpivoted.
    pub source: TableExpr,
    /// INCLUDE NULLS.
    pub include_nulls: bool,
    /// The column for values.
    pub value: Identifier,
    /// The column for names.
    pub name: Identifier,
    /// IN.
    pub columns: Vec<UnpivotColumn>,
}

/// A column that becomes rows.
#[derive(Clone, Debug, PartialEq)]
pub struct UnpivotColumn {
    /// The column.
    pub column: Identifier,
    /// The name that stands for it, where given.
    pub alias: Option<String>,
}

/// MATCH_RECOGNIZE.
#[derive(Clone, Debug, PartialEq)]
pub struct MatchRecognize {
    /// Whose rows are searched.
    pub source: TableExpr,
    /// PARTITION BY.
    pub partition_by: Vec<Expr>,
    /// ORDER BY.
    pub order_by: Vec<OrderItem>,
    /// MEASURES.
    pub measures: Vec<(Expr, Identifier)>,
    /// Which rows come out.
    pub rows: MatchRows,
    /// AFTER MATCH SKIP.
    pub skip: MatchSkip,
    /// PATTERN.
    pub pattern: MatchPattern,
    /// DEFINE.
    pub symbols: Vec<(Identifier, Expr)>,
}

/// Which rows MATCH_RECOGNIZE gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MatchRows {
    /// ONE ROW PER MATCH.
    One,
    /// ALL ROWS PER MATCH, also one for a match without rows: SHOW EMPTY MATCHES.
    AllWithEmpty,
    /// ALL ROWS PER MATCH OMIT EMPTY MATCHES.
    All,
    /// ALL ROWS PER MATCH WITH UNMATCHED ROWS.
    AllWithUnmatched,
}

/// Where MATCH_RECOGNIZE goes on behind a match.
#[derive(Clone, Debug, PartialEq)]
pub enum MatchSkip {
    /// PAST LAST ROW.
    PastLastRow,
    /// TO NEXT ROW.
    ToNextRow,
    /// TO FIRST symbol.
    ToFirst(Identifier),
    /// TO LAST symbol, also without LAST.
    ToLast(Identifier),
}

/// A pattern of rows.
#[derive(Clone, Debug, PartialEq)]
pub enum MatchPattern {
    /// A row that is this symbol.
    Symbol(Identifier),
    /// `^`: the partition's start.
    Start,
    /// `$`: the partition's end.
    End,
    /// One after the other.
    Concat(Vec<MatchPattern>),
    /// The first that fits.
    Alternation(Vec<MatchPattern>),
    /// All of them, in any order.
    Permute(Vec<MatchPattern>),
    /// `{- .. -}`: matched, and not given out.
    Exclude(Box<MatchPattern>),
    /// So many times.
    Repeat {
        /// What.
        pattern: Box<MatchPattern>,
        /// At least.
        least: u32,
        /// At most, unless any number.
        most: Option<u32>,
        /// Rather fewer than more times.
        reluctant: bool,
    },
}
