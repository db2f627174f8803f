//! Statistics x scan predicate: what need not be read.

use std::borrow::Cow;

use firn_types::scan_predicate::{Comparison, ScanPredicate};
use firn_types::{ColumnPath, Value};

use crate::Partition;
use crate::statistics::compare;

/// What a predicate and statistics say about some rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prune {
    /// No row passes.
    Skip,
    /// Some rows may pass.
    Read,
    /// Every row passes.
    All,
}

/// What is known of one column of some rows.
#[derive(Clone, Debug, Default)]
pub struct Bounds<'a> {
    /// The least value or less; none when it is not known.
    pub min: Option<Cow<'a, Value>>,
    /// The greatest value or more; none when it is not known.
    pub max: Option<Cow<'a, Value>>,
    /// Rows that are NULL; none when it is not known.
    pub null_count: Option<u64>,
}

impl Bounds<'_> {
    /// The same, with borrowed values.
    pub fn borrowed(&self) -> Bounds<'_> {
        Bounds {
            min: self.min.as_deref().map(Cow::Borrowed),
            max: self.max.as_deref().map(Cow::Borrowed),
            null_count: self.null_count,
        }
    }
}

/// Some rows of which something is known: a micro-partition, a row group.
pub trait Statistics {
    /// Their number.
    fn rows(&self) -> u64;

    /// What is known of a column or of a path; none for nothing.
    fn bounds(&self, column: &ColumnPath) -> Option<Bounds<'_>>;
}

impl Statistics for Partition {
    fn rows(&self) -> u64 {
        self.rows
    }

    fn bounds(&self, column: &ColumnPath) -> Option<Bounds<'_>> {
        let known = self.column(column)?;
        Some(Bounds {
            min: known.min.as_ref().map(Cow::Borrowed),
            max: known.max.as_ref().map(Cow::Borrowed),
            null_count: Some(known.null_count),
        })
    }
}

/// What is known about rows that must pass `predicate`.
pub fn prune(predicate: &ScanPredicate, statistics: &dyn Statistics) -> Prune {
    match predicate {
        ScanPredicate::True => Prune::All,
        ScanPredicate::False => Prune::Skip,
        ScanPredicate::And(parts) => all_of(parts, statistics),
        ScanPredicate::Or(parts) => any_of(parts, statistics),
        ScanPredicate::Compare { column, operator, value } => {
            with_bounds(column, statistics, |bounds| compare_bounds(bounds, *operator, value))
        }
        ScanPredicate::In { column, values } => with_bounds(column, statistics, |bounds| {
            let equal = |value| compare_bounds(bounds, Comparison::Equal, value);
            values.iter().map(equal).fold(Prune::Skip, either)
        }),
        ScanPredicate::StartsWith { column, prefix } => {
            with_bounds(column, statistics, |bounds| starts_with(bounds, prefix))
        }
        ScanPredicate::IsNull(column) => {
            match statistics.bounds(column).and_then(|bounds| bounds.null_count) {
                Some(0) => Prune::Skip,
                Some(nulls) if nulls == statistics.rows() => Prune::All,
                _ => Prune::Read,
            }
        }
        ScanPredicate::IsNotNull(column) => {
            match statistics.bounds(column).and_then(|bounds| bounds.null_count) {
                Some(0) => Prune::All,
                Some(nulls) if nulls == statistics.rows() => Prune::Skip,
                _ => Prune::Read,
            }
        }
    }
}

fn all_of(parts: &[ScanPredicate], statistics: &dyn Statistics) -> Prune {
    let mut result = Prune::All;
    for part in parts {
        match prune(part, statistics) {
            Prune::Skip => return Prune::Skip,
            Prune::Read => result = Prune::Read,
            Prune::All => {}
        }
    }
    result
}

fn any_of(parts: &[ScanPredicate], statistics: &dyn Statistics) -> Prune {
    parts.iter().map(|part| prune(part, statistics)).fold(Prune::Skip, either)
}

