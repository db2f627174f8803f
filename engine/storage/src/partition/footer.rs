//! A micro-partition's footer: where its column chunks are, and what they hold.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use arrow::datatypes::{Field, Schema};
use bytes::{Buf, Bytes};
use firn_types::{ColumnPath, Error, ErrorCode, FieldId, Result};
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::basic::Encoding;
use parquet::errors::ParquetError;
use parquet::file::metadata::{
    ColumnChunkMetaData, PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader,
};
use parquet::file::reader::{ChunkReader, Length};
use parquet::schema::types::TypePtr;

use super::convert::reading_type;
use super::seal::ChunkChecksums;
use super::selection::Spans;
use super::{FileColumn, ReadColumn, RowGroup};
use crate::checksum::checksum;
use crate::shredding::PathTree;
use crate::{ObjectAccess, Partition};

/// Bytes at the end of a file that are fetched at once, in the hope that the footer is in them.
const TAIL_BYTES: u64 = 64 << 10;

/// The parsed footer of a file, and how to read its columns.
#[derive(Debug)]
pub(crate) struct Footer {
    pub(super) metadata: Arc<ParquetMetaData>,
    pub(super) row_groups: Vec<RowGroup>,
    /// Position of the root column of each column and sub-column.
    roots: HashMap<ColumnPath, usize>,
    /// What is left out of the whole values of semi-structured columns.
    parts: HashMap<FieldId, Parts>,
    /// What its column chunks must be; none for a file without a seal, and for one that is being made.
    pub(super) checksums: Option<ChunkChecksums>,
    /// How to read texts as they are, and as dictionaries.
    flat: OnceLock<ArrowReaderMetadata>,
    dictionary: OnceLock<ArrowReaderMetadata>,
}

/// The sub-columns of a column whose values are left out of the whole ones.
#[derive(Debug)]
pub(super) struct Parts {
    pub(super) sub_columns: Vec<ColumnPath>,
    pub(super) tree: PathTree,
}

impl Footer {
    /// Fetches, verifies and parses the footer.
    pub(super) fn load(access: &ObjectAccess, partition: &Partition) -> Result<Footer> {
        let Some(seal) = partition.seal else { return Footer::load_unsealed(access, partition) };
        let damaged = |what: &str| corrupt(partition, &ParquetError::General(what.to_string()));
        let size = partition.bytes;
        let start = size.checked_sub(seal.bytes).ok_or_else(|| damaged("its seal is too long"))?;
        let range = start..size;
        let tail = partition.read(access, std::slice::from_ref(&range))?.pop().unwrap_or_default();
        if checksum(&tail) != seal.checksum {
            return Err(damaged("its footer has another checksum than it was written with"));
        }
        let source = FileParts::new(size, vec![(start, tail)]);
        let mut reader =
            ParquetMetaDataReader::new().with_page_index_policy(PageIndexPolicy::Optional);
        reader.try_parse(&source).map_err(|e| corrupt(partition, &e))?;
        let metadata = reader.finish().map_err(|e| corrupt(partition, &e))?;
        let mut footer = Footer::new(Arc::new(metadata))?;
        let checksums = ChunkChecksums::of(&footer.metadata).map_err(|e| corrupt(partition, &e))?;
        footer.checksums = Some(checksums.ok_or_else(|| damaged("it has no checksums"))?);
        Ok(footer)
    }

    /// Fetches and parses the footer of a file that was written without a seal.
    fn load_unsealed(access: &ObjectAccess, partition: &Partition) -> Result<Footer> {
        let size = partition.bytes;
        let mut tail_bytes = TAIL_BYTES.min(size);
        loop {
            let tail = std::slice::from_ref(&(size - tail_bytes..size)).to_vec();
            let bytes = partition.read(access, &tail)?.pop().unwrap_or_default();
            let source = FileParts::new(size, vec![(size - tail_bytes, bytes)]);
            let mut reader =
                ParquetMetaDataReader::new().with_page_index_policy(PageIndexPolicy::Optional);
            match reader.try_parse(&source) {
                Ok(()) => {
                    let metadata = reader.finish().map_err(|e| corrupt(partition, &e))?;
                    return Footer::new(Arc::new(metadata));
                }
                Err(_) if tail_bytes < size => tail_bytes = (tail_bytes * 16).min(size),
                Err(error) => return Err(corrupt(partition, &error)),
            }
        }
    }

