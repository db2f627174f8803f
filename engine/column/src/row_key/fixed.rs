//! Keys of one or several columns packed into one integer.
//!
//! Most keys are narrow: a number of a known range, a date, a short code. Each column becomes a field of as
//! many bits as the range of its values needs, NULL included, the first column highest; so that packed
//! keys are equal when the rows' keys are, and compare as the keys do in the wanted order. A field is
//!
//! | values | code |
//! |---|---|
//! | integers, dates, times, timestamps, BOOLEAN, FLOAT (by an integer of the same order) | distance from the range's lower end |
//! | texts of at most twelve bytes | the bytes, padded with zeros, and the length + 1 in four bits |
//!
//! A layout knows the ranges of the columns that it has seen; rows outside of them do not fit.

use arrow::array::{Array as _, BooleanArray, Float64Array, Int32Array, Int64Array};
use arrow::array::{
    Decimal128Array, MAX_INLINE_VIEW_LEN, StringViewArray, StringViewBuilder, UInt32Array,
};
use arrow::buffer::NullBuffer;
use firn_types::{Error, Result, SqlType};

use crate::kernels::arithmetic::narrowed;
use crate::kernels::compare::{comparable, float_key};
use crate::kernels::min_max::integer_range;
use crate::{Array, Column, PhysicalType};

/// How one column of a key is ordered. Groups and joins use the default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyOrder {
    /// Whether the largest value comes first.
    pub descending: bool,
    /// Whether NULL comes before the values.
    pub nulls_first: bool,
}

impl Default for KeyOrder {
    fn default() -> KeyOrder {
        KeyOrder { descending: false, nulls_first: true }
    }
}

/// How the columns of a key are packed into one integer.
#[derive(Clone, Debug)]
pub struct KeyLayout {
    fields: Vec<Field>,
}

#[derive(Clone, Copy, Debug)]
struct Field {
    sql_type: SqlType,
    order: KeyOrder,
    range: Range,
    bits: u32,
    shift: u32,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Range {
    /// No value that is not NULL was seen.
    Empty,
    Integers {
        low: i128,
        high: i128,
    },
    /// Texts of at most so many bytes; more than [`MAX_INLINE_VIEW_LEN`] when they cannot be packed.
    Texts {
        bytes: u32,
    },
}

/// What a packed key is held in.
pub trait Word: Copy + Default + Eq + Ord + Send + Sync {
    /// The lower bits of a wide word.
    fn of(wide: u128) -> Self;
    /// All bits as a wide word.
    fn wide(self) -> u128;
    /// A code shifted into its place.
    fn placed(code: u64, shift: u32) -> Self;
    /// Sets the bits of a code that has been shifted into its place.
    fn set(&mut self, code: Self);
    /// The 64 bits from a place on.
    fn code(self, shift: u32) -> u64;
}

impl Word for u64 {
    #[inline]
    fn of(wide: u128) -> u64 {
        wide as u64
    }
    #[inline]
    fn wide(self) -> u128 {
        u128::from(self)
    }
    #[inline]
    fn placed(code: u64, shift: u32) -> u64 {
        code << (shift & 63)
    }
    #[inline]
    fn set(&mut self, code: u64) {
        *self |= code;
    }
    #[inline]
    fn code(self, shift: u32) -> u64 {
        self >> (shift & 63)
    }
}

impl Word for u128 {
    #[inline]
    fn of(wide: u128) -> u128 {
        wide
    }
    #[inline]
    fn wide(self) -> u128 {
        self
    }
    #[inline]
    fn placed(code: u64, shift: u32) -> u128 {
        u128::from(code) << (shift & 127)
    }
    #[inline]
    fn set(&mut self, code: u128) {
        *self |= code;
    }
    #[inline]
    fn code(self, shift: u32) -> u64 {
        (self >> (shift & 127)) as u64
    }
}

/// Packed keys of some rows.
#[derive(Debug, Default)]
pub struct Packed<W> {
    /// One key per row.
    pub keys: Vec<W>,
    /// 1 for rows that have no key: a value outside the layout, or a NULL where those were refused.
    pub misses: Vec<u8>,
}

impl<W: Word> Packed<W> {
    /// Sets what a dictionary's codes stand for: a field and whether it misses for each value, and at last for NULL.
    fn set_coded(&mut self, codes: &UInt32Array, fields: &[W], misses: &[u8]) {
        let null = fields.len() - 1;
        if codes.null_count() != 0 {
            let codes = codes.iter().map(|code| code.map_or(null, |code| code as usize));
            let rows = self.keys.iter_mut().zip(&mut self.misses);
            for ((key, miss), code) in rows.zip(codes) {
                key.set(fields[code]);
                *miss |= misses[code];
            }
            return;
        }
        let codes = codes.values();
        self.keys.iter_mut().zip(codes).for_each(|(key, &code)| key.set(fields[code as usize]));
        if misses[..null].contains(&1) {
            let rows = self.misses.iter_mut().zip(codes);
            rows.for_each(|(miss, &code)| *miss |= misses[code as usize]);
        }
    }
}

impl<W> Packed<W> {
    /// Whether any row has no key.
    pub fn any_miss(&self) -> bool {
        self.misses.contains(&1)
    }
}

impl KeyLayout {
    /// A layout of these columns that has seen no value yet; none when a type cannot be packed.
    pub fn new(types: &[SqlType], orders: &[KeyOrder]) -> Option<KeyLayout> {
        let field = |(&sql_type, &order): (&SqlType, &KeyOrder)| {
            let packs =
                !matches!(sql_type, SqlType::Binary { .. }) && !sql_type.is_semi_structured();
            packs.then_some(Field { sql_type, order, range: Range::Empty, bits: 1, shift: 0 })
        };
        let fields = types.iter().zip(orders).map(field).collect::<Option<Vec<_>>>()?;
        let mut layout = KeyLayout { fields };
        layout.arrange();
        Some(layout)
    }

