//! CORR, COVAR and REGR: statistics of pairs (y, x).

use arrow::array::{Array as _, Float64Array, Int64Array};
use firn_column::{Array, Column};
use firn_types::{Error, Result, SqlType};

use super::grouped::{Fold, Folded};
use super::{AggregateBinding, AggregateFunction, CATEGORY};
use crate::{Argument, Arity, Documentation, Example, accept};

macro_rules! of_pairs {
    ($constant:ident, $answer:expr, $summary:literal, $printed:literal) => {
        /// A statistic of pairs.
        pub(crate) const $constant: AggregateFunction = AggregateFunction::new(
            stringify!($constant),
            Arity::exactly(2),
            |arguments| bind(stringify!($constant), arguments, SqlType::Float, $answer),
            Documentation::of(
                CATEGORY,
                $summary,
                &[Example::of(concat!(stringify!($constant), "(2, 3)"), $printed)],
            ),
        );
    };
}

of_pairs!(CORR, |p| p.correlation(), "The correlation of pairs.", "NULL");
of_pairs!(COVAR_POP, |p| p.over(p.xy, 0.0), "The covariance of a population of pairs.", "0");
of_pairs!(COVAR_SAMP, |p| p.over(p.xy, 1.0), "The covariance of a sample of pairs.", "NULL");
of_pairs!(REGR_AVGX, |p| p.some(p.mean_x), "The mean of the second values of pairs.", "3");
of_pairs!(REGR_AVGY, |p| p.some(p.mean_y), "The mean of the first values of pairs.", "2");
of_pairs!(
    REGR_INTERCEPT,
    |p| p.slope().map(|slope| p.mean_y - slope * p.mean_x),
    "Where the line through pairs meets the axis.",
    "NULL"
);
of_pairs!(REGR_R2, |p| p.determination(), "How well a line fits pairs, from 0 to 1.", "NULL");
of_pairs!(REGR_SLOPE, |p| p.slope(), "The slope of the line through pairs.", "NULL");
of_pairs!(REGR_SXX, |p| p.some(p.xx), "The sum of squared distances of the second values.", "0");
of_pairs!(REGR_SXY, |p| p.some(p.xy), "The sum of products of both values' distances.", "0");
of_pairs!(REGR_SYY, |p| p.some(p.yy), "The sum of squared distances of the first values.", "0");

/// REGR_COUNT(y, x)
pub(crate) const REGR_COUNT: AggregateFunction = AggregateFunction::new(
    "REGR_COUNT",
    Arity::exactly(2),
    |arguments| bind("REGR_COUNT", arguments, SqlType::number(18, 0), |p| Some(p.count)),
    Documentation::of(
        CATEGORY,
        "The number of pairs of which both values are known.",
        &[Example::of("REGR_COUNT(2, 3)", "1"), Example::of("REGR_COUNT(NULL, 3)", "0")],
    ),
);

type Answer = fn(&Pairs) -> Option<f64>;

fn bind(
    name: &str,
    arguments: &[Argument],
    returns: SqlType,
    answer: Answer,
) -> Result<AggregateBinding> {
    let types = vec![accept::float(name, arguments, 0)?, accept::float(name, arguments, 1)?];
    let counts = returns != SqlType::Float;
    AggregateBinding::new(types, returns, move || Folded::new(OfPairs { answer, counts }))
}

/// Number, means, and sums of products of distances from the means.
#[derive(Clone, Copy, Default)]
struct Pairs {
    count: f64,
    mean_x: f64,
    mean_y: f64,
    xx: f64,
    yy: f64,
    xy: f64,
}

impl Pairs {
    fn merge(&mut self, other: &Pairs) {
        if other.count == 0.0 {
            return;
        }
        let count = self.count + other.count;
        let (dx, dy) = (other.mean_x - self.mean_x, other.mean_y - self.mean_y);
        let weight = self.count * other.count / count;
        self.xx += other.xx + dx * dx * weight;
        self.yy += other.yy + dy * dy * weight;
        self.xy += other.xy + dx * dy * weight;
        self.mean_x += dx * other.count / count;
        self.mean_y += dy * other.count / count;
        self.count = count;
    }

    fn some(&self, value: f64) -> Option<f64> {
        (self.count > 0.0).then_some(value)
    }

    fn over(&self, sum: f64, less: f64) -> Option<f64> {
        (self.count > less).then(|| sum / (self.count - less))
    }

    fn slope(&self) -> Option<f64> {
        (self.xx > 0.0).then(|| self.xy / self.xx)
    }

    fn correlation(&self) -> Option<f64> {
        (self.xx > 0.0 && self.yy > 0.0).then(|| self.xy / (self.xx * self.yy).sqrt())
    }

    fn determination(&self) -> Option<f64> {
        if self.xx > 0.0 && self.yy == 0.0 {
            return Some(1.0);
        }
        self.correlation().map(|correlation| correlation * correlation)
    }
}

struct OfPairs {
    answer: Answer,
    counts: bool,
}

impl Fold for OfPairs {
    type State = Pairs;

    fn start(&self) -> Pairs {
        Pairs::default()
    }

    fn update(
        &self,
        states: &mut [Pairs],
        groups: &[u32],
        arguments: &[Column],
        _: &mut usize,
    ) -> Result<()> {
        let (Array::F64(y), Array::F64(x)) = (arguments[0].flat(), arguments[1].flat()) else {
            return Err(Error::internal("pairs of what is no FLOAT"));
        };
        for (row, &group) in groups.iter().enumerate() {
            if y.is_valid(row) && x.is_valid(row) {
                let (mean_x, mean_y) = (x.value(row), y.value(row));
                let one = Pairs { count: 1.0, mean_x, mean_y, ..Pairs::default() };
                states[group as usize].merge(&one);
            }
        }
        Ok(())
    }

    fn merge(&self, into: &mut Pairs, from: Pairs) -> Result<()> {
        into.merge(&from);
        Ok(())
    }

    fn finish(&self, states: Vec<Pairs>) -> Result<Column> {
        let answers = states.iter().map(self.answer);
        Ok(Column::Flat(match self.counts {
            true => Array::I64(answers.map(|n| n.map(|n| n as i64)).collect::<Int64Array>()),
            false => Array::F64(answers.collect::<Float64Array>()),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_found() {
        let mut pairs = Pairs::default();
        for (x, y) in [(1.0, 5.0), (2.0, 7.0), (3.0, 9.0), (6.0, 15.0)] {
            pairs.merge(&Pairs { count: 1.0, mean_x: x, mean_y: y, ..Pairs::default() });
        }
        let close = |a: Option<f64>, b: f64| a.is_some_and(|a| (a - b).abs() < 1e-12);
        assert!(close(pairs.slope(), 2.0));
        assert!(close(pairs.correlation(), 1.0));
        assert!(close(pairs.determination(), 1.0));
        assert!(close(pairs.over(pairs.xy, 0.0), 7.0));
        assert!(close(pairs.some(pairs.mean_x), 3.0));
        assert_eq!(Pairs::default().slope(), None);
    }
}
