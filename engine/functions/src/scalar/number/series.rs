//! FACTORIAL and WIDTH_BUCKET.

use firn_types::{Error, ErrorCode, Result, SqlType};

use super::CATEGORY;
use crate::driver::{floats, ints, null_propagating};
use crate::{Argument, Arity, Documentation, Example, ScalarBinding, ScalarFunction, accept};

/// FACTORIAL(number)
pub(crate) const FACTORIAL: ScalarFunction = ScalarFunction::new(
    "FACTORIAL",
    Arity::exactly(1),
    bind_factorial,
    Documentation::of(
        CATEGORY,
        "The product of the whole numbers from 1 to this one, which may be 0 to 33.",
        &[Example::of("FACTORIAL(0)", "1"), Example::of("FACTORIAL(10)", "3628800")],
    ),
);

/// WIDTH_BUCKET(value, least, greatest, buckets)
pub(crate) const WIDTH_BUCKET: ScalarFunction = ScalarFunction::new(
    "WIDTH_BUCKET",
    Arity::exactly(4),
    bind_width_bucket,
    Documentation::of(
        CATEGORY,
        "Which of that many equal parts of a range the value falls into, from 1.",
        &[
            Example::of("WIDTH_BUCKET(290000, 200000, 600000, 4)", "1"),
            Example::of("WIDTH_BUCKET(600000, 200000, 600000, 4)", "5"),
            Example::of("WIDTH_BUCKET(100, 200000, 600000, 4)", "0"),
        ],
    ),
);

fn bind_factorial(arguments: &[Argument]) -> Result<ScalarBinding> {
    let input = accept::integer("FACTORIAL", arguments, 0)?;
    let kernel = null_propagating(|rows, columns| {
        let x = ints(&columns[0])?;
        rows.map(|at| factorial(x.get(at)).map(Some))
    });
    ScalarBinding::new(vec![input], SqlType::INTEGER, kernel)
}

fn factorial(number: i64) -> Result<i128> {
    if !(0..=33).contains(&number) {
        let text = format!("Invalid argument {number} of FACTORIAL: it must be 0 to 33");
        return Err(Error::new(ErrorCode::InvalidValue, text));
    }
    Ok((1..=i128::from(number)).product())
}

fn bind_width_bucket(arguments: &[Argument]) -> Result<ScalarBinding> {
    let name = "WIDTH_BUCKET";
    let types = vec![
        accept::float(name, arguments, 0)?,
        accept::float(name, arguments, 1)?,
        accept::float(name, arguments, 2)?,
        accept::integer(name, arguments, 3)?,
    ];
    let kernel = null_propagating(|rows, columns| {
        let (x, low, high) = (floats(&columns[0])?, floats(&columns[1])?, floats(&columns[2])?);
        let buckets = ints(&columns[3])?;
        rows.map(|at| bucket(x.get(at), low.get(at), high.get(at), buckets.get(at)).map(Some))
    });
    ScalarBinding::new(types, SqlType::number(18, 0), kernel)
}

fn bucket(x: f64, low: f64, high: f64, buckets: i64) -> Result<i64> {
    let is_range = low < high;
    if buckets <= 0 || !is_range {
        let text = format!("Invalid range of WIDTH_BUCKET: {buckets} buckets from {low} to {high}");
        return Err(Error::new(ErrorCode::InvalidValue, text));
    }
    Ok(if x < low {
        0
    } else if x < high {
        (((x - low) / (high - low) * buckets as f64) as i64 + 1).min(buckets)
    } else {
        buckets.saturating_add(1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series() -> Result<()> {
        assert_eq!(factorial(33)?, 8_683_317_618_811_886_495_518_194_401_280_000_000);
        assert!(factorial(34).is_err());
        assert!(factorial(-1).is_err());
        for (x, expected) in
            [(199.0, 0), (200.0, 1), (299.9, 1), (300.0, 2), (599.9, 4), (600.0, 5)]
        {
            assert_eq!(bucket(x, 200.0, 600.0, 4)?, expected, "{x}");
        }
        assert!(bucket(1.0, 2.0, 2.0, 4).is_err());
        assert!(bucket(1.0, 0.0, 2.0, 0).is_err());
        Ok(())
    }
}
