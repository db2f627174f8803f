//! A micro-partition again, but for some of its columns.
//!
//! The other columns' chunks are copied as they are, with their statistics; only the new ones are encoded.
//! Rows stay where they are in the file, deleted ones too, and keep their ids.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::Int64Array;
use firn_column::{Array, Batch, Column};
use firn_types::{ColumnPath, Error, FieldId, PartitionId, Result};
use parquet::basic::{Encoding, PageType, Repetition};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::ParquetError;
use parquet::file::metadata::{PageEncodingStats, PageIndexPolicy, ParquetMetaDataReader};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::{Type, TypePtr};

use super::encoding::file_properties;
use super::file_type::row_id_column;
use super::footer::{FileParts, Footer};
use super::reader::PartitionReader;
use super::seal::{self, FooterSeal};
use super::sink::FileSink;
use super::writer::{Encoded, encoding_failed};
use super::{FileColumn, ROW_ID_FIELD, StoredColumn};
use crate::shredding::FieldPaths;
use crate::{Location, Partition, WriterOptions};

/// A micro-partition some of whose columns are to be replaced.
#[derive(Debug)]
pub struct Replacement<'r> {
    reader: &'r PartitionReader,
    footer: Arc<Footer>,
    /// The columns of the new file; those that the old one lacks and that are not new stay away.
    columns: &'r [StoredColumn],
    /// Positions among them.
    new: &'r [usize],
    row_group_rows: usize,
}

/// A file from which column chunks are taken.
struct Source {
    footer: Arc<Footer>,
    bytes: FileParts,
}

/// A column chunk of the new file: which source has it, as which of its leaves.
type Leaf = (usize, usize);

impl<'r> Replacement<'r> {
    /// The replacement of the columns at `new` of a table's `columns`; none where the file is not such that
    /// its chunks could be taken over: it is inside a commit or in memory, or a column has another name by now.
    pub fn new(
        reader: &'r PartitionReader,
        columns: &'r [StoredColumn],
        new: &'r [usize],
    ) -> Option<Replacement<'r>> {
        let footer = Arc::clone(reader.footer()?);
        let row_group_rows = footer.row_groups.first()?.len();
        let (last, others) = footer.row_groups.split_last()?;
        let alike = others.iter().all(|group| group.len() == row_group_rows);
        let same_name = |(at, column): (usize, &StoredColumn)| {
            let root = footer.root(&column.field.into()).filter(|_| !new.contains(&at));
            root.is_none_or(|root| footer.field(root).name() == column.name)
        };
        let fits = matches!(reader.partition().location, Location::File)
            && alike
            && last.len() <= row_group_rows
            && columns.iter().enumerate().all(same_name);
        fits.then_some(Replacement { reader, footer, columns, new, row_group_rows })
    }

    /// Writes the new micro-partition, durable and ready to commit. The batches have all rows of the file in
    /// order, deleted ones too, and the new columns alone.
    ///
    /// # Errors
    /// `Storage` when the old file cannot be read or the new one not be written.
    pub fn write(&self, folder: &str, batches: &[Batch]) -> Result<Partition> {
        let old = self.reader.partition();
        let rows: u64 = batches.iter().map(|batch| batch.rows() as u64).sum();
        if rows != old.rows {
            return Err(Error::internal("new columns of another length than the file"));
        }
        let (new, Encoded { statistics: mut columns, mut paths, .. }) = self.encode(batches)?;
        let kept = self.kept();
        columns.extend(kept.iter().filter_map(|column| old.column(column).cloned()));
        columns.sort_by(|a, b| a.column.cmp(&b.column));
        let keeps = |field: FieldId| kept.iter().any(|column| *column == field);
        let old_paths = old.paths.iter().filter(|paths| keeps(paths.field));
        paths.extend(old_paths.map(|paths| FieldPaths::clone(paths)));
        let sources = [self.old_chunks(&kept)?, new];
        let (file, seal) = self.put_together(&sources).map_err(encoding_failed)?;
        let id = PartitionId(uuid::Uuid::new_v4().to_string());
        let path = format!("{folder}/{}.parquet", id.0);
        let size = file.len() as u64;
        self.reader.access().put_blocks(&path, file.into_payload())?;
        let whole = kept.iter().filter(|column| column.path.is_none());
        self.reader.hand_on(&id, whole.map(|column| column.field));
        Ok(Partition {
            id,
            path,
            location: Location::File,
            rows,
            bytes: size,
            seal: Some(seal),
            first_row_id: 0,
            stored_row_ids: true,
            deleted: old.deleted.clone(),
            columns: columns.into(),
            paths: paths.into_iter().map(Arc::new).collect(),
        })
    }

    /// The columns whose chunks are taken over, with their sub-columns, and the row ids.
    fn kept(&self) -> Vec<ColumnPath> {
        let kept = self.columns.iter().enumerate().filter(|(at, _)| !self.new.contains(at));
        let with_sub_columns = |(_, column): (usize, &StoredColumn)| {
            let whole = ColumnPath::from(column.field);
            std::iter::once(whole).chain(self.footer.sub_columns(column.field))
        };
        kept.flat_map(with_sub_columns).chain([ROW_ID_FIELD.into()]).collect()
    }

    /// The new columns as a file of their own, with the rows' ids where the old file does not have them.
    fn encode(&self, batches: &[Batch]) -> Result<(Source, Encoded)> {
        let old = self.reader.partition();
        let mut columns: Vec<FileColumn> =
            self.new.iter().map(|at| FileColumn::from(&self.columns[*at])).collect();
        let batches = match old.stored_row_ids {
            true => batches.to_vec(),
            false => {
                columns.push(row_id_column());
                with_row_ids(batches, old.first_row_id)
            }
        };
        let options =
            WriterOptions { row_group_rows: self.row_group_rows, ..WriterOptions::default() };
        let (file, encoded) = Encoded::new(columns, batches, &options)?;
        let bytes = file.into_bytes();
        let mut reader =
            ParquetMetaDataReader::new().with_page_index_policy(PageIndexPolicy::Optional);
        reader.try_parse(&bytes).map_err(encoding_failed)?;
        let metadata = reader.finish().map_err(encoding_failed)?;
        let footer = Arc::new(Footer::new(Arc::new(metadata))?);
        let bytes = FileParts::new(bytes.len() as u64, vec![(0, bytes)]);
        Ok((Source { footer, bytes }, encoded))
    }

    /// The chunks of the old file that the new one takes over.
    fn old_chunks(&self, kept: &[ColumnPath]) -> Result<Source> {
        let footer = Arc::clone(&self.footer);
        let roots = kept.iter().filter_map(|column| footer.root(column));
        let leaves: Vec<usize> = roots.flat_map(|root| footer.leaves(root)).collect();
        let groups = footer.row_groups.iter().map(|group| group.index);
        let ranges: Vec<Range<u64>> = groups
            .flat_map(|group| leaves.iter().map(move |leaf| (group, *leaf)))
            .map(|(group, leaf)| footer.range(group, leaf))
            .collect();
        let bytes = self.reader.fetch(&ranges)?;
        Ok(Source { footer, bytes })
    }

    /// The file of the sources' chunks.
    fn put_together(&self, sources: &[Source; 2]) -> Result<(FileSink, FooterSeal), ParquetError> {
        let (fields, leaves) = self.layout(sources);
        let schema = Type::group_type_builder("arrow_schema")
            .with_repetition(Repetition::REQUIRED)
            .with_fields(fields)
            .build()?;
        let properties: WriterProperties = file_properties().build();
        let mut out = FileSink::default();
        let mut file = SerializedFileWriter::new(&mut out, Arc::new(schema), Arc::new(properties))?;
        for group in &self.footer.row_groups {
            let mut row_group = file.next_row_group()?;
            for (source, leaf) in &leaves {
                let Source { footer, bytes } = &sources[*source];
                row_group.append_column(bytes, chunk(footer, group.index, *leaf)?)?;
            }
            row_group.close()?;
        }
        let (_, seal) = seal::close(file)?;
        Ok((out, seal))
    }

    /// The root fields and leaves of the new file: columns in the order of the table, row ids, sub-columns.
    fn layout(&self, sources: &[Source; 2]) -> (Vec<TypePtr>, Vec<Leaf>) {
        let old_ids = self.reader.partition().stored_row_ids;
        let columns = self.columns.iter().enumerate();
        let columns: Vec<(FieldId, bool)> = columns
            .map(|(at, column)| (column.field, self.new.contains(&at)))
            .chain([(ROW_ID_FIELD, !old_ids)])
            .collect();
        let sub_columns = columns.iter().flat_map(|(field, is_new)| {
            let found = sources[usize::from(*is_new)].footer.sub_columns(*field);
            found.into_iter().map(|column| (column, *is_new))
        });
        let whole = columns.iter().map(|(field, is_new)| (ColumnPath::from(*field), *is_new));
        let (mut fields, mut leaves) = (Vec::new(), Vec::new());
        for (column, is_new) in whole.chain(sub_columns) {
            let source = usize::from(is_new);
            let footer = &sources[source].footer;
            let Some(root) = footer.root(&column) else { continue };
            fields.push(Arc::clone(footer.field(root)));
            leaves.extend(footer.leaves(root).into_iter().map(|leaf| (source, leaf)));
        }
        (fields, leaves)
    }
}

