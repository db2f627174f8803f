//! How each column is encoded: dictionary or delta, and a codec only where it pays.
//!
//! Encoding beats codec by far: packed deltas and short codes read several times faster than general
//! compression and are often smaller. Texts and wide values that are neither repeated nor ordered get
//! LZ4, which reads at memory's speed; semi-structured values get zstd, since their keys repeat, and so do texts in them.

use std::sync::Arc;

use firn_column::{Array, Batch};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::{
    EnabledStatistics, WriterProperties, WriterPropertiesBuilder, WriterVersion,
};
use parquet::schema::types::ColumnPath;

use super::FileColumn;
use super::file_type::FileType;
use crate::statistics::{BOUND_BYTES_MAX, Gathering};

/// Different integers up to which a dictionary may pay.
const INTEGER_DICTIONARY_MAX: u64 = 1 << 16;
/// Bytes of a dictionary of texts up to which it pays; below the library's limit for a page.
const TEXT_DICTIONARY_BYTES_MAX: u64 = 768 << 10;
/// Bytes at which the writer gives up a dictionary, if the estimate was wrong.
const DICTIONARY_PAGE_BYTES_MAX: usize = 2 << 20;
/// Rows of a page: what a range on an ordered column reads at least.
const PAGE_ROWS: usize = 20_000;
/// Bytes of a page of texts that stand in no dictionary: what a look at one of them reads and unpacks.
const TEXT_PAGE_BYTES: usize = 64 << 10;
/// Values whose differences are looked at.
const SAMPLE: usize = 4_096;
/// Values that share one width when deltas are packed.
const PACK: usize = 32;

/// A column with what was found out about its values.
pub(super) struct ColumnPlan {
    pub(super) column: FileColumn,
    pub(super) file_type: FileType,
    pub(super) facts: Gathering,
    /// Position in the batches.
    pub(super) position: usize,
}

/// The properties of a file of these columns.
pub(super) fn properties(plans: &[ColumnPlan], batches: &[Batch]) -> Arc<WriterProperties> {
    let builder = plans
        .iter()
        .fold(file_properties(), |builder, plan| column_properties(builder, plan, batches));
    Arc::new(builder.build())
}

/// What all files have in common.
pub(super) fn file_properties() -> WriterPropertiesBuilder {
    WriterProperties::builder()
        .set_writer_version(WriterVersion::PARQUET_2_0)
        .set_created_by("firn".to_string())
        .set_max_row_group_row_count(None)
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_dictionary_page_size_limit(DICTIONARY_PAGE_BYTES_MAX)
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_statistics_truncate_length(Some(BOUND_BYTES_MAX))
        .set_column_index_truncate_length(Some(BOUND_BYTES_MAX))
        .set_compression(Compression::UNCOMPRESSED)
}

fn column_properties(
    builder: WriterPropertiesBuilder,
    plan: &ColumnPlan,
    batches: &[Batch],
) -> WriterPropertiesBuilder {
    let mut paths = plan.file_type.leaves(&plan.column.name).into_iter().map(ColumnPath::new);
    let Some(path) = paths.next() else { return builder };
    match plan.file_type {
        FileType::Boolean => builder.set_column_dictionary_enabled(path, false),
        FileType::Decimal32 { .. }
        | FileType::Decimal64 { .. }
        | FileType::Integer
        | FileType::Date
        | FileType::Time(_)
        | FileType::Timestamp { .. } => builder
            .set_column_dictionary_enabled(path.clone(), integer_dictionary_pays(plan, batches))
            .set_column_encoding(path, Encoding::DELTA_BINARY_PACKED),
        FileType::Double | FileType::Decimal128 { .. } => {
            let repeated =
                plan.facts.distinct.estimate() <= INTEGER_DICTIONARY_MAX.min(rows(plan) / 4);
            builder
                .set_column_dictionary_enabled(path.clone(), repeated)
                .set_column_compression(path, Compression::LZ4_RAW)
        }
        FileType::Text | FileType::Binary => {
            let repeated = text_dictionary_pays(plan);
            // What is at a path would be in the whole value otherwise, which nobody reads faster.
            let codec = match plan.column.column.path.is_some() && !repeated {
                true => Compression::ZSTD(ZstdLevel::default()),
                false => Compression::LZ4_RAW,
            };
            builder
                .set_column_dictionary_enabled(path.clone(), repeated)
                .set_column_data_page_size_limit(path.clone(), TEXT_PAGE_BYTES)
                .set_column_encoding(path.clone(), Encoding::DELTA_LENGTH_BYTE_ARRAY)
                .set_column_compression(path, codec)
        }
        FileType::Variant => {
            // The first leaf is the metadata, which whole files share; the second the values.
            let builder = builder.set_column_dictionary_enabled(path.clone(), true);
            let zstd = Compression::ZSTD(ZstdLevel::default());
            paths.fold(builder.set_column_compression(path, zstd), |builder, value| {
                builder
                    .set_column_dictionary_enabled(value.clone(), false)
                    .set_column_encoding(value.clone(), Encoding::DELTA_LENGTH_BYTE_ARRAY)
                    .set_column_compression(value, zstd)
            })
        }
    }
}

fn rows(plan: &ColumnPlan) -> u64 {
    plan.facts.rows
}

/// Whether codes into a dictionary need fewer bits than packed deltas.
fn integer_dictionary_pays(plan: &ColumnPlan, batches: &[Batch]) -> bool {
    let distinct = plan.facts.distinct.estimate().max(1);
    if distinct > INTEGER_DICTIONARY_MAX || distinct > rows(plan) / 4 {
        return false;
    }
    let code_bits = f64::from(64 - (distinct - 1).leading_zeros());
    let dictionary_bits = distinct as f64 * 64.0 / rows(plan).max(1) as f64;
    code_bits + dictionary_bits <= delta_bits(plan.position, batches)
}

/// Bits that a packed delta takes on average, from a sample.
fn delta_bits(position: usize, batches: &[Batch]) -> f64 {
    let Some(batch) = batches.iter().max_by_key(|batch| batch.rows()) else { return 0.0 };
    let sample = batch.column(position).slice(0, batch.rows().min(SAMPLE)).flat();
    let value = |row| match &sample {
        Array::I32(a) => i64::from(a.value(row)),
        Array::I64(a) => a.value(row),
        Array::I128(a) => a.value(row) as i64,
        _ => 0,
    };
    let rows: Vec<usize> = (0..sample.len()).filter(|row| !sample.is_null(*row)).collect();
    let deltas: Vec<i64> =
        rows.windows(2).map(|pair| value(pair[1]).wrapping_sub(value(pair[0]))).collect();
    let packs = deltas.chunks(PACK).map(|pack| {
        let low = pack.iter().min().copied().unwrap_or(0);
        let high = pack.iter().max().copied().unwrap_or(0);
        u64::from(64 - high.wrapping_sub(low).cast_unsigned().leading_zeros())
    });
    let bits: u64 = packs.sum();
    bits as f64 / deltas.len().div_ceil(PACK).max(1) as f64
}

/// Whether a dictionary of texts is small, and its texts are used often.
fn text_dictionary_pays(plan: &ColumnPlan) -> bool {
    let distinct = plan.facts.distinct.estimate();
    let average = plan.facts.value_bytes / rows(plan).max(1) + 4;
    distinct <= rows(plan) / 3 && distinct * average <= TEXT_DICTIONARY_BYTES_MAX
}