fn either(a: Prune, b: Prune) -> Prune {
    match (a, b) {
        (Prune::All, _) | (_, Prune::All) => Prune::All,
        (Prune::Skip, Prune::Skip) => Prune::Skip,
        _ => Prune::Read,
    }
}

/// What the bounds of the values say to a test that NULL does not pass.
fn with_bounds(
    column: &ColumnPath,
    statistics: &dyn Statistics,
    test: impl Fn(&Bounds<'_>) -> Prune,
) -> Prune {
    let Some(bounds) = statistics.bounds(column) else { return Prune::Read };
    if bounds.null_count == Some(statistics.rows()) {
        return Prune::Skip;
    }
    match test(&bounds) {
        Prune::All if bounds.null_count != Some(0) => Prune::Read,
        other => other,
    }
}

/// A comparison with values between `min` and `max`; either may be unknown.
fn compare_bounds(bounds: &Bounds<'_>, operator: Comparison, value: &Value) -> Prune {
    let low = bounds.min.as_deref().and_then(|min| compare(min, value));
    let high = bounds.max.as_deref().and_then(|max| compare(max, value));
    let (low_passes, high_passes) =
        (low.map(|o| operator.holds(o)), high.map(|o| operator.holds(o)));
    match operator {
        Comparison::Equal => match (low, high) {
            (Some(low), _) if low.is_gt() => Prune::Skip,
            (_, Some(high)) if high.is_lt() => Prune::Skip,
            (Some(low), Some(high)) if low.is_eq() && high.is_eq() => Prune::All,
            _ => Prune::Read,
        },
        Comparison::NotEqual => match compare_bounds(bounds, Comparison::Equal, value) {
            Prune::Skip => Prune::All,
            Prune::All => Prune::Skip,
            Prune::Read => Prune::Read,
        },
        Comparison::Less | Comparison::LessOrEqual => by_ends(low_passes, high_passes),
        Comparison::Greater | Comparison::GreaterOrEqual => by_ends(high_passes, low_passes),
    }
}

/// `best` is whether the end that passes most easily does, `worst` whether the other end does.
fn by_ends(best: Option<bool>, worst: Option<bool>) -> Prune {
    match (best, worst) {
        (Some(false), _) => Prune::Skip,
        (_, Some(true)) => Prune::All,
        _ => Prune::Read,
    }
}

/// Texts that begin with `prefix` lie from it up to, not including, the prefix with its end raised.
fn starts_with(bounds: &Bounds<'_>, prefix: &str) -> Prune {
    let (min, max) = (bounds.min.as_deref(), bounds.max.as_deref());
    let (Some(Value::Text(min)), Some(Value::Text(max))) = (min, max) else {
        return Prune::Read;
    };
    let before = max.as_bytes() < prefix.as_bytes();
    let after = min.as_bytes() > prefix.as_bytes() && !min.starts_with(prefix);
    if before || after {
        Prune::Skip
    } else if min.starts_with(prefix) && max.starts_with(prefix) {
        Prune::All
    } else {
        Prune::Read
    }
}

#[cfg(test)]
mod tests {
    use firn_types::FieldId;

    use super::*;

    struct Known {
        rows: u64,
        bounds: Bounds<'static>,
    }

    impl Statistics for Known {
        fn rows(&self) -> u64 {
            self.rows
        }

        fn bounds(&self, column: &ColumnPath) -> Option<Bounds<'_>> {
            (*column == FieldId(1)).then(|| self.bounds.borrowed())
        }
    }

    fn numbers(min: i128, max: i128, nulls: u64) -> Known {
        let bounds = Bounds {
            min: Some(Cow::Owned(Value::integer(min))),
            max: Some(Cow::Owned(Value::integer(max))),
            null_count: Some(nulls),
        };
        Known { rows: 10, bounds }
    }

    fn test(operator: Comparison, value: i128) -> ScanPredicate {
        ScanPredicate::Compare { column: FieldId(1).into(), operator, value: Value::integer(value) }
    }

    #[test]
    fn comparisons_skip_take_and_read() {
        use Comparison::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual, NotEqual};
        let rows = numbers(10, 20, 0);
        for (operator, value, expected) in [
            (Equal, 9, Prune::Skip),
            (Equal, 10, Prune::Read),
            (NotEqual, 9, Prune::All),
            (Less, 10, Prune::Skip),
            (Less, 21, Prune::All),
            (LessOrEqual, 10, Prune::Read),
            (LessOrEqual, 20, Prune::All),
            (Greater, 20, Prune::Skip),
            (Greater, 9, Prune::All),
            (GreaterOrEqual, 20, Prune::Read),
            (GreaterOrEqual, 10, Prune::All),
        ] {
            assert_eq!(prune(&test(operator, value), &rows), expected, "{operator:?} {value}");
        }
        assert_eq!(prune(&test(Equal, 5), &numbers(5, 5, 0)), Prune::All);
        assert_eq!(prune(&test(NotEqual, 5), &numbers(5, 5, 0)), Prune::Skip);
    }

    #[test]
    fn nulls_pass_no_comparison() {
        assert_eq!(prune(&test(Comparison::Less, 21), &numbers(10, 20, 1)), Prune::Read);
        let nulls =
            Known { rows: 10, bounds: Bounds { null_count: Some(10), ..Bounds::default() } };
        assert_eq!(prune(&test(Comparison::Equal, 1), &nulls), Prune::Skip);
        assert_eq!(prune(&ScanPredicate::IsNull(FieldId(1).into()), &nulls), Prune::All);
        assert_eq!(prune(&ScanPredicate::IsNotNull(FieldId(1).into()), &nulls), Prune::Skip);
    }

    #[test]
    fn and_or_and_in_combine() {
        let rows = numbers(10, 20, 0);
        let (none, some, all) =
            (test(Comparison::Less, 5), test(Comparison::Less, 15), test(Comparison::Less, 50));
        let and = |a: &ScanPredicate, b: &ScanPredicate| {
            prune(&ScanPredicate::And(vec![a.clone(), b.clone()]), &rows)
        };
        let or = |a: &ScanPredicate, b: &ScanPredicate| {
            prune(&ScanPredicate::Or(vec![a.clone(), b.clone()]), &rows)
        };
        assert_eq!(and(&some, &none), Prune::Skip);
        assert_eq!(and(&some, &all), Prune::Read);
        assert_eq!(or(&none, &none), Prune::Skip);
        assert_eq!(or(&none, &all), Prune::All);
        let list = |values: &[i128]| ScanPredicate::In {
            column: FieldId(1).into(),
            values: values.iter().map(|v| Value::integer(*v)).collect(),
        };
        assert_eq!(prune(&list(&[1, 2, 30]), &rows), Prune::Skip);
        assert_eq!(prune(&list(&[1, 12]), &rows), Prune::Read);
    }

    #[test]
    fn prefixes_and_unknown_columns() {
        let bounds = Bounds {
            min: Some(Cow::Owned(Value::text("beta"))),
            max: Some(Cow::Owned(Value::text("delta"))),
            null_count: Some(0),
        };
        let rows = Known { rows: 10, bounds };
        let begins = |field: FieldId, prefix: &str| {
            let (column, prefix) = (field.into(), prefix.to_string());
            prune(&ScanPredicate::StartsWith { column, prefix }, &rows)
        };
        assert_eq!(begins(FieldId(1), "a"), Prune::Skip);
        assert_eq!(begins(FieldId(1), "b"), Prune::Read);
        assert_eq!(begins(FieldId(1), "c"), Prune::Read);
        assert_eq!(begins(FieldId(1), "e"), Prune::Skip);
        assert_eq!(begins(FieldId(1), ""), Prune::All);
        assert_eq!(begins(FieldId(2), "a"), Prune::Read);
    }
}