    /// Whether the values themselves come back from [`KeyLayout::unpack`]; not a timestamp's offset.
    pub fn is_reversible(&self) -> bool {
        !self.fields.iter().any(|field| matches!(field.sql_type, SqlType::TimestampTz { .. }))
    }

    /// Bits of a packed key; more than 128 when the columns cannot be packed.
    pub fn bits(&self) -> u32 {
        self.fields.iter().map(|field| field.bits).sum()
    }

    /// The range of a column's integers, when it has been seen to hold any: for runtime filters. It is the
    /// range of dates, times, timestamps and unscaled numbers.
    pub fn integer_range(&self, column: usize) -> Option<(i128, i128)> {
        match self.fields[column].range {
            Range::Integers { low, high } if self.fields[column].sql_type != SqlType::Float => {
                Some((low, high))
            }
            _ => None,
        }
    }

    /// Makes room for the values of these columns.
    ///
    /// # Errors
    /// An internal error for a column that is not of its type.
    pub fn widen(&mut self, columns: &[Column]) -> Result<()> {
        for (field, column) in self.fields.iter_mut().zip(columns) {
            let seen = observe(&comparable(&column.dense(), field.sql_type)?);
            field.range = joined(field.range, seen);
        }
        self.arrange();
        Ok(())
    }

    /// Widens the ranges of integers to both sides until the key has about `bits` bits, so that keys still
    /// to come fit too.
    pub fn stretch(&mut self, bits: u32) {
        let is_integer = |field: &&mut Field| matches!(field.range, Range::Integers { .. });
        let spare = bits.saturating_sub(self.bits());
        let count = self.fields.iter_mut().filter(is_integer).count() as u32;
        let extra = spare.checked_div(count).unwrap_or(0).min(64);
        for field in self.fields.iter_mut().filter(is_integer) {
            if let Range::Integers { low, high } = &mut field.range
                && field.bits + extra < 120
                && extra > 0
            {
                let more = (1_i128 << (field.bits + extra - 1)) - (1 << (field.bits - 1));
                // Numbers of 64 bits stay such: they are packed faster.
                let (floor, ceiling) =
                    match i64::try_from(*low).is_ok() && i64::try_from(*high).is_ok() {
                        true => (i128::from(i64::MIN), i128::from(i64::MAX)),
                        false => (i128::MIN, i128::MAX),
                    };
                *low = low.saturating_sub(more / 2).max(floor);
                *high = high.saturating_add(more / 2).min(ceiling);
            }
        }
        self.arrange();
    }

