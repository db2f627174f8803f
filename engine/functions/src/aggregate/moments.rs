//! VARIANCE, STDDEV, SKEW and KURTOSIS: central moments.
//!
//! Moments are kept as Pébay's formulas have them (Formulas for robust, one-pass parallel computation of
//! covariances and arbitrary-order statistical moments, 2008), which are stable and merge. The variance of
//! a NUMBER is exact as long as its sums fit into 128 bits.

use firn_column::{Array, Column};
use firn_types::decimal::{average_scale, divide_scaled, fits_precision};
use firn_types::limits::{NUMBER_PRECISION_MAX, NUMBER_SCALE_MAX};
use firn_types::{Error, Result, SqlType};

use super::grouped::{Fold, Folded};
use super::{AggregateBinding, AggregateFunction, CATEGORY};
use crate::driver::Output;
use crate::{Argument, Arity, Documentation, Example, accept};

macro_rules! moment {
    ($constant:ident, $aliases:expr, $kind:expr, $summary:literal, $answer:literal) => {
        /// A function of central moments.
        pub(crate) const $constant: AggregateFunction = AggregateFunction::new(
            stringify!($constant),
            Arity::exactly(1),
            |arguments| bind(stringify!($constant), arguments, $kind),
            Documentation::of(
                CATEGORY,
                $summary,
                &[Example::of(concat!(stringify!($constant), "(5)"), $answer)],
            ),
        )
        .with_aliases($aliases)
        .with_distinct();
    };
}

moment!(
    VARIANCE,
    &["VAR_SAMP", "VARIANCE_SAMP"],
    Kind::SampleVariance,
    "The variance of a sample; NULL for fewer than two values.",
    "NULL"
);
moment!(VAR_POP, &["VARIANCE_POP"], Kind::Variance, "The variance of a population.", "0.000000");
moment!(
    STDDEV,
    &["STDDEV_SAMP"],
    Kind::SampleDeviation,
    "The standard deviation of a sample; NULL for fewer than two values.",
    "NULL"
);
moment!(STDDEV_POP, &[], Kind::Deviation, "The standard deviation of a population.", "0");
moment!(
    SKEW,
    &[],
    Kind::Skew,
    "The skewness of a sample; NULL for fewer than three values.",
    "NULL"
);
moment!(
    KURTOSIS,
    &[],
    Kind::Kurtosis,
    "The excess kurtosis of a sample; NULL for fewer than four values.",
    "NULL"
);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    SampleVariance,
    Variance,
    SampleDeviation,
    Deviation,
    Skew,
    Kurtosis,
}

fn bind(name: &str, arguments: &[Argument], kind: Kind) -> Result<AggregateBinding> {
    let input = accept::number(name, arguments, 0)?;
    let is_variance = matches!(kind, Kind::SampleVariance | Kind::Variance);
    if input == SqlType::Float || !is_variance {
        let fold = move || Folded::new(Floats { kind });
        return AggregateBinding::new(vec![SqlType::Float], SqlType::Float, fold);
    }
    let input_scale = input.scale();
    let scale = average_scale(input_scale.saturating_mul(2)).min(NUMBER_SCALE_MAX);
    let returns = SqlType::number(NUMBER_PRECISION_MAX, scale);
    let fold =
        move || Folded::new(Integers { sample: kind == Kind::SampleVariance, input_scale, scale });
    AggregateBinding::new(vec![input], returns, fold)
}

/// Number, mean, and sums of powers of distances from the mean.
#[derive(Clone, Copy, Default)]
struct Moments {
    count: f64,
    mean: f64,
    second: f64,
    third: f64,
    fourth: f64,
}

impl Moments {
    fn add(&mut self, x: f64) {
        self.merge(&Moments { count: 1.0, mean: x, ..Moments::default() });
    }

