//! Arrow's arrays as VARIANTs, lists, structs and maps included.

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BinaryViewArray, BinaryViewBuilder, BooleanArray,
    Decimal128Array, Float64Array, GenericListArray, Int64Array, LargeListArray, ListArray,
    MapArray, StringViewArray, StructArray, UnionArray,
};
use arrow::compute;
use arrow::datatypes::{DataType, Date32Type, Decimal128Type, Float64Type, Int64Type, TimeUnit};
use firn_column::Array as Values;
use firn_types::variant::encode::Builder;
use firn_types::{Decimal, Error, ErrorCode, Result};

use super::convert::{Read, bytes, exact_nanos, nanos_per, texts, time_of_day};
use crate::options::ArrowOptions;

/// Each value of the array as a VARIANT; NULL stays NULL.
pub(super) fn variants(read: &Read, options: &ArrowOptions) -> Result<BinaryViewArray> {
    let array = &read.array;
    let node = Node::new(array, read.nanos.as_ref(), options)?;
    let (mut builder, mut bytes) = (Builder::new(), Vec::new());
    let mut out = BinaryViewBuilder::with_capacity(array.len());
    for row in 0..array.len() {
        if node.is_null(row) {
            out.append_null();
            continue;
        }
        node.write(row, &mut builder)?;
        bytes.clear();
        builder.finish(&mut bytes)?;
        out.append_value(&bytes);
    }
    Ok(out.finish())
}

/// Each row of the columns as an object; a member that is NULL is JSON's null.
pub(in crate::format) fn objects(
    columns: &[(&str, &Read, &ArrowOptions)],
    rows: usize,
) -> Result<BinaryViewArray> {
    let nodes = columns.iter().map(|(name, read, options)| {
        Ok((*name, Node::new(&read.array, read.nanos.as_ref(), options)?))
    });
    let nodes = nodes.collect::<Result<Vec<_>>>()?;
    let (mut builder, mut bytes) = (Builder::new(), Vec::new());
    let mut out = BinaryViewBuilder::with_capacity(rows);
    for row in 0..rows {
        builder.begin_object()?;
        for (name, node) in &nodes {
            builder.key(name);
            node.write(row, &mut builder)?;
        }
        builder.end_object_keeping_last()?;
        bytes.clear();
        builder.finish(&mut bytes)?;
        out.append_value(&bytes);
    }
    Ok(out.finish())
}

/// An array with its type resolved once, and the same for those within.
enum Node {
    Null,
    Boolean(BooleanArray),
    Integer(Int64Array),
    Decimal(Decimal128Array, u8),
    Float(Float64Array),
    Text(StringViewArray),
    Binary(BinaryArray),
    Date(Int64Array),
    /// Units since midnight, and nanoseconds of one.
    Time(Int64Array, i64),
    /// Units since 1970, nanoseconds of one, and whether they are of UTC rather than of a wall clock.
    Timestamp(Int64Array, i64, bool),
    /// Of 96 bits: microseconds since 1970, and nanoseconds modulo 2^64.
    WideTimestamp(Int64Array, Int64Array),
    List(ListArray, Box<Node>),
    LargeList(LargeListArray, Box<Node>),
    Struct(StructArray, Vec<(String, Node)>),
    Map(MapArray, Box<Node>, Box<Node>),
    /// The value of one of several types, and these by their ids.
    Union(UnionArray, Vec<(i8, Node)>),
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::new(ErrorCode::CorruptFile, error.to_string())
}

