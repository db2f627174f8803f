//! COLLATE, COLLATION, and what functions make of texts with a collation.
//!
//! A function never sees a collation. Those that compare or search texts get what their answer follows from in the
//! texts' place; of those that make a text of texts, the result has the collation of what it is made of.

use firn_expression::Expr;
use firn_types::{Collation, Error, ErrorCode, Result, SqlType, Value};

use super::{ExprBinder, cast};
use crate::collation::by;

/// Functions whose answer has the collation of their arguments.
const HANDING_ON: &[&str] = &[
    "||",
    "CONCAT",
    "CONCAT_WS",
    "GREATEST",
    "GREATEST_IGNORE_NULLS",
    "INITCAP",
    "INSERT",
    "LEAST",
    "LEAST_IGNORE_NULLS",
    "LEFT",
    "LOWER",
    "LPAD",
    "LTRIM",
    "REVERSE",
    "RIGHT",
    "RPAD",
    "RTRIM",
    "SPLIT_PART",
    "SUBSTR",
    "SUBSTRING",
    "TRANSLATE",
    "TRIM",
    "UPPER",
];

/// The collation of a function's arguments together, in their order.
///
/// # Errors
/// `IncompatibleCollations`.
pub(super) fn common(arguments: &[Expr]) -> Result<Collation> {
    let mut common = Collation::NONE;
    for argument in arguments {
        common = merged(common, argument.sql_type().collation())?;
    }
    Ok(common)
}

/// The collation of two texts together.
///
/// # Errors
/// `IncompatibleCollations`, which names them in this order.
pub(super) fn merged(first: Collation, second: Collation) -> Result<Collation> {
    first.merged(second).ok_or_else(|| {
        let (first, second) = (first.specification(), second.specification());
        let text = format!("Incompatible collations: '{first}' and '{second}'");
        Error::new(ErrorCode::IncompatibleCollations, text)
    })
}

/// The text without a collation.
pub(super) fn plain(text: Expr) -> Expr {
    let sql_type = text.sql_type();
    with_type(text, sql_type.with_collation(Collation::NONE))
}

/// The same value, of a type that is the same but for the collation.
fn with_type(text: Expr, sql_type: SqlType) -> Expr {
    match text {
        other if other.sql_type() == sql_type => other,
        Expr::Literal { value, .. } => Expr::Literal { value, sql_type },
        input => Expr::Cast { input: Box::new(input), to: sql_type, lenient: false },
    }
}

/// COLLATE(text, 'specification')
pub(super) fn collate(mut arguments: Vec<Expr>) -> Result<Expr> {
    let specification = match arguments.pop() {
        Some(Expr::Literal { value: Value::Text(text), .. }) => text,
        _ => {
            let text = "Argument number 2 for function 'COLLATE' needs to be a string literal.";
            return Err(Error::new(ErrorCode::StringArgument, text));
        }
    };
    collated(arguments.remove(0), &specification)
}

/// `text COLLATE 'specification'`
pub(super) fn collated(text: Expr, specification: &str) -> Result<Expr> {
    let sql_type = text.sql_type();
    match sql_type {
        SqlType::Null => Ok(text),
        SqlType::Varchar { .. } => {
            let collation = Collation::parse(specification)?.of_statement();
            Ok(with_type(text, sql_type.with_collation(collation)))
        }
        _ => {
            let text = format!("argument needs to be a string: '{text}'");
            Err(Error::new(ErrorCode::StringArgument, text))
        }
    }
}

/// COLLATION(text): the specification, or NULL.
pub(super) fn collation(arguments: &[Expr]) -> Expr {
    let collation = arguments.first().map_or(Collation::NONE, |text| text.sql_type().collation());
    let value = match collation.is_none() {
        true => Value::Null,
        false => Value::text(collation.specification()),
    };
    Expr::Literal { value, sql_type: SqlType::TEXT }
}

