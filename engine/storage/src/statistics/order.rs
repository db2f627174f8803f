//! The order of two values of one column.

use std::cmp::Ordering;

use firn_types::Value;

/// The order of two values of one type, as SQL has it: NaN is the greatest FLOAT and equals itself, a
/// TIMESTAMP_TZ is its instant. None for NULL, for VARIANT and for different types or scales.
pub fn compare(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Boolean(a), Value::Boolean(b)) => Some(a.cmp(b)),
        (Value::Number(a), Value::Number(b)) if a.scale == b.scale => {
            Some(a.unscaled.cmp(&b.unscaled))
        }
        (Value::Float(a), Value::Float(b)) => Some(compare_floats(*a, *b)),
        (Value::Text(a), Value::Text(b)) => Some(a.as_bytes().cmp(b.as_bytes())),
        (Value::Binary(a), Value::Binary(b)) => Some(a.cmp(b)),
        (Value::Date(a), Value::Date(b)) => Some(a.cmp(b)),
        (Value::Time(a), Value::Time(b)) => Some(a.cmp(b)),
        (Value::Timestamp(a), Value::Timestamp(b)) => Some(a.cmp(b)),
        (Value::TimestampTz(a), Value::TimestampTz(b)) => Some(a.utc_nanos.cmp(&b.utc_nanos)),
        _ => None,
    }
}

fn compare_floats(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nan_is_the_greatest_float_and_zero_has_no_sign() {
        let order = |a, b| compare(&Value::Float(a), &Value::Float(b));
        assert_eq!(order(f64::NAN, f64::INFINITY), Some(Ordering::Greater));
        assert_eq!(order(f64::NAN, f64::NAN), Some(Ordering::Equal));
        assert_eq!(order(0.0, -0.0), Some(Ordering::Equal));
        assert_eq!(compare(&Value::Null, &Value::Null), None);
    }
}
