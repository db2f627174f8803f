//! Lambdas: expressions computed for the elements of arrays.
//!
//! The lambda is part of the expression: its body reads [`Parameter`]s, and columns of the rows around it.
//! When it is compiled the body becomes an evaluator of its own, over the parameters and what it
//! captures, which computes all elements of a batch at once.

use std::collections::HashMap;

use arrow::array::{Array as _, BinaryViewBuilder, UInt32Array};
use firn_column::kernels::compare::booleans;
use firn_column::kernels::take;
use firn_column::{Array, Batch, Column};
use firn_functions::FunctionContext;
use firn_functions::cast::{CastMode, cast_column};
use firn_types::variant::{Builder, Variant};
use firn_types::{ColumnId, Result, SqlType};

use super::compile::Layout;
use super::{Evaluator, Expr};

/// What becomes of the lambda's answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HigherOrder {
    /// The elements for which it is TRUE.
    Filter,
    /// An array of its answers.
    Transform,
    /// The last answer, each being the first parameter of the next.
    Reduce,
}

/// A bound lambda.
#[derive(Clone, Debug)]
pub struct Lambda {
    /// Its parameters; the element comes last.
    pub parameters: Vec<Parameter>,
    /// What it computes: a BOOLEAN for FILTER, the state's type for REDUCE.
    pub body: Expr,
}

/// A parameter of a lambda. Its numbers follow from how the lambda is built, so that two lambdas that differ
/// in the names of their parameters alone are the same (de Bruijn, 1972).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Parameter {
    /// Lambdas inside each other in the body of its lambda.
    pub height: u32,
    /// Its place among the parameters.
    pub index: u32,
    /// Its type.
    pub sql_type: SqlType,
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

    /// The function's name.
    pub fn name(self) -> &'static str {
        match self {
            HigherOrder::Filter => "FILTER",
            HigherOrder::Transform => "TRANSFORM",
            HigherOrder::Reduce => "REDUCE",
        }
    }

    /// The type of the function's answer with a lambda.
    pub fn returns(self, lambda: &Lambda) -> SqlType {
        match self {
            HigherOrder::Filter | HigherOrder::Transform => SqlType::Array,
            HigherOrder::Reduce => lambda.body.sql_type(),
        }
    }
}

impl Lambda {
    /// A lambda whose parameters are columns in the body so far.
    pub fn new(columns: &[(ColumnId, SqlType)], body: Expr) -> Lambda {
        let height = height(&body);
        let parameters: HashMap<ColumnId, Parameter> = (0..)
            .zip(columns)
            .map(|(index, &(id, sql_type))| (id, Parameter { height, index, sql_type }))
            .collect();
        let body =
            body.map(&mut |part| match part.as_column().and_then(|id| parameters.get(&id)) {
                Some(parameter) => Expr::Parameter(*parameter),
                None => part,
            });
        Lambda { parameters: columns.iter().map(|(id, _)| parameters[id]).collect(), body }
    }

    /// The columns, and parameters of lambdas around it, that the body reads, each once.
    pub(super) fn captured(&self) -> Vec<&Expr> {
        let mut found: Vec<&Expr> = Vec::new();
        self.free(&mut Vec::new(), &mut found);
        found
    }

    /// Whether the body reads its parameters alone.
    pub(super) fn captures_nothing(&self) -> bool {
        self.captured().is_empty()
    }

    fn free<'e>(&'e self, bound: &mut Vec<Parameter>, found: &mut Vec<&'e Expr>) {
        let outside = bound.len();
        bound.extend(&self.parameters);
        let mut pending = vec![&self.body];
        while let Some(expr) = pending.pop() {
            match expr {
                Expr::HigherOrder { inputs, lambda, .. } => {
                    pending.extend(inputs);
                    lambda.free(bound, found);
                }
                Expr::Parameter(parameter) if bound.contains(parameter) => {}
                Expr::Parameter(_) | Expr::Column { .. } => {
                    if !found.contains(&expr) {
                        found.push(expr);
                    }
                }
                other => pending.extend(other.children()),
            }
        }
        bound.truncate(outside);
    }
}

/// How deep lambdas stand inside each other in an expression.
fn height(expr: &Expr) -> u32 {
    let inside = expr.children().into_iter().map(height).max().unwrap_or(0);
    inside + u32::from(matches!(expr, Expr::HigherOrder { .. }))
}

