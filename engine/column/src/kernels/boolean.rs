//! Three-valued AND, OR and NOT on whole bitmaps.

use arrow::array::{Array as _, BooleanArray};
use arrow::buffer::{BooleanBuffer, NullBuffer};

/// FALSE where either is FALSE, else NULL where either is NULL. Both have the same length.
pub fn and(left: &BooleanArray, right: &BooleanArray) -> BooleanArray {
    let values = left.values() & right.values();
    if left.null_count() == 0 && right.null_count() == 0 {
        return BooleanArray::new(values, None);
    }
    // Known are the rows where both are known, and those where one is known to be FALSE.
    let (left_valid, right_valid) = (valid(left), valid(right));
    let left_false = &left_valid & &!left.values();
    let right_false = &right_valid & &!right.values();
    let decided = &left_false | &right_false;
    let known = &(&left_valid & &right_valid) | &decided;
    BooleanArray::new(&values & &!&decided, Some(NullBuffer::new(known)))
}

/// TRUE where either is TRUE, else NULL where either is NULL. Both have the same length.
pub fn or(left: &BooleanArray, right: &BooleanArray) -> BooleanArray {
    let values = left.values() | right.values();
    if left.null_count() == 0 && right.null_count() == 0 {
        return BooleanArray::new(values, None);
    }
    let (left_valid, right_valid) = (valid(left), valid(right));
    let left_true = &left_valid & left.values();
    let right_true = &right_valid & right.values();
    let decided = &left_true | &right_true;
    let known = &(&left_valid & &right_valid) | &decided;
    BooleanArray::new(&values | &decided, Some(NullBuffer::new(known)))
}

/// TRUE for FALSE, FALSE for TRUE, NULL for NULL.
pub fn not(input: &BooleanArray) -> BooleanArray {
    BooleanArray::new(!input.values(), input.nulls().cloned())
}

/// The rows that are TRUE: neither FALSE nor NULL.
pub fn truths(input: &BooleanArray) -> BooleanBuffer {
    match input.nulls() {
        Some(nulls) if nulls.null_count() > 0 => input.values() & nulls.inner(),
        _ => input.values().clone(),
    }
}

fn valid(array: &BooleanArray) -> BooleanBuffer {
    match array.nulls() {
        Some(nulls) => nulls.inner().clone(),
        None => BooleanBuffer::new_set(array.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_truth_tables_are_three_valued_whatever_lies_under_a_null() {
        let states = [Some(false), Some(true), None];
        for left in states {
            for right in states {
                for under in [false, true] {
                    let array = |state: Option<bool>| {
                        let nulls = NullBuffer::from(vec![state.is_some()]);
                        let bits = BooleanBuffer::from(vec![state.unwrap_or(under)]);
                        BooleanArray::new(bits, Some(nulls))
                    };
                    let get = |a: BooleanArray| (!a.is_null(0)).then(|| a.value(0));
                    let expected_and = match (left, right) {
                        (Some(false), _) | (_, Some(false)) => Some(false),
                        (Some(true), Some(true)) => Some(true),
                        _ => None,
                    };
                    let expected_or = match (left, right) {
                        (Some(true), _) | (_, Some(true)) => Some(true),
                        (Some(false), Some(false)) => Some(false),
                        _ => None,
                    };
                    assert_eq!(get(and(&array(left), &array(right))), expected_and);
                    assert_eq!(get(or(&array(left), &array(right))), expected_or);
                }
            }
        }
    }
}
