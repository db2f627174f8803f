//! Reading a value where it lies, without decoding what is not asked for.
//!
//! Every access is checked: malformed bytes read as null, missing or empty, and never panic.

use super::number;
use super::path::Step;
use super::value::{Item, code};
use crate::Decimal;
use crate::value::TimestampTz;

const NANOS_PER_MICRO: i64 = 1_000;

/// A semi-structured value that lies in a buffer, or inside another one.
#[derive(Clone, Copy, Debug)]
pub struct Variant<'a> {
    keys: Dictionary<'a>,
    /// Starts with the value and may go on behind it, except after values whose meaning depends on
    /// where they end (see [`ends_matter`]).
    value: &'a [u8],
}

/// The border between metadata and value: both parts of an encoded value.
pub fn split(bytes: &[u8]) -> (&[u8], &[u8]) {
    bytes.split_at(Dictionary::new(bytes).length().min(bytes.len()))
}

/// Appends the two parts of a value, as a Parquet file has them, as one buffer.
pub fn join(metadata: &[u8], value: &[u8], out: &mut Vec<u8>) {
    out.reserve(metadata.len() + value.len());
    out.extend_from_slice(metadata);
    out.extend_from_slice(value);
}

impl<'a> Variant<'a> {
    /// The value in a buffer of metadata followed by value.
    pub fn new(bytes: &'a [u8]) -> Variant<'a> {
        let keys = Dictionary::new(bytes);
        let (metadata, value) = bytes.split_at(keys.length().min(bytes.len()));
        Variant { keys: Dictionary { metadata, ..keys }, value }
    }

    /// The value in two buffers.
    pub fn from_parts(metadata: &'a [u8], value: &'a [u8]) -> Variant<'a> {
        Variant { keys: Dictionary::new(metadata), value }
    }

    /// The metadata's bytes; they may hold more keys than this value uses.
    pub fn metadata(self) -> &'a [u8] {
        self.keys.metadata
    }

    /// The value's bytes, exactly.
    pub fn bytes(self) -> &'a [u8] {
        let exact = if self.first().is_some_and(ends_matter) {
            self.value.len()
        } else {
            encoded_length(self.value)
        };
        self.value.get(..exact).unwrap_or(self.value)
    }

    /// What the value is.
    pub fn item(self) -> Item<'a> {
        let Some(first) = self.first() else { return Item::Null };
        let rest = &self.value[1..];
        match first & 3 {
            code::PRIMITIVE => primitive(first >> 2, rest),
            code::SHORT_TEXT => text(rest.get(..usize::from(first >> 2))),
            code::OBJECT => Item::Object(Fields::new(self.keys, first >> 2, rest)),
            _ => Item::Array(Elements::new(self.keys, first >> 2, rest)),
        }
    }

    /// Whether the value is an object or an array.
    pub fn is_container(self) -> bool {
        self.first().is_some_and(|first| first & 3 >= code::OBJECT)
    }

    /// Whether the value is a JSON null or undefined.
    pub fn is_null(self) -> bool {
        self.first().is_none_or(|first| first == code::NULL)
    }

    /// Whether the value is undefined: a SQL NULL inside an array.
    pub fn is_undefined(self) -> bool {
        self.value.len() > 1 && self.value[0] == code::NULL
    }

    /// The object, if it is one.
    pub fn as_object(self) -> Option<Fields<'a>> {
        match self.item() {
            Item::Object(fields) => Some(fields),
            _ => None,
        }
    }

    /// The array, if it is one.
    pub fn as_array(self) -> Option<Elements<'a>> {
        match self.item() {
            Item::Array(elements) => Some(elements),
            _ => None,
        }
    }

    /// The value at a key of an object.
    pub fn get(self, key: &str) -> Option<Variant<'a>> {
        self.as_object()?.get(key)
    }

    /// The element of an array; `undefined` ones too.
    pub fn at(self, index: usize) -> Option<Variant<'a>> {
        self.as_array()?.get(index)
    }

    /// The value at the end of the steps; nothing where a step is missing, and for undefined.
    pub fn walk(self, steps: &[Step]) -> Option<Variant<'a>> {
        let mut here = self;
        for step in steps {
            here = match step {
                Step::Key(key) => here.get(key)?,
                Step::Index(index) => here.at(usize::try_from(*index).ok()?)?,
            };
        }
        Some(here).filter(|value| !value.is_undefined())
    }

    fn first(self) -> Option<u8> {
        self.value.first().copied()
    }
}

