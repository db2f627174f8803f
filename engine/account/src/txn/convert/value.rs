//! Values, types, micro-partitions.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use firn_storage::format::v1;
use firn_storage::{
    ColumnStatistics, DistinctSketch, Embedded, FieldPaths, FooterSeal, Location, Partition,
    PathType, PathValues, StoredColumn,
};
use firn_types::structured::{Part, Structure};
use firn_types::value::TimestampTz;
use firn_types::{
    Collation, ColumnPath, Decimal, Error, FieldId, KeyPath, PartitionId, Result, SqlType,
    StructuredType, Value, VectorElement,
};
use roaring::RoaringBitmap;

use super::corrupt;

pub(super) fn bytes_to(bytes: &[u8]) -> String {
    STANDARD_NO_PAD.encode(bytes)
}

pub(super) fn bytes_from(text: &str) -> Result<Vec<u8>> {
    STANDARD_NO_PAD.decode(text).map_err(|_| corrupt("sequence of bytes"))
}

fn integer_from(text: &str) -> Result<i128> {
    text.parse().map_err(|_| corrupt("number"))
}

/// A bitmap as text.
pub(super) fn rows_to(rows: &RoaringBitmap) -> String {
    let mut bytes = Vec::with_capacity(rows.serialized_size());
    match rows.serialize_into(&mut bytes) {
        Ok(()) => bytes_to(&bytes),
        Err(error) => unreachable!("memory takes all bytes: {error}"),
    }
}

pub(super) fn rows_from(text: &str) -> Result<RoaringBitmap> {
    let bytes = bytes_from(text)?;
    RoaringBitmap::deserialize_from(bytes.as_slice()).map_err(|_| corrupt("set of rows"))
}

/// A value; none for NULL.
pub(super) fn value_to(value: &Value) -> Option<v1::Value> {
    Some(match value {
        Value::Null => return None,
        Value::Boolean(b) => v1::Value::Boolean(*b),
        Value::Number(n) => v1::Value::Number(n.unscaled.to_string(), n.scale),
        Value::Float(f) => v1::Value::Float(f.to_bits()),
        Value::Text(t) => v1::Value::Text(t.to_string()),
        Value::Binary(b) => v1::Value::Binary(bytes_to(b)),
        Value::Date(d) => v1::Value::Date(*d),
        Value::Time(t) => v1::Value::Time(*t),
        Value::Timestamp(t) => v1::Value::Timestamp(t.to_string()),
        Value::TimestampTz(t) => v1::Value::TimestampTz(t.utc_nanos.to_string(), t.offset_minutes),
        Value::Variant(b) => v1::Value::Variant(bytes_to(b)),
    })
}

pub(super) fn value_from(value: &v1::Value) -> Result<Value> {
    Ok(match value {
        v1::Value::Boolean(b) => Value::Boolean(*b),
        v1::Value::Number(unscaled, scale) => {
            Value::Number(Decimal { unscaled: integer_from(unscaled)?, scale: *scale })
        }
        v1::Value::Float(bits) => Value::Float(f64::from_bits(*bits)),
        v1::Value::Text(t) => Value::text(t.as_str()),
        v1::Value::Binary(b) => Value::Binary(bytes_from(b)?.into()),
        v1::Value::Date(d) => Value::Date(*d),
        v1::Value::Time(t) => Value::Time(*t),
        v1::Value::Timestamp(t) => Value::Timestamp(integer_from(t)?),
        v1::Value::TimestampTz(nanos, offset) => Value::TimestampTz(TimestampTz {
            utc_nanos: integer_from(nanos)?,
            offset_minutes: *offset,
        }),
        v1::Value::Variant(b) => Value::Variant(bytes_from(b)?.into()),
    })
}

