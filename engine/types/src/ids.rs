//! Numbers and texts that stand for things, each its own type so that none is taken for another.

use std::fmt;

macro_rules! number_id {
    ($($(#[$doc:meta])* $name:ident($inner:ty), $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }
    )*};
}

number_id! {
    /// One column within one statement's plan; never a position, never shared by two columns.
    ColumnId(u32), "#";
    /// One column of one table for the table's whole life, through renames; Iceberg's field id.
    FieldId(u32), "f";
    /// One object of the account: a database, schema, table, view, stage ... Never used again.
    ObjectId(u64), "o";
}

/// A micro-partition's unique name, a UUID.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartitionId(pub String);

/// A statement's unique name, a UUID.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QueryId(pub String);

impl fmt::Display for PartitionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for QueryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
