//! Writing a value, part by part, straight into its encoding.

use super::keys::{KeyId, Keys};
use super::number;
use super::value::{Item, code};
use super::view::Variant;
use crate::limits::{NESTING_MAX, VALUE_BYTES_MAX};
use crate::value::TimestampTz;
use crate::{Decimal, Error, ErrorCode, Result};

/// Writes values one after another; one builder for many values is much faster than one for each.
///
/// Call `begin_*` and `end_*` in pairs, and [`Builder::key`] before each value of an object, then
/// [`Builder::finish`].
#[derive(Debug, Default)]
pub struct Builder {
    keys: Keys,
    body: Vec<u8>,
    entries: Vec<Entry>,
    frames: Vec<Frame>,
    /// Whether the innermost container is an array.
    in_array: bool,
    /// The fields of the object that is being closed; empty but for its memory otherwise.
    fields: Vec<Entry>,
}

/// A field or an element of a container that is not yet closed.
#[derive(Clone, Copy, Debug)]
struct Entry {
    offset: u32,
    key: KeyId,
    /// Where in the caller's text the key stands.
    mark: u32,
}

#[derive(Clone, Copy, Debug)]
struct Frame {
    body: usize,
    entries: usize,
    array: bool,
}

/// A key that an object has twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Duplicate {
    pub(super) key: String,
    /// The mark of the first key that repeats an earlier one.
    pub(super) mark: u32,
}

/// Entries of arrays have no key.
const NO_KEY: KeyId = KeyId::NONE;

impl Builder {
    /// A builder for the first value.
    pub fn new() -> Builder {
        Builder::default()
    }

    /// Appends the finished value, metadata and value, to `out`, and makes ready for the next.
    ///
    /// # Errors
    /// `ValueTooLarge`, and the value is dropped.
    pub fn finish(&mut self, out: &mut Vec<u8>) -> Result<()> {
        let size = self.body.len();
        if size <= VALUE_BYTES_MAX {
            if self.keys.used() == 0 {
                out.extend_from_slice(&code::EMPTY_METADATA);
            } else {
                self.keys.write_metadata(out);
            }
            out.extend_from_slice(&self.body);
        }
        self.clear();
        check_size(size)
    }

    /// Drops what has been written of the present value.
    pub fn clear(&mut self) {
        self.body.clear();
        self.entries.clear();
        self.frames.clear();
        self.in_array = false;
        self.keys.next_value();
    }

    /// Whether nothing has been written of the present value.
    pub fn is_empty(&self) -> bool {
        self.body.is_empty() && self.frames.is_empty()
    }

    /// Opens an object.
    ///
    /// # Errors
    /// When the value nests too deeply.
    pub fn begin_object(&mut self) -> Result<()> {
        self.begin(false)
    }

    /// Opens an array.
    ///
    /// # Errors
    /// When the value nests too deeply.
    pub fn begin_array(&mut self) -> Result<()> {
        self.begin(true)
    }

    fn begin(&mut self, array: bool) -> Result<()> {
        if self.frames.len() >= NESTING_MAX {
            return Err(too_deep());
        }
        self.element();
        self.frames.push(Frame { body: self.body.len(), entries: self.entries.len(), array });
        self.in_array = array;
        Ok(())
    }

    /// How many containers are open.
    pub(super) fn depth(&self) -> usize {
        self.frames.len()
    }

    /// Whether the innermost open container is an array.
    pub(super) fn in_array(&self) -> bool {
        self.in_array
    }

    /// The key of the value that is written next, in an object.
    pub fn key(&mut self, key: &str) {
        self.key_at(key, 0);
    }

    pub(super) fn key_at(&mut self, key: &str, mark: u32) {
        let key = self.keys.intern(key);
        self.entries.push(Entry { offset: self.body.len() as u32, key, mark });
    }

    /// Takes back the last key, whose value has not been written.
    pub(super) fn forget_key(&mut self) {
        self.entries.pop();
    }

    /// Closes the innermost object.
    ///
    /// # Errors
    /// `DuplicateKey` when it has a key twice, or `ValueTooLarge`.
    pub fn end_object(&mut self) -> Result<()> {
        match self.close_object(false)? {
            None => Ok(()),
            Some(duplicate) => Err(duplicate_key(&duplicate.key)),
        }
    }

