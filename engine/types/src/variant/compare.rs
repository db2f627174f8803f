//! Equality and order of values, by content: 1 equals 1.0, `'1'` does not.
//!
//! The order across types is booleans, numbers, texts, dates, times, wall-clock timestamps, instants,
//! bytes, arrays, objects, null, undefined. Equal values have equal hashes and equal group keys, however
//! they are encoded.

use std::cmp::Ordering;
use std::hash::Hasher;

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

/// Feeds a value to a hasher: the same for equal values.
pub fn hash(value: Variant<'_>, state: &mut impl Hasher) {
    let item = value.item();
    state.write_u8(class(&item));
    match item {
        Item::Null | Item::Undefined => {}
        Item::Boolean(value) => state.write_u8(u8::from(value)),
        Item::Number(_) | Item::Float(_) => match number_key(&item) {
            Some(NumberKey::Exact(decimal)) => {
                state.write_u8(decimal.scale);
                state.write_i128(decimal.unscaled);
            }
            Some(NumberKey::Double(double)) if double.is_nan() => state.write_u8(u8::MAX),
            Some(NumberKey::Double(double)) => {
                state.write_u8(u8::MAX - 1);
                state.write_u64(double.to_bits());
            }
            None => {}
        },
        Item::Text(value) => hash_bytes(value.as_bytes(), state),
        Item::Binary(value) => hash_bytes(value, state),
        Item::Date(value) => state.write_i32(value),
        Item::Time(value) => state.write_i64(value),
        Item::TimestampNtz(value) | Item::TimestampLtz(value) => state.write_i128(value),
        Item::TimestampTz(value) => state.write_i128(value.utc_nanos),
        Item::Object(fields) => {
            state.write_u64(fields.len() as u64);
            for (key, value) in fields.iter() {
                hash_bytes(key.as_bytes(), state);
                hash(value, state);
            }
        }
        Item::Array(elements) => {
            state.write_u64(elements.len() as u64);
            elements.iter().for_each(|element| hash(element, state));
        }
    }
}

/// Appends bytes that are the same for equal values and different for different ones.
pub fn group_key(value: Variant<'_>, out: &mut Vec<u8>) {
    hash(value, &mut Collector(out));
}

/// Collects what a hasher is fed.
struct Collector<'a>(&'a mut Vec<u8>);

impl Hasher for Collector<'_> {
    fn write(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn finish(&self) -> u64 {
        0
    }
}

fn hash_bytes(bytes: &[u8], state: &mut impl Hasher) {
    state.write_u64(bytes.len() as u64);
    state.write(bytes);
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
