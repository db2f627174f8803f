//! Expressions.

use std::sync::Arc;

use firn_types::{Identifier, ObjectName, Span};

use super::{FunctionCall, Name, Query, Star, TypeName};

/// An expression and its place in the text.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// What it says.
    pub kind: ExprKind,
    /// Where it was written. For operators and calls this is the smallest range that covers the parts
    /// that know their place.
    pub span: Span,
}

impl Expr {
    /// An expression at a place.
    pub fn new(kind: ExprKind, span: Span) -> Expr {
        Expr { kind, span }
    }

    /// The text of a string literal.
    pub fn as_text(&self) -> Option<&str> {
        match &self.kind {
            ExprKind::Literal(Literal::Text(text)) => Some(text),
            _ => None,
        }
    }
}

/// What an expression says.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// A constant.
    Literal(Literal),
    /// `INTERVAL '1 day, 2 hours'` or `INTERVAL '5' DAY`: the text, and the unit in upper case.
    Interval(Box<str>, Option<Box<str>>),
    /// A column, perhaps qualified; also `seq.NEXTVAL`, pseudo columns and bare date parts.
    Column(ObjectName),
    /// `$1` or `t.$1`: a column by its number, from 1.
    Position(Option<ObjectName>, u32),
    /// `$name`: a session variable.
    Variable(Identifier),
    /// `:name` or `?`.
    Bind(Bind),
    /// `IDENTIFIER(expr)`: a column whose name is a constant's text.
    Identifier(Box<Expr>),
    /// An operator before its operand.
    Unary(UnaryOperator, Box<Expr>),
    /// An operator between its operands. Long chains of AND, OR and `||` are balanced trees.
    Binary(BinaryOperator, Box<Expr>, Box<Expr>),
    /// `x IS [NOT] NULL`.
    IsNull {
        /// What is tested.
        operand: Box<Expr>,
        /// With NOT.
        negated: bool,
    },
    /// `x IS [NOT] TRUE` or FALSE.
    IsBoolean {
        /// What is tested.
        operand: Box<Expr>,
        /// TRUE or FALSE.
        value: bool,
        /// With NOT.
        negated: bool,
    },
    /// `a IS [NOT] DISTINCT FROM b`.
    IsDistinctFrom {
        /// One side.
        left: Box<Expr>,
        /// The other.
        right: Box<Expr>,
        /// With NOT.
        negated: bool,
    },
    /// LIKE, ILIKE, RLIKE and REGEXP.
    Like {
        /// Which of them.
        kind: LikeKind,
        /// The text that is matched.
        operand: Box<Expr>,
        /// What it is matched with.
        pattern: LikePattern,
        /// The character after ESCAPE.
        escape: Option<Box<Expr>>,
        /// With NOT.
        negated: bool,
    },
    /// `x [NOT] BETWEEN a AND b`.
    Between {
        /// What is tested.
        operand: Box<Expr>,
        /// The lower bound.
        low: Box<Expr>,
        /// The upper bound.
        high: Box<Expr>,
        /// With NOT.
        negated: bool,
    },
    /// `x [NOT] IN (a, b)`; the operand may be a row, the list's items then are rows too.
    InList {
        /// What is looked for.
        operand: Box<Expr>,
        /// Among these.
        list: Vec<Expr>,
        /// With NOT.
        negated: bool,
    },
    /// `x [NOT] IN (SELECT ..)`; the operand may be a row.
    InSubquery {
        /// What is looked for.
        operand: Box<Expr>,
        /// In its rows.
        query: Box<Query>,
        /// With NOT.
        negated: bool,
    },
    /// `[NOT] EXISTS (SELECT ..)`.
    Exists {
        /// The query.
        query: Box<Query>,
        /// With NOT.
        negated: bool,
    },
    /// `x = ANY (SELECT ..)`.
    Quantified {
        /// The comparison.
        operator: BinaryOperator,
        /// Its left side.
        operand: Box<Expr>,
        /// ANY (and SOME) or ALL.
        quantifier: Quantifier,
        /// Its right side.
        query: Box<Query>,
    },
    /// A query of one row and one column.
    Subquery(Box<Query>),
    /// CASE.
    Case {
        /// What a simple CASE compares.
        operand: Option<Box<Expr>>,
        /// WHEN .. THEN ..
        branches: Vec<CaseBranch>,
        /// ELSE.
        otherwise: Option<Box<Expr>>,
    },
    /// CAST, TRY_CAST and `::`.
    Cast {
        /// What is converted.
        operand: Box<Expr>,
        /// To which type.
        to: Box<TypeName>,
        /// TRY_CAST: NULL instead of an error.
        lenient: bool,
    },
    /// A call of any kind of function. `EXTRACT(part FROM x)` is `DATE_PART('part', x)`,
    /// `POSITION(a IN b)` is `POSITION(a, b)`, `SUBSTRING(x FROM a FOR b)` is `SUBSTR(x, a, b)`,
    /// `TRIM(LEADING c FROM x)` is `LTRIM(x, c)`.
    Function(Box<FunctionCall>),
    /// `v:a.b[0]['k']` and `v['k']`.
    Path(Box<Expr>, Vec<PathStep>),
    /// `{'a': 1}`.
    Object(Vec<ObjectField>),
    /// `[1, 2]`.
    Array(Vec<Expr>),
    /// `x -> expr` and `(a, b) -> expr`.
    Lambda(Vec<LambdaParameter>, Box<Expr>),
    /// `column (+)`: the optional side of an outer join in WHERE.
    OuterJoin(Box<Expr>),
    /// `x COLLATE 'spec'`.
    Collate(Box<Expr>, Box<str>),
    /// `(a, b)`.
    Row(Vec<Expr>),
    /// `PRIOR x` in CONNECT BY.
    Prior(Box<Expr>),
    /// `CONNECT_BY_ROOT x`.
    ConnectByRoot(Box<Expr>),
    /// `**x`: an array's elements, or an object's fields, as arguments.
    Spread(Box<Expr>),
    /// `(*)` or `(t.*)`: columns as one argument.
    Star(Box<Star>),
    /// DEFAULT where a value is assigned.
    Default,
}