impl Node {
    /// `nanos` is the same with timestamps of 96 bits in nanoseconds. The depth of types is bounded by the
    /// reader of the file's schema.
    fn new(array: &ArrayRef, nanos: Option<&ArrayRef>, options: &ArrowOptions) -> Result<Node> {
        let cast = |to: &DataType| compute::cast(array, to).map_err(failed);
        let integers_of = |array: &ArrayRef, to: &DataType| -> Result<Int64Array> {
            let plain = compute::cast(array, to).map_err(failed)?;
            let wide = compute::cast(&plain, &DataType::Int64).map_err(failed)?;
            Ok(wide.as_primitive::<Int64Type>().clone())
        };
        let integers = |to: &DataType| integers_of(array, to);
        Ok(match array.data_type() {
            DataType::Null => Node::Null,
            DataType::Boolean => Node::Boolean(array.as_boolean().clone()),
            DataType::UInt64 => {
                let wide = cast(&DataType::Decimal128(20, 0))?;
                Node::Decimal(wide.as_primitive::<Decimal128Type>().clone(), 0)
            }
            kind if kind.is_integer() => Node::Integer(integers(&DataType::Int64)?),
            kind if kind.is_floating() => {
                let wide = cast(&DataType::Float64)?;
                Node::Float(wide.as_primitive::<Float64Type>().clone())
            }
            DataType::Decimal32(p, s)
            | DataType::Decimal64(p, s)
            | DataType::Decimal128(p, s)
            | DataType::Decimal256(p, s) => {
                let scale = u8::try_from(*s).map_err(failed)?;
                let wide = cast(&DataType::Decimal128((*p).min(38), *s))?;
                Node::Decimal(wide.as_primitive::<Decimal128Type>().clone(), scale)
            }
            DataType::Date32 | DataType::Date64 => {
                let days = cast(&DataType::Date32)?;
                let days = days.as_primitive::<Date32Type>();
                Node::Date(days.unary(i64::from))
            }
            DataType::Time32(unit) => Node::Time(integers(&DataType::Int32)?, nanos_per(*unit)),
            DataType::Time64(unit) => Node::Time(integers(&DataType::Int64)?, nanos_per(*unit)),
            DataType::Timestamp(TimeUnit::Microsecond, None)
                if nanos.is_some_and(|nanos| nanos.data_type() != array.data_type()) =>
            {
                let nanos = nanos.unwrap_or(array);
                let nanos = integers_of(nanos, &DataType::Int64)?;
                Node::WideTimestamp(integers(&DataType::Int64)?, nanos)
            }
            DataType::Timestamp(unit, zone) => {
                let utc = zone.is_some() && options.use_logical_type;
                Node::Timestamp(integers(&DataType::Int64)?, nanos_per(*unit), utc)
            }
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
                Node::Text(texts(array, options)?)
            }
            DataType::Binary
            | DataType::LargeBinary
            | DataType::BinaryView
            | DataType::FixedSizeBinary(_) => match bytes(array, options)? {
                Values::Text(texts) => Node::Text(texts),
                _ => Node::Binary(cast(&DataType::Binary)?.as_binary::<i32>().clone()),
            },
            DataType::Dictionary(_, values) => Node::new(&cast(values)?, None, options)?,
            _ => Node::of_container(array, nanos, options)?,
        })
    }

    fn of_container(
        array: &ArrayRef,
        nanos: Option<&ArrayRef>,
        options: &ArrowOptions,
    ) -> Result<Node> {
        let node = |array: &ArrayRef, nanos: Option<&ArrayRef>| Node::new(array, nanos, options);
        Ok(match array.data_type() {
            DataType::List(_) => {
                let list = array.as_list::<i32>().clone();
                let nanos = nanos.map(|nanos| nanos.as_list::<i32>().values());
                let items = Box::new(node(list.values(), nanos)?);
                Node::List(list, items)
            }
            DataType::LargeList(_) => {
                let list = array.as_list::<i64>().clone();
                let nanos = nanos.map(|nanos| nanos.as_list::<i64>().values());
                let items = Box::new(node(list.values(), nanos)?);
                Node::LargeList(list, items)
            }
            DataType::Struct(fields) => {
                let structs = array.as_struct().clone();
                let members = fields.iter().zip(structs.columns()).enumerate();
                let members = members.map(|(position, (field, member))| {
                    let nanos = nanos.map(|nanos| nanos.as_struct().column(position));
                    Ok((field.name().clone(), node(member, nanos)?))
                });
                let members = members.collect::<Result<_>>()?;
                Node::Struct(structs, members)
            }
            DataType::Map(..) => {
                let map = array.as_map().clone();
                let nanos = nanos.map(|nanos| nanos.as_map());
                // Names are none of the texts that options change.
                let plain =
                    ArrowOptions { trim_space: false, null_if: Vec::new(), ..options.clone() };
                let keys = Box::new(Node::new(map.keys(), nanos.map(MapArray::keys), &plain)?);
                let values = Box::new(node(map.values(), nanos.map(MapArray::values))?);
                Node::Map(map, keys, values)
            }
            DataType::Union(fields, _) => {
                let union = array.as_union().clone();
                let members = fields.iter().map(|(id, _)| Ok((id, node(union.child(id), None)?)));
                let members = members.collect::<Result<_>>()?;
                Node::Union(union, members)
            }
            other => return Err(Error::not_supported(format!("a column of type {other}"))),
        })
    }

    fn is_null(&self, row: usize) -> bool {
        match self {
            Node::Null => true,
            Node::Boolean(a) => a.is_null(row),
            Node::Integer(a)
            | Node::Date(a)
            | Node::Time(a, _)
            | Node::Timestamp(a, ..)
            | Node::WideTimestamp(a, _) => a.is_null(row),
            Node::Decimal(a, _) => a.is_null(row),
            Node::Float(a) => a.is_null(row),
            Node::Text(a) => a.is_null(row),
            Node::Binary(a) => a.is_null(row),
            Node::List(a, _) => a.is_null(row),
            Node::LargeList(a, _) => a.is_null(row),
            Node::Struct(a, _) => a.is_null(row),
            Node::Map(a, ..) => a.is_null(row),
            Node::Union(a, members) => {
                member_of(a, members, row).is_none_or(|member| member.is_null(a.value_offset(row)))
            }
        }
    }

    fn write(&self, row: usize, out: &mut Builder) -> Result<()> {
        if self.is_null(row) {
            out.null();
            return Ok(());
        }
        match self {
            Node::Null => out.null(),
            Node::Boolean(a) => out.boolean(a.value(row)),
            Node::Integer(a) => out.integer(i128::from(a.value(row))),
            Node::Decimal(a, scale) => {
                out.decimal(Decimal { unscaled: a.value(row), scale: *scale });
            }
            Node::Float(a) => out.float(a.value(row)),
            Node::Text(a) => out.text(a.value(row)),
            Node::Binary(a) => out.binary(a.value(row)),
            Node::Date(a) => out.date(i32::try_from(a.value(row)).map_err(failed)?),
            Node::Time(a, nanos) => out.time(time_of_day(a.value(row), *nanos)?),
            Node::Timestamp(a, nanos, utc) => {
                let nanos = i128::from(a.value(row)) * i128::from(*nanos);
                match utc {
                    true => out.timestamp_ltz(nanos),
                    false => out.timestamp_ntz(nanos),
                }
            }
            Node::WideTimestamp(micros, nanos) => {
                out.timestamp_ntz(exact_nanos(micros.value(row), nanos.value(row)));
            }
            Node::List(a, items) => write_list(a, items, row, out)?,
            Node::LargeList(a, items) => write_list(a, items, row, out)?,
            Node::Struct(_, members) => {
                out.begin_object()?;
                for (name, member) in members {
                    out.key(name);
                    member.write(row, out)?;
                }
                out.end_object_keeping_last()?;
            }
            Node::Map(a, keys, values) => write_map(a, keys, values, row, out)?,
            Node::Union(a, members) => match member_of(a, members, row) {
                Some(member) => member.write(a.value_offset(row), out)?,
                None => out.null(),
            },
        }
        Ok(())
    }
}

