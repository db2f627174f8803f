//! The one table of conversions: which type becomes which, alone and together.
//!
//! Three questions are answered here and nowhere else: may a value be converted by a cast, may it be
//! converted silently, and which type do several expressions meet at.

use crate::decimal::enclosing_type;
use crate::structured::{Part, Structure};
use crate::{SqlType, StructuredType, TypeFamily};

use TypeFamily::{
    Array, Binary, Boolean, Date, Float, Number, Object, Text, Time, TimestampLtz, TimestampNtz,
    TimestampTz, Variant, Vector,
};

/// What a text that is not constant becomes beside a NUMBER: NUMBER(18,5).
pub const TEXT_AS_NUMBER: SqlType = SqlType::Number { precision: 18, scale: 5 };
/// Digits after the point that a VARIANT keeps beside a NUMBER in a comparison.
const VARIANT_COMPARISON_SCALE: u8 = 12;

/// Whether CAST converts `from` to `to`; whether each value can be converted shows when it runs.
pub fn can_cast(from: SqlType, to: SqlType) -> bool {
    if can_coerce(from, to) {
        return true;
    }
    if from.structured().is_some() || to.structured().is_some() {
        return can_cast_structured(from, to);
    }
    if let (SqlType::Vector { dimension: d1, .. }, SqlType::Vector { dimension: d2, .. }) =
        (from, to)
    {
        return d1 == d2;
    }
    matches!(
        (from.family(), to.family()),
        (Text, Variant | Binary)
            | (Boolean, Number)
            | (Date | Time | TimestampNtz | TimestampLtz | TimestampTz | Binary, Variant)
            | (Binary | Array | Object | Vector, Text)
            | (Object, Array)
            | (Array, Vector)
            | (Vector, Array)
            | (Variant, _)
    )
}

/// Whether `from` becomes `to` without a cast.
pub fn can_coerce(from: SqlType, to: SqlType) -> bool {
    match (from, to) {
        (SqlType::Structured(from), SqlType::Structured(to)) => {
            return from == to || can_coerce_structured(&from.structure(), &to.structure());
        }
        (SqlType::Structured(_), _) => return false,
        (from, SqlType::Structured(_)) => return from == SqlType::Null,
        (SqlType::Vector { .. }, SqlType::Vector { .. }) => return from == to,
        _ => {}
    }
    let (from, to) = (from.family(), to.family());
    if from == to || from == TypeFamily::Null {
        return true;
    }
    match from {
        Text => matches!(
            to,
            Boolean | Date | Time | TimestampNtz | TimestampLtz | TimestampTz | Number | Float
        ),
        Number => matches!(
            to,
            Boolean | Float | Text | Variant | TimestampNtz | TimestampLtz | TimestampTz
        ),
        Float => matches!(to, Boolean | Number | Text | Variant),
        Boolean => matches!(to, Text | Variant),
        Date => matches!(to, TimestampNtz | TimestampLtz | TimestampTz | Text),
        TimestampNtz | TimestampLtz | TimestampTz => {
            matches!(to, Date | Time | Text | TimestampNtz | TimestampLtz | TimestampTz)
        }
        Time => to == Text,
        Array | Object => to == Variant,
        Variant => !matches!(to, Binary | Vector | TypeFamily::Null),
        Binary | Vector | TypeFamily::Null => false,
    }
}

/// Whether a part of one type becomes a part of another without a cast: numbers, and timestamps, among each other.
fn can_coerce_part(from: SqlType, to: SqlType) -> bool {
    match (from, to) {
        (SqlType::Structured(_), SqlType::Structured(_)) => can_coerce(from, to),
        _ => {
            (from.is_numeric() && to.is_numeric())
                || (from.is_timestamp() && to.is_timestamp())
                || (from.family() == to.family() && from.structured().or(to.structured()).is_none())
        }
    }
}

fn can_coerce_structured(from: &Structure, to: &Structure) -> bool {
    let same_keys = |from: SqlType, to: SqlType| can_coerce_part(from, to).then_some(to);
    let keys_fit = match (from, to) {
        (Structure::Map(from, _), Structure::Map(to, _)) => from.family() == to.family(),
        _ => true,
    };
    keys_fit && from.together(to, &same_keys).is_some()
}

/// Whether CAST converts one type to another, one of which is structured.
fn can_cast_structured(from: SqlType, to: SqlType) -> bool {
    match (from, to) {
        (SqlType::Structured(from), SqlType::Structured(to)) => {
            can_cast_parts(&from.structure(), &to.structure())
        }
        (SqlType::Structured(from), to) => {
            to == from.plain() || matches!(to, SqlType::Variant | SqlType::Varchar { .. })
        }
        (from, SqlType::Structured(to)) => from == to.plain() || from == SqlType::Variant,
        _ => false,
    }
}