/// The description of a chunk, for a writer that takes its bytes as they are.
fn chunk(
    footer: &Footer,
    row_group: usize,
    leaf: usize,
) -> Result<ColumnCloseResult, ParquetError> {
    let group = footer.metadata.row_group(row_group);
    let index = footer.metadata.page_index();
    let mut metadata = group.column(leaf).clone();
    if footer.is_dictionary(row_group, leaf) && metadata.page_encoding_stats().is_none() {
        // Parsed footers have a digest of this alone, which is not written again.
        let pages = index.and_then(|index| index.num_data_pages(row_group, leaf)).unwrap_or(1);
        let stats = PageEncodingStats {
            page_type: PageType::DATA_PAGE_V2,
            encoding: Encoding::RLE_DICTIONARY,
            count: i32::try_from(pages).unwrap_or(i32::MAX),
        };
        metadata = metadata.into_builder().set_page_encoding_stats(vec![stats]).build()?;
    }
    Ok(ColumnCloseResult {
        bytes_written: metadata.compressed_size().max(0).cast_unsigned(),
        rows_written: group.num_rows().max(0).cast_unsigned(),
        bloom_filter: None,
        column_index: index.and_then(|index| index.column_index(row_group, leaf)).cloned(),
        offset_index: index.and_then(|index| index.offset_index(row_group, leaf)).cloned(),
        metadata,
    })
}

/// The batches with the ids of their rows as the last column.
fn with_row_ids(batches: &[Batch], first: i64) -> Vec<Batch> {
    let mut next = first;
    let mut with_ids = |batch: &Batch| {
        let end = next + batch.rows() as i64;
        let ids = Int64Array::from_iter_values(next..end);
        next = end;
        let mut columns = batch.columns().to_vec();
        columns.push(Column::Flat(Array::I64(ids)));
        Batch::new(columns, batch.rows())
    };
    batches.iter().map(&mut with_ids).collect()
}
