//! Functions that are other expressions under a name, and bare words that are date parts.

use firn_expression::Expr;
use firn_functions::Arity;
use firn_parse::ast::{self, ExprKind};
use firn_types::scan_predicate::Comparison;
use firn_types::{Error, Result, SqlType, Value, date_part as parts};

use super::case::{boolean, case, coalesce};
use super::operator::compare;
use super::{ExprBinder, cast, collation, distinct, literal};

/// What listings tell of a function that is rewritten when it is bound.
#[derive(Clone, Copy, Debug)]
pub struct RewrittenFunction {
    /// Its name.
    pub name: &'static str,
    /// How many arguments it takes.
    pub arity: Arity,
    /// One sentence.
    pub summary: &'static str,
}

/// A function that is rewritten when it is bound.
pub(super) struct Form {
    pub(super) about: RewrittenFunction,
    pub(super) build: fn(&mut ExprBinder<'_>, Vec<Expr>) -> Result<Expr>,
}

const FORMS: &[Form] = &[
    form(
        "COALESCE",
        Arity::at_least(1),
        |_, a| coalesce("COALESCE", a),
        "The first argument that is not NULL.",
    ),
    form(
        "COLLATE",
        Arity::exactly(2),
        |_, a| collation::collate(a),
        "The text, compared by the rules of a collation.",
    ),
    form(
        "COLLATION",
        Arity::exactly(1),
        |_, a| Ok(collation::collation(&a)),
        "The collation of a text, or NULL.",
    ),
    form(
        "DECODE",
        Arity::at_least(3),
        |_, a| decode(a),
        "The result behind the first value that equals the first argument, NULL equaling NULL.",
    ),
    form(
        "EQUAL_NULL",
        Arity::exactly(2),
        |_, a| equal_null(a),
        "Whether two values are equal, NULL equaling NULL.",
    ),
    form("GETVARIABLE", Arity::exactly(1), get_variable, "A session variable's value as a text."),
    form(
        "IFF",
        Arity::exactly(3),
        |_, a| iff(a),
        "The second argument where the first is TRUE, otherwise the third.",
    ),
    form(
        "IFNULL",
        Arity::exactly(2),
        |_, a| coalesce("IFNULL", a),
        "The first argument, or the second where the first is NULL.",
    ),
    form(
        "NULLIF",
        Arity::exactly(2),
        |_, a| null_if(a),
        "The first argument, or NULL where it equals the second.",
    ),
    form(
        "NULLIFZERO",
        Arity::exactly(1),
        |_, a| null_if_zero(a),
        "The number, or NULL where it is 0.",
    ),
    form(
        "NVL",
        Arity::exactly(2),
        |_, a| coalesce("NVL", a),
        "The first argument, or the second where the first is NULL.",
    ),
    form(
        "NVL2",
        Arity::exactly(3),
        |_, a| nvl2(a),
        "The second argument where the first is not NULL, otherwise the third.",
    ),
    form(
        "ZEROIFNULL",
        Arity::exactly(1),
        |_, a| zero_if_null(a),
        "The number, or 0 where it is NULL.",
    ),
];

const fn form(
    name: &'static str,
    arity: Arity,
    build: fn(&mut ExprBinder<'_>, Vec<Expr>) -> Result<Expr>,
    summary: &'static str,
) -> Form {
    Form { about: RewrittenFunction { name, arity, summary }, build }
}

/// The function of this name, when it is one that is rewritten.
pub(super) fn find(name: &str) -> Option<&'static Form> {
    FORMS.iter().find(|form| form.about.name == name)
}

/// All functions that are rewritten, by name.
pub fn rewritten_functions() -> impl Iterator<Item = RewrittenFunction> {
    FORMS.iter().map(|form| form.about)
}

/// GETVARIABLE('NAME'): the variable's value as a text, NULL when there is none of exactly this name.
fn get_variable(binder: &mut ExprBinder<'_>, arguments: Vec<Expr>) -> Result<Expr> {
    let Some(Value::Text(name)) = arguments.first().and_then(Expr::as_literal) else {
        return Err(Error::not_supported("GETVARIABLE of what is no constant text"));
    };
    match binder.binder.context.variables.get(&**name) {
        Some(variable) if binder.env.variables => {
            let (value, sql_type) = (variable.value.clone(), variable.sql_type);
            Ok(cast(Expr::Literal { value, sql_type }, SqlType::TEXT))
        }
        _ => Ok(Expr::null(SqlType::TEXT)),
    }
}

fn decode(mut arguments: Vec<Expr>) -> Result<Expr> {
    let subject = arguments.remove(0);
    let mut conditions = Vec::new();
    let mut results = Vec::new();
    let mut rest = arguments.into_iter();
    while let Some(first) = rest.next() {
        match rest.next() {
            Some(result) => {
                conditions.push(distinct(false, subject.clone(), first)?);
                results.push(result);
            }
            None => results.push(first),
        }
    }
    case("DECODE", conditions, results)
}

fn equal_null(mut arguments: Vec<Expr>) -> Result<Expr> {
    let right = arguments.remove(1);
    distinct(false, arguments.remove(0), right)
}

fn iff(mut arguments: Vec<Expr>) -> Result<Expr> {
    let condition = boolean(arguments.remove(0));
    case("IFF", vec![condition], arguments)
}

fn null_if(mut arguments: Vec<Expr>) -> Result<Expr> {
    let right = arguments.remove(1);
    let left = arguments.remove(0);
    let sql_type = left.sql_type();
    let same = compare(Comparison::Equal, left.clone(), right)?;
    case("NULLIF", vec![same], vec![Expr::null(sql_type), left])
}

fn null_if_zero(mut arguments: Vec<Expr>) -> Result<Expr> {
    arguments.push(zero());
    null_if(arguments)
}

fn nvl2(mut arguments: Vec<Expr>) -> Result<Expr> {
    let is_null = Expr::IsNull(Box::new(arguments.remove(0)));
    arguments.swap(0, 1);
    case("NVL2", vec![is_null], arguments)
}

fn zero_if_null(mut arguments: Vec<Expr>) -> Result<Expr> {
    arguments.push(zero());
    coalesce("ZEROIFNULL", arguments)
}

fn zero() -> Expr {
    Expr::Literal { value: Value::integer(0), sql_type: SqlType::number(1, 0) }
}

/// Functions with a date part among their arguments, and at which positions it may stand.
const WITH_DATE_PART: &[(&str, &[usize])] = &[
    ("DATEADD", &[0]),
    ("DATEDIFF", &[0]),
    ("DATE_PART", &[0]),
    ("DATE_TRUNC", &[0, 1]),
    ("EXTRACT", &[0]),
    ("LAST_DAY", &[1]),
    ("TIMEADD", &[0]),
    ("TIMEDIFF", &[0]),
    ("TIMESTAMPADD", &[0]),
    ("TIMESTAMPDIFF", &[0]),
    ("TIME_SLICE", &[2]),
    ("TRUNC", &[1]),
];

/// The argument as a text constant, when it is a bare word that is a date part of such a function.
pub(super) fn date_part(function: &str, index: usize, expr: &ast::Expr) -> Option<Expr> {
    let ExprKind::Column(name) = &expr.kind else { return None };
    let (_, positions) = WITH_DATE_PART.iter().find(|(name, _)| *name == function)?;
    let word = name.object().as_str();
    if name.parts.len() != 1 || !positions.contains(&index) || !is_date_part(word) {
        return None;
    }
    Some(literal::text_literal(word.to_lowercase().into()))
}

/// Whether only a date part may stand at this place of a function's arguments.
pub(super) fn needs_date_part(function: &str, index: usize) -> bool {
    let found = WITH_DATE_PART.iter().find(|(name, _)| *name == function);
    found.is_some_and(|(_, positions)| positions.first() == Some(&index) && function != "TRUNC")
}

/// The names that a function's arguments can be given by.
const PARAMETERS: &[(&str, &[&str])] = &[
    ("CHECK_XML", &["STR", "DISABLE_AUTO_CONVERT"]),
    ("PARSE_XML", &["STR", "DISABLE_AUTO_CONVERT"]),
    ("ROUND", &["EXPR", "SCALE", "ROUNDING_MODE"]),
];

/// The names that a function's arguments can be given by, when it has any.
pub(super) fn parameters(function: &str) -> Option<&'static [&'static str]> {
    PARAMETERS.iter().find(|(name, _)| *name == function).map(|(_, names)| *names)
}

/// Whether a word is the name of a date part.
pub(super) fn is_date_part(word: &str) -> bool {
    parts::DatePart::parse(word).is_some()
}