/// The fields of an object, ascending by key.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'a> {
    keys: Dictionary<'a>,
    ids: &'a [u8],
    id_bytes: usize,
    offsets: &'a [u8],
    offset_bytes: usize,
    values: &'a [u8],
    len: usize,
}

impl<'a> Fields<'a> {
    fn new(keys: Dictionary<'a>, header: u8, rest: &'a [u8]) -> Fields<'a> {
        let offset_bytes = usize::from(header & 3) + 1;
        let id_bytes = usize::from(header >> 2 & 3) + 1;
        let count_bytes = if header >> 4 & 1 == 1 { 4 } else { 1 };
        let len = unsigned(rest, 0, count_bytes);
        let (ids, rest) = divide(rest.get(count_bytes..).unwrap_or(&[]), len * id_bytes);
        let (offsets, values) = divide(rest, (len + 1) * offset_bytes);
        Fields { keys, ids, id_bytes, offsets, offset_bytes, values, len }
    }

    /// The number of fields.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no field.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The key at a position.
    pub fn key(&self, position: usize) -> &'a str {
        std::str::from_utf8(self.key_bytes(position)).unwrap_or("")
    }

    /// The value at a position.
    pub fn value(&self, position: usize) -> Variant<'a> {
        let start = unsigned(self.offsets, position * self.offset_bytes, self.offset_bytes);
        let mut value = self.values.get(start..).unwrap_or(&[]);
        match value.first() {
            Some(&first) if first == code::NULL => value = &value[..1],
            Some(&first) if ends_matter(first) => {
                value = value.get(..self.end_of(start) - start).unwrap_or(value);
            }
            _ => {}
        }
        Variant { keys: self.keys, value }
    }

    /// The value at a key, found by binary search.
    pub fn get(&self, key: &str) -> Option<Variant<'a>> {
        self.position(key).map(|position| self.value(position))
    }

    /// The position of a key that is probably at `place`.
    pub(super) fn position_from(&self, key: &str, place: usize) -> Option<usize> {
        if place < self.len && self.key_bytes(place) == key.as_bytes() {
            return Some(place);
        }
        self.position(key)
    }

    /// The position of a key.
    pub fn position(&self, key: &str) -> Option<usize> {
        let (mut low, mut high) = (0, self.len);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.key_bytes(middle).cmp(key.as_bytes()) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return Some(middle),
            }
        }
        None
    }

    /// All fields, ascending by key.
    pub fn iter(self) -> impl Iterator<Item = (&'a str, Variant<'a>)> {
        (0..self.len).map(move |position| (self.key(position), self.value(position)))
    }

    fn key_bytes(&self, position: usize) -> &'a [u8] {
        let id = unsigned(self.ids, position * self.id_bytes, self.id_bytes);
        self.keys.get(id)
    }

    /// Where the value that starts at `start` ends: at the next larger offset.
    fn end_of(&self, start: usize) -> usize {
        let offsets = (0..=self.len).map(|i| i * self.offset_bytes);
        let later = offsets.map(|at| unsigned(self.offsets, at, self.offset_bytes));
        later.filter(|&offset| offset > start).min().unwrap_or(start)
    }
}

/// The elements of an array.
#[derive(Clone, Copy, Debug)]
pub struct Elements<'a> {
    keys: Dictionary<'a>,
    offsets: &'a [u8],
    offset_bytes: usize,
    values: &'a [u8],
    len: usize,
}

impl<'a> Elements<'a> {
    fn new(keys: Dictionary<'a>, header: u8, rest: &'a [u8]) -> Elements<'a> {
        let offset_bytes = usize::from(header & 3) + 1;
        let count_bytes = if header >> 2 & 1 == 1 { 4 } else { 1 };
        let len = unsigned(rest, 0, count_bytes);
        let rest = rest.get(count_bytes..).unwrap_or(&[]);
        let (offsets, values) = divide(rest, (len + 1) * offset_bytes);
        Elements { keys, offsets, offset_bytes, values, len }
    }

    /// The number of elements.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The element at an index.
    pub fn get(&self, index: usize) -> Option<Variant<'a>> {
        if index >= self.len {
            return None;
        }
        let start = unsigned(self.offsets, index * self.offset_bytes, self.offset_bytes);
        let end = unsigned(self.offsets, (index + 1) * self.offset_bytes, self.offset_bytes);
        let value = self.values.get(start..end).unwrap_or(&[]);
        Some(Variant { keys: self.keys, value })
    }

    /// All elements in order.
    pub fn iter(self) -> impl ExactSizeIterator<Item = Variant<'a>> + DoubleEndedIterator {
        let nothing = Variant { keys: self.keys, value: &[] };
        (0..self.len).map(move |index| self.get(index).unwrap_or(nothing))
    }
}

