//! BITMAP_CONSTRUCT_AGG, BITMAP_OR_AGG and BITMAP_AND_AGG.

use arrow::array::BinaryViewBuilder;
use firn_column::kernels::forms::without_dictionary;
use firn_column::{Array, Column};
use firn_types::{Error, ErrorCode, Result, SqlType};

use super::grouped::{Fold, Folded};
use super::{AggregateBinding, AggregateFunction};
use crate::bitmap::{Bitmap, POSITIONS};
use crate::driver::{blobs, ints};
use crate::{Argument, Arity, Documentation, Example, accept};

const CATEGORY: &str = "Bitmap";

/// BITMAP_CONSTRUCT_AGG(position)
pub(crate) const BITMAP_CONSTRUCT_AGG: AggregateFunction = AggregateFunction::new(
    "BITMAP_CONSTRUCT_AGG",
    Arity::exactly(1),
    |arguments| bind("BITMAP_CONSTRUCT_AGG", arguments, Joined::Positions),
    Documentation::of(
        CATEGORY,
        "A bitmap with the positions, which are from 0 to 32767.",
        &[Example::of("BITMAP_CONSTRUCT_AGG(5)", "00010500000000000000")],
    ),
);

/// BITMAP_OR_AGG(bitmap)
pub(crate) const BITMAP_OR_AGG: AggregateFunction = AggregateFunction::new(
    "BITMAP_OR_AGG",
    Arity::exactly(1),
    |arguments| bind("BITMAP_OR_AGG", arguments, Joined::Either),
    Documentation::of(CATEGORY, "A bitmap with the positions that one of the bitmaps has.", &[]),
);

/// BITMAP_AND_AGG(bitmap)
pub(crate) const BITMAP_AND_AGG: AggregateFunction = AggregateFunction::new(
    "BITMAP_AND_AGG",
    Arity::exactly(1),
    |arguments| bind("BITMAP_AND_AGG", arguments, Joined::All),
    Documentation::of(CATEGORY, "A bitmap with the positions that all of the bitmaps have.", &[]),
);

/// What a group's rows are, and how they come together.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Joined {
    Positions,
    Either,
    All,
}

fn bind(name: &str, arguments: &[Argument], joined: Joined) -> Result<AggregateBinding> {
    let input = match joined {
        Joined::Positions => accept::integer(name, arguments, 0)?,
        _ => accept::binary(name, arguments, 0)?,
    };
    AggregateBinding::new(vec![input], SqlType::BINARY, move || Folded::new(Bitmaps { joined }))
}

struct Bitmaps {
    joined: Joined,
}

impl Bitmaps {
    fn add(&self, state: &mut Option<Bitmap>, bitmap: Bitmap) {
        match state {
            Some(state) => state.join(&bitmap, self.joined == Joined::All),
            None => *state = Some(bitmap),
        }
    }
}

impl Fold for Bitmaps {
    type State = Option<Bitmap>;

    fn start(&self) -> Option<Bitmap> {
        None
    }

    fn update(
        &self,
        states: &mut [Option<Bitmap>],
        groups: &[u32],
        arguments: &[Column],
        heap: &mut usize,
    ) -> Result<()> {
        let column = without_dictionary(&arguments[0]);
        let present = groups.iter().enumerate().filter(|(row, _)| !column.is_null(*row));
        for (row, &group) in present {
            let state = &mut states[group as usize];
            if state.is_none() {
                *heap += POSITIONS / 8;
            }
            if self.joined != Joined::Positions {
                self.add(state, Bitmap::read(blobs(&column)?.get(row))?);
                continue;
            }
            let number = ints(&column)?.get(row);
            let position = usize::try_from(number).ok().filter(|number| *number < POSITIONS);
            let position = position.ok_or_else(|| {
                let text = format!(
                    "Invalid bit position {number}: it must be from 0 to {}",
                    POSITIONS - 1
                );
                Error::new(ErrorCode::InvalidValue, text)
            })?;
            state.get_or_insert_with(Bitmap::new).take(position);
        }
        Ok(())
    }

    fn merge(&self, into: &mut Option<Bitmap>, from: Option<Bitmap>) -> Result<()> {
        if let Some(bitmap) = from {
            self.add(into, bitmap);
        }
        Ok(())
    }

    fn finish(&self, states: Vec<Option<Bitmap>>) -> Result<Column> {
        let mut answers = BinaryViewBuilder::with_capacity(states.len());
        let mut bytes = Vec::new();
        for state in states {
            bytes.clear();
            match state {
                Some(bitmap) => {
                    bitmap.write(&mut bytes);
                    answers.append_value(&bytes);
                }
                None => answers.append_null(),
            }
        }
        Ok(Column::Flat(Array::Bytes(answers.finish())))
    }
}
