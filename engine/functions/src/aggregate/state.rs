//! Aggregates whose states are answers: `.._ACCUMULATE` makes one of values, `.._COMBINE` one of other states.

use firn_column::Column;
use firn_column::kernels::forms::without_dictionary;
use firn_types::Result;

use super::grouped::Fold;
use crate::driver::blobs;

/// An aggregate whose states can be stored and read again.
pub(super) trait Storable: Fold {
    /// The state that bytes are.
    ///
    /// # Errors
    /// `InvalidValue` for bytes that are none.
    fn read(bytes: &[u8]) -> Result<Self::State>;

    /// The bytes of states.
    ///
    /// # Errors
    /// When a state is too large for a value.
    fn write(states: Vec<Self::State>) -> Result<Column>;

    /// About how many bytes a state has outside of itself.
    fn heap_bytes(state: &Self::State) -> usize;
}

/// What an aggregate that answers its states is given.
#[derive(Clone, Copy)]
enum Given {
    Values,
    States,
}

/// An aggregate that answers its states.
pub(super) struct AnswerStates<F> {
    fold: F,
    given: Given,
}

impl<F: Storable> AnswerStates<F> {
    /// The states of values.
    pub(super) fn of_values(fold: F) -> AnswerStates<F> {
        AnswerStates { fold, given: Given::Values }
    }

    /// The states of other states.
    pub(super) fn of_states(fold: F) -> AnswerStates<F> {
        AnswerStates { fold, given: Given::States }
    }
}

impl<F: Storable> Fold for AnswerStates<F> {
    type State = F::State;

    fn start(&self) -> F::State {
        self.fold.start()
    }

    fn update(
        &self,
        states: &mut [F::State],
        groups: &[u32],
        arguments: &[Column],
        heap: &mut usize,
    ) -> Result<()> {
        if let Given::Values = self.given {
            return self.fold.update(states, groups, arguments, heap);
        }
        each_stored(groups, &arguments[0], |group, bytes| {
            let state = &mut states[group];
            let before = F::heap_bytes(state);
            self.fold.merge(state, F::read(bytes)?)?;
            *heap += F::heap_bytes(state).saturating_sub(before);
            Ok(())
        })
    }

    fn merge(&self, into: &mut F::State, from: F::State) -> Result<()> {
        self.fold.merge(into, from)
    }

    fn finish(&self, states: Vec<F::State>) -> Result<Column> {
        F::write(states)
    }
}

/// Gives each stored state of a batch to its group; NULLs are passed over.
///
/// # Errors
/// Those of `take`.
pub(super) fn each_stored(
    groups: &[u32],
    stored: &Column,
    mut take: impl FnMut(usize, &[u8]) -> Result<()>,
) -> Result<()> {
    let column = without_dictionary(stored);
    let given = blobs(&column)?;
    for (row, &group) in groups.iter().enumerate().filter(|(row, _)| !given.is_null(*row)) {
        take(group as usize, given.get(row))?;
    }
    Ok(())
}
