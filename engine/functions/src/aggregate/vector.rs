//! VECTOR_SUM, VECTOR_AVG, VECTOR_MIN and VECTOR_MAX: element by element.

use arrow::array::BinaryViewBuilder;
use firn_column::{Array, Column};
use firn_types::{Error, ErrorCode, Result, SqlType, VectorElement, vector};

use super::grouped::{Fold, Folded};
use super::{AggregateBinding, AggregateFunction, AggregateMeaning, CATEGORY};
use crate::signature::wrong_types;
use crate::{Argument, Arity, Documentation, Example};

/// VECTOR_SUM(vector)
pub(crate) const VECTOR_SUM: AggregateFunction = AggregateFunction::new(
    "VECTOR_SUM",
    Arity::exactly(1),
    |arguments| bind("VECTOR_SUM", arguments, How::Sum),
    Documentation::of(
        CATEGORY,
        "The sum of the vectors, element by element.",
        &[Example::of("VECTOR_SUM([1,2]::VECTOR(INT,2))", "[1,2]")],
    ),
);

/// VECTOR_AVG(vector)
pub(crate) const VECTOR_AVG: AggregateFunction = AggregateFunction::new(
    "VECTOR_AVG",
    Arity::exactly(1),
    |arguments| bind("VECTOR_AVG", arguments, How::Average),
    Documentation::of(
        CATEGORY,
        "The average of the vectors, element by element.",
        &[Example::of("VECTOR_AVG([1,2]::VECTOR(INT,2))", "[1.000000,2.000000]")],
    ),
);

/// VECTOR_MIN(vector)
pub(crate) const VECTOR_MIN: AggregateFunction = AggregateFunction::new(
    "VECTOR_MIN",
    Arity::exactly(1),
    |arguments| bind("VECTOR_MIN", arguments, How::Least),
    Documentation::of(
        CATEGORY,
        "The least of each element of the vectors.",
        &[Example::of("VECTOR_MIN([1,2]::VECTOR(INT,2))", "[1,2]")],
    ),
)
.with_meaning(AggregateMeaning::SelfMerging);

/// VECTOR_MAX(vector)
pub(crate) const VECTOR_MAX: AggregateFunction = AggregateFunction::new(
    "VECTOR_MAX",
    Arity::exactly(1),
    |arguments| bind("VECTOR_MAX", arguments, How::Greatest),
    Documentation::of(
        CATEGORY,
        "The greatest of each element of the vectors.",
        &[Example::of("VECTOR_MAX([1,2]::VECTOR(INT,2))", "[1,2]")],
    ),
)
.with_meaning(AggregateMeaning::SelfMerging);

#[derive(Clone, Copy, PartialEq)]
enum How {
    Sum,
    Average,
    Least,
    Greatest,
}

fn bind(name: &str, arguments: &[Argument], how: How) -> Result<AggregateBinding> {
    let SqlType::Vector { element, dimension } = arguments[0].sql_type else {
        return Err(wrong_types(name, arguments));
    };
    let answer = if how == How::Average { VectorElement::Float } else { element };
    let returns = SqlType::Vector { element: answer, dimension };
    let fold = move || Folded::new(Elements { element, answer, how });
    AggregateBinding::new(vec![arguments[0].sql_type], returns, fold)
}

struct Elements {
    element: VectorElement,
    answer: VectorElement,
    how: How,
}

/// What is known of the vectors of a group; no elements before the first one.
#[derive(Default)]
struct Seen {
    elements: Vec<f64>,
    count: u64,
}

impl Elements {
    fn add(&self, seen: &mut Seen, numbers: impl Iterator<Item = f64>, count: u64) {
        if seen.count == 0 {
            seen.elements.extend(numbers);
        } else {
            for (known, number) in seen.elements.iter_mut().zip(numbers) {
                *known = match self.how {
                    How::Sum | How::Average => *known + number,
                    How::Least => known.min(number),
                    How::Greatest => known.max(number),
                };
            }
        }
        seen.count += count;
    }

    fn push(&self, number: f64, bytes: &mut Vec<u8>) -> Result<()> {
        match self.answer {
            VectorElement::Float => bytes.extend_from_slice(&(number as f32).to_le_bytes()),
            VectorElement::Int => {
                let range = f64::from(i32::MIN)..=f64::from(i32::MAX);
                if !range.contains(&number) {
                    let text = format!("An element of a vector is out of range: {number}");
                    return Err(Error::new(ErrorCode::NumberOutOfRange, text));
                }
                bytes.extend_from_slice(&(number as i32).to_le_bytes());
            }
        }
        Ok(())
    }
}

impl Fold for Elements {
    type State = Seen;

    fn start(&self) -> Seen {
        Seen::default()
    }

    fn update(
        &self,
        states: &mut [Seen],
        groups: &[u32],
        arguments: &[Column],
        heap: &mut usize,
    ) -> Result<()> {
        let Array::Bytes(values) = arguments[0].flat() else {
            return Err(Error::internal("a vector that is no bytes"));
        };
        for (value, &group) in values.iter().zip(groups) {
            let Some(value) = value else { continue };
            let seen = &mut states[group as usize];
            if seen.count == 0 {
                *heap += value.len() * 2;
            }
            self.add(seen, vector::numbers(value, self.element), 1);
        }
        Ok(())
    }

    fn merge(&self, into: &mut Seen, from: Seen) -> Result<()> {
        if from.count > 0 {
            self.add(into, from.elements.into_iter(), from.count);
        }
        Ok(())
    }

    fn finish(&self, states: Vec<Seen>) -> Result<Column> {
        let mut answers = BinaryViewBuilder::with_capacity(states.len());
        let mut bytes = Vec::new();
        for seen in states {
            if seen.count == 0 {
                answers.append_null();
                continue;
            }
            bytes.clear();
            let divisor = if self.how == How::Average { seen.count as f64 } else { 1.0 };
            seen.elements.iter().try_for_each(|number| self.push(number / divisor, &mut bytes))?;
            answers.append_value(&bytes);
        }
        Ok(Column::Flat(Array::Bytes(answers.finish())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use firn_types::Value;

    #[test]
    fn parts_of_the_rows_merge() -> Result<()> {
        let ints = |numbers: &[i32]| -> Value {
            let bytes: Vec<u8> = numbers.iter().flat_map(|n| n.to_le_bytes()).collect();
            Value::Binary(bytes.into())
        };
        let element = VectorElement::Int;
        let of = SqlType::Vector { element, dimension: 2 };
        let column = |values: &[Value]| Column::from_values(of, values);
        let fold = Elements { element, answer: element, how: How::Sum };
        let (mut some, mut others) = (vec![fold.start()], vec![fold.start()]);
        fold.update(&mut some, &[0, 0], &[column(&[ints(&[1, 2]), Value::Null])?], &mut 0)?;
        fold.update(&mut others, &[0], &[column(&[ints(&[10, 20])])?], &mut 0)?;
        fold.merge(&mut some[0], others.remove(0))?;
        assert_eq!(fold.finish(some)?.value(0, of), ints(&[11, 22]));
        Ok(())
    }
}