/// Whether bytes behind a value of this first byte belong to it: our own additions to the encoding.
fn ends_matter(first: u8) -> bool {
    const NULL: u8 = code::NULL << 2;
    const TIME: u8 = code::TIME << 2;
    const MICROS: u8 = code::INSTANT_MICROS << 2;
    const NANOS: u8 = code::INSTANT_NANOS << 2;
    matches!(first, NULL | TIME | MICROS | NANOS)
}

/// The length of the value at the start of the bytes, without our own additions.
pub(super) fn encoded_length(value: &[u8]) -> usize {
    let Some(&first) = value.first() else { return 0 };
    let header = first >> 2;
    match first & 3 {
        code::PRIMITIVE => 1 + primitive_length(header, &value[1..]),
        code::SHORT_TEXT => 1 + usize::from(header),
        basic => {
            let offset_bytes = usize::from(header & 3) + 1;
            let object = basic == code::OBJECT;
            let id_bytes = if object { usize::from(header >> 2 & 3) + 1 } else { 0 };
            let large = header >> (if object { 4 } else { 2 }) & 1 == 1;
            let count_bytes = if large { 4 } else { 1 };
            let len = unsigned(value, 1, count_bytes);
            let last = 1 + count_bytes + len * (id_bytes + offset_bytes);
            last + offset_bytes + unsigned(value, last, offset_bytes)
        }
    }
}

fn primitive_length(header: u8, rest: &[u8]) -> usize {
    match header {
        code::NULL | code::TRUE | code::FALSE => 0,
        code::INT8 => 1,
        code::INT16 => 2,
        code::INT32 | code::DATE | code::FLOAT => 4,
        code::DECIMAL4 => 5,
        code::DECIMAL8 => 9,
        code::DECIMAL16 => 17,
        code::UUID => 16,
        code::TEXT | code::BINARY => 4 + unsigned(rest, 0, 4),
        code::INT64
        | code::DOUBLE
        | code::INSTANT_MICROS
        | code::WALL_MICROS
        | code::TIME
        | code::INSTANT_NANOS
        | code::WALL_NANOS => 8,
        _ => rest.len(),
    }
}

fn primitive(header: u8, rest: &[u8]) -> Item<'_> {
    let micros = |nanos_per: i64| i128::from(signed64(rest)) * i128::from(nanos_per);
    match header {
        code::NULL if !rest.is_empty() => Item::Undefined,
        code::TRUE => Item::Boolean(true),
        code::FALSE => Item::Boolean(false),
        code::INT8 => integer(array::<1>(rest).map(i8::from_le_bytes).map(i64::from)),
        code::INT16 => integer(array::<2>(rest).map(i16::from_le_bytes).map(i64::from)),
        code::INT32 => integer(array::<4>(rest).map(i32::from_le_bytes).map(i64::from)),
        code::INT64 => integer(array::<8>(rest).map(i64::from_le_bytes)),
        code::DECIMAL4 | code::DECIMAL8 | code::DECIMAL16 => decimal(header, rest),
        code::DOUBLE => Item::Float(array::<8>(rest).map(f64::from_le_bytes).unwrap_or(0.0)),
        code::FLOAT => {
            Item::Float(array::<4>(rest).map(f32::from_le_bytes).map(f64::from).unwrap_or(0.0))
        }
        code::DATE => Item::Date(array::<4>(rest).map(i32::from_le_bytes).unwrap_or(0)),
        code::BINARY => Item::Binary(sized(rest).unwrap_or(&[])),
        code::UUID => Item::Binary(rest.get(..16).unwrap_or(&[])),
        code::TEXT => text(sized(rest)),
        code::TIME => {
            let tail = array::<2>(rest.get(8..).unwrap_or(&[])).map_or(0, i16::from_le_bytes);
            let nanos = signed64(rest).saturating_mul(NANOS_PER_MICRO);
            Item::Time(nanos.saturating_add(i64::from(tail)))
        }
        code::WALL_MICROS => Item::TimestampNtz(micros(NANOS_PER_MICRO)),
        code::WALL_NANOS => Item::TimestampNtz(micros(1)),
        code::INSTANT_MICROS => instant(micros(NANOS_PER_MICRO), rest),
        code::INSTANT_NANOS => instant(micros(1), rest),
        _ => Item::Null,
    }
}

