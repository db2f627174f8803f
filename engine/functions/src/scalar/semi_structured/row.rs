//! One row of arguments, whatever form their columns have, and kernels made of row functions.

use firn_column::{Array, Column};
use firn_types::Result;
use firn_types::variant::{Builder, Elements, Fields, Variant};

use super::super::Kernel;
use crate::FunctionContext;
use crate::NullRule;
use crate::driver::{self, Blobs, Bools, Ints, Output, Rows, Texts};
use crate::text_buffer::TextBuffer;

/// The arguments of one row.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    readers: &'a [Reader<'a>],
    row: usize,
    /// The statement's facts.
    pub(super) context: &'a FunctionContext,
}

enum Reader<'a> {
    Blobs(Blobs<'a>),
    Texts(Texts<'a>),
    Ints(Ints<'a>),
    Bools(Bools<'a>),
}

impl<'a> Reader<'a> {
    fn open(column: &'a Column) -> Result<Reader<'a>> {
        Ok(match column.physical() {
            firn_column::PhysicalType::Bytes => Reader::Blobs(driver::blobs(column)?),
            firn_column::PhysicalType::Text => Reader::Texts(driver::texts(column)?),
            firn_column::PhysicalType::Bool => Reader::Bools(driver::bools(column)?),
            _ => Reader::Ints(driver::ints(column)?),
        })
    }
}

impl<'a> Row<'a> {
    /// The number of arguments.
    pub(super) fn len(&self) -> usize {
        self.readers.len()
    }

    /// The VARIANT, OBJECT or ARRAY; nothing for SQL NULL.
    pub(super) fn variant(&self, position: usize) -> Option<Variant<'a>> {
        match self.readers.get(position)? {
            Reader::Blobs(blobs) if !blobs.is_null(self.row) => {
                Some(Variant::new(blobs.get(self.row)))
            }
            _ => None,
        }
    }

    /// The array; nothing for SQL NULL.
    pub(super) fn array(&self, position: usize) -> Option<Elements<'a>> {
        self.variant(position)?.as_array()
    }

    /// The object; nothing for SQL NULL.
    pub(super) fn object(&self, position: usize) -> Option<Fields<'a>> {
        self.variant(position)?.as_object()
    }

    /// The text; nothing for SQL NULL.
    pub(super) fn text(&self, position: usize) -> Option<&'a str> {
        match self.readers.get(position)? {
            Reader::Texts(texts) if !texts.is_null(self.row) => Some(texts.get(self.row)),
            _ => None,
        }
    }

    /// The whole number, cut to 64 bits; nothing for SQL NULL.
    pub(super) fn integer(&self, position: usize) -> Option<i64> {
        match self.readers.get(position)? {
            Reader::Ints(ints) if !ints.is_null(self.row) => Some(ints.get(self.row)),
            _ => None,
        }
    }

    /// The truth value; nothing for SQL NULL.
    pub(super) fn boolean(&self, position: usize) -> Option<bool> {
        match self.readers.get(position)? {
            Reader::Bools(bools) if !bools.is_null(self.row) => Some(bools.get(self.row)),
            _ => None,
        }
    }
}

/// A kernel of a row function that writes a value; FALSE from it means NULL, and nothing was written.
pub(super) fn builds(nulls: NullRule, f: fn(&Row<'_>, &mut Builder) -> Result<bool>) -> Kernel {
    kernel(nulls, move |rows, readers| {
        let mut builder = Builder::new();
        rows.bytes(|row, out| {
            if !f(&at(rows, readers, row), &mut builder)? {
                return Ok(false);
            }
            builder.finish(out)?;
            Ok(true)
        })
    })
}

/// A kernel of a row function that finds a value inside an argument.
pub(super) fn finds(
    nulls: NullRule,
    f: for<'a> fn(&Row<'a>) -> Result<Option<Variant<'a>>>,
) -> Kernel {
    kernel(nulls, move |rows, readers| {
        let mut builder = Builder::new();
        rows.bytes(|row, out| match f(&at(rows, readers, row))? {
            Some(found) => builder.extract(found, out).map(|()| true),
            None => Ok(false),
        })
    })
}

/// A kernel of a row function that writes a text; FALSE from it means NULL.
pub(super) fn writes(nulls: NullRule, f: fn(&Row<'_>, &mut TextBuffer) -> Result<bool>) -> Kernel {
    kernel(nulls, move |rows, readers| rows.text(|row, out| f(&at(rows, readers, row), out)))
}

/// A kernel of a row function that returns its answer.
pub(super) fn answers<T: Output + 'static>(
    nulls: NullRule,
    f: fn(&Row<'_>) -> Result<Option<T>>,
) -> Kernel {
    kernel(nulls, move |rows, readers| rows.map(|row| f(&at(rows, readers, row))))
}

fn at<'a>(rows: &'a Rows<'_>, readers: &'a [Reader<'a>], row: usize) -> Row<'a> {
    Row { readers, row, context: rows.call.context }
}

fn kernel(
    nulls: NullRule,
    body: impl Fn(&Rows<'_>, &[Reader<'_>]) -> Result<Array> + Send + Sync + 'static,
) -> Kernel {
    let body = move |rows: &Rows<'_>, columns: &[Column]| {
        let readers = columns.iter().map(Reader::open).collect::<Result<Vec<_>>>()?;
        body(rows, &readers)
    };
    match nulls {
        NullRule::Propagate => driver::null_propagating(body),
        NullRule::Aware => driver::null_aware(body),
    }
}