    /// Raises the upper ends of integers' ranges as far as their bits allow, so that growing numbers rarely
    /// leave them.
    pub fn fill(&mut self) {
        for field in &mut self.fields {
            if let Range::Integers { low, high } = &mut field.range
                && field.bits < 64
            {
                let most = low.saturating_add((1 << field.bits) - 2);
                let ceiling =
                    if *high <= i128::from(i64::MAX) { i64::MAX.into() } else { i128::MAX };
                *high = most.min(ceiling).max(*high);
            }
        }
    }

    /// The number of different codes of a key of one column of integers.
    pub(crate) fn codes(&self) -> Option<u128> {
        match self.fields.as_slice() {
            [Field { range: Range::Integers { low, high }, .. }] => {
                (high.wrapping_sub(*low) as u128).checked_add(2)
            }
            _ => None,
        }
    }

    /// Gives every field its bits and its place, the last column lowest.
    fn arrange(&mut self) {
        let mut shift = 0;
        for field in self.fields.iter_mut().rev() {
            field.bits = match field.range {
                Range::Empty => 1,
                Range::Integers { low, high } => {
                    // One code more than there are values: NULL.
                    let span = high.wrapping_sub(low) as u128;
                    128 - span.saturating_add(1).leading_zeros()
                }
                Range::Texts { bytes } if bytes <= MAX_INLINE_VIEW_LEN => bytes * 8 + 4,
                Range::Texts { .. } => 1000,
            };
            field.shift = shift;
            shift += field.bits;
        }
    }

    /// Packs the rows' keys; `W` holds [`KeyLayout::bits`] bits. With `refuse_nulls`, a row with a NULL has
    /// no key.
    ///
    /// # Errors
    /// An internal error for a column that is not of its type.
    pub fn pack<W: Word>(
        &self,
        columns: &[Column],
        rows: usize,
        refuse_nulls: bool,
        packed: &mut Packed<W>,
    ) -> Result<()> {
        packed.keys.clear();
        packed.keys.resize(rows, W::default());
        packed.misses.clear();
        packed.misses.resize(rows, 0);
        for (field, column) in self.fields.iter().zip(columns) {
            let column = comparable(&column.dense(), field.sql_type)?;
            match &column {
                Column::Flat(array) => {
                    field.add(array, &mut packed.keys, &mut packed.misses, refuse_nulls);
                }
                Column::Constant { value, .. } => {
                    let (mut key, mut miss) = ([W::default()], [0]);
                    field.add(value, &mut key, &mut miss, refuse_nulls);
                    packed.keys.iter_mut().for_each(|all| all.set(key[0]));
                    packed.misses.iter_mut().for_each(|all| *all |= miss[0]);
                }
                Column::Dictionary { codes, values } => {
                    let mut table = vec![W::default(); values.len() + 1];
                    let mut misses = vec![0; values.len() + 1];
                    field.add(values, &mut table, &mut misses, refuse_nulls);
                    table[values.len()] = W::of(field.null_code() << field.shift);
                    misses[values.len()] = u8::from(refuse_nulls);
                    packed.set_coded(codes, &table, &misses);
                }
            }
        }
        Ok(())
    }