/// The type that the value in this row has.
fn member_of<'m>(union: &UnionArray, members: &'m [(i8, Node)], row: usize) -> Option<&'m Node> {
    let id = union.type_id(row);
    members.iter().find(|(member, _)| *member == id).map(|(_, member)| member)
}

fn write_list<O: arrow::array::OffsetSizeTrait>(
    list: &GenericListArray<O>,
    items: &Node,
    row: usize,
    out: &mut Builder,
) -> Result<()> {
    out.begin_array()?;
    let offsets = list.value_offsets();
    for item in offsets[row].as_usize()..offsets[row + 1].as_usize() {
        items.write(item, out)?;
    }
    out.end_array()
}

/// A map is an object when its keys are texts, else an array of keys and values.
fn write_map(
    map: &MapArray,
    keys: &Node,
    values: &Node,
    row: usize,
    out: &mut Builder,
) -> Result<()> {
    let offsets = map.value_offsets();
    let entries = offsets[row] as usize..offsets[row + 1] as usize;
    if let Node::Text(names) = keys {
        out.begin_object()?;
        for entry in entries {
            out.key(names.value(entry));
            values.write(entry, out)?;
        }
        return out.end_object_keeping_last();
    }
    out.begin_array()?;
    for entry in entries {
        out.begin_object()?;
        out.key("key");
        keys.write(entry, out)?;
        out.key("value");
        values.write(entry, out)?;
        out.end_object()?;
    }
    out.end_array()
}