impl ExprBinder<'_> {
    /// The call of a scalar function some of whose arguments have a collation.
    pub(super) fn call_collated(&mut self, name: &str, arguments: Vec<Expr>) -> Result<Expr> {
        let is_searching = !matches!(name, "LIKE" | "ILIKE");
        let collation = common(&arguments[..searched(name, arguments.len())])?;
        let plain: Vec<Expr> = arguments.into_iter().map(plain).collect();
        let call = match name {
            _ if collation.compares_codes() => self.call_plain(name, plain)?,
            "LIKE" | "ILIKE" | "CONTAINS" | "STARTSWITH" | "ENDSWITH" | "POSITION"
            | "CHARINDEX" | "REPLACE" | "SPLIT" | "SPLIT_PART" => {
                let rules = collation.rules();
                let sees_case = rules.ignores_accents && !rules.ignores_case;
                let is_refused = match is_searching {
                    true => sees_case,
                    false => rules.ignores_accents,
                };
                if is_refused || rules.ignores_punctuation == Some(true) {
                    return Err(refused(name, &format!(": {}", collation.specification())));
                }
                self.call_searching(name, plain, collation)?
            }
            "GREATEST" | "LEAST" | "GREATEST_IGNORE_NULLS" | "LEAST_IGNORE_NULLS" => {
                let collated = plain.into_iter().map(|text| {
                    let sql_type = text.sql_type().with_collation(collation);
                    with_type(text, sql_type)
                });
                self.call_plain(name, collated.collect())?
            }
            _ => self.call_plain(name, plain)?,
        };
        let sql_type = call.sql_type();
        match HANDING_ON.contains(&name) {
            true => Ok(with_type(call, sql_type.with_collation(collation))),
            false => Ok(call),
        }
    }

    /// The call of a function that looks for one text in another.
    fn call_searching(
        &mut self,
        name: &str,
        mut arguments: Vec<Expr>,
        collation: Collation,
    ) -> Result<Expr> {
        let each = |function: &str, arguments: Vec<Expr>| -> Result<Vec<Expr>> {
            arguments.into_iter().map(|text| by(function, vec![text], collation)).collect()
        };
        let texts = |arguments: Vec<Expr>| {
            arguments.into_iter().map(|text| cast(text, SqlType::TEXT)).collect::<Vec<_>>()
        };
        match name {
            "LIKE" | "ILIKE" => {
                let escape = arguments.split_off(2);
                let mut folded = each("$COLLATION_FOLD", texts(arguments))?;
                folded.extend(escape);
                self.call_plain(name, folded)
            }
            "POSITION" | "CHARINDEX" => {
                let start = arguments.split_off(2).pop();
                let start = start.unwrap_or_else(|| Expr::Literal {
                    value: Value::integer(1),
                    sql_type: SqlType::INTEGER,
                });
                let mut arguments = texts(arguments);
                arguments.push(cast(start, SqlType::INTEGER));
                by("$COLLATION_POSITION", arguments, collation)
            }
            "REPLACE" | "SPLIT" | "SPLIT_PART" => {
                let pair: Vec<Expr> = arguments.iter().take(2).cloned().collect();
                let part = texts(vec![arguments[1].clone()]);
                arguments[0] = by("$COLLATION_SPELL", texts(pair), collation)?;
                arguments[1] = by("$COLLATION_PART", part, collation)?;
                self.call_plain(name, arguments)
            }
            _ => {
                let letters = each("$COLLATION_LETTERS", texts(arguments))?;
                self.call_plain(name, letters)
            }
        }
    }
}

/// How many of the arguments are texts that meet: a replacement or an escape is none.
fn searched(name: &str, given: usize) -> usize {
    let met = match name {
        "LIKE" | "ILIKE" | "CONTAINS" | "STARTSWITH" | "ENDSWITH" | "POSITION" | "CHARINDEX"
        | "REPLACE" | "SPLIT" | "SPLIT_PART" => 2,
        _ => given,
    };
    met.min(given)
}

/// The error for a collation that a function does not take.
pub(super) fn refused(name: &str, which: &str) -> Error {
    let text = format!("Function {name} does not support collation{which}.");
    Error::new(ErrorCode::InvalidArgumentTypes, text)
}