    /// The columns of packed keys. Only for layouts that are [`KeyLayout::is_reversible`].
    pub fn unpack<W: Word>(&self, keys: &[W]) -> Vec<Column> {
        self.fields.iter().map(|field| Column::Flat(field.unpack(keys))).collect()
    }
}

/// The range of a column's values.
fn observe(column: &Column) -> Range {
    let array = match column {
        Column::Flat(array) | Column::Constant { value: array, .. } => array,
        Column::Dictionary { values, .. } => values,
    };
    if array.null_count() == array.len() {
        return Range::Empty;
    }
    match array {
        Array::Bool(_) => Range::Integers { low: 0, high: 1 },
        Array::F64(a) => {
            let keys = Array::I64(a.unary(float_key));
            integer_range(&keys).map_or(Range::Empty, |(low, high)| Range::Integers { low, high })
        }
        Array::Text(a) => {
            let longest = a.views().iter().map(|&view| view as u32).max().unwrap_or(0);
            Range::Texts { bytes: longest }
        }
        Array::Bytes(_) => Range::Texts { bytes: u32::MAX },
        integers => integer_range(integers)
            .map_or(Range::Empty, |(low, high)| Range::Integers { low, high }),
    }
}

fn joined(old: Range, new: Range) -> Range {
    match (old, new) {
        (Range::Empty, range) | (range, Range::Empty) => range,
        (Range::Texts { bytes: a }, Range::Texts { bytes: b }) => Range::Texts { bytes: a.max(b) },
        (Range::Integers { low, high }, Range::Integers { low: new_low, high: new_high }) => {
            Range::Integers { low: low.min(new_low), high: high.max(new_high) }
        }
        // Columns of one type are of one kind.
        _ => Range::Texts { bytes: u32::MAX },
    }
}

impl Field {
    /// The code of NULL, before it is shifted.
    fn null_code(&self) -> u128 {
        match self.range {
            _ if self.order.nulls_first => 0,
            Range::Empty => 1,
            Range::Integers { low, high } => (high.wrapping_sub(low) as u128).wrapping_add(1),
            Range::Texts { .. } => self.mask(),
        }
    }

    fn mask(&self) -> u128 {
        u128::MAX >> (128 - self.bits.clamp(1, 128))
    }

    /// Sets this field in the keys of an array's rows.
    fn add<W: Word>(&self, array: &Array, keys: &mut [W], misses: &mut [u8], refuse_nulls: bool) {
        let nulls = array.nulls().filter(|nulls| nulls.null_count() > 0);
        if let (Some(nulls), 1..) = (nulls, array.len()) {
            return self.add_nullable(array, nulls, keys, misses, refuse_nulls);
        }
        match (self.range, array) {
            (Range::Integers { low, high }, Array::I32(a)) => {
                self.add_integers(a.values(), i128::from, (low, high), keys, misses);
            }
            (Range::Integers { low, high }, Array::I64(a)) => {
                self.add_integers(a.values(), i128::from, (low, high), keys, misses);
            }
            (Range::Integers { low, high }, Array::I128(a)) => {
                self.add_integers(a.values(), |v| v, (low, high), keys, misses);
            }
            (Range::Integers { low, high }, Array::F64(a)) => {
                let floats = |v| i128::from(float_key(v));
                self.add_integers(a.values(), floats, (low, high), keys, misses);
            }
            (Range::Integers { low, high }, Array::Bool(a)) => {
                let values: Vec<i32> = a.values().iter().map(i32::from).collect();
                self.add_integers(&values, i128::from, (low, high), keys, misses);
            }
            (Range::Texts { bytes }, Array::Text(a)) if bytes <= MAX_INLINE_VIEW_LEN => {
                self.add_texts(a, bytes, keys, misses);
            }
            _ => misses.fill(1),
        }
    }

    /// As [`Field::add`], where some rows are NULL: the field is made apart and then put in.
    fn add_nullable<W: Word>(
        &self,
        array: &Array,
        nulls: &NullBuffer,
        keys: &mut [W],
        misses: &mut [u8],
        refuse_nulls: bool,
    ) {
        let (mut own, mut own_misses) = (vec![W::default(); keys.len()], vec![0; keys.len()]);
        if self.range == Range::Empty {
            own_misses.fill(1);
        } else {
            self.add(&without_nulls(array), &mut own, &mut own_misses, refuse_nulls);
        }
        let null = (W::of(self.null_code() << self.shift), u8::from(refuse_nulls));
        let own = own.into_iter().zip(own_misses).zip(nulls.iter());
        for ((key, miss), (own, valid)) in keys.iter_mut().zip(misses).zip(own) {
            let (code, own_miss) = if valid { own } else { null };
            key.set(code);
            *miss |= own_miss;
        }
    }

