//! Computing expressions over batches.
//!
//! [`Evaluator::compile`] runs once per query; [`Evaluator::evaluate`] once per batch. A node is computed
//! at most once per batch, and only if something needs it. CASE, COALESCE, AND and OR compute their later
//! operands for the rows that need them: either really only for those, in a frame of chosen rows, or,
//! where that costs less, for all rows, falling back to the chosen ones should a row that does not count
//! fail.

use std::cell::RefCell;
use std::collections::HashMap;

use arrow::array::{BooleanArray, UInt32Array};
use arrow::buffer::BooleanBuffer;
use firn_column::kernels::compare::{self, booleans};
use firn_column::kernels::{boolean, take};
use firn_column::{Array, Batch, Column};
use firn_functions::cast::{CastMode, cast_column};
use firn_functions::{Call, FunctionContext};
use firn_types::{ColumnId, Error, ErrorCode, Result};

use super::Expr;
use super::by_value::Remembered;
use super::compile::{Compiler, Layout, Node, NodeId, Work};

/// Expressions ready to be computed. Shared by all threads of a query.
#[derive(Debug, Default)]
pub struct Evaluator {
    pub(super) nodes: Vec<Node>,
    pub(super) roots: Vec<NodeId>,
    remembered: Remembered,
}

impl Evaluator {
    /// Prepares expressions over batches in which each column stands at its place in `layout`.
    ///
    /// # Errors
    /// An internal error for a column that is not in the layout or a literal that is not of its type.
    pub fn compile(exprs: &[Expr], layout: &HashMap<ColumnId, usize>) -> Result<Evaluator> {
        Evaluator::over(exprs, &Layout::of(layout))
    }

    /// As [`Evaluator::compile`], with parameters of lambdas too.
    pub(super) fn over(exprs: &[Expr], layout: &Layout) -> Result<Evaluator> {
        let mut compiler = Compiler::new(layout);
        let roots = exprs.iter().map(|expr| compiler.add(expr)).collect::<Result<_>>()?;
        Ok(Evaluator { nodes: compiler.nodes, roots, remembered: Remembered::default() })
    }

    /// The expressions' values for every row of the batch.
    ///
    /// # Errors
    /// The first error of a computation that a row needs.
    pub fn evaluate(&self, batch: &Batch, context: &FunctionContext) -> Result<Vec<Column>> {
        let frame = Frame::of_batch(self, batch, context);
        let columns = self.roots.iter().map(|&root| frame.column(root)).collect();
        match columns {
            // What a function makes of all rows is too much at a time.
            Err(error) if is_too_much(&error) && batch.rows() > 1 => {
                drop(frame);
                self.evaluate_in_halves(batch, context)
            }
            columns => columns,
        }
    }

    fn evaluate_in_halves(&self, batch: &Batch, context: &FunctionContext) -> Result<Vec<Column>> {
        let middle = batch.rows() / 2;
        let first = self.evaluate(&batch.slice(0, middle), context)?;
        let second = self.evaluate(&batch.slice(middle, batch.rows() - middle), context)?;
        let bytes: usize = first.iter().chain(&second).map(Column::memory_bytes).sum();
        if bytes > VALUES_BYTES_MAX {
            let rows = batch.rows();
            let text =
                format!("expressions make more than {VALUES_BYTES_MAX} bytes of {rows} rows");
            return Err(Error::new(ErrorCode::OutOfMemory, text));
        }
        let halves = first.iter().zip(&second);
        halves.map(|(first, second)| Column::concat(&[first, second])).collect()
    }
}

/// Bytes that expressions may make for one batch.
const VALUES_BYTES_MAX: usize = 2 << 30;

fn is_too_much(error: &Error) -> bool {
    error.code() == ErrorCode::OutOfMemory
}

/// Levels of nodes that are descended into one by one.
const DEPTH_MAX: usize = 64;

/// The rows that nodes are computed for, and what has been computed for them.
pub(super) struct Frame<'a> {
    evaluator: &'a Evaluator,
    context: &'a FunctionContext,
    source: Source<'a>,
    pub(super) rows: usize,
    done: RefCell<Vec<Option<Column>>>,
}

