//! Where a stored row stands.

/// The locator of a stored row, within the snapshot that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RowLocator(pub(crate) i64);

impl RowLocator {
    /// The locator of a row of the partition at a position of the snapshot.
    pub(crate) fn of(partition: u32, row: u32) -> RowLocator {
        RowLocator((i64::from(partition) << 32) | i64::from(row))
    }

    /// The position of the row's partition in the snapshot.
    pub(crate) fn partition(self) -> u32 {
        (self.0 >> 32) as u32
    }

    /// The row's position in the partition's file.
    pub(crate) fn row(self) -> u32 {
        self.0 as u32
    }
}
