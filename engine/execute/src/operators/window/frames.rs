//! The frame of every row.

use firn_column::{Array, Column};
use firn_plan::{Frame, FrameBound, FrameUnit};
use firn_types::interval::Interval;
use firn_types::value::TIMESTAMP_TZ_OFFSET_BITS;
use firn_types::{Decimal, Error, ErrorCode, Result, SqlType, Value};

/// Rows sorted by partition and order.
pub(super) struct Sorted<'a> {
    pub(super) partitions: &'a [(u32, u32)],
    pub(super) peers: &'a [(u32, u32)],
    /// The keys of ORDER BY with their types, and whether each descends.
    pub(super) keys: &'a [(Column, SqlType, bool)],
}

/// Start and end of the frame of every row; the end of an empty one is its start.
pub(super) fn frames(frame: &Frame, rows: &Sorted<'_>) -> Result<Vec<(u32, u32)>> {
    let starts = bounds(frame.unit, &frame.start, rows, false)?;
    let ends = bounds(frame.unit, &frame.end, rows, true)?;
    Ok(starts.into_iter().zip(ends).map(|(start, end)| (start, end.max(start))).collect())
}

/// One end of all frames; ends lie behind the last row.
fn bounds(
    unit: FrameUnit,
    bound: &FrameBound,
    rows: &Sorted<'_>,
    is_end: bool,
) -> Result<Vec<u32>> {
    let partitions = rows.partitions.iter();
    match (bound, unit) {
        (FrameBound::UnboundedPreceding, _) => Ok(partitions.map(|range| range.0).collect()),
        (FrameBound::UnboundedFollowing, _) => Ok(partitions.map(|range| range.1).collect()),
        (FrameBound::CurrentRow, FrameUnit::Rows) => {
            Ok((0..rows.partitions.len() as u32).map(|row| row + u32::from(is_end)).collect())
        }
        (FrameBound::CurrentRow, FrameUnit::Range | FrameUnit::Groups) => {
            let peers = rows.peers.iter();
            Ok(peers.map(|range| if is_end { range.1 } else { range.0 }).collect())
        }
        (FrameBound::Preceding(by), FrameUnit::Rows) => {
            let by = -count(by)?;
            Ok(moved(rows.partitions, by, is_end))
        }
        (FrameBound::Following(by), FrameUnit::Rows) => {
            let by = count(by)?;
            Ok(moved(rows.partitions, by, is_end))
        }
        (FrameBound::Preceding(by), FrameUnit::Groups) => {
            Ok(moved_by_groups(rows, -count(by)?, is_end))
        }
        (FrameBound::Following(by), FrameUnit::Groups) => {
            Ok(moved_by_groups(rows, count(by)?, is_end))
        }
        (FrameBound::Preceding(by), FrameUnit::Range) => at_distance(by, true, rows, is_end),
        (FrameBound::Following(by), FrameUnit::Range) => at_distance(by, false, rows, is_end),
    }
}

fn moved(partitions: &[(u32, u32)], by: i64, is_end: bool) -> Vec<u32> {
    let by = by + i64::from(is_end);
    let place = |(row, &(start, end)): (usize, &(u32, u32))| {
        (row as i64).saturating_add(by).clamp(i64::from(start), i64::from(end)) as u32
    };
    partitions.iter().enumerate().map(place).collect()
}

/// The bound of each row so many groups of peers away, within its partition.
fn moved_by_groups(rows: &Sorted<'_>, by: i64, is_end: bool) -> Vec<u32> {
    let mut groups = rows.peers.to_vec();
    groups.dedup();
    let mut bounds = Vec::with_capacity(rows.peers.len());
    for (number, group) in groups.iter().enumerate() {
        let (start, end) = rows.partitions[group.0 as usize];
        let other = usize::try_from((number as i64).saturating_add(by)).ok();
        let other = other.and_then(|number| groups.get(number));
        let bound = match other {
            Some(other) if other.0 < start => start,
            Some(other) if other.0 >= end => end,
            Some(other) if is_end => other.1,
            Some(other) => other.0,
            None if by < 0 => start,
            None => end,
        };
        bounds.resize(group.1 as usize, bound);
    }
    bounds
}

fn count(by: &Value) -> Result<i64> {
    match by {
        Value::Number(Decimal { unscaled, scale: 0 }) if *unscaled >= 0 => {
            Ok(i64::try_from(*unscaled).unwrap_or(i64::MAX / 4).min(i64::MAX / 4))
        }
        _ => Err(Error::internal("a number of rows that is not one")),
    }
}

/// The keys that distances are measured in.
enum Keys {
    Integers(Vec<i128>),
    Floats(Vec<f64>),
}

/// How far a bound lies from the row's key.
enum Distance {
    Integer(i128),
    Float(f64),
    Interval(Interval),
}

fn not_supported() -> Error {
    Error::not_supported("RANGE with this distance over an ORDER BY of this type")
}

