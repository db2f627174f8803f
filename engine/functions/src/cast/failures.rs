//! What is done with the values that cannot be converted.

use firn_types::{Error, Result};

/// Takes note of values that cannot be converted. After [`Failures::add`] returns without an error, the
/// value becomes NULL.
#[derive(Debug)]
pub(crate) struct Failures {
    policy: Policy,
    list: Vec<(usize, Error)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Policy {
    Fatal,
    Forgotten,
    Listed,
}

impl Failures {
    /// The first failure ends the conversion.
    pub(crate) fn fatal() -> Failures {
        Failures { policy: Policy::Fatal, list: Vec::new() }
    }

    /// Failures leave no trace but the NULL.
    pub(crate) fn forgotten() -> Failures {
        Failures { policy: Policy::Forgotten, list: Vec::new() }
    }

    /// Failures are listed.
    pub(crate) fn listed() -> Failures {
        Failures { policy: Policy::Listed, list: Vec::new() }
    }

    /// The value of `row` cannot be converted; `error` is made only when somebody will see it.
    ///
    /// # Errors
    /// The given one, when the first failure is to end the conversion.
    pub(crate) fn add(&mut self, row: usize, error: impl FnOnce() -> Error) -> Result<()> {
        match self.policy {
            Policy::Fatal => Err(error()),
            Policy::Forgotten => Ok(()),
            Policy::Listed => {
                self.list.push((row, error()));
                Ok(())
            }
        }
    }

    /// The listed failures by row.
    pub(crate) fn into_list(self) -> Vec<(usize, Error)> {
        self.list
    }
}