    /// Closes the innermost object; of equal keys the last one counts.
    ///
    /// # Errors
    /// `ValueTooLarge`.
    pub fn end_object_keeping_last(&mut self) -> Result<()> {
        self.close_object(true).map(|_| ())
    }

    pub(super) fn close_object(&mut self, keep_last: bool) -> Result<Option<Duplicate>> {
        let Some(frame) = self.frames.pop() else { return Err(unbalanced()) };
        let mut fields = std::mem::take(&mut self.fields);
        fields.clear();
        fields.extend(self.entries.drain(frame.entries..));
        let duplicate = self.sort_fields(&mut fields, keep_last);
        if duplicate.is_none() {
            self.write_object(frame.body, &fields)?;
        }
        self.fields = fields;
        self.in_array = self.frames.last().is_some_and(|frame| frame.array);
        Ok(duplicate)
    }

    /// Puts an object's head before its values, which start at `start`.
    fn write_object(&mut self, start: usize, fields: &[Entry]) -> Result<()> {
        let size = self.body.len() - start;
        check_size(size)?;
        let largest = fields.iter().map(|field| self.keys.position(field.key)).max();
        let (id_width, width) = (width_of(largest.unwrap_or(0) as usize), width_of(size));
        let count_bytes = count_width(fields.len());
        let head = 1 + count_bytes + fields.len() * id_width + (fields.len() + 1) * width;
        let mut at = self.make_room(start, head);
        let large = u8::from(count_bytes == 4);
        let header = large << 4 | ((id_width - 1) as u8) << 2 | (width - 1) as u8;
        self.put(&mut at, usize::from(header << 2 | code::OBJECT), 1);
        self.put(&mut at, fields.len(), count_bytes);
        for field in fields {
            self.put(&mut at, self.keys.position(field.key) as usize, id_width);
        }
        for field in fields {
            self.put(&mut at, field.offset as usize - start, width);
        }
        self.put(&mut at, size, width);
        Ok(())
    }

    /// Sorts by key; finds a key that is there twice, or keeps the last of each.
    fn sort_fields(&self, entries: &mut Vec<Entry>, keep_last: bool) -> Option<Duplicate> {
        let keys = &self.keys;
        if entries.windows(2).all(|pair| keys.compare(pair[0].key, pair[1].key).is_lt()) {
            return None;
        }
        // Stable, so that of equal keys the later one stays behind.
        entries.sort_by(|a, b| keys.compare(a.key, b.key));
        if keep_last {
            entries.reverse();
            entries.dedup_by_key(|entry| entry.key);
            entries.reverse();
            return None;
        }
        let repeats = entries.windows(2).filter(|pair| pair[0].key == pair[1].key);
        let first = repeats.map(|pair| pair[1]).min_by_key(|entry| entry.mark)?;
        Some(Duplicate { key: keys.text_of(first.key).to_string(), mark: first.mark })
    }

    /// Closes the innermost array.
    ///
    /// # Errors
    /// `ValueTooLarge`.
    pub fn end_array(&mut self) -> Result<()> {
        let Some(frame) = self.frames.pop() else { return Err(unbalanced()) };
        let size = self.body.len() - frame.body;
        check_size(size)?;
        let count = self.entries.len() - frame.entries;
        let (count_bytes, width) = (count_width(count), width_of(size));
        let mut at = self.make_room(frame.body, 1 + count_bytes + (count + 1) * width);
        let header = u8::from(count_bytes == 4) << 2 | (width - 1) as u8;
        self.put(&mut at, usize::from(header << 2 | code::ARRAY), 1);
        self.put(&mut at, count, count_bytes);
        for entry in frame.entries..self.entries.len() {
            let offset = self.entries[entry].offset as usize - frame.body;
            self.put(&mut at, offset, width);
        }
        self.put(&mut at, size, width);
        self.entries.truncate(frame.entries);
        self.in_array = self.frames.last().is_some_and(|frame| frame.array);
        Ok(())
    }

    /// Moves what was written since `start` up by `bytes`.
    fn make_room(&mut self, start: usize, bytes: usize) -> usize {
        let end = self.body.len();
        self.body.resize(end + bytes, 0);
        self.body.copy_within(start..end, start + bytes);
        start
    }