fn can_cast_parts(from: &Structure, to: &Structure) -> bool {
    let casts = |from: &Part, to: &Part| can_cast(from.sql_type, to.sql_type);
    match (from, to) {
        (Structure::Array(from), Structure::Array(to)) => casts(from, to),
        (Structure::Map(k, from), Structure::Map(l, to)) => can_cast(*k, *l) && casts(from, to),
        (Structure::Object(from), Structure::Object(to)) => {
            let fits = |(key, part): &(String, Part)| {
                to.iter().any(|(other, to)| other == key && casts(part, to))
            };
            from.len() == to.len() && from.iter().all(fits)
        }
        (Structure::Object(from), Structure::Map(_, to)) => {
            from.iter().all(|(_, from)| casts(from, to))
        }
        (Structure::Map(_, from), Structure::Object(to)) => {
            to.iter().all(|(_, to)| casts(from, to))
        }
        _ => false,
    }
}

/// The structured type that two meet at.
fn common_structured(left: &Structure, right: &Structure) -> Option<SqlType> {
    let meet = |left: SqlType, right: SqlType| {
        let fits = can_coerce_part(left, right) || can_coerce_part(right, left);
        fits.then(|| common_pair(left, right))?
    };
    let common = left.together(right, &meet)?;
    StructuredType::new(common).ok().map(SqlType::Structured)
}

/// The type that all of these meet at in UNION, CASE, COALESCE, VALUES and their like; `None` when some
/// two have none, or there is no type at all.
///
/// A text beside a number becomes [`TEXT_AS_NUMBER`]; a caller that knows the text's constant passes the
/// type of that number instead.
pub fn common_type(types: &[SqlType]) -> Option<SqlType> {
    let (first, rest) = types.split_first()?;
    rest.iter().try_fold(*first, |sum, &next| common_pair(sum, next))
}

/// The type that two operands of a comparison are converted to; `None` when they do not compare.
pub fn comparison_type(left: SqlType, right: SqlType) -> Option<SqlType> {
    match (left, right) {
        (SqlType::Boolean, SqlType::Number { .. } | SqlType::Float)
        | (SqlType::Number { .. } | SqlType::Float, SqlType::Boolean) => Some(SqlType::Boolean),
        (SqlType::Variant, SqlType::Number { scale, .. })
        | (SqlType::Number { scale, .. }, SqlType::Variant) => {
            Some(SqlType::number(38, scale.max(VARIANT_COMPARISON_SCALE)))
        }
        (SqlType::Variant, other) | (other, SqlType::Variant)
            if matches!(other.family(), Float | Boolean) =>
        {
            Some(other)
        }
        _ => common_pair(left, right),
    }
}

fn common_pair(left: SqlType, right: SqlType) -> Option<SqlType> {
    if left == right {
        return Some(left);
    }
    // The match below has each mixed pair once: order the two by family.
    let (a, b) = if left.family() <= right.family() { (left, right) } else { (right, left) };
    match (a, b) {
        (SqlType::Null, other) => Some(other),
        (SqlType::Structured(left), SqlType::Structured(right)) => {
            common_structured(&left.structure(), &right.structure())
        }
        (SqlType::Structured(_), _) | (_, SqlType::Structured(_)) => None,
        (
            SqlType::Number { precision: p1, scale: s1 },
            SqlType::Number { precision: p2, scale: s2 },
        ) => Some(enclosing_type((p1, s1), (p2, s2))),
        (SqlType::Number { .. }, SqlType::Float) => Some(SqlType::Float),
        (SqlType::Number { .. }, SqlType::Varchar { .. }) => common_pair(a, TEXT_AS_NUMBER),
        (SqlType::Float, SqlType::Varchar { .. }) => Some(SqlType::Float),
        (
            SqlType::Varchar { length: l1, collation: c1 },
            SqlType::Varchar { length: l2, collation: c2 },
        ) => Some(SqlType::Varchar { length: l1.max(l2), collation: c1.merged(c2)? }),
        (SqlType::Binary { length: l1 }, SqlType::Binary { length: l2 }) => {
            Some(SqlType::Binary { length: l1.max(l2) })
        }
        (SqlType::Varchar { .. }, other) => match other.family() {
            Boolean | Date | Time | TimestampNtz | TimestampLtz | TimestampTz => Some(other),
            // The text in a VARIANT may be longer than the one beside it.
            Variant => Some(SqlType::TEXT.with_collation(a.collation())),
            _ => None,
        },
        (SqlType::Date, other) if other.is_timestamp() => Some(other),
        (SqlType::Time { scale: s1 }, SqlType::Time { scale: s2 }) => {
            Some(SqlType::Time { scale: s1.max(s2) })
        }
        (a, b) if a.is_timestamp() && b.is_timestamp() => {
            Some(with_scale(b, a.scale().max(b.scale())))
        }
        (other, SqlType::Variant) => {
            Some(if can_coerce(other, SqlType::Variant) { SqlType::Variant } else { other })
                .filter(|&common| can_coerce(SqlType::Variant, common))
        }
        (SqlType::Variant, SqlType::Object | SqlType::Array) => Some(SqlType::Variant),
        _ => None,
    }
}

