//! Expressions of one column of texts, computed once for each value of its dictionary.
//!
//! Many batches share a dictionary that has more values than any of them has rows. An expression that
//! reads nothing else has one answer per value, which is looked up from then on. Whether that pays is seen
//! from the rows that have come so far: too many values for them are left alone.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::ThreadId;

use arrow::array::{Array as _, UInt32Array};
use firn_column::kernels::forms::by_code;
use firn_column::{Array, Column, PhysicalType};
use firn_types::limits::BATCH_ROWS;
use firn_types::{Result, SqlType, TypeFamily};

use super::Expr;
use super::compile::{Node, NodeId, Work};
use super::evaluate::Frame;

/// Values per row that came up to which all are asked, when a dictionary comes first and afterwards.
const FIRST_VALUES_PER_ROW: usize = 2;
const VALUES_PER_ROW: usize = 4;
/// Values that are asked at most, and bytes that their answers may take.
const VALUES_MAX: usize = 1 << 17;
const ANSWER_BYTES_MAX: usize = 16 << 20;

/// The columns that a node reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reads {
    Nothing,
    /// One, which is of texts: the node of the column itself.
    Texts(NodeId),
    /// Several, or what has no one answer for a value.
    More,
}

impl Reads {
    /// What node `id`, the expression's, reads.
    pub(super) fn of(id: NodeId, work: &Work, expr: &Expr, nodes: &[Node]) -> Reads {
        match (work, expr) {
            (Work::Column(_), _) => match expr.sql_type().family() {
                TypeFamily::Text => Reads::Texts(id),
                _ => Reads::More,
            },
            // A lambda may call what gives another value each time.
            (Work::HigherOrder { .. }, _) => Reads::More,
            _ => {
                let parts = work.parts().into_iter().map(|part| nodes[part].reads);
                parts.fold(Reads::Nothing, Reads::and)
            }
        }
    }

    fn and(self, other: Reads) -> Reads {
        match (self, other) {
            (Reads::Nothing, reads) | (reads, Reads::Nothing) => reads,
            (one, other) if one == other => one,
            _ => Reads::More,
        }
    }
}

/// The answers for the dictionaries that each thread was given last, by node.
#[derive(Debug, Default)]
pub(super) struct Remembered(Mutex<HashMap<(ThreadId, NodeId), Known>>);

/// What is known of a dictionary.
#[derive(Debug)]
struct Known {
    values: Arc<Array>,
    /// Rows that have come with it.
    rows: usize,
    answers: Option<Answers>,
}

/// What an expression answers for the values of a dictionary.
#[derive(Clone, Debug)]
enum Answers {
    /// They fail, perhaps for a value that no row has, or take too much memory.
    Unknown,
    /// One for each value; and whether NULL gives NULL.
    Known(Arc<Array>, bool),
}

impl Remembered {
    /// What is known of the values by node `id`; none where it is time to ask.
    fn find(&self, id: NodeId, values: &Arc<Array>, codes: &UInt32Array) -> Option<Answers> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (std::thread::current().id(), id);
        let new = || Known { values: Arc::clone(values), rows: 0, answers: None };
        let known = match all.entry(key) {
            Entry::Occupied(known) if Arc::ptr_eq(&known.get().values, values) => known.into_mut(),
            other => other.insert_entry(new()).into_mut(),
        };
        if let Some(answers) = &known.answers {
            return Some(answers.clone());
        }
        let per_row = if known.rows == 0 { FIRST_VALUES_PER_ROW } else { VALUES_PER_ROW };
        known.rows = known.rows.saturating_add(codes.len());
        let pays = values.len() <= VALUES_MAX
            && values.len() <= known.rows.saturating_mul(per_row)
            && !is_ascending(codes);
        if pays { None } else { Some(Answers::Unknown) }
    }

    fn keep(&self, id: NodeId, values: &Arc<Array>, answers: &Answers) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = all.get_mut(&(std::thread::current().id(), id));
        if let Some(known) = known.filter(|known| Arc::ptr_eq(&known.values, values)) {
            known.answers = Some(answers.clone());
        }
    }
}

/// Whether each value is one row's alone, as in the result of a grouping.
fn is_ascending(codes: &UInt32Array) -> bool {
    codes.values().windows(2).all(|pair| pair[0] < pair[1])
}

impl Frame<'_> {
    /// The node's values looked up among those of a dictionary; `None` where that is not possible, or does
    /// not pay.
    pub(super) fn by_value(&self, id: NodeId) -> Result<Option<Column>> {
        let node = self.node(id);
        let Reads::Texts(source) = node.reads else { return Ok(None) };
        if node.cheap || node.volatile {
            return Ok(None);
        }
        let Column::Dictionary { codes, values } = self.column(source)? else { return Ok(None) };
        if values.physical() != PhysicalType::Text || values.is_empty() {
            return Ok(None);
        }
        let remembered = self.remembered();
        let answers = remembered.find(id, &values, &codes).unwrap_or_else(|| {
            let answers = self.ask(id, &values, self.node(source).sql_type);
            let answers = answers.unwrap_or(Answers::Unknown);
            remembered.keep(id, &values, &answers);
            answers
        });
        Ok(match answers {
            Answers::Known(answers, strict) if strict || codes.null_count() == 0 => {
                Some(by_code(&codes, &answers))
            }
            _ => None,
        })
    }

    /// The node's answers for the values of a dictionary, if no value fails.
    fn ask(&self, id: NodeId, values: &Array, sql_type: SqlType) -> Option<Answers> {
        let (mut parts, mut bytes) = (Vec::new(), 0);
        for start in (0..values.len()).step_by(BATCH_ROWS) {
            let rows = BATCH_ROWS.min(values.len() - start);
            let part = self.answers_of(id, &Column::Flat(values.slice(start, rows)))?;
            bytes += part.needed_bytes();
            if bytes > ANSWER_BYTES_MAX {
                return None;
            }
            parts.push(Column::Flat(part));
        }
        let answers = Column::concat(&parts.iter().collect::<Vec<_>>()).ok()?.flat();
        let strict = self.answers_of(id, &Column::nulls_of(sql_type, 1))?.is_null(0);
        Some(Answers::Known(Arc::new(answers), strict))
    }

    fn answers_of(&self, id: NodeId, values: &Column) -> Option<Array> {
        Some(self.of_values(values).column(id).ok()?.flat())
    }
}