    /// What is to be known of a file with this footer.
    pub(super) fn new(metadata: Arc<ParquetMetaData>) -> Result<Footer> {
        let schema = metadata.file_metadata().schema_descr();
        let (mut roots, mut parts) = (HashMap::new(), HashMap::<FieldId, Vec<ColumnPath>>::new());
        for (at, field) in schema.root_schema().get_fields().iter().enumerate() {
            let info = field.get_basic_info();
            if info.has_id() {
                roots.insert(FieldId(info.id().cast_unsigned()).into(), at);
            } else if let Some((column, is_part)) = FileColumn::sub_column(info.name()) {
                if is_part {
                    parts.entry(column.field).or_default().push(column.clone());
                }
                roots.insert(column, at);
            }
        }
        let parts =
            parts.into_iter().map(|(field, columns)| (field, Parts::new(columns))).collect();
        let mut row_groups = Vec::with_capacity(metadata.num_row_groups());
        let mut start = 0_u32;
        for (index, group) in metadata.row_groups().iter().enumerate() {
            let rows = u32::try_from(group.num_rows()).ok();
            let end = rows.and_then(|rows| start.checked_add(rows)).ok_or_else(|| {
                Error::new(ErrorCode::CorruptFile, "a micro-partition with too many rows")
            })?;
            row_groups.push(RowGroup { index, rows: start..end });
            start = end;
        }
        Ok(Footer {
            metadata,
            row_groups,
            roots,
            parts,
            checksums: None,
            flat: OnceLock::new(),
            dictionary: OnceLock::new(),
        })
    }

    /// The position of a column among the file's root columns; none when the file lacks it.
    pub(super) fn root(&self, column: &ColumnPath) -> Option<usize> {
        self.roots.get(column).copied()
    }

    /// The position of the root column that a column is read from; none when the file lacks it. A sub-column does not
    /// have JSON's nulls, which are VARIANTs.
    pub(super) fn root_of(&self, column: &ReadColumn) -> Option<usize> {
        let as_variant = column.column.path.is_some() && column.sql_type.is_semi_structured();
        self.root(&column.column).filter(|_| !as_variant)
    }

    /// The sub-columns of a column, in the order of the file.
    pub(super) fn sub_columns(&self, field: FieldId) -> Vec<ColumnPath> {
        let of_field =
            |(column, _): &(&ColumnPath, &usize)| column.field == field && column.path.is_some();
        let mut found: Vec<(&ColumnPath, &usize)> = self.roots.iter().filter(of_field).collect();
        found.sort_by_key(|(_, root)| **root);
        found.into_iter().map(|(column, _)| column.clone()).collect()
    }

    /// What is left out of the whole values of a column; none where they are whole.
    pub(super) fn parts(&self, field: FieldId) -> Option<&Parts> {
        self.parts.get(&field)
    }

    /// A root column as the file describes it.
    pub(super) fn field(&self, root: usize) -> &TypePtr {
        &self.metadata.file_metadata().schema_descr().root_schema().get_fields()[root]
    }

    /// The leaf columns below a root column.
    pub(super) fn leaves(&self, root: usize) -> Vec<usize> {
        let schema = self.metadata.file_metadata().schema_descr();
        let leaves = 0..schema.num_columns();
        leaves.filter(|leaf| schema.get_column_root_idx(*leaf) == root).collect()
    }

    /// Where a leaf's chunk lies in the file.
    pub(super) fn range(&self, row_group: usize, leaf: usize) -> Range<u64> {
        chunk_range(self.metadata.row_group(row_group).column(leaf))
    }

    /// Where the pages of a leaf's chunk lie that have some rows of the spans, and its dictionary; the whole
    /// chunk when the file does not say.
    pub(super) fn page_ranges(
        &self,
        row_group: usize,
        leaf: usize,
        spans: &Spans,
    ) -> Vec<Range<u64>> {
        let whole = self.range(row_group, leaf);
        let index = self.metadata.page_index();
        let pages = index.and_then(|index| index.offset_index(row_group, leaf));
        let Some(pages) = pages.map(|pages| pages.page_locations()) else { return vec![whole] };
        let first_row = |at: usize| pages.get(at).map(|page| row(page.first_row_index));
        let mut ranges = Vec::new();
        for (at, page) in pages.iter().enumerate() {
            let start = page.offset.max(0).cast_unsigned();
            if at == 0 && start > whole.start {
                ranges.push(whole.start..start);
            }
            let end = first_row(at + 1).unwrap_or(u32::MAX);
            if spans.meet(&(row(page.first_row_index)..end)) {
                let bytes = u64::from(page.compressed_page_size.max(0).cast_unsigned());
                ranges.push(start..start + bytes);
            }
        }
        ranges
    }

