//! APPROX_PERCENTILE, APPROX_PERCENTILE_ACCUMULATE and APPROX_PERCENTILE_COMBINE: t-digests.
//!
//! Values are gathered into weighted centroids that are small at both ends and large in the middle
//! (Dunning and Ertl, Computing extremely accurate quantiles using t-digests, 2019; the merging variant).

use arrow::array::{Array as _, Float64Array};
use firn_column::{Array, Column};
use firn_types::variant::{Builder, Item, Variant};
use firn_types::{Error, ErrorCode, Result, SqlType};

use super::array_agg::build_all;
use super::grouped::{Fold, Folded};
use super::percentile::part;
use super::state::{AnswerStates, Storable};
use super::{AggregateBinding, AggregateFunction, CATEGORY};
use crate::{Argument, Arity, Documentation, Example, accept};

/// APPROX_PERCENTILE(number, part)
pub(crate) const APPROX_PERCENTILE: AggregateFunction = AggregateFunction::new(
    "APPROX_PERCENTILE",
    Arity::exactly(2),
    bind,
    Documentation::of(
        CATEGORY,
        "About the value below which a part of the values lies.",
        &[Example::of("APPROX_PERCENTILE(5, 0.5)", "5")],
    ),
);

/// APPROX_PERCENTILE_ACCUMULATE(number)
pub(crate) const APPROX_PERCENTILE_ACCUMULATE: AggregateFunction = AggregateFunction::new(
    "APPROX_PERCENTILE_ACCUMULATE",
    Arity::exactly(1),
    |arguments| {
        let input = accept::float("APPROX_PERCENTILE_ACCUMULATE", arguments, 0)?;
        let fold = || Folded::new(AnswerStates::of_values(Percentile { part: 0.0 }));
        AggregateBinding::new(vec![input], SqlType::Object, fold)
    },
    Documentation::of(
        CATEGORY,
        "A state from which APPROX_PERCENTILE_ESTIMATE tells any percentile.",
        &[Example::of("APPROX_PERCENTILE_ESTIMATE(APPROX_PERCENTILE_ACCUMULATE(5), 0.5)", "5")],
    ),
);

/// APPROX_PERCENTILE_COMBINE(state)
pub(crate) const APPROX_PERCENTILE_COMBINE: AggregateFunction = AggregateFunction::new(
    "APPROX_PERCENTILE_COMBINE",
    Arity::exactly(1),
    |_| {
        let fold = || Folded::new(AnswerStates::of_states(Percentile { part: 0.0 }));
        AggregateBinding::new(vec![SqlType::Variant], SqlType::Object, fold)
    },
    Documentation::of(CATEGORY, "The state of all rows, from the states of parts of them.", &[]),
);

/// How many centroids there are at most, about.
const COMPRESSION: f64 = 200.0;
/// Values that are gathered before they are merged into the centroids.
const BUFFER: usize = 1_000;

fn bind(arguments: &[Argument]) -> Result<AggregateBinding> {
    let input = accept::float("APPROX_PERCENTILE", arguments, 0)?;
    let part = part("APPROX_PERCENTILE", &arguments[1..])?;
    let part = part.unscaled as f64 / 10_f64.powi(i32::from(part.scale));
    let types = vec![input, arguments[1].sql_type];
    AggregateBinding::new(types, SqlType::Float, move || Folded::new(Percentile { part }))
}

struct Percentile {
    part: f64,
}

/// Sorted centroids, and values that are not among them yet.
#[derive(Clone, Default)]
pub(crate) struct Digest {
    /// Mean and weight.
    centroids: Vec<(f64, f64)>,
    fresh: Vec<(f64, f64)>,
    least: f64,
    greatest: f64,
}

impl Digest {
    fn add(&mut self, mean: f64, weight: f64) {
        if self.centroids.is_empty() && self.fresh.is_empty() {
            (self.least, self.greatest) = (mean, mean);
        }
        self.least = self.least.min(mean);
        self.greatest = self.greatest.max(mean);
        self.fresh.push((mean, weight));
        if self.fresh.len() >= BUFFER {
            self.compress();
        }
    }

    fn compress(&mut self) {
        let mut all = std::mem::take(&mut self.centroids);
        all.append(&mut self.fresh);
        all.sort_by(|left, right| left.0.total_cmp(&right.0));
        let total: f64 = all.iter().map(|(_, weight)| weight).sum();
        // The scale function k1: a centroid may span one unit of it.
        let scale =
            |q: f64| COMPRESSION / std::f64::consts::TAU * (2.0 * q.clamp(0.0, 1.0) - 1.0).asin();
        let mut before = 0.0;
        let mut start = scale(0.0);
        for (mean, weight) in all {
            match self.centroids.last_mut() {
                Some(last) if scale((before + last.1 + weight) / total) - start <= 1.0 => {
                    last.1 += weight;
                    last.0 += (mean - last.0) * weight / last.1;
                }
                last => {
                    if let Some(last) = last {
                        before += last.1;
                        start = scale(before / total);
                    }
                    self.centroids.push((mean, weight));
                }
            }
        }
    }