fn instant(utc_nanos: i128, rest: &[u8]) -> Item<'_> {
    match array::<2>(rest.get(8..).unwrap_or(&[])).map(i16::from_le_bytes) {
        Some(offset_minutes) => Item::TimestampTz(TimestampTz { utc_nanos, offset_minutes }),
        None => Item::TimestampLtz(utc_nanos),
    }
}

fn integer<'a>(value: Option<i64>) -> Item<'a> {
    value.map_or(Item::Null, |value| Item::Number(Decimal::integer(value)))
}

fn decimal(header: u8, rest: &[u8]) -> Item<'_> {
    let (scale, digits) = (rest.first().copied().unwrap_or(0), rest.get(1..).unwrap_or(&[]));
    let unscaled = match header {
        code::DECIMAL4 => array::<4>(digits).map(i32::from_le_bytes).map(i128::from),
        code::DECIMAL8 => array::<8>(digits).map(i64::from_le_bytes).map(i128::from),
        _ => array::<16>(digits).map(i128::from_le_bytes),
    };
    let unscaled = unscaled.unwrap_or(0);
    Item::Number(number::without_trailing_zeros(Decimal { unscaled, scale }))
}

fn text(bytes: Option<&[u8]>) -> Item<'_> {
    Item::Text(bytes.and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or(""))
}

/// Bytes behind their length in four bytes.
fn sized(rest: &[u8]) -> Option<&[u8]> {
    let length = unsigned(rest, 0, 4);
    rest.get(4..)?.get(..length)
}

fn signed64(rest: &[u8]) -> i64 {
    array::<8>(rest).map_or(0, i64::from_le_bytes)
}

fn array<const N: usize>(bytes: &[u8]) -> Option<[u8; N]> {
    bytes.first_chunk::<N>().copied()
}

fn divide(bytes: &[u8], at: usize) -> (&[u8], &[u8]) {
    bytes.split_at(at.min(bytes.len()))
}

/// The little-endian number of `width` bytes (1 to 4) at `at`; 0 beyond the end.
#[inline]
pub(super) fn unsigned(bytes: &[u8], at: usize, width: usize) -> usize {
    match (bytes.get(at..), width) {
        (Some([a, ..]), 1) => usize::from(*a),
        (Some([a, b, ..]), 2) => usize::from(u16::from_le_bytes([*a, *b])),
        (Some([a, b, c, ..]), 3) => u32::from_le_bytes([*a, *b, *c, 0]) as usize,
        (Some([a, b, c, d, ..]), 4) => u32::from_le_bytes([*a, *b, *c, *d]) as usize,
        _ => 0,
    }
}

/// The metadata: all keys of a value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dictionary<'a> {
    metadata: &'a [u8],
    /// Bytes of each number in the metadata.
    width: usize,
    len: usize,
}

impl<'a> Dictionary<'a> {
    /// The dictionary at the start of the bytes, which may go on behind it.
    pub(super) fn new(metadata: &'a [u8]) -> Dictionary<'a> {
        let width = usize::from(metadata.first().copied().unwrap_or(0) >> 6) + 1;
        Dictionary { metadata, width, len: unsigned(metadata, 1, width) }
    }

    /// The number of keys.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The bytes of the metadata.
    pub(super) fn length(&self) -> usize {
        if self.metadata.is_empty() {
            return 0;
        }
        let last = 1 + self.width * (self.len + 1);
        last + self.width + unsigned(self.metadata, last, self.width)
    }

    /// A key's bytes.
    #[inline]
    pub(super) fn get(&self, id: usize) -> &'a [u8] {
        if id >= self.len {
            return &[];
        }
        let strings = 1 + self.width * (self.len + 2);
        let at = 1 + self.width * (id + 1);
        let (start, end) = if self.width == 1 {
            let byte = |at: usize| usize::from(self.metadata.get(at).copied().unwrap_or(0));
            (byte(at), byte(at + 1))
        } else {
            let number = |at: usize| unsigned(self.metadata, at, self.width);
            (number(at), number(at + self.width))
        };
        self.metadata.get(strings + start..strings + end).unwrap_or(&[])
    }
}
