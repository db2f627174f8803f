//! Equality and order of values, by content: 1 equals 1.0, `'1'` does not.
//!
//! The order across types is booleans, numbers, texts, dates, times, wall-clock timestamps, instants,
//! bytes, arrays, objects, null, undefined. Equal values have equal sort keys, however they are
//! encoded: for grouping and sorting beside other columns.

use std::cmp::Ordering;

use super::number::{self, NumberKey};
use super::value::Item;
use super::view::{Elements, Fields, Variant};

/// The order of two values.
pub fn compare(a: Variant<'_>, b: Variant<'_>) -> Ordering {
    let (a, b) = (a.item(), b.item());
    match (&a, &b) {
        (Item::Boolean(a), Item::Boolean(b)) => a.cmp(b),
        (Item::Text(a), Item::Text(b)) => a.cmp(b),
        (Item::Binary(a), Item::Binary(b)) => a.cmp(b),
        (Item::Date(a), Item::Date(b)) => a.cmp(b),
        (Item::Time(a), Item::Time(b)) => a.cmp(b),
        (Item::TimestampNtz(a), Item::TimestampNtz(b)) => a.cmp(b),
        (Item::Object(a), Item::Object(b)) => compare_objects(*a, *b),
        (Item::Array(a), Item::Array(b)) => compare_arrays(*a, *b),
        _ => match (number_key(&a), number_key(&b), instant(&a), instant(&b)) {
            (Some(a), Some(b), ..) => a.compare(b),
            (_, _, Some(a), Some(b)) => a.cmp(&b),
            _ => class(&a).cmp(&class(&b)),
        },
    }
}

/// Whether two values are equal.
pub fn equal(a: Variant<'_>, b: Variant<'_>) -> bool {
    compare(a, b) == Ordering::Equal
}

/// Appends bytes that sort as the values do, and are the same for equal values only. No key is the start
/// of another, so that keys may stand one after another.
pub fn sort_key(value: Variant<'_>, out: &mut Vec<u8>) {
    let item = value.item();
    out.push(class(&item));
    match item {
        Item::Null | Item::Undefined => {}
        Item::Boolean(value) => out.push(u8::from(value)),
        Item::Number(value) => number::push_decimal_key(value, out),
        Item::Float(value) => number::push_double_key(value, out),
        Item::Text(value) => push_bytes(value.as_bytes(), out),
        Item::Binary(value) => push_bytes(value, out),
        Item::Date(value) => push_integer(value.into(), out),
        Item::Time(value) => push_integer(value.into(), out),
        Item::TimestampNtz(value) | Item::TimestampLtz(value) => push_integer(value, out),
        Item::TimestampTz(value) => push_integer(value.utc_nanos, out),
        Item::Object(fields) => {
            for (key, value) in fields.iter() {
                out.push(1);
                push_bytes(key.as_bytes(), out);
                sort_key(value, out);
            }
            out.push(0);
        }
        Item::Array(elements) => {
            for element in elements.iter() {
                out.push(1);
                sort_key(element, out);
            }
            out.push(0);
        }
    }
}

fn push_integer(value: i128, out: &mut Vec<u8>) {
    out.extend_from_slice(&(value ^ i128::MIN).to_be_bytes());
}

/// The bytes with an end that sorts before every byte.
fn push_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    for &byte in bytes {
        out.push(byte);
        if byte == 0 {
            out.push(0xFF);
        }
    }
    out.extend_from_slice(&[0, 0]);
}

fn number_key(item: &Item<'_>) -> Option<NumberKey> {
    match item {
        Item::Number(decimal) => Some(NumberKey::Exact(number::without_trailing_zeros(*decimal))),
        Item::Float(double) => Some(NumberKey::of_double(*double)),
        _ => None,
    }
}

fn instant(item: &Item<'_>) -> Option<i128> {
    match item {
        Item::TimestampLtz(nanos) => Some(*nanos),
        Item::TimestampTz(value) => Some(value.utc_nanos),
        _ => None,
    }
}

fn class(item: &Item<'_>) -> u8 {
    match item {
        Item::Boolean(_) => 0,
        Item::Number(_) | Item::Float(_) => 1,
        Item::Text(_) => 2,
        Item::Date(_) => 3,
        Item::Time(_) => 4,
        Item::TimestampNtz(_) => 5,
        Item::TimestampLtz(_) | Item::TimestampTz(_) => 6,
        Item::Binary(_) => 7,
        Item::Array(_) => 8,
        Item::Object(_) => 9,
        Item::Null => 10,
        Item::Undefined => 11,
    }
}

fn compare_arrays(a: Elements<'_>, b: Elements<'_>) -> Ordering {
    let pairs = a.iter().zip(b.iter());
    let different = pairs.map(|(a, b)| compare(a, b)).find(|order| order.is_ne());
    different.unwrap_or_else(|| a.len().cmp(&b.len()))
}

fn compare_objects(a: Fields<'_>, b: Fields<'_>) -> Ordering {
    let pairs = a.iter().zip(b.iter());
    let orders = pairs.map(|((a_key, a), (b_key, b))| a_key.cmp(b_key).then_with(|| compare(a, b)));
    orders.into_iter().find(|order| order.is_ne()).unwrap_or_else(|| a.len().cmp(&b.len()))
}