    /// The value at a part of the weight; between centroids it runs straight.
    pub(crate) fn quantile(&mut self, part: f64) -> Option<f64> {
        self.compress();
        let total: f64 = self.centroids.iter().map(|(_, weight)| weight).sum();
        let first = self.centroids.first()?;
        let target = part * total;
        let mut position = first.1 / 2.0;
        let mut mean = first.0;
        if target <= position {
            return Some(between(self.least, mean, target / position));
        }
        for pair in self.centroids.windows(2) {
            let next = position + (pair[0].1 + pair[1].1) / 2.0;
            if target <= next {
                let share = (target - position) / (next - position);
                return Some(between(pair[0].0, pair[1].0, share));
            }
            position = next;
            mean = pair[1].0;
        }
        let left = total - position;
        Some(between(
            mean,
            self.greatest,
            if left > 0.0 { (target - position) / left } else { 1.0 },
        ))
    }
}

impl Digest {
    /// Writes the state: means and weights by turns, between the least and the greatest value, which weigh nothing.
    fn write(&self, out: &mut Builder) -> Result<()> {
        let mut digest = self.clone();
        digest.compress();
        let ends = |value: f64| std::iter::once((value, 0.0));
        let some = !digest.centroids.is_empty();
        out.begin_object()?;
        out.key("state");
        out.begin_array()?;
        let centroids = digest.centroids.iter().copied();
        let all = ends(digest.least).chain(centroids).chain(ends(digest.greatest));
        for (mean, weight) in all.filter(|_| some) {
            out.float(mean);
            out.float(weight);
        }
        out.end_array()?;
        out.key("type");
        out.text("tdigest");
        out.key("version");
        out.integer(1);
        out.end_object()
    }

    /// The digest that a state is.
    ///
    /// # Errors
    /// `InvalidValue` for what is none.
    pub(crate) fn read(bytes: &[u8]) -> Result<Digest> {
        let invalid = || {
            let text = "Invalid state: APPROX_PERCENTILE_ACCUMULATE did not make it";
            Error::new(ErrorCode::InvalidValue, text)
        };
        let state = Variant::new(bytes).get("state").and_then(Variant::as_array);
        let numbers = state.ok_or_else(invalid)?.iter().map(|number| match number.item() {
            Item::Float(number) => Some(number),
            Item::Number(number) => Some(number.unscaled as f64 / 10_f64.powi(number.scale.into())),
            _ => None,
        });
        let numbers = numbers.collect::<Option<Vec<f64>>>().ok_or_else(invalid)?;
        if !numbers.len().is_multiple_of(2) {
            return Err(invalid());
        }
        let pairs = || numbers.chunks_exact(2).map(|pair| (pair[0], pair[1]));
        let mut digest = Digest::default();
        pairs().filter(|(_, weight)| *weight > 0.0).for_each(|(m, weight)| digest.add(m, weight));
        for (value, _) in pairs() {
            digest.least = digest.least.min(value);
            digest.greatest = digest.greatest.max(value);
        }
        Ok(digest)
    }
}

impl Storable for Percentile {
    fn read(bytes: &[u8]) -> Result<Digest> {
        Digest::read(bytes)
    }

    fn write(states: Vec<Digest>) -> Result<Column> {
        build_all(&states, Digest::write)
    }

    fn heap_bytes(state: &Digest) -> usize {
        (state.centroids.len() + state.fresh.len()) * size_of::<(f64, f64)>()
    }
}

/// From `low` to `high`; also where the two are equal and infinite.
fn between(low: f64, high: f64, share: f64) -> f64 {
    if low == high { low } else { low + (high - low) * share }
}

impl Fold for Percentile {
    type State = Digest;

    fn start(&self) -> Digest {
        Digest::default()
    }

    fn update(
        &self,
        states: &mut [Digest],
        groups: &[u32],
        arguments: &[Column],
        heap: &mut usize,
    ) -> Result<()> {
        let Array::F64(values) = arguments[0].flat() else {
            return Err(Error::internal("a percentile of what is no FLOAT"));
        };
        for (row, &group) in groups.iter().enumerate() {
            if values.is_valid(row) {
                let digest = &mut states[group as usize];
                if digest.centroids.is_empty() {
                    *heap += size_of::<(f64, f64)>();
                }
                digest.add(values.value(row), 1.0);
            }
        }
        Ok(())
    }

    fn merge(&self, into: &mut Digest, from: Digest) -> Result<()> {
        if from.centroids.is_empty() && from.fresh.is_empty() {
            return Ok(());
        }
        for (mean, weight) in from.centroids.into_iter().chain(from.fresh) {
            into.add(mean, weight);
        }
        into.least = into.least.min(from.least);
        into.greatest = into.greatest.max(from.greatest);
        Ok(())
    }

    fn finish(&self, states: Vec<Digest>) -> Result<Column> {
        let answers = states.into_iter().map(|mut digest| digest.quantile(self.part));
        Ok(Column::Flat(Array::F64(answers.collect::<Float64Array>())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_near_also_after_a_merge() -> Result<()> {
        let percentile = Percentile { part: 0.5 };
        let (mut even, mut odd) = (Digest::default(), Digest::default());
        (0..50_000).for_each(|i| even.add(f64::from(i * 7919 % 50_000 * 2), 1.0));
        (0..50_000).for_each(|i| odd.add(f64::from(i * 2 + 1), 1.0));
        percentile.merge(&mut even, odd)?;
        for part in [0.0, 0.001, 0.01, 0.25, 0.5, 0.9, 0.999, 1.0] {
            let answer = even.quantile(part).unwrap_or(f64::NAN);
            assert!((answer - part * 100_000.0).abs() < 600.0, "{answer} at {part}");
        }
        assert!(even.centroids.len() < 400);
        assert_eq!(Digest::default().quantile(0.5), None);
        let mut one = Digest::default();
        one.add(5.0, 1.0);
        assert_eq!(one.quantile(0.5), Some(5.0));
        Ok(())
    }
}
