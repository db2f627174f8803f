//! How much micro-partitions overlap on a clustering key, and which of them to sort together.
//!
//! A micro-partition covers the range from the least to the greatest values of the key's expressions, in
//! the order of tuples. That is what a linear key sorts by: a later expression matters where the ones
//! before it are constant.

use std::cmp::Ordering;
use std::sync::Arc;

use firn_account::catalog::{Table, TableColumn};
use firn_expression::Expr;
use firn_functions::FunctionContext;
use firn_storage::Partition;
use firn_storage::statistics::compare;
use firn_types::{ColumnId, Error, Result, SqlType, Value};

/// Ranges are about as wide as the widest one when they are not so many times narrower.
const ALIKE: usize = 4;

/// Functions that keep the order of their one argument that is no constant, or turn it around.
const MONOTONE: &[&str] = &[
    "+",
    "-",
    "TRUNC",
    "ROUND",
    "FLOOR",
    "CEIL",
    "DATE_TRUNC",
    "TO_DATE",
    "YEAR",
    "LEFT",
    "SUBSTR",
    "LAST_DAY",
    "DATEADD",
    "TO_TIMESTAMP_NTZ",
];

/// One end of a range of one expression, in order.
#[derive(Clone, Debug)]
pub(crate) enum Bound {
    /// Less than all values: nothing is known.
    Lowest,
    /// A value.
    Value(Value),
    /// NULL stands behind all values.
    Null,
}

impl Bound {
    fn order(&self, other: &Bound) -> Ordering {
        let rank = |bound: &Bound| match bound {
            Bound::Lowest => 0,
            Bound::Value(_) => 1,
            Bound::Null => 2,
        };
        match (self, other) {
            (Bound::Value(a), Bound::Value(b)) => compare(a, b).unwrap_or(Ordering::Equal),
            (a, b) => rank(a).cmp(&rank(b)),
        }
    }
}

/// The range of a micro-partition: one bound for each expression of the key.
#[derive(Clone, Debug)]
pub(crate) struct Range {
    least: Vec<Bound>,
    greatest: Vec<Bound>,
}

fn order(a: &[Bound], b: &[Bound]) -> Ordering {
    let pairs = a.iter().zip(b).map(|(a, b)| a.order(b));
    pairs.fold(Ordering::Equal, Ordering::then)
}

impl Range {
    pub(crate) fn is_constant(&self) -> bool {
        let unknown = self.least.iter().any(|bound| matches!(bound, Bound::Lowest));
        !unknown && order(&self.least, &self.greatest).is_eq()
    }
}

/// How ranges overlap.
pub(crate) struct Overlap {
    /// For each range, how many others intersect it.
    pub(crate) overlaps: Vec<usize>,
    /// For each range, the greatest number of ranges, itself included, that hold one point of it.
    pub(crate) depths: Vec<usize>,
}

impl Overlap {
    /// How these ranges overlap.
    pub(crate) fn of(ranges: &[Range]) -> Overlap {
        let (points, places) = placed(ranges);
        // What begins and ends at each point.
        let (mut begun, mut ended) = (vec![0; points + 1], vec![0; points + 1]);
        for &(least, greatest) in &places {
            begun[least + 1] += 1;
            ended[greatest + 1] += 1;
        }
        for point in 1..begun.len() {
            begun[point] += begun[point - 1];
            ended[point] += ended[point - 1];
        }
        // Ranges that hold a point have begun there or before, and have not ended before.
        let covering: Vec<usize> =
            (0..points).map(|point| begun[point + 1] - ended[point]).collect();
        let tallest = Tallest::of(covering);
        let overlap = |&(least, greatest): &(usize, usize)| begun[greatest + 1] - ended[least] - 1;
        Overlap {
            overlaps: places.iter().map(overlap).collect(),
            depths: places
                .iter()
                .map(|&(least, greatest)| tallest.within(least, greatest))
                .collect(),
        }
    }

    pub(crate) fn average_overlaps(&self) -> f64 {
        average(&self.overlaps)
    }

    pub(crate) fn average_depth(&self) -> f64 {
        average(&self.depths)
    }
}

fn average(counts: &[usize]) -> f64 {
    if counts.is_empty() { 0.0 } else { counts.iter().sum::<usize>() as f64 / counts.len() as f64 }
}

/// The greatest of any stretch of numbers: level `n` holds those of stretches of `2^n`.
struct Tallest(Vec<Vec<usize>>);

impl Tallest {
    fn of(numbers: Vec<usize>) -> Tallest {
        let mut levels = vec![numbers];
        let mut width = 1;
        while let Some(last) = levels.last().filter(|last| last.len() > width) {
            let wider = last.iter().zip(&last[width..]).map(|(a, b)| *a.max(b)).collect();
            levels.push(wider);
            width *= 2;
        }
        Tallest(levels)
    }

    /// The greatest of the numbers from `first` to `last`.
    fn within(&self, first: usize, last: usize) -> usize {
        let level = (last - first + 1).ilog2() as usize;
        let numbers = &self.0[level];
        numbers[first].max(numbers[last + 1 - (1 << level)])
    }
}