    fn add_integers<T: Copy, W: Word>(
        &self,
        values: &[T],
        widen: impl Fn(T) -> i128,
        (low, high): (i128, i128),
        keys: &mut [W],
        misses: &mut [u8],
    ) {
        // high - v is !v - !high: one formula for both directions.
        let (flip, base) = if self.order.descending { (-1, !high) } else { (0, low) };
        let span = high.wrapping_sub(low) as u128;
        let plus = u128::from(self.order.nulls_first);
        let shift = self.shift;
        let offset = |value: T| (widen(value) ^ flip).wrapping_sub(base) as u128;
        let mut any_miss = false;
        if let (Ok(base), Ok(span)) = (i64::try_from(base), i64::try_from(span)) {
            let (flip, span, plus) = (flip as i64, span as u64, plus as u64);
            for (key, &value) in keys.iter_mut().zip(values) {
                let wide = widen(value);
                let value = wide as i64;
                let offset = (value ^ flip).wrapping_sub(base) as u64;
                any_miss |= (offset > span) | (i128::from(value) != wide);
                key.set(W::placed(offset.wrapping_add(plus), shift));
            }
        } else {
            for (key, &value) in keys.iter_mut().zip(values) {
                let offset = offset(value);
                any_miss |= offset > span;
                key.set(W::of(offset.wrapping_add(plus) << shift));
            }
        }
        // Misses are rare: they change the layout, or stand for rows that a join does not match.
        if any_miss {
            let rows = misses.iter_mut().zip(values);
            rows.for_each(|(miss, &value)| *miss |= u8::from(offset(value) > span));
        }
    }

    fn add_texts<W: Word>(
        &self,
        array: &StringViewArray,
        bytes: u32,
        keys: &mut [W],
        misses: &mut [u8],
    ) {
        let flip = if self.order.descending { self.mask() } else { 0 };
        let rows = keys.iter_mut().zip(misses).zip(array.views());
        for ((key, miss), &view) in rows {
            let length = view as u32;
            *miss |= u8::from(length > bytes);
            // The text's bytes, the first one highest, in the upper end of the word.
            let text = (view >> 32).swap_bytes().unbounded_shr(128 - bytes * 8);
            let code = (text << 4) | u128::from(length.min(bytes) + 1);
            key.set(W::of((code ^ flip) << self.shift));
        }
    }

    fn unpack<W: Word>(&self, keys: &[W]) -> Array {
        if let Range::Integers { low, high } = self.range
            && let (Ok(low), Ok(high)) = (i64::try_from(low), i64::try_from(high))
            && self.bits < 64
        {
            return self.unpack_narrow(keys, low, high);
        }
        let mask = self.mask();
        let codes: Vec<u128> = keys.iter().map(|k| (k.wide() >> self.shift) & mask).collect();
        let null = self.null_code();
        let nulls: NullBuffer = codes.iter().map(|&code| code != null).collect();
        let nulls = (nulls.null_count() > 0).then_some(nulls);
        match self.range {
            Range::Texts { bytes } => Array::Text(self.unpack_texts(&codes, bytes, nulls.as_ref())),
            Range::Empty => self.typed(vec![0; codes.len()], nulls),
            Range::Integers { low, high } => {
                let plus = u128::from(self.order.nulls_first);
                let value = |code: u128| match code {
                    code if code == null => low,
                    code if self.order.descending => high.wrapping_sub((code - plus) as i128),
                    code => low.wrapping_add((code - plus) as i128),
                };
                self.typed(codes.into_iter().map(value).collect(), nulls)
            }
        }
    }