enum Source<'a> {
    Batch(&'a Batch),
    /// Some rows of another frame.
    Chosen(&'a Frame<'a>, &'a UInt32Array),
    /// The only column that is read.
    Values(&'a Column),
}

impl<'a> Frame<'a> {
    pub(super) fn of_batch(
        evaluator: &'a Evaluator,
        batch: &'a Batch,
        context: &'a FunctionContext,
    ) -> Frame<'a> {
        let done = RefCell::new(vec![None; evaluator.nodes.len()]);
        Frame { evaluator, context, source: Source::Batch(batch), rows: batch.rows(), done }
    }

    /// A frame of some of this frame's rows.
    pub(super) fn choose(&'a self, rows: &'a UInt32Array) -> Frame<'a> {
        let done = RefCell::new(vec![None; self.evaluator.nodes.len()]);
        let source = Source::Chosen(self, rows);
        Frame { evaluator: self.evaluator, context: self.context, source, rows: rows.len(), done }
    }

    /// A frame of the values of the only column that is read.
    pub(super) fn of_values(&'a self, values: &'a Column) -> Frame<'a> {
        let done = RefCell::new(vec![None; self.evaluator.nodes.len()]);
        let (evaluator, context) = (self.evaluator, self.context);
        Frame { evaluator, context, source: Source::Values(values), rows: values.len(), done }
    }

    pub(super) fn remembered(&self) -> &'a Remembered {
        &self.evaluator.remembered
    }

    pub(super) fn node(&self, id: NodeId) -> &'a Node {
        &self.evaluator.nodes[id]
    }

    /// The node's values for the frame's rows.
    pub(super) fn column(&self, id: NodeId) -> Result<Column> {
        if let Some(known) = self.known(id) {
            return Ok(known);
        }
        if self.node(id).depth > DEPTH_MAX {
            self.climb(id)?;
        }
        let column = match self.by_value(id)? {
            Some(column) => column,
            None => self.compute(self.node(id))?,
        };
        debug_assert_eq!(column.len(), self.rows, "{:?}", self.node(id));
        self.done.borrow_mut()[id] = Some(column.clone());
        Ok(column)
    }

    /// Computes what a node far above its columns needs from below, so that little is left to descend for: the
    /// stack would not hold a chain of some thousand operators.
    fn climb(&self, id: NodeId) -> Result<()> {
        let mut way = Vec::new();
        let mut at = id;
        loop {
            let needed = self.node(at).work.needed().into_iter();
            match needed.max_by_key(|&part| self.node(part).depth) {
                Some(part) if self.node(part).depth > 0 && self.known(part).is_none() => {
                    way.push(part);
                    at = part;
                }
                _ => break,
            }
        }
        // Every step is one level, or is far above its other operands and climbs itself.
        way.into_iter().rev().try_for_each(|part| self.column(part).map(|_| ()))
    }

    /// As [`Frame::column`], of a BOOLEAN node.
    pub(super) fn answers(&self, id: NodeId) -> Result<BooleanArray> {
        booleans(&self.column(id)?)
    }

    /// The rows for which a BOOLEAN node is TRUE.
    pub(super) fn truths(&self, id: NodeId) -> Result<BooleanBuffer> {
        Ok(boolean::truths(&self.answers(id)?))
    }

    /// What has been computed here, or for the rows that these were chosen from.
    fn known(&self, id: NodeId) -> Option<Column> {
        if let Some(column) = &self.done.borrow()[id] {
            return Some(column.clone());
        }
        let Source::Chosen(parent, rows) = &self.source else { return None };
        let column = parent.known(id)?.take(rows);
        self.done.borrow_mut()[id] = Some(column.clone());
        Some(column)
    }

    #[inline(never)]
    fn compute(&self, node: &Node) -> Result<Column> {
        match &node.work {
            Work::Literal(value) => Ok(Column::Constant { value: value.clone(), rows: self.rows }),
            Work::Column(position) => self.input(*position),
            Work::Compare { operator, left, right } => {
                let sql_type = self.node(*left).sql_type;
                let (left, right) = (self.column(*left)?, self.column(*right)?);
                compare::compare_column(*operator, &left, &right, sql_type)
            }
            Work::Distinct { distinct, left, right } => {
                let sql_type = self.node(*left).sql_type;
                let (left, right) = (self.column(*left)?, self.column(*right)?);
                let answers = compare::distinct(&left, &right, sql_type)?;
                Ok(flat(if *distinct { answers } else { boolean::not(&answers) }))
            }
            Work::Chain { and, parts } => self.chain(*and, parts),
            Work::Not(input) => firn_column::kernels::forms::map(&self.column(*input)?, |array| {
                Ok(Array::Bool(boolean::not(&booleans(&Column::Flat(array.clone()))?)))
            }),
            Work::IsNull(input) => {
                let nulls = self.column(*input)?.nulls();
                let bits = match nulls {
                    Some(nulls) => !nulls.inner(),
                    None => BooleanBuffer::new_unset(self.rows),
                };
                Ok(flat(BooleanArray::new(bits, None)))
            }
            Work::InList { input, list } => list.contains(&self.column(*input)?),
            Work::Cast { input, lenient } => {
                let from = self.node(*input).sql_type;
                let mode = if *lenient { CastMode::Try } else { CastMode::Strict };
                cast_column(&self.column(*input)?, from, node.sql_type, mode, self.context)
            }
            Work::Case { branches, otherwise } => self.case(node, branches, *otherwise),
            Work::Coalesce(operands) => self.coalesce(operands),
            Work::Call { binding, arguments } => {
                let columns = self.columns(arguments)?;
                let call = Call {
                    rows: self.rows,
                    returns: node.sql_type,
                    arguments: &binding.arguments,
                    context: self.context,
                };
                binding.kernel.run(&call, &columns)
            }
            Work::Foreign { function, types, arguments } => {
                let columns = self.columns(arguments)?;
                let call = Call {
                    rows: self.rows,
                    returns: node.sql_type,
                    arguments: types,
                    context: self.context,
                };
                self.context.host.foreign_function(function, &call, &columns)
            }
            Work::HigherOrder { elements, arguments } => {
                elements.run(self.rows, &self.columns(arguments)?, self.context)
            }
        }
    }

    fn columns(&self, ids: &[NodeId]) -> Result<Vec<Column>> {
        ids.iter().map(|&id| self.column(id)).collect()
    }

    fn input(&self, position: usize) -> Result<Column> {
        match &self.source {
            Source::Batch(batch) => Ok(batch.column(position).clone()),
            Source::Chosen(parent, rows) => Ok(parent.input(position)?.take(rows)),
            Source::Values(values) => Ok((*values).clone()),
        }
    }

    /// AND or OR. A row is decided once an operand is FALSE (TRUE for OR).
    fn chain(&self, and: bool, parts: &[NodeId]) -> Result<Column> {
        let Some((&first, rest)) = parts.split_first() else {
            let bits = BooleanBuffer::new_set(self.rows);
            return Ok(flat(BooleanArray::new(if and { bits } else { !&bits }, None)));
        };
        let mut answers = self.answers(first)?;
        for &part in rest {
            let decided = match and {
                true => boolean::truths(&boolean::not(&answers)),
                false => boolean::truths(&answers),
            };
            let open = self.rows - decided.count_set_bits();
            if open == 0 {
                break;
            }
            let node = self.node(part);
            let eager = open == self.rows || (node.cheap && !node.volatile) || open * 2 > self.rows;
            let next = match eager.then(|| self.answers(part)) {
                Some(Ok(next)) => next,
                Some(Err(error)) if open == self.rows => return Err(error),
                _ => self.open_answers(part, &!&decided, !and)?,
            };
            answers =
                if and { boolean::and(&answers, &next) } else { boolean::or(&answers, &next) };
        }
        Ok(flat(answers))
    }

    /// A BOOLEAN node's answers for the open rows, and `elsewhere` for the others.
    #[inline(never)]
    fn open_answers(
        &self,
        id: NodeId,
        open: &BooleanBuffer,
        elsewhere: bool,
    ) -> Result<BooleanArray> {
        let open_rows = take::true_rows(&BooleanArray::new(open.clone(), None));
        let some = self.choose(&open_rows).column(id)?;
        let rest = take::true_rows(&BooleanArray::new(!open, None));
        let value = Array::Bool(BooleanArray::from(vec![elsewhere]));
        let others = Column::Constant { value, rows: rest.len() };
        booleans(&take::scatter(&[(&open_rows, &some), (&rest, &others)], self.rows)?)
    }

    fn coalesce(&self, operands: &[NodeId]) -> Result<Column> {
        let Some((&first, rest)) = operands.split_first() else {
            return Ok(Column::nulls_of(firn_types::SqlType::Null, self.rows));
        };
        let mut answer = self.column(first)?;
        for &operand in rest {
            let Some(nulls) = answer.nulls().filter(|nulls| nulls.null_count() > 0) else { break };
            let node = self.node(operand);
            let eager = (node.cheap && !node.volatile) || nulls.null_count() == self.rows;
            let next = match eager.then(|| self.column(operand)) {
                Some(Ok(next)) => next,
                _ => {
                    let missing = BooleanArray::new(!nulls.inner(), None);
                    let missing = take::true_rows(&missing);
                    let some = self.choose(&missing).column(operand)?;
                    take::scatter(&[(&missing, &some)], self.rows)?
                }
            };
            let valid = BooleanArray::new(nulls.inner().clone(), None);
            answer = take::blend(&valid, &answer, &next)?;
        }
        Ok(answer)
    }
}

/// BOOLEAN answers as a column.
pub(super) fn flat(answers: BooleanArray) -> Column {
    Column::Flat(Array::Bool(answers))
}