    fn put(&mut self, at: &mut usize, number: usize, width: usize) {
        self.body[*at..*at + width].copy_from_slice(&number.to_le_bytes()[..width]);
        *at += width;
    }

    /// Whether what is written is too large already; what comes then is dropped, and closing the
    /// container or finishing the value says so.
    fn is_full(&self) -> bool {
        self.body.len() > VALUE_BYTES_MAX
    }

    /// In an array, notes where the next element starts.
    fn element(&mut self) {
        if self.in_array {
            let offset = self.body.len() as u32;
            self.entries.push(Entry { offset, key: NO_KEY, mark: 0 });
        }
    }

    fn primitive(&mut self, type_code: u8, data: &[u8]) {
        if self.is_full() {
            return;
        }
        self.element();
        self.body.push(type_code << 2);
        self.body.extend_from_slice(data);
    }

    /// JSON's null.
    pub fn null(&mut self) {
        self.primitive(code::NULL, &[]);
    }

    /// A SQL NULL inside an array; null elsewhere.
    pub fn undefined(&mut self) {
        let padding: &[u8] = if self.in_array { &[code::UNDEFINED_PADDING] } else { &[] };
        self.primitive(code::NULL, padding);
    }

    /// true or false.
    pub fn boolean(&mut self, value: bool) {
        self.primitive(if value { code::TRUE } else { code::FALSE }, &[]);
    }

    /// A whole number of at most 38 digits.
    pub fn integer(&mut self, value: i128) {
        if let Ok(value) = i8::try_from(value) {
            self.primitive(code::INT8, &value.to_le_bytes());
        } else if let Ok(value) = i16::try_from(value) {
            self.primitive(code::INT16, &value.to_le_bytes());
        } else if let Ok(value) = i32::try_from(value) {
            self.primitive(code::INT32, &value.to_le_bytes());
        } else if let Ok(value) = i64::try_from(value) {
            self.primitive(code::INT64, &value.to_le_bytes());
        } else {
            self.scaled(code::DECIMAL16, 0, &value.to_le_bytes());
        }
    }

    /// An exact number; trailing zeros after the point are dropped.
    pub fn decimal(&mut self, value: Decimal) {
        const FOUR: u128 = 999_999_999;
        const EIGHT: u128 = 999_999_999_999_999_999;
        let Decimal { unscaled, scale } = number::without_trailing_zeros(value);
        match unscaled.unsigned_abs() {
            _ if scale == 0 => self.integer(unscaled),
            n if n <= FOUR => {
                self.scaled(code::DECIMAL4, scale, &(unscaled as i32).to_le_bytes());
            }
            n if n <= EIGHT => {
                self.scaled(code::DECIMAL8, scale, &(unscaled as i64).to_le_bytes());
            }
            _ => self.scaled(code::DECIMAL16, scale, &unscaled.to_le_bytes()),
        }
    }

    fn scaled(&mut self, type_code: u8, scale: u8, unscaled: &[u8]) {
        self.primitive(type_code, &[scale]);
        self.body.extend_from_slice(unscaled);
    }

    /// A floating-point number.
    pub fn float(&mut self, value: f64) {
        self.primitive(code::DOUBLE, &value.to_le_bytes());
    }

    /// A text.
    pub fn text(&mut self, value: &str) {
        if self.is_full() {
            return;
        }
        if value.len() <= code::SHORT_TEXT_MAX {
            self.element();
            self.body.push((value.len() as u8) << 2 | code::SHORT_TEXT);
        } else {
            self.primitive(code::TEXT, &(value.len() as u32).to_le_bytes());
        }
        self.body.extend_from_slice(value.as_bytes());
    }

    /// Bytes.
    pub fn binary(&mut self, value: &[u8]) {
        if self.is_full() {
            return;
        }
        self.primitive(code::BINARY, &(value.len() as u32).to_le_bytes());
        self.body.extend_from_slice(value);
    }

    /// Days since 1970-01-01.
    pub fn date(&mut self, days: i32) {
        self.primitive(code::DATE, &days.to_le_bytes());
    }

    /// Nanoseconds since midnight.
    pub fn time(&mut self, nanos: i64) {
        self.primitive(code::TIME, &nanos.div_euclid(1_000).to_le_bytes());
        let rest = nanos.rem_euclid(1_000) as i16;
        if rest != 0 {
            self.body.extend_from_slice(&rest.to_le_bytes());
        }
    }