/// Keys and distance in the same measure: numbers at the larger scale, dates as nanoseconds when the
/// distance is an interval.
fn measured(column: &Column, sql_type: SqlType, by: &Value) -> Result<(Keys, Distance)> {
    let array = column.flat();
    let integers = |factor: i128| -> Result<Keys> {
        let scaled = |row| array.integer(row).checked_mul(factor).ok_or_else(not_supported);
        Ok(Keys::Integers((0..array.len()).map(scaled).collect::<Result<_>>()?))
    };
    let power = |digits: u8| 10_i128.checked_pow(u32::from(digits)).ok_or_else(not_supported);
    match (sql_type, by) {
        (SqlType::Number { scale, .. }, Value::Number(by)) => {
            let common = scale.max(by.scale);
            let by =
                by.unscaled.checked_mul(power(common - by.scale)?).ok_or_else(not_supported)?;
            Ok((integers(power(common - scale)?)?, Distance::Integer(by)))
        }
        (SqlType::Float, Value::Number(by)) => {
            let by = by.unscaled as f64 / 10_f64.powi(i32::from(by.scale));
            floats(&array, by)
        }
        (SqlType::Float, Value::Float(by)) => floats(&array, *by),
        (SqlType::Date, Value::Number(Decimal { unscaled, scale: 0 })) => {
            Ok((integers(1)?, Distance::Integer(*unscaled)))
        }
        (_, Value::Text(text)) => {
            let interval = Interval::parse(text).ok_or_else(|| {
                Error::new(ErrorCode::InvalidValue, format!("Invalid interval '{text}'"))
            })?;
            let keys = match sql_type {
                SqlType::Date => integers(86_400_000_000_000)?,
                SqlType::TimestampTz { .. } => {
                    let instant = |row| array.integer(row) >> TIMESTAMP_TZ_OFFSET_BITS;
                    Keys::Integers((0..array.len()).map(instant).collect())
                }
                SqlType::Time { .. }
                | SqlType::TimestampNtz { .. }
                | SqlType::TimestampLtz { .. } => integers(1)?,
                _ => return Err(not_supported()),
            };
            Ok((keys, Distance::Interval(interval)))
        }
        _ => Err(not_supported()),
    }
}

fn floats(array: &Array, by: f64) -> Result<(Keys, Distance)> {
    match array {
        Array::F64(values) => Ok((Keys::Floats(values.values().to_vec()), Distance::Float(by))),
        _ => Err(Error::internal("a FLOAT that is not one")),
    }
}

/// The bound of each row at a distance in the one key.
fn at_distance(by: &Value, before: bool, rows: &Sorted<'_>, is_end: bool) -> Result<Vec<u32>> {
    let [(column, sql_type, descending)] = rows.keys else {
        return Err(Error::not_supported("RANGE with a distance over several ORDER BY keys"));
    };
    let (keys, distance) = measured(column, *sql_type, by)?;
    // In a descending order what comes before is larger.
    let subtract = before != *descending;
    let mut bounds = Vec::with_capacity(rows.partitions.len());
    let mut partition = (u32::MAX, u32::MAX);
    let mut values = (0, 0);
    for (row, range) in rows.partitions.iter().enumerate() {
        if *range != partition {
            partition = *range;
            values = without_nulls(column, *range);
        }
        if column.is_null(row) {
            let peers = rows.peers[row];
            bounds.push(if is_end { peers.1 } else { peers.0 });
            continue;
        }
        bounds.push(match (&keys, &distance) {
            (Keys::Floats(keys), Distance::Float(by)) => {
                let target = if subtract { keys[row] - by } else { keys[row] + by };
                place(values, is_end, *descending, |at| {
                    keys[at as usize].partial_cmp(&target).unwrap_or_else(|| {
                        // NaN is the greatest.
                        keys[at as usize].is_nan().cmp(&target.is_nan())
                    })
                })
            }
            (Keys::Integers(keys), distance) => {
                let key = keys[row];
                let target = match distance {
                    Distance::Integer(by) if subtract => key.saturating_sub(*by),
                    Distance::Integer(by) => key.saturating_add(*by),
                    Distance::Interval(by) => {
                        let beyond = if subtract { i128::MIN } else { i128::MAX };
                        by.add_to_moment(key, subtract).unwrap_or(beyond)
                    }
                    Distance::Float(_) => return Err(not_supported()),
                };
                place(values, is_end, *descending, |at| keys[at as usize].cmp(&target))
            }
            _ => return Err(not_supported()),
        });
    }
    Ok(bounds)
}

/// The rows of a partition whose key is not NULL; NULLs stand at one end.
fn without_nulls(column: &Column, (start, end): (u32, u32)) -> (u32, u32) {
    let (mut start, mut end) = (start, end);
    while start < end && column.is_null(start as usize) {
        start += 1;
    }
    while end > start && column.is_null(end as usize - 1) {
        end -= 1;
    }
    (start, end)
}

/// The first row at or after the target; for an end, the first behind it.
fn place(
    (start, end): (u32, u32),
    is_end: bool,
    descending: bool,
    compare: impl Fn(u32) -> std::cmp::Ordering,
) -> u32 {
    let is_before = |row: u32| {
        let order = if descending { compare(row).reverse() } else { compare(row) };
        order.is_lt() || (is_end && order.is_eq())
    };
    let (mut low, mut high) = (start, end);
    while low < high {
        let middle = low + (high - low) / 2;
        if is_before(middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}