/// The same timestamp type with another scale.
fn with_scale(timestamp: SqlType, scale: u8) -> SqlType {
    match timestamp {
        SqlType::TimestampLtz { .. } => SqlType::TimestampLtz { scale },
        SqlType::TimestampTz { .. } => SqlType::TimestampTz { scale },
        _ => SqlType::TimestampNtz { scale },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATE: SqlType = SqlType::Date;
    const NUMBER: SqlType = SqlType::INTEGER;

    #[test]
    fn casts_and_coercions_follow_the_matrix() {
        // From, to, castable, coercible.
        for (from, to, cast, coerce) in [
            (SqlType::TEXT, SqlType::Variant, true, false),
            (SqlType::TEXT, SqlType::Array, false, false),
            (SqlType::TEXT, SqlType::Object, false, false),
            (SqlType::TEXT, SqlType::TIMESTAMP_TZ, true, true),
            (SqlType::TEXT, SqlType::BINARY, true, false),
            (NUMBER, DATE, false, false),
            (NUMBER, SqlType::TIME, false, false),
            (NUMBER, SqlType::TIMESTAMP_NTZ, true, true),
            (SqlType::Float, SqlType::TIMESTAMP_NTZ, false, false),
            (SqlType::Boolean, NUMBER, true, false),
            (SqlType::Boolean, SqlType::Float, false, false),
            (SqlType::TIME, SqlType::TIMESTAMP_NTZ, false, false),
            (SqlType::TIMESTAMP_LTZ, SqlType::TIME, true, true),
            (DATE, SqlType::Variant, true, false),
            (SqlType::BINARY, SqlType::TEXT, true, false),
            (SqlType::Array, SqlType::TEXT, true, false),
            (SqlType::Array, SqlType::Variant, true, true),
            (SqlType::Object, SqlType::Array, true, false),
            (SqlType::Array, SqlType::Object, false, false),
            (SqlType::Variant, SqlType::BINARY, true, false),
            (SqlType::Variant, NUMBER, true, true),
            (SqlType::Null, SqlType::Object, true, true),
        ] {
            assert_eq!(can_cast(from, to), cast, "cast {from} to {to}");
            assert_eq!(can_coerce(from, to), coerce, "coerce {from} to {to}");
        }
    }

    #[test]
    fn common_types_hold_all() {
        let varchar = SqlType::varchar;
        for (left, right, wanted) in [
            (SqlType::number(1, 0), SqlType::number(3, 2), Some(SqlType::number(3, 2))),
            (SqlType::number(10, 2), SqlType::number(8, 5), Some(SqlType::number(13, 5))),
            (NUMBER, SqlType::Float, Some(SqlType::Float)),
            (SqlType::Null, varchar(3), Some(varchar(3))),
            (varchar(3), varchar(7), Some(varchar(7))),
            (varchar(3), SqlType::number(1, 0), Some(TEXT_AS_NUMBER)),
            (DATE, SqlType::TIMESTAMP_LTZ, Some(SqlType::TIMESTAMP_LTZ)),
            (DATE, SqlType::TIME, None),
            (DATE, varchar(3), Some(DATE)),
            (SqlType::Boolean, NUMBER, None),
            (SqlType::BINARY, varchar(3), None),
            (SqlType::TIMESTAMP_NTZ, SqlType::TIMESTAMP_TZ, Some(SqlType::TIMESTAMP_TZ)),
            (SqlType::Variant, NUMBER, Some(SqlType::Variant)),
            (SqlType::Variant, varchar(3), Some(SqlType::TEXT)),
            (SqlType::Variant, DATE, Some(DATE)),
            (SqlType::Variant, SqlType::Array, Some(SqlType::Variant)),
            (SqlType::Array, SqlType::Object, None),
        ] {
            assert_eq!(common_type(&[left, right]), wanted, "{left} {right}");
            assert_eq!(common_type(&[right, left]), wanted, "{right} {left}");
        }
        assert_eq!(common_type(&[]), None);
    }

    #[test]
    fn comparisons_go_to_the_side_that_is_no_text() {
        for (left, right, wanted) in [
            (SqlType::Boolean, NUMBER, Some(SqlType::Boolean)),
            (SqlType::TEXT, DATE, Some(DATE)),
            (SqlType::Variant, SqlType::number(1, 0), Some(SqlType::number(38, 12))),
            (SqlType::Variant, SqlType::Boolean, Some(SqlType::Boolean)),
            (SqlType::Variant, SqlType::TEXT, Some(SqlType::TEXT)),
            (SqlType::TIME, DATE, None),
        ] {
            assert_eq!(comparison_type(left, right), wanted, "{left} {right}");
            assert_eq!(comparison_type(right, left), wanted, "{right} {left}");
        }
    }
}