    /// Nanoseconds since 1970-01-01 00:00 of the wall clock.
    pub fn timestamp_ntz(&mut self, nanos: i128) {
        self.timestamp(code::WALL_NANOS, code::WALL_MICROS, nanos);
    }

    /// Nanoseconds since 1970-01-01 00:00 UTC.
    pub fn timestamp_ltz(&mut self, nanos: i128) {
        self.timestamp(code::INSTANT_NANOS, code::INSTANT_MICROS, nanos);
    }

    /// An instant and its offset.
    pub fn timestamp_tz(&mut self, value: TimestampTz) {
        self.timestamp_ltz(value.utc_nanos);
        self.body.extend_from_slice(&value.offset_minutes.to_le_bytes());
    }

    fn timestamp(&mut self, nanos_code: u8, micros_code: u8, nanos: i128) {
        if let Ok(nanos) = i64::try_from(nanos) {
            return self.primitive(nanos_code, &nanos.to_le_bytes());
        }
        let micros = nanos.div_euclid(1_000).clamp(i64::MIN.into(), i64::MAX.into()) as i64;
        self.primitive(micros_code, &micros.to_le_bytes());
    }

    /// A value of another buffer, with all that is in it.
    ///
    /// # Errors
    /// When the value nests too deeply, or is too large.
    pub fn copy(&mut self, value: Variant<'_>) -> Result<()> {
        check_size(self.body.len())?;
        if !value.is_container() {
            self.element();
            let bytes =
                if value.is_undefined() && !self.in_array { &[code::NULL] } else { value.bytes() };
            self.body.extend_from_slice(bytes);
            return Ok(());
        }
        match value.item() {
            Item::Object(fields) => {
                self.begin_object()?;
                for (key, value) in fields.iter() {
                    self.key(key);
                    self.copy(value)?;
                }
                self.end_object()
            }
            Item::Array(elements) => {
                self.begin_array()?;
                for element in elements.iter() {
                    self.copy(element)?;
                }
                self.end_array()
            }
            _ => Ok(()),
        }
    }

    /// Appends a value of another buffer to `out` as a value of its own: with the other buffer's whole
    /// dictionary where that is not much larger than the value, with a new one otherwise.
    ///
    /// # Errors
    /// As [`Builder::copy`].
    pub fn extract(&mut self, value: Variant<'_>, out: &mut Vec<u8>) -> Result<()> {
        const MUCH: usize = 4;
        let (metadata, bytes) = (value.metadata(), value.bytes());
        if !value.is_container() {
            out.extend_from_slice(&code::EMPTY_METADATA);
            out.extend_from_slice(bytes);
        } else if metadata.len() <= bytes.len() * MUCH {
            super::join(metadata, bytes, out);
        } else {
            self.copy(value)?;
            return self.finish(out);
        }
        Ok(())
    }
}

/// The bytes that a text of so many bytes takes as a value.
pub fn text_bytes(length: usize) -> usize {
    let head = if length <= code::SHORT_TEXT_MAX { 1 } else { 5 };
    head + length
}

/// The bytes that hold every number up to `largest`, 1 to 4.
pub(super) fn width_of(largest: usize) -> usize {
    match largest {
        0..=0xFF => 1,
        0x100..=0xFFFF => 2,
        0x1_0000..=0xFF_FFFF => 3,
        _ => 4,
    }
}

fn count_width(count: usize) -> usize {
    if count > 0xFF { 4 } else { 1 }
}

fn check_size(size: usize) -> Result<()> {
    if size > VALUE_BYTES_MAX {
        return Err(Error::new(
            ErrorCode::ValueTooLarge,
            format!("Max LOB size ({VALUE_BYTES_MAX}) exceeded, actual size of value is {size}"),
        ));
    }
    Ok(())
}

pub(super) fn too_deep() -> Error {
    Error::new(
        ErrorCode::InvalidValue,
        format!("semi-structured value is nested too deeply, max depth {NESTING_MAX}"),
    )
}

fn unbalanced() -> Error {
    Error::internal("variant builder: end without begin")
}

/// The error for a key that an object would have twice.
fn duplicate_key(key: &str) -> Error {
    Error::new(ErrorCode::DuplicateKey, format!("Duplicate field key '{key}'"))
}