    fn merge(&mut self, other: &Moments) {
        if other.count == 0.0 {
            return;
        }
        let (a, b) = (self.count, other.count);
        let n = a + b;
        let delta = other.mean - self.mean;
        let delta_n = delta / n;
        let product = delta * delta_n * a * b;
        self.fourth += other.fourth
            + product * delta_n * delta_n * (a * a - a * b + b * b)
            + 6.0 * delta_n * delta_n * (a * a * other.second + b * b * self.second)
            + 4.0 * delta_n * (a * other.third - b * self.third);
        self.third += other.third
            + product * delta_n * (a - b)
            + 3.0 * delta_n * (a * other.second - b * self.second);
        self.second += other.second + product;
        self.mean += delta_n * b;
        self.count = n;
    }

    fn answer(&self, kind: Kind) -> Option<f64> {
        let n = self.count;
        let sample = || (n > 1.0).then(|| self.second / (n - 1.0));
        let whole = || (n > 0.0).then(|| self.second / n);
        match kind {
            Kind::SampleVariance => sample(),
            Kind::Variance => whole(),
            Kind::SampleDeviation => sample().map(f64::sqrt),
            Kind::Deviation => whole().map(f64::sqrt),
            Kind::Skew => {
                let deviation = sample().filter(|_| n > 2.0)?.sqrt();
                let standard = self.third / deviation.powi(3);
                Some(standard * n / ((n - 1.0) * (n - 2.0))).filter(|skew| !skew.is_nan())
            }
            Kind::Kurtosis => {
                let variance = sample().filter(|_| n > 3.0)?;
                let standard = self.fourth / (variance * variance);
                let factor = n * (n + 1.0) / ((n - 1.0) * (n - 2.0) * (n - 3.0));
                let excess = 3.0 * (n - 1.0) * (n - 1.0) / ((n - 2.0) * (n - 3.0));
                Some(standard * factor - excess).filter(|kurtosis| !kurtosis.is_nan())
            }
        }
    }
}

/// Moments of floating-point numbers.
struct Floats {
    kind: Kind,
}

impl Fold for Floats {
    type State = Moments;

    fn start(&self) -> Moments {
        Moments::default()
    }

    fn update(
        &self,
        states: &mut [Moments],
        groups: &[u32],
        arguments: &[Column],
        _: &mut usize,
    ) -> Result<()> {
        let Array::F64(values) = arguments[0].flat() else {
            return Err(Error::internal("moments of what is no FLOAT"));
        };
        for (value, &group) in values.iter().zip(groups) {
            value.into_iter().for_each(|x| states[group as usize].add(x));
        }
        Ok(())
    }

    fn merge(&self, into: &mut Moments, from: Moments) -> Result<()> {
        into.merge(&from);
        Ok(())
    }

    fn finish(&self, states: Vec<Moments>) -> Result<Column> {
        let answers: Vec<Option<f64>> =
            states.iter().map(|state| state.answer(self.kind)).collect();
        Ok(Column::Flat(Array::F64(answers.into())))
    }
}

/// Exact sums of integers and of their squares.
struct Integers {
    sample: bool,
    input_scale: u8,
    scale: u8,
}

#[derive(Clone, Copy, Default)]
struct Sums {
    count: i64,
    sum: i128,
    squares: i128,
    /// The same in floating-point numbers, for when the sums overflow.
    moments: Moments,
    overflows: bool,
}

impl Sums {
    fn take(&mut self, count: i64, sum: i128, squares: Option<i128>) {
        let sums = self.sum.checked_add(sum);
        let squares = squares.and_then(|squares| self.squares.checked_add(squares));
        self.count += count;
        match (sums, squares) {
            (Some(sum), Some(squares)) => (self.sum, self.squares) = (sum, squares),
            _ => self.overflows = true,
        }
    }

    /// n times the sum of squares less the square of the sum, over n(n-1) or n n.
    fn exact(&self, sample: bool, raise: u8) -> Option<i128> {
        if self.overflows {
            return None;
        }
        let count = i128::from(self.count);
        let dividend =
            count.checked_mul(self.squares)?.checked_sub(self.sum.checked_mul(self.sum)?)?;
        divide_scaled(dividend, count * (count - i128::from(sample)), raise)
    }
}