pub(super) fn type_to(sql_type: SqlType) -> v1::SqlType {
    match sql_type {
        SqlType::Null => v1::SqlType::Null,
        SqlType::Number { precision, scale } => v1::SqlType::Number(precision, scale),
        SqlType::Float => v1::SqlType::Float,
        SqlType::Varchar { length, collation } if collation.is_none() => {
            v1::SqlType::Varchar(length)
        }
        SqlType::Varchar { length, collation } => {
            v1::SqlType::Collated(length, collation.specification())
        }
        SqlType::Binary { length } => v1::SqlType::Binary(length),
        SqlType::Boolean => v1::SqlType::Boolean,
        SqlType::Date => v1::SqlType::Date,
        SqlType::Time { scale } => v1::SqlType::Time(scale),
        SqlType::TimestampNtz { scale } => v1::SqlType::TimestampNtz(scale),
        SqlType::TimestampLtz { scale } => v1::SqlType::TimestampLtz(scale),
        SqlType::TimestampTz { scale } => v1::SqlType::TimestampTz(scale),
        SqlType::Variant => v1::SqlType::Variant,
        SqlType::Object => v1::SqlType::Object,
        SqlType::Array => v1::SqlType::Array,
        SqlType::Structured(of) => match &*of.structure() {
            Structure::Array(part) => v1::SqlType::ArrayOf(Box::new(part_to(part))),
            Structure::Object(fields) => {
                let field = |(key, part): &(String, Part)| (key.clone(), part_to(part));
                v1::SqlType::ObjectOf(fields.iter().map(field).collect())
            }
            Structure::Map(key, part) => {
                v1::SqlType::MapOf(Box::new(type_to(*key)), Box::new(part_to(part)))
            }
        },
        SqlType::Vector { element: VectorElement::Float, dimension } => {
            v1::SqlType::VectorOfFloat(dimension)
        }
        SqlType::Vector { element: VectorElement::Int, dimension } => {
            v1::SqlType::VectorOfInt(dimension)
        }
    }
}

pub(super) fn type_from(sql_type: &v1::SqlType) -> Result<SqlType> {
    Ok(match *sql_type {
        v1::SqlType::Null => SqlType::Null,
        v1::SqlType::Number(precision, scale) => SqlType::Number { precision, scale },
        v1::SqlType::Float => SqlType::Float,
        v1::SqlType::Varchar(length) => SqlType::varchar(length),
        v1::SqlType::Collated(length, ref specification) => {
            let collation = Collation::stored(specification)?;
            SqlType::Varchar { length, collation }
        }
        v1::SqlType::Binary(length) => SqlType::Binary { length },
        v1::SqlType::Boolean => SqlType::Boolean,
        v1::SqlType::Date => SqlType::Date,
        v1::SqlType::Time(scale) => SqlType::Time { scale },
        v1::SqlType::TimestampNtz(scale) => SqlType::TimestampNtz { scale },
        v1::SqlType::TimestampLtz(scale) => SqlType::TimestampLtz { scale },
        v1::SqlType::TimestampTz(scale) => SqlType::TimestampTz { scale },
        v1::SqlType::Variant => SqlType::Variant,
        v1::SqlType::Object => SqlType::Object,
        v1::SqlType::Array => SqlType::Array,
        v1::SqlType::ArrayOf(ref part) => structured(Structure::Array(part_from(part)?))?,
        v1::SqlType::ObjectOf(ref fields) => {
            let field = |(key, part): &(String, v1::Part)| Ok((key.clone(), part_from(part)?));
            structured(Structure::Object(fields.iter().map(field).collect::<Result<_>>()?))?
        }
        v1::SqlType::MapOf(ref key, ref part) => {
            structured(Structure::Map(type_from(key)?, part_from(part)?))?
        }
        v1::SqlType::VectorOfFloat(dimension) => {
            SqlType::Vector { element: VectorElement::Float, dimension }
        }
        v1::SqlType::VectorOfInt(dimension) => {
            SqlType::Vector { element: VectorElement::Int, dimension }
        }
    })
}

fn structured(structure: Structure) -> Result<SqlType> {
    StructuredType::stored(structure).map(SqlType::Structured)
}

fn part_to(part: &Part) -> v1::Part {
    v1::Part { sql_type: type_to(part.sql_type), nullable: part.nullable }
}

fn part_from(part: &v1::Part) -> Result<Part> {
    Ok(Part { sql_type: type_from(&part.sql_type)?, nullable: part.nullable })
}

pub(super) fn stored_to(column: &StoredColumn) -> v1::StoredColumn {
    v1::StoredColumn {
        field: column.field.0,
        name: column.name.clone(),
        sql_type: type_to(column.sql_type),
    }
}

pub(super) fn stored_from(column: &v1::StoredColumn) -> Result<StoredColumn> {
    Ok(StoredColumn {
        field: FieldId(column.field),
        name: column.name.clone(),
        sql_type: type_from(&column.sql_type)?,
    })
}

/// A micro-partition; `embeds` says whether it has the bytes of a file that may not be there.
pub(super) fn partition_to(partition: &Partition, embeds: bool) -> Result<v1::Partition> {
    let inside = match &partition.location {
        Location::File => None,
        Location::Commit(embedded) => embeds.then(|| bytes_to(embedded.bytes())),
        Location::Memory(_) => return Err(Error::internal("rows in memory in the log")),
    };
    Ok(v1::Partition {
        id: partition.id.0.clone(),
        path: partition.path.clone(),
        inside,
        rows: partition.rows,
        bytes: partition.bytes,
        seal: partition.seal.map(|seal| (seal.bytes, seal.checksum)),
        first_row_id: partition.first_row_id,
        stored_row_ids: partition.stored_row_ids,
        deleted: partition.deleted.as_deref().map(rows_to),
        columns: partition.columns.iter().map(statistics_to).collect(),
        paths: partition.paths.iter().map(|paths| paths_to(paths)).collect(),
    })
}