/// A lambda ready to be computed for the elements of arrays.
#[derive(Debug)]
pub(super) struct ElementLoop {
    kind: HigherOrder,
    evaluator: Evaluator,
    /// The type of the parameter that the element is.
    element: SqlType,
    /// The type of the body.
    answer: SqlType,
    /// How many inputs stand before the captured columns.
    before: usize,
}

impl ElementLoop {
    /// The loop of a call with `inputs` inputs; `captured` is what [`Lambda::captured`] gives.
    ///
    /// # Errors
    /// An internal error when the body reads what is neither a parameter nor captured.
    pub(super) fn compile(
        kind: HigherOrder,
        inputs: usize,
        lambda: &Lambda,
        captured: &[&Expr],
    ) -> Result<ElementLoop> {
        let mut layout = Layout::default();
        lambda.parameters.iter().for_each(|parameter| layout.add(&Expr::Parameter(*parameter)));
        captured.iter().for_each(|expr| layout.add(expr));
        Ok(ElementLoop {
            kind,
            evaluator: Evaluator::over(std::slice::from_ref(&lambda.body), &layout)?,
            element: lambda.parameters.last().map_or(SqlType::Variant, |last| last.sql_type),
            answer: lambda.body.sql_type(),
            before: inputs,
        })
    }

    /// The call's answers for rows of inputs and captured columns.
    ///
    /// # Errors
    /// The first error of the body that an element needs.
    pub(super) fn run(
        &self,
        rows: usize,
        columns: &[Column],
        context: &FunctionContext,
    ) -> Result<Column> {
        let call = Rows { rows, columns, context };
        match self.kind {
            HigherOrder::Filter => self.filter(&call),
            HigherOrder::Transform => self.transform(&call),
            HigherOrder::Reduce => self.reduce(&call),
        }
    }

    fn filter(&self, call: &Rows<'_>) -> Result<Column> {
        let elements = Elements::of(&call.columns[0], call.rows)?;
        let kept = booleans(&self.answers(&elements, call)?)?;
        elements.arrays(|index, out| {
            if kept.is_valid(index) && kept.value(index) {
                out.copy(elements.value(index))?;
            }
            Ok(())
        })
    }

    fn transform(&self, call: &Rows<'_>) -> Result<Column> {
        let elements = Elements::of(&call.columns[0], call.rows)?;
        let answers = self.answers(&elements, call)?;
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
    fn answers(&self, elements: &Elements, call: &Rows<'_>) -> Result<Column> {
        let origins = UInt32Array::from(elements.origins.clone());
        let mut all = vec![self.typed(elements.column(0..elements.origins.len())?, call)?];
        all.extend(call.columns[self.before..].iter().map(|column| column.take(&origins)));
        self.compute(all, origins.len(), call)
    }

    /// Elements as the parameter's type.
    fn typed(&self, elements: Column, call: &Rows<'_>) -> Result<Column> {
        cast_column(&elements, SqlType::Variant, self.element, CastMode::Strict, call.context)
    }

    fn compute(&self, columns: Vec<Column>, rows: usize, call: &Rows<'_>) -> Result<Column> {
        let mut answers = self.evaluator.evaluate(&Batch::new(columns, rows), call.context)?;
        Ok(answers.swap_remove(0))
    }

    /// The first elements of all arrays, then the second ones, and so on: the states of a round are known
    /// when the next one begins.
    fn reduce(&self, call: &Rows<'_>) -> Result<Column> {
        let elements = Elements::of(&call.columns[0], call.rows)?;
        let mut states = call.columns[1].clone();
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
            all.extend(call.columns[self.before..].iter().map(|column| column.take(&active)));
            let next = self.compute(all, active.len(), call)?;
            let rest = states.take(&idle);
            states = take::scatter(&[(&active, &next), (&idle, &rest)], call.rows)?;
            round += 1;
        }
        let present = elements.ranges.iter().enumerate();
        let present = present.map(|(row, range)| range.as_ref().map(|_| row as u32));
        Ok(states.take(&present.collect::<UInt32Array>()))
    }
}

/// The rows of one call: its inputs, then the captured columns.
struct Rows<'a> {
    rows: usize,
    columns: &'a [Column],
    context: &'a FunctionContext,
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