/// The range of each micro-partition on these keys of a table.
///
/// # Errors
/// When the statistics of columns do not tell the range of a key.
pub(crate) fn ranges(
    keys: &[Expr],
    table: &Table,
    partitions: &[Arc<Partition>],
    functions: &FunctionContext,
) -> Result<Vec<Range>> {
    let range = |partition: &Arc<Partition>| {
        let ends = keys.iter().map(|key| ends(key, table, partition, functions));
        let (least, greatest) = ends.collect::<Result<Vec<_>>>()?.into_iter().unzip();
        Ok(Range { least, greatest })
    };
    partitions.iter().map(range).collect()
}

/// Which ranges to sort together: at most so many of those that lie above each other where most do, if those
/// are at least `depth_min`. Ranges that only touch each other, as neighbors do whose rows were sorted
/// together, do not count.
///
/// One that lies above few narrower ones goes down among them. Where all lie above too many, wide ones of about
/// one width are sorted together: of so many each becomes so many times narrower. So a row is written again for
/// each level that it goes down, as in a tree of sorted runs (P. O'Neil et al., The log-structured merge-tree,
/// 1996), and not for each insert.
pub(crate) fn to_sort(ranges: &[Range], depth_min: usize, most: usize) -> Option<Vec<usize>> {
    let (points, places) = placed(ranges);
    let at = deepest(points, &places, depth_min)?;
    let width = |range: usize| places[range].1 - places[range].0;
    let holds = |range: &usize| places[*range].0 <= at && at < places[*range].1;
    let mut there: Vec<usize> = (0..ranges.len()).filter(holds).collect();
    there.sort_by_key(|range| std::cmp::Reverse((width(*range), *range)));
    let below = |range: usize| {
        let (least, greatest) = places[range];
        let narrower = |other: &usize| {
            let order = (width(*other), *other) < (width(range), range);
            order && places[*other].0 < greatest && least < places[*other].1
        };
        (0..ranges.len()).filter(narrower).take(most).collect::<Vec<_>>()
    };
    for range in &there {
        let mut found = below(*range);
        if !found.is_empty() && found.len() < most {
            found.push(*range);
            found.sort_unstable();
            return Some(found);
        }
    }
    let widest = there.first().map_or(0, |range| width(*range));
    let alike = there.iter().take_while(|range| width(**range) * ALIKE >= widest).count();
    there.truncate(alike.clamp(2, most));
    there.sort_unstable();
    Some(there)
}

/// A place between two ends that at least `depth_min` ranges hold, and none holds more.
fn deepest(points: usize, places: &[(usize, usize)], depth_min: usize) -> Option<usize> {
    let mut changes = vec![0_i64; points + 1];
    for &(least, greatest) in places {
        changes[least] += 1;
        changes[greatest] -= 1;
    }
    let mut depth = 0;
    let depths = changes.iter().map(|change| {
        depth += change;
        depth
    });
    let (at, depth) = depths.enumerate().max_by_key(|(at, depth)| (*depth, usize::MAX - at))?;
    (depth >= i64::try_from(depth_min).unwrap_or(i64::MAX)).then_some(at)
}

/// How much ranges lie above each other in all: what sorting some of them together makes less.
pub(crate) fn total_overlap(ranges: &[Range]) -> usize {
    Overlap::of(ranges).overlaps.iter().sum()
}

/// How many different ends ranges have, and for each range the places of its own among them.
fn placed(ranges: &[Range]) -> (usize, Vec<(usize, usize)>) {
    let mut points: Vec<&[Bound]> =
        ranges.iter().flat_map(|range| [&range.least[..], &range.greatest[..]]).collect();
    points.sort_by(|a, b| order(a, b));
    points.dedup_by(|a, b| order(a, b).is_eq());
    let place = |bound: &[Bound]| points.partition_point(|point| order(point, bound).is_lt());
    let places = ranges.iter().map(|range| (place(&range.least), place(&range.greatest)));
    (points.len(), places.collect())
}

/// The least and the greatest value of a key's expression in a micro-partition.
fn ends(
    key: &Expr,
    table: &Table,
    partition: &Partition,
    functions: &FunctionContext,
) -> Result<(Bound, Bound)> {
    let used = key.columns_used();
    let mut used = used.iter();
    let (Some(id), None) = (used.next(), used.next()) else {
        return Err(Error::not_supported("clustering information of this expression"));
    };
    let column = table.columns.get(id.0 as usize);
    let column = column.ok_or_else(|| Error::internal("a key of no column"))?;
    if !keeps_order(key) {
        return Err(Error::not_supported(format!(
            "clustering information of an expression over {} that does not keep its order",
            column.name
        )));
    }
    let (least, greatest) = column_ends(column, partition);
    let mapped = [least, greatest].map(|bound| match bound {
        Bound::Value(value) if key.as_column().is_none() => value_of(key, *id, &value, functions),
        other => Ok(other),
    });
    let [least, greatest] = mapped;
    let (least, greatest) = (least?, greatest?);
    // An expression that turns the order around.
    let turned = matches!((&least, &greatest), (Bound::Value(a), Bound::Value(b))
        if compare(a, b) == Some(Ordering::Greater));
    Ok(if turned { (greatest, least) } else { (least, greatest) })
}