/// A constant.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// NULL.
    Null,
    /// TRUE or FALSE.
    Boolean(bool),
    /// A number's text: digits, at most one point, an exponent; never a sign.
    Number(Box<str>),
    /// A string, unescaped.
    Text(Arc<str>),
    /// `X'..'`.
    Binary(Arc<[u8]>),
    /// `DATE '..'`.
    Date(Box<str>),
    /// `TIME '..'`.
    Time(Box<str>),
    /// `TIMESTAMP '..'` and its kin.
    Timestamp(TimestampKind, Box<str>),
}

/// Which timestamp a literal names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimestampKind {
    /// TIMESTAMP: what TIMESTAMP_TYPE_MAPPING says.
    Plain,
    /// TIMESTAMP_NTZ and DATETIME.
    Ntz,
    /// TIMESTAMP_LTZ.
    Ltz,
    /// TIMESTAMP_TZ.
    Tz,
}

/// A place for a value that comes with the statement.
#[derive(Clone, Debug, PartialEq)]
pub enum Bind {
    /// `:name`, and `:1` with the digits as the name.
    Named(Identifier),
    /// `?`; their order is that of their spans.
    Positional,
}

/// Operators with one operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnaryOperator {
    /// `+x`
    Plus,
    /// `-x`
    Minus,
    /// `NOT x`
    Not,
}

/// Operators with two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinaryOperator {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Modulo,
    /// `||`
    Concat,
    /// `=`
    Equal,
    /// `<>` and `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// AND
    And,
    /// OR
    Or,
}

impl BinaryOperator {
    /// How the operator is written.
    pub fn symbol(self) -> &'static str {
        match self {
            BinaryOperator::Add => "+",
            BinaryOperator::Subtract => "-",
            BinaryOperator::Multiply => "*",
            BinaryOperator::Divide => "/",
            BinaryOperator::Modulo => "%",
            BinaryOperator::Concat => "||",
            BinaryOperator::Equal => "=",
            BinaryOperator::NotEqual => "<>",
            BinaryOperator::Less => "<",
            BinaryOperator::LessOrEqual => "<=",
            BinaryOperator::Greater => ">",
            BinaryOperator::GreaterOrEqual => ">=",
            BinaryOperator::And => "AND",
            BinaryOperator::Or => "OR",
        }
    }
}

/// ANY or ALL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantifier {
    /// ANY, also written SOME.
    Any,
    /// ALL.
    All,
}

/// How a text is matched with a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LikeKind {
    /// LIKE.
    Like,
    /// ILIKE: without regard to case.
    ILike,
    /// RLIKE, also written REGEXP: the whole text against a regular expression.
    RLike,
}

/// What a text is matched with.
#[derive(Clone, Debug, PartialEq)]
pub enum LikePattern {
    /// One pattern.
    One(Box<Expr>),
    /// `ANY (p, q)` or `ALL (p, q)`.
    Many(Quantifier, Vec<Expr>),
    /// `ANY (query)` or `ALL (query)`.
    Query(Quantifier, Box<Query>),
}

/// WHEN .. THEN ..
#[derive(Clone, Debug, PartialEq)]
pub struct CaseBranch {
    /// After WHEN.
    pub when: Expr,
    /// After THEN.
    pub then: Expr,
}

/// A step into a semi-structured value.
#[derive(Clone, Debug, PartialEq)]
pub enum PathStep {
    /// `:a`, `.a`, `."a b"`: a key exactly as written, without quotes.
    Field(Identifier),
    /// `[0]`, `['k']`, `[expr]`.
    Index(Expr),
}

/// A part of an object literal.
#[derive(Clone, Debug, PartialEq)]
pub enum ObjectField {
    /// `'key': value`.
    Field(Box<str>, Expr),
    /// `*` and its modifiers: columns as fields.
    Star(Box<Star>),
}

/// A parameter of a lambda.
#[derive(Clone, Debug, PartialEq)]
pub struct LambdaParameter {
    /// Its name.
    pub name: Identifier,
    /// Its type, where one is declared.
    pub data_type: Option<TypeName>,
}

impl ExprKind {
    /// The name as an expression: a column, or IDENTIFIER().
    pub fn from_name(name: Name) -> ExprKind {
        match name {
            Name::Plain(name) => ExprKind::Column(name),
            Name::Identifier(expr) => ExprKind::Identifier(expr),
        }
    }
}
