//! Between Parquet's columns and Arrow's: which root each Arrow field is, and which of its leaves ask
//! for another Arrow type than they would get by themselves.

use arrow::datatypes::{DataType, Field, Fields, Schema, TimeUnit};
use parquet::arrow::arrow_reader::ArrowReaderMetadata;
use parquet::basic::{ConvertedType, Encoding, LogicalType, Type as PhysicalType};
use parquet::file::metadata::RowGroupMetaData;
use parquet::schema::types::ColumnDescriptor;

/// The root in Parquet's schema of each of Arrow's fields; roots without any leaf are no fields.
pub(super) fn roots(metadata: &ArrowReaderMetadata) -> Vec<usize> {
    let leaves = metadata.parquet_schema();
    let mut roots: Vec<usize> =
        (0..leaves.num_columns()).map(|leaf| leaves.get_column_root_idx(leaf)).collect();
    roots.dedup();
    roots
}

/// Whether the root has a leaf of 96 bits: a timestamp, of nanoseconds within a day and days.
pub(super) fn has_int96(metadata: &ArrowReaderMetadata, root: usize) -> bool {
    let leaves = metadata.parquet_schema();
    (0..leaves.num_columns())
        .any(|leaf| leaves.get_column_root_idx(leaf) == root && is_int96(&leaves.column(leaf)))
}

fn is_int96(leaf: &ColumnDescriptor) -> bool {
    leaf.physical_type() == PhysicalType::INT96
}

/// Whether the root is one leaf of bytes whose logical type says that they are no text.
pub(super) fn is_binary(metadata: &ArrowReaderMetadata, root: usize) -> bool {
    let leaves = metadata.parquet_schema();
    let leaf = (0..leaves.num_columns()).find(|leaf| leaves.get_column_root_idx(*leaf) == root);
    leaf.map(|leaf| leaves.column(leaf)).is_some_and(|leaf| {
        let logical = leaf.logical_type_ref().is_some_and(|logical| {
            matches!(
                logical,
                LogicalType::Uuid
                    | LogicalType::Bson
                    | LogicalType::Geometry(_)
                    | LogicalType::Geography(_)
            )
        });
        logical || leaf.converted_type() == ConvertedType::BSON
    })
}

/// The schema that the reader is to use: texts as views, texts of few values as dictionaries, which are
/// the forms in which our columns hold them, and timestamps of 96 bits in microseconds, whose 64 bits
/// reach further than those of nanoseconds.
pub(super) fn hinted_schema(metadata: &ArrowReaderMetadata) -> Schema {
    let mut hints = Hints { metadata, next_leaf: 0 };
    let fields = metadata.schema().fields().iter().map(|field| {
        let leaf = hints.next_leaf;
        match field.data_type() {
            DataType::Utf8 | DataType::LargeUtf8 => {
                hints.next_leaf += 1;
                let groups = metadata.metadata().row_groups();
                let kind = match groups.iter().all(|group| is_dictionary(group, leaf)) {
                    true => {
                        DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
                    }
                    false => DataType::Utf8View,
                };
                Field::new(field.name(), kind, field.is_nullable())
            }
            DataType::Binary | DataType::LargeBinary => {
                hints.next_leaf += 1;
                Field::new(field.name(), DataType::BinaryView, field.is_nullable())
            }
            _ => hints.field(field),
        }
    });
    Schema::new(fields.collect::<Vec<_>>())
}

/// Goes through the leaves in their order.
struct Hints<'m> {
    metadata: &'m ArrowReaderMetadata,
    next_leaf: usize,
}

impl Hints<'_> {
    /// The depth of types is bounded by the reader of the file's schema.
    fn field(&mut self, field: &Field) -> Field {
        let kind = match field.data_type() {
            DataType::List(item) => DataType::List(self.field(item).into()),
            DataType::LargeList(item) => DataType::LargeList(self.field(item).into()),
            DataType::Struct(members) => {
                let members = members.iter().map(|member| self.field(member));
                DataType::Struct(Fields::from(members.collect::<Vec<_>>()))
            }
            DataType::Map(entries, sorted) => DataType::Map(self.field(entries).into(), *sorted),
            leaf => self.leaf(leaf),
        };
        Field::new(field.name(), kind, field.is_nullable())
    }

    fn leaf(&mut self, kind: &DataType) -> DataType {
        let leaves = self.metadata.parquet_schema();
        let leaf = self.next_leaf;
        self.next_leaf += 1;
        match kind {
            DataType::Timestamp(TimeUnit::Nanosecond, None)
                if leaf < leaves.num_columns() && is_int96(&leaves.column(leaf)) =>
            {
                DataType::Timestamp(TimeUnit::Microsecond, None)
            }
            other => other.clone(),
        }
    }
}

/// Whether all values of the column are codes into one page of few values.
fn is_dictionary(group: &RowGroupMetaData, leaf: usize) -> bool {
    const BYTES_MAX: i64 = 256 * 1024;
    let Some(column) = group.columns().get(leaf) else { return false };
    let coded = column.page_encoding_stats_mask().is_some_and(|data_pages| {
        data_pages.is_only(Encoding::RLE_DICTIONARY)
            || data_pages.is_only(Encoding::PLAIN_DICTIONARY)
    });
    let dictionary_bytes =
        column.dictionary_page_offset().map_or(i64::MAX, |start| column.data_page_offset() - start);
    coded && dictionary_bytes <= BYTES_MAX
}
