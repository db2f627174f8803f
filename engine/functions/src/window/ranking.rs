//! ROW_NUMBER, RANK, DENSE_RANK, PERCENT_RANK, CUME_DIST and NTILE: where a row stands.

use firn_column::Column;
use firn_column::kernels::forms::without_dictionary;
use firn_types::{Error, ErrorCode, Result, SqlType};

use super::{CATEGORY, WindowBinding, WindowFunction, WindowInput};
use crate::driver::{Output, ints};
use crate::meaning::{Numbering, WindowMeaning};
use crate::{Arity, Documentation, Example, accept};

const RANK_TYPE: SqlType = SqlType::Number { precision: 18, scale: 0 };

macro_rules! ranking {
    ($constant:ident, $returns:expr, $rank:expr, $meaning:expr, $summary:literal, $answer:literal) => {
        /// A function of a row's place in its partition.
        pub(super) const $constant: WindowFunction = WindowFunction::new(
            stringify!($constant),
            Arity::exactly(0),
            |_| {
                WindowBinding::new(Vec::new(), $returns, |input, _| {
                    let answers = (0..input.rows).map(|row| $rank(input, row)).collect();
                    Ok(Column::Flat(Output::array(answers, None)))
                })
            },
            Documentation::of(
                CATEGORY,
                $summary,
                &[Example::of(concat!(stringify!($constant), "() OVER (ORDER BY 1)"), $answer)],
            ),
        )
        .with_meaning($meaning);
    };
}

ranking!(
    ROW_NUMBER,
    RANK_TYPE,
    row_number,
    WindowMeaning::Numbering(Numbering::Row),
    "The row's number in its partition, from 1.",
    "1"
);
ranking!(
    RANK,
    RANK_TYPE,
    rank,
    WindowMeaning::Numbering(Numbering::Rank),
    "One more than the number of rows that come before the row and its equals.",
    "1"
);
ranking!(
    PERCENT_RANK,
    SqlType::Float,
    percent_rank,
    WindowMeaning::Place,
    "The part of the other rows that come before the row and its equals.",
    "0"
);
ranking!(
    CUME_DIST,
    SqlType::Float,
    cume_dist,
    WindowMeaning::Place,
    "The part of the rows that come no later than the row.",
    "1"
);

/// DENSE_RANK()
pub(super) const DENSE_RANK: WindowFunction = WindowFunction::new(
    "DENSE_RANK",
    Arity::exactly(0),
    |_| {
        WindowBinding::new(Vec::new(), RANK_TYPE, |input, _| {
            Ok(Column::Flat(i64::array(dense_ranks(input), None)))
        })
    },
    Documentation::of(
        CATEGORY,
        "One more than the number of different keys that come before the row's.",
        &[Example::of("DENSE_RANK() OVER (ORDER BY 1)", "1")],
    ),
)
.with_meaning(WindowMeaning::Numbering(Numbering::Dense));

/// NTILE(parts)
pub(super) const NTILE: WindowFunction = WindowFunction::new(
    "NTILE",
    Arity::exactly(1),
    |arguments| {
        let input = accept::integer("NTILE", arguments, 0)?;
        WindowBinding::new(vec![input], RANK_TYPE, |input, columns| {
            let parts = without_dictionary(&columns[0]);
            let parts = ints(&parts)?;
            let answers: Result<Vec<i64>> =
                (0..input.rows).map(|row| ntile(input, row, parts.get(row))).collect();
            Ok(Column::Flat(i64::array(answers?, None)))
        })
    },
    Documentation::of(
        CATEGORY,
        "Which of that many parts of nearly equal size the row belongs to, from 1.",
        &[Example::of("NTILE(4) OVER (ORDER BY 1)", "1")],
    ),
)
.with_meaning(WindowMeaning::Place);

fn row_number(input: &WindowInput<'_>, row: usize) -> i64 {
    row as i64 - i64::from(input.partitions[row].0) + 1
}

fn rank(input: &WindowInput<'_>, row: usize) -> i64 {
    i64::from(input.peers[row].0) - i64::from(input.partitions[row].0) + 1
}

fn percent_rank(input: &WindowInput<'_>, row: usize) -> f64 {
    let (start, end) = input.partitions[row];
    let others = end - start - 1;
    if others == 0 { 0.0 } else { (rank(input, row) - 1) as f64 / f64::from(others) }
}

fn cume_dist(input: &WindowInput<'_>, row: usize) -> f64 {
    let (start, end) = input.partitions[row];
    f64::from(input.peers[row].1 - start) / f64::from(end - start)
}

fn dense_ranks(input: &WindowInput<'_>) -> Vec<i64> {
    let mut rank = 0;
    (0..input.rows)
        .map(|row| {
            if input.partitions[row].0 as usize == row {
                rank = 0;
            }
            rank += i64::from(input.peers[row].0 as usize == row);
            rank
        })
        .collect()
}

/// The first parts have one row more where the rows do not divide evenly.
fn ntile(input: &WindowInput<'_>, row: usize, parts: i64) -> Result<i64> {
    if parts <= 0 {
        let text =
            format!("Invalid number of parts {parts} in the NTILE input: it must be positive");
        return Err(Error::new(ErrorCode::InvalidValue, text));
    }
    let (start, end) = input.partitions[row];
    let rows = i64::from(end - start);
    let at = (input.rows_before + row) as i64 - i64::from(start);
    let (size, larger) = (rows / parts, rows % parts);
    Ok(if at < larger * (size + 1) {
        at / (size + 1) + 1
    } else {
        larger + (at - larger * (size + 1)) / size.max(1) + 1
    })
}