    /// As [`Field::unpack`], of integers of 64 bits.
    fn unpack_narrow<W: Word>(&self, keys: &[W], low: i64, high: i64) -> Array {
        let (shift, mask, null) = (self.shift, self.mask() as u64, self.null_code() as u64);
        let plus = u64::from(self.order.nulls_first);
        let code = |key: &W| key.code(shift) & mask;
        let any_null = keys.iter().fold(false, |any, key| any | (code(key) == null));
        let nulls = any_null.then(|| keys.iter().map(|key| code(key) != null).collect());
        let values = keys.iter().map(|key| {
            let distance = code(key).wrapping_sub(plus) as i64;
            match self.order.descending {
                true => high.wrapping_sub(distance),
                false => low.wrapping_add(distance),
            }
        });
        match self.sql_type == SqlType::Date || !PhysicalType::widest(self.sql_type).is_integer() {
            true => self.typed(values.map(i128::from).collect(), nulls),
            false => Array::I64(Int64Array::new(values.collect(), nulls)),
        }
    }

    fn unpack_texts(
        &self,
        codes: &[u128],
        bytes: u32,
        nulls: Option<&NullBuffer>,
    ) -> StringViewArray {
        let flip = if self.order.descending { self.mask() } else { 0 };
        let mut builder = StringViewBuilder::with_capacity(codes.len());
        for (row, &code) in codes.iter().enumerate() {
            let code = code ^ flip;
            let text = (code >> 4).unbounded_shl(128 - bytes * 8).to_be_bytes();
            let length = ((code & 15) as usize).saturating_sub(1).min(MAX_INLINE_VIEW_LEN as usize);
            let text = std::str::from_utf8(&text[..length]).ok();
            builder.append_option(text.filter(|_| nulls.is_none_or(|nulls| nulls.is_valid(row))));
        }
        builder.finish()
    }

    /// Integers in the form that the type's columns have.
    fn typed(&self, values: Vec<i128>, nulls: Option<NullBuffer>) -> Array {
        let i64s = |values: Vec<i128>| values.into_iter().map(|v| v as i64).collect::<Vec<_>>();
        match PhysicalType::widest(self.sql_type) {
            PhysicalType::Bool => {
                let bits: Vec<bool> = values.into_iter().map(|v| v != 0).collect();
                Array::Bool(BooleanArray::new(bits.into(), nulls))
            }
            PhysicalType::F64 => {
                let floats: Vec<f64> = i64s(values).into_iter().map(float_of_key).collect();
                Array::F64(Float64Array::new(floats.into(), nulls))
            }
            PhysicalType::Text => Array::nulls_of(PhysicalType::Text, values.len()),
            _ if self.sql_type == SqlType::Date => {
                let days: Vec<i32> = values.into_iter().map(|v| v as i32).collect();
                Array::I32(Int32Array::new(days.into(), nulls))
            }
            PhysicalType::I64 | PhysicalType::I32 => {
                Array::I64(Int64Array::new(i64s(values).into(), nulls))
            }
            _ => narrowed(values, nulls),
        }
    }
}

/// The floating-point number of a [`float_key`].
fn float_of_key(key: i64) -> f64 {
    f64::from_bits((key ^ (((key >> 63) as u64) >> 1) as i64) as u64)
}

/// The same values with whatever lies under the NULLs.
fn without_nulls(array: &Array) -> Array {
    match array {
        Array::Bool(a) => Array::Bool(BooleanArray::new(a.values().clone(), None)),
        Array::I32(a) => Array::I32(Int32Array::new(a.values().clone(), None)),
        Array::I64(a) => Array::I64(Int64Array::new(a.values().clone(), None)),
        Array::I128(a) => Array::I128(Decimal128Array::new(a.values().clone(), None)),
        Array::F64(a) => Array::F64(Float64Array::new(a.values().clone(), None)),
        Array::Text(a) => {
            match StringViewArray::try_new(a.views().clone(), a.data_buffers().to_vec(), None) {
                Ok(array) => Array::Text(array),
                Err(_) => array.clone(),
            }
        }
        Array::Bytes(_) => array.clone(),
    }
}

/// The error for a key that an operation needs packed and that cannot be.
pub(crate) fn not_packed() -> Error {
    Error::internal("a key that does not fit its layout")
}