impl Fold for Integers {
    type State = Sums;

    fn start(&self) -> Sums {
        Sums::default()
    }

    fn update(
        &self,
        states: &mut [Sums],
        groups: &[u32],
        arguments: &[Column],
        _: &mut usize,
    ) -> Result<()> {
        let values = arguments[0].flat();
        let unit = 10_f64.powi(i32::from(self.input_scale));
        for (row, &group) in groups.iter().enumerate() {
            if !values.is_null(row) {
                let (state, value) = (&mut states[group as usize], values.integer(row));
                state.take(1, value, value.checked_mul(value));
                state.moments.add(value as f64 / unit);
            }
        }
        Ok(())
    }

    fn merge(&self, into: &mut Sums, from: Sums) -> Result<()> {
        into.take(from.count, from.sum, Some(from.squares));
        into.overflows |= from.overflows;
        into.moments.merge(&from.moments);
        Ok(())
    }

    fn finish(&self, states: Vec<Sums>) -> Result<Column> {
        let least = 1 + i64::from(self.sample);
        let kind = if self.sample { Kind::SampleVariance } else { Kind::Variance };
        // The dividend has twice the input's scale.
        let raise = self.scale.checked_sub(2 * self.input_scale);
        let mut present = Vec::with_capacity(states.len());
        let mut answers = Vec::with_capacity(states.len());
        for state in &states {
            present.push(state.count >= least);
            let exact = raise.filter(|_| state.count >= least);
            let exact = exact.and_then(|raise| state.exact(self.sample, raise));
            answers.push(exact.unwrap_or_else(|| {
                let unit = 10_f64.powi(i32::from(self.scale));
                (state.moments.answer(kind).unwrap_or(0.0) * unit).round() as i128
            }));
        }
        if let Some(large) = answers.iter().find(|&&a| !fits_precision(a, NUMBER_PRECISION_MAX)) {
            return Err(firn_column::kernels::arithmetic::overflow(*large as f64));
        }
        Ok(Column::Flat(i128::array(answers, Some(present.into()))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moments(values: &[f64]) -> Moments {
        let mut all = Moments::default();
        values.iter().for_each(|&x| all.add(x));
        all
    }

    #[test]
    fn moments_agree_with_their_definitions_and_merge() {
        let values = [2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0];
        let close = |a: Option<f64>, b: f64| a.is_some_and(|a| (a - b).abs() < 1e-12);
        let mut merged = moments(&values[..3]);
        merged.merge(&moments(&values[3..]));
        for all in [moments(&values), merged] {
            assert!(close(all.answer(Kind::Variance), 4.0));
            assert!(close(all.answer(Kind::Deviation), 2.0));
            assert!(close(all.answer(Kind::SampleVariance), 32.0 / 7.0));
            // Sum of cubes 42 and of fourth powers 356 of the distances from the mean 5.
            let deviation = (32.0_f64 / 7.0).sqrt();
            assert!(close(all.answer(Kind::Skew), 8.0 / 42.0 * 42.0 / deviation.powi(3)));
            let kurtosis = 72.0 / 210.0 * 356.0 / (32.0_f64 / 7.0).powi(2) - 3.0 * 49.0 / 30.0;
            assert!(close(all.answer(Kind::Kurtosis), kurtosis));
        }
        assert_eq!(moments(&[1.0]).answer(Kind::SampleVariance), None);
        assert_eq!(moments(&[1.0, 2.0]).answer(Kind::Skew), None);
        assert_eq!(moments(&[]).answer(Kind::Variance), None);
    }

    #[test]
    fn variances_of_numbers_are_exact() {
        let mut sums = Sums::default();
        [10_i128, 20, 25, 30].into_iter().for_each(|x| sums.take(1, x, x.checked_mul(x)));
        // The mean is 21.25, the distances' squares sum up to 218.75.
        assert_eq!(sums.exact(true, 6), Some(72_916_667));
        assert_eq!(sums.exact(false, 6), Some(54_687_500));
    }
}
