//! The matches of MATCH_RECOGNIZE: for each row, in which matches it is, and as what.

use arrow::array::BinaryViewBuilder;
use arrow::buffer::BooleanBuffer;
use firn_column::{Array, Column, kernels};
use firn_types::{Error, ErrorCode, Result, SqlType};

use super::{CATEGORY, WindowBinding, WindowFunction, WindowInput};
use crate::matched_rows::{Entry, NO_SYMBOL};
use crate::row_pattern::{AfterMatch, MatchedRow, Program, RowPattern, Search};
use crate::{Argument, Arity, Documentation, accept};

/// $MATCH_ROWS(pattern, where the search goes on, whether a row may be a symbol ...)
pub(super) const MATCH_ROWS: WindowFunction = {
    let mut function = WindowFunction::new(
        "$MATCH_ROWS",
        Arity::at_least(2),
        bind,
        Documentation::of(CATEGORY, "The matches of a pattern of rows.", &[]),
    );
    function.needs_order = false;
    function
};

fn bind(arguments: &[Argument]) -> Result<WindowBinding> {
    let text = |position| accept::constant_text(arguments, position);
    let pattern = text(0).and_then(RowPattern::read);
    let after = text(1).and_then(AfterMatch::read);
    let (Some(pattern), Some(after)) = (pattern, after) else {
        return Err(Error::internal("a pattern of rows that cannot be read"));
    };
    let program = Program::of(&pattern)?;
    let mut types = vec![SqlType::TEXT; 2];
    types.resize(arguments.len(), SqlType::Boolean);
    WindowBinding::new(types, SqlType::BINARY, move |input, columns| {
        let mut is = Vec::with_capacity(columns.len() - 2);
        for column in &columns[2..] {
            is.push(match column.flat() {
                Array::Bool(flags) => kernels::boolean::truths(&flags),
                _ => return Err(Error::internal("a symbol's condition that is no BOOLEAN")),
            });
        }
        let entries = matches(input, &program, after, &is)?;
        let mut answers = BinaryViewBuilder::with_capacity(input.rows);
        entries.iter().for_each(|entries| answers.append_value(entries));
        Ok(Column::Flat(Array::Bytes(answers.finish())))
    })
}

/// The entries of every row, one behind the other.
fn matches(
    input: &WindowInput<'_>,
    program: &Program,
    after: AfterMatch,
    is: &[BooleanBuffer],
) -> Result<Vec<Vec<u8>>> {
    let mut entries = vec![Vec::new(); input.rows];
    let mut from = 0;
    while from < input.rows {
        let to = input.partitions[from].1 as usize;
        let is_symbol =
            |row: usize, symbol: usize| is.get(symbol).is_some_and(|flags| flags.value(from + row));
        let mut search = Search::new(program, to - from, &is_symbol);
        let (mut start, mut number) = (0, 0);
        while start < to - from {
            let Some(matched) = search.match_at(start) else {
                start += 1;
                continue;
            };
            number += 1;
            add(&matched, number, &mut entries[from + start..]);
            start = next_start(&matched, start, after)?;
        }
        from = to;
    }
    Ok(entries)
}

fn add(matched: &[MatchedRow], number: u64, entries: &mut [Vec<u8>]) {
    if matched.is_empty() {
        let empty = Entry { number, place: 0, symbol: NO_SYMBOL, excluded: false, last: true };
        empty.write(&mut entries[0]);
    }
    for (at, row) in matched.iter().enumerate() {
        let entry = Entry {
            number,
            place: at as u64 + 1,
            symbol: row.symbol as u16,
            excluded: row.excluded,
            last: at + 1 == matched.len(),
        };
        entry.write(&mut entries[at]);
    }
}

/// Where the search goes on behind a match that began at `start`.
fn next_start(matched: &[MatchedRow], start: usize, after: AfterMatch) -> Result<usize> {
    let place = match after {
        AfterMatch::PastLastRow => return Ok(start + matched.len().max(1)),
        AfterMatch::ToNextRow => return Ok(start + 1),
        // Behind an empty match there is only the next row.
        _ if matched.is_empty() => return Ok(start + 1),
        AfterMatch::ToFirst(symbol) => matched.iter().position(|row| row.symbol == symbol),
        AfterMatch::ToLast(symbol) => matched.iter().rposition(|row| row.symbol == symbol),
    };
    match place {
        Some(place) if place > 0 => Ok(start + place),
        _ => {
            let text = "AFTER MATCH SKIP TO leads to the first row of the match, or to a symbol \
                        that is not in it";
            Err(Error::new(ErrorCode::InvalidValue, text))
        }
    }
}
