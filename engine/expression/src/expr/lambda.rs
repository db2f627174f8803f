//! Lambdas: expressions computed for the elements of arrays.
//!
//! A call with a lambda is an ordinary [`Expr::Call`]. Its arguments are the array, for REDUCE the first
//! state, the lambda's text (so that calls with different lambdas differ), and the columns that the body
//! reads from around it; its kernel computes the body over all elements of a batch at once.

use std::sync::Arc;

use arrow::array::{Array as _, BinaryViewBuilder, UInt32Array};
use firn_column::kernels::compare::booleans;
use firn_column::kernels::pick;
use firn_column::{Array, Batch, Column};
use firn_types::variant::{Builder, Variant};
use firn_types::{ColumnId, Result, SqlType, Value};

use super::{Evaluator, Expr};
use crate::functions::cast::{CastMode, cast_column};
use crate::functions::{Call, Kernel, ScalarBinding, ScalarFunction};

/// What becomes of the lambda's answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HigherOrder {
    /// The elements for which it is TRUE.
    Filter,
    /// An array of its answers.
    Transform,
    /// The last answer, each being the first parameter of the next.
    Reduce,
}

/// A bound lambda.
#[derive(Debug)]
pub struct Lambda {
    /// What its parameters are called in the body, with their types; the element comes last.
    pub parameters: Vec<(ColumnId, SqlType)>,
    /// What it computes: a BOOLEAN for FILTER, the state's type for REDUCE.
    pub body: Expr,
    /// Its text.
    pub text: String,
}

impl HigherOrder {
    /// The function of this name, if it takes a lambda.
    pub fn named(name: &str) -> Option<HigherOrder> {
        match name {
            "FILTER" => Some(HigherOrder::Filter),
            "TRANSFORM" => Some(HigherOrder::Transform),
            "REDUCE" => Some(HigherOrder::Reduce),
            _ => None,
        }
    }

    /// The call of `function` with a lambda: `arguments` are the array and, for REDUCE, the first state.
    ///
    /// # Errors
    /// An internal error when the body reads what is neither a parameter nor a column.
    pub fn call(
        self,
        function: &'static ScalarFunction,
        mut arguments: Vec<Expr>,
        lambda: Lambda,
    ) -> Result<Expr> {
        let Lambda { parameters, body, text } = lambda;
        let own: Vec<ColumnId> = parameters.iter().map(|(id, _)| *id).collect();
        let captured = captured(&body, &own);
        let ids = captured.iter().filter_map(Expr::as_column);
        let layout = own.iter().copied().chain(ids).enumerate().map(|(at, id)| (id, at)).collect();
        let work = Work {
            evaluator: Evaluator::compile(std::slice::from_ref(&body), &layout)?,
            element: parameters.last().map_or(SqlType::Variant, |(_, sql_type)| *sql_type),
            answer: body.sql_type(),
            before: arguments.len() + 1,
        };
        let returns = match self {
            HigherOrder::Reduce => work.answer,
            _ => SqlType::Array,
        };
        let length = u32::try_from(text.chars().count().max(1)).unwrap_or(u32::MAX);
        let sql_type = SqlType::Varchar { length };
        arguments.push(Expr::Literal { value: Value::Text(text.into()), sql_type });
        arguments.extend(captured);
        let types = arguments.iter().map(Expr::sql_type).collect();
        let kernel: Kernel = match self {
            HigherOrder::Filter => Arc::new(move |call, columns| work.filter(call, columns)),
            HigherOrder::Transform => Arc::new(move |call, columns| work.transform(call, columns)),
            HigherOrder::Reduce => Arc::new(move |call, columns| work.reduce(call, columns)),
        };
        let binding = Arc::new(ScalarBinding::new(types, returns, kernel)?);
        Ok(Expr::Call { function, binding, arguments })
    }
}

/// The columns that a body reads from around it, each once.
fn captured(body: &Expr, own: &[ColumnId]) -> Vec<Expr> {
    let mut found: Vec<Expr> = Vec::new();
    body.visit(&mut |part| {
        if let Some(id) = part.as_column()
            && !own.contains(&id)
            && !found.iter().any(|other| other.as_column() == Some(id))
        {
            found.push(part.clone());
        }
    });
    found
}

/// What a call computes.
struct Work {
    evaluator: Evaluator,
    /// The type of the parameter that the element is.
    element: SqlType,
    /// The type of the body.
    answer: SqlType,
    /// How many arguments stand before the captured columns.
    before: usize,
}

impl Work {
    fn filter(&self, call: &Call<'_>, columns: &[Column]) -> Result<Column> {
        let elements = Elements::of(&columns[0], call.rows)?;
        let kept = booleans(&self.answers(&elements, columns, call)?)?;
        elements.arrays(|index, out| {
            if kept.is_valid(index) && kept.value(index) {
                out.copy(elements.value(index))?;
            }
            Ok(())
        })
    }

    fn transform(&self, call: &Call<'_>, columns: &[Column]) -> Result<Column> {
        let elements = Elements::of(&columns[0], call.rows)?;
        let answers = self.answers(&elements, columns, call)?;
        let (from, to, mode) = (self.answer, SqlType::Variant, CastMode::Strict);
        let answers = cast_column(&answers, from, to, mode, call.context)?.flat();
        let Array::Bytes(answers) = &answers else {
            return Err(firn_types::Error::internal("a VARIANT is bytes"));
        };
        elements.arrays(|index, out| {
            match answers.is_null(index) {
                true => out.undefined(),
                false => out.copy(Variant::new(answers.value(index)))?,
            }
            Ok(())
        })
    }