    /// Whether every data page of a leaf's chunk holds codes into its dictionary.
    pub(super) fn is_dictionary(&self, row_group: usize, leaf: usize) -> bool {
        let chunk = self.metadata.row_group(row_group).column(leaf);
        if let Some(mask) = chunk.page_encoding_stats_mask() {
            return mask.is_only(Encoding::RLE_DICTIONARY)
                || mask.is_only(Encoding::PLAIN_DICTIONARY);
        }
        let Some(pages) = chunk.page_encoding_stats() else { return false };
        let is_data = |page: parquet::basic::PageType| {
            matches!(
                page,
                parquet::basic::PageType::DATA_PAGE | parquet::basic::PageType::DATA_PAGE_V2
            )
        };
        chunk.dictionary_page_offset().is_some()
            && pages
                .iter()
                .filter(|page| is_data(page.page_type))
                .all(|page| page.encoding == Encoding::RLE_DICTIONARY)
    }

    /// How to read the file's columns, texts as dictionaries or as they are.
    pub(super) fn reading(&self, dictionary: bool) -> Result<&ArrowReaderMetadata, ParquetError> {
        let cell = if dictionary { &self.dictionary } else { &self.flat };
        if let Some(reading) = cell.get() {
            return Ok(reading);
        }
        let plain = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let suggested = ArrowReaderMetadata::try_new(Arc::clone(&self.metadata), plain)?;
        let fields: Vec<Field> = suggested
            .schema()
            .fields()
            .iter()
            .map(|field| {
                let wanted = reading_type(field.data_type(), dictionary);
                field.as_ref().clone().with_data_type(wanted)
            })
            .collect();
        let options = ArrowReaderOptions::new().with_schema(Arc::new(Schema::new(fields)));
        let reading = ArrowReaderMetadata::try_new(Arc::clone(&self.metadata), options)?;
        Ok(cell.get_or_init(|| reading))
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.metadata.memory_size() * 2
            + self.checksums.as_ref().map_or(0, ChunkChecksums::memory_bytes)
    }
}

impl Parts {
    fn new(sub_columns: Vec<ColumnPath>) -> Parts {
        let tree = PathTree::new(sub_columns.iter().filter_map(|column| column.path.as_ref()));
        Parts { sub_columns, tree }
    }
}

/// Where a column chunk lies in its file.
pub(super) fn chunk_range(chunk: &ColumnChunkMetaData) -> Range<u64> {
    let start = chunk.dictionary_page_offset().unwrap_or(chunk.data_page_offset()).max(0);
    let start = start.cast_unsigned();
    start..start + chunk.compressed_size().max(0).cast_unsigned()
}

/// The position of a row as the file tells it; one beyond all rows where it is none.
fn row(index: i64) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

/// Parts of a file that were fetched, for the Parquet library.
#[derive(Clone, Debug, Default)]
pub(super) struct FileParts {
    size: u64,
    parts: Arc<Vec<(u64, Bytes)>>,
}

impl FileParts {
    pub(super) fn new(size: u64, parts: Vec<(u64, Bytes)>) -> FileParts {
        FileParts { size, parts: Arc::new(parts) }
    }

    /// From a place on, as far as the part that holds it reaches.
    fn from(&self, start: u64) -> Result<Bytes, ParquetError> {
        let holds = |(offset, bytes): &&(u64, Bytes)| {
            *offset <= start && start < offset + bytes.len() as u64
        };
        let (offset, bytes) =
            self.parts.iter().find(holds).ok_or_else(|| {
                ParquetError::EOF(format!("bytes from {start} on were not fetched"))
            })?;
        Ok(bytes.slice((start - offset) as usize..))
    }
}

impl Length for FileParts {
    fn len(&self) -> u64 {
        self.size
    }
}

impl ChunkReader for FileParts {
    type T = bytes::buf::Reader<Bytes>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        Ok(self.from(start)?.reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        if length == 0 {
            return Ok(Bytes::new());
        }
        let bytes = self.from(start)?;
        if bytes.len() < length {
            return Err(ParquetError::EOF(format!("{length} bytes from {start} on are cut off")));
        }
        Ok(bytes.slice(..length))
    }
}

/// A file that is not what it should be.
pub(super) fn corrupt(partition: &Partition, error: &ParquetError) -> Error {
    Error::new(
        ErrorCode::CorruptFile,
        format!("Micro-partition '{}' cannot be read: {error}", partition.path),
    )
}