fn column_ends(column: &TableColumn, partition: &Partition) -> (Bound, Bound) {
    let Some(known) = partition.column(&column.field_id.into()) else {
        // The file is older than the column.
        let value = column.initial_default.clone().map_or(Bound::Null, Bound::Value);
        return (value.clone(), value);
    };
    if known.null_count >= partition.rows {
        return (Bound::Null, Bound::Null);
    }
    let least = known.min.clone().map_or(Bound::Lowest, Bound::Value);
    let greatest = known.max.clone().filter(|_| known.null_count == 0);
    (least, greatest.map_or(Bound::Null, Bound::Value))
}

/// The expression's value where its column has this one.
fn value_of(
    key: &Expr,
    column: ColumnId,
    value: &Value,
    functions: &FunctionContext,
) -> Result<Bound> {
    let replaced = key.clone().map(&mut |expr| match expr {
        Expr::Column { id, sql_type, .. } if id == column => {
            Expr::Literal { value: value.clone(), sql_type }
        }
        other => other,
    });
    Ok(match replaced.constant_value(functions)? {
        Value::Null => Bound::Null,
        value => Bound::Value(value),
    })
}

/// Whether greater values of the one column never give lesser values, or never greater ones.
fn keeps_order(expr: &Expr) -> bool {
    match expr {
        Expr::Column { .. } => true,
        Expr::Cast { input, to, .. } => {
            let from = input.sql_type();
            let ordered =
                |kind: SqlType| !matches!(kind, SqlType::Varchar { .. } | SqlType::Variant);
            let same = ordered(from) && ordered(*to)
                || matches!((from, to), (SqlType::Varchar { .. }, SqlType::Varchar { .. }));
            same && keeps_order(input)
        }
        Expr::Call { function, arguments, .. } => {
            let mut varying = arguments.iter().filter(|argument| !argument.is_constant());
            let one = varying.next();
            // Only the beginning of a text keeps the order of texts.
            let whole = function.name != "SUBSTR"
                || matches!(arguments.get(1).and_then(Expr::as_literal),
                    Some(Value::Number(start)) if start.unscaled <= 1);
            MONOTONE.contains(&function.name)
                && whole
                && varying.next().is_none()
                && one.is_some_and(keeps_order)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(least: i64, greatest: i64) -> Range {
        let bound = |n: i64| vec![Bound::Value(Value::integer(n))];
        Range { least: bound(least), greatest: bound(greatest) }
    }

    #[test]
    fn a_range_is_as_deep_as_its_deepest_point() {
        // The first three share 5; the fourth touches the third at 9; the last stands alone.
        let ranges = [range(1, 5), range(5, 6), range(4, 9), range(9, 12), range(20, 20)];
        let overlap = Overlap::of(&ranges);
        assert_eq!(overlap.overlaps, [2, 2, 3, 1, 0]);
        assert_eq!(overlap.depths, [3, 3, 3, 2, 1]);
        assert_eq!(ranges.iter().filter(|range| range.is_constant()).count(), 1);
        assert_eq!(total_overlap(&ranges), 8);
    }

    #[test]
    fn nothing_has_no_depth() {
        let nothing = Overlap::of(&[]);
        assert_eq!((nothing.average_overlaps(), nothing.average_depth()), (0.0, 0.0));
    }

    #[test]
    fn what_lies_above_few_goes_down_and_wide_ones_are_sorted_together() {
        // Twenty neighbors, and above them one over two, and three over all.
        let mut ranges: Vec<Range> = (0..20).map(|n| range(10 * n, 10 * n + 10)).collect();
        assert_eq!(to_sort(&ranges, 2, 8), None, "neighbors that share an end");
        ranges.push(range(12, 28));
        assert_eq!(to_sort(&ranges, 3, 8), None);
        assert_eq!(to_sort(&ranges, 2, 8), Some(vec![1, 2, 20]));
        ranges.extend([range(1, 199), range(2, 198), range(3, 197)]);
        assert_eq!(to_sort(&ranges, 3, 8), Some(vec![1, 2, 20]));
        ranges.remove(20);
        assert_eq!(to_sort(&ranges, 3, 8), Some(vec![20, 21, 22]));
        assert_eq!(to_sort(&ranges, 3, 2), Some(vec![20, 21]));
        assert_eq!(to_sort(&ranges, 5, 8), None);
        // Files of one value lie above nothing.
        assert_eq!(to_sort(&[range(1, 5), range(5, 5), range(3, 3), range(5, 9)], 2, 8), None);
        assert_eq!(to_sort(&[], 1, 8), None);
    }
}