    /// The body's answer for each element.
    fn answers(&self, elements: &Elements, columns: &[Column], call: &Call<'_>) -> Result<Column> {
        let origins = UInt32Array::from(elements.origins.clone());
        let mut all = vec![self.typed(elements.column(0..elements.origins.len())?, call)?];
        all.extend(columns[self.before..].iter().map(|column| column.take(&origins)));
        self.compute(all, origins.len(), call)
    }

    /// Elements as the parameter's type.
    fn typed(&self, elements: Column, call: &Call<'_>) -> Result<Column> {
        cast_column(&elements, SqlType::Variant, self.element, CastMode::Strict, call.context)
    }

    fn compute(&self, columns: Vec<Column>, rows: usize, call: &Call<'_>) -> Result<Column> {
        let mut answers = self.evaluator.evaluate(&Batch::new(columns, rows), call.context)?;
        Ok(answers.swap_remove(0))
    }

    /// The first elements of all arrays, then the second ones, and so on: the states of a round are known
    /// when the next one begins.
    fn reduce(&self, call: &Call<'_>, columns: &[Column]) -> Result<Column> {
        let elements = Elements::of(&columns[0], call.rows)?;
        let mut states = columns[1].clone();
        let mut round = 0;
        loop {
            let (mut active, mut idle, mut places) = (Vec::new(), Vec::new(), Vec::new());
            for (row, range) in elements.ranges.iter().enumerate() {
                match range.as_ref().filter(|range| range.len() > round) {
                    Some(range) => {
                        active.push(row as u32);
                        places.push(range.start + round);
                    }
                    None => idle.push(row as u32),
                }
            }
            if active.is_empty() {
                break;
            }
            let (active, idle) = (UInt32Array::from(active), UInt32Array::from(idle));
            let mut all = vec![states.take(&active)];
            all.push(self.typed(elements.column(places.into_iter())?, call)?);
            all.extend(columns[self.before..].iter().map(|column| column.take(&active)));
            let next = self.compute(all, active.len(), call)?;
            let rest = states.take(&idle);
            states = pick::scatter(&[(&active, &next), (&idle, &rest)], call.rows)?;
            round += 1;
        }
        let present = elements.ranges.iter().enumerate();
        let present = present.map(|(row, range)| range.as_ref().map(|_| row as u32));
        Ok(states.take(&present.collect::<UInt32Array>()))
    }
}

/// The elements of a column of arrays, one after another.
struct Elements {
    /// For each row where its elements are; none for what is no array.
    ranges: Vec<Option<std::ops::Range<usize>>>,
    /// The row of each element.
    origins: Vec<u32>,
    bytes: Vec<u8>,
    /// Where each element ends in `bytes`.
    ends: Vec<usize>,
}

impl Elements {
    fn of(column: &Column, rows: usize) -> Result<Elements> {
        let mut elements = Elements {
            ranges: Vec::with_capacity(rows),
            origins: Vec::new(),
            bytes: Vec::new(),
            ends: Vec::new(),
        };
        let Array::Bytes(values) = column.flat() else {
            elements.ranges.resize(rows, None);
            return Ok(elements);
        };
        let mut builder = Builder::new();
        for row in 0..rows {
            let array = (!values.is_null(row)).then(|| Variant::new(values.value(row)));
            let Some(array) = array.and_then(|value| value.as_array()) else {
                elements.ranges.push(None);
                continue;
            };
            let start = elements.ends.len();
            for value in array.iter() {
                builder.extract(value, &mut elements.bytes)?;
                elements.ends.push(elements.bytes.len());
                elements.origins.push(row as u32);
            }
            elements.ranges.push(Some(start..elements.ends.len()));
        }
        Ok(elements)
    }

    fn value(&self, index: usize) -> Variant<'_> {
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        Variant::new(&self.bytes[start..self.ends[index]])
    }

    /// Some elements as a column of VARIANT; undefined ones are NULL.
    fn column(&self, places: impl Iterator<Item = usize>) -> Result<Column> {
        let mut values = BinaryViewBuilder::new();
        let mut bytes = Vec::new();
        let mut builder = Builder::new();
        for place in places {
            let value = self.value(place);
            if value.is_undefined() {
                values.append_null();
                continue;
            }
            bytes.clear();
            builder.extract(value, &mut bytes)?;
            values.append_value(&bytes);
        }
        Ok(Column::Flat(Array::Bytes(values.finish())))
    }

    /// An array for each row out of what `write` writes for its elements.
    fn arrays(&self, write: impl Fn(usize, &mut Builder) -> Result<()>) -> Result<Column> {
        let mut arrays = BinaryViewBuilder::with_capacity(self.ranges.len());
        let mut builder = Builder::new();
        let mut bytes = Vec::new();
        for range in &self.ranges {
            let Some(range) = range else {
                arrays.append_null();
                continue;
            };
            builder.begin_array()?;
            range.clone().try_for_each(|index| write(index, &mut builder))?;
            builder.end_array()?;
            bytes.clear();
            builder.finish(&mut bytes)?;
            arrays.append_value(&bytes);
        }
        Ok(Column::Flat(Array::Bytes(arrays.finish())))
    }
}