pub(super) fn partition_from(partition: &v1::Partition) -> Result<Partition> {
    let deleted = partition.deleted.as_deref().map(rows_from).transpose()?;
    let inside = partition.inside.as_deref().map(bytes_from).transpose()?;
    let columns: Vec<ColumnStatistics> =
        partition.columns.iter().map(statistics_from).collect::<Result<_>>()?;
    let paths: Vec<FieldPaths> = partition.paths.iter().map(paths_from).collect::<Result<_>>()?;
    Ok(Partition {
        id: PartitionId(partition.id.clone()),
        path: partition.path.clone(),
        location: inside.map_or(Location::File, |bytes| {
            Location::Commit(Arc::new(Embedded::new(bytes.into())))
        }),
        rows: partition.rows,
        bytes: partition.bytes,
        seal: partition.seal.map(|(bytes, checksum)| FooterSeal { bytes, checksum }),
        first_row_id: partition.first_row_id,
        stored_row_ids: partition.stored_row_ids,
        deleted: deleted.map(Arc::new),
        columns: columns.into(),
        paths: paths.into_iter().map(Arc::new).collect(),
    })
}

fn paths_to(paths: &FieldPaths) -> v1::FieldPaths {
    let path = |(path, values): &(KeyPath, PathValues)| v1::PathValues {
        keys: path.keys().to_vec(),
        path_type: match values.path_type {
            PathType::Absent => v1::PathType::Absent,
            PathType::Boolean => v1::PathType::Boolean,
            PathType::Number { scale, whole_digits } => v1::PathType::Number(scale, whole_digits),
            PathType::Float => v1::PathType::Float,
            PathType::Text => v1::PathType::Text,
            PathType::Other => v1::PathType::Other,
        },
        json_null: values.json_null,
    };
    v1::FieldPaths {
        field: paths.field.0,
        complete: paths.complete,
        paths: paths.paths.iter().map(path).collect(),
    }
}

fn paths_from(paths: &v1::FieldPaths) -> Result<FieldPaths> {
    let path = |path: &v1::PathValues| {
        let values = PathValues {
            path_type: match path.path_type {
                v1::PathType::Absent => PathType::Absent,
                v1::PathType::Boolean => PathType::Boolean,
                v1::PathType::Number(scale, whole_digits) => {
                    PathType::Number { scale, whole_digits }
                }
                v1::PathType::Float => PathType::Float,
                v1::PathType::Text => PathType::Text,
                v1::PathType::Other => PathType::Other,
            },
            json_null: path.json_null,
        };
        Ok((KeyPath::new(path.keys.clone()).ok_or_else(|| corrupt("path"))?, values))
    };
    let field = FieldId(paths.field);
    let (complete, mut paths) =
        (paths.complete, paths.paths.iter().map(path).collect::<Result<Vec<_>>>()?);
    paths.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(FieldPaths { field, complete, paths })
}

fn statistics_to(column: &ColumnStatistics) -> v1::ColumnStatistics {
    v1::ColumnStatistics {
        field: column.column.field.0,
        path: column.column.path.as_ref().map(|path| path.keys().to_vec()),
        min: column.min.as_ref().and_then(value_to),
        max: column.max.as_ref().and_then(value_to),
        exact: column.exact,
        nulls: column.null_count,
        distinct: bytes_to(&column.distinct.to_bytes()),
        bytes: column.bytes,
    }
}

fn statistics_from(column: &v1::ColumnStatistics) -> Result<ColumnStatistics> {
    let distinct = DistinctSketch::from_bytes(&bytes_from(&column.distinct)?);
    let path = column.path.clone().map(|keys| KeyPath::new(keys).ok_or_else(|| corrupt("path")));
    Ok(ColumnStatistics {
        column: ColumnPath { field: FieldId(column.field), path: path.transpose()? },
        min: column.min.as_ref().map(value_from).transpose()?,
        max: column.max.as_ref().map(value_from).transpose()?,
        exact: column.exact,
        null_count: column.nulls,
        distinct: distinct.ok_or_else(|| corrupt("sketch"))?,
        bytes: column.bytes,
    })
}
