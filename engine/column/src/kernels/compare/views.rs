//! Comparison of texts and bytes by way of their views.
//!
//! A view holds the length in its lowest 32 bits, then the first four bytes; values of up to twelve bytes
//! stand in it whole, padded with zeros. Most pairs are decided there, without touching the values.

use arrow::array::{GenericByteViewArray, MAX_INLINE_VIEW_LEN};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::ByteViewType;

use super::Test;
use super::bits::{pack, pack_pairs};
use crate::kernels::forms::{Operand, Side};

/// The views of one operand, and the way to the longer values.
pub(super) struct Views<'a, T: ByteViewType> {
    array: &'a GenericByteViewArray<T>,
    repeats: bool,
}

impl<T: ByteViewType> Clone for Views<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: ByteViewType> Copy for Views<'_, T> {}

impl<'a, T: ByteViewType> Views<'a, T> {
    pub(super) fn of(array: &'a GenericByteViewArray<T>, side: Side<'_>) -> Views<'a, T> {
        Views { array, repeats: side.repeats }
    }

    fn operand(self) -> Operand<'a, u128> {
        match self.repeats {
            true => Operand::One(self.array.views()[0]),
            false => Operand::Many(self.array.views()),
        }
    }
}

/// The bytes of a view that does not hold them itself; none for what lies under a NULL and points
/// nowhere.
#[inline]
fn long_bytes<T: ByteViewType>(array: &GenericByteViewArray<T>, view: u128) -> &[u8] {
    let (length, buffer) = (view as u32 as usize, (view >> 64) as u32 as usize);
    let offset = (view >> 96) as u32 as usize;
    let buffer = array.data_buffers().get(buffer);
    buffer.and_then(|buffer| buffer.get(offset..offset + length)).unwrap_or(&[])
}

pub(super) fn compare<T: ByteViewType>(
    test: Test,
    left: Views<'_, T>,
    right: Views<'_, T>,
) -> BooleanBuffer {
    let short =
        |views: Views<'_, T>| views.repeats && views.array.views()[0] as u32 <= MAX_INLINE_VIEW_LEN;
    let all_short = |views: Views<'_, T>| views.array.data_buffers().is_empty();
    match test {
        Test::Equal if short(left) || short(right) || all_short(left) || all_short(right) => {
            pack_pairs(left.operand(), right.operand(), |l, r| l == r)
        }
        Test::Equal => pack_pairs(left.operand(), right.operand(), |l, r| {
            l as u64 == r as u64 && equal_rest(left, l, right, r)
        }),
        Test::Less => less(left, right, false),
        Test::LessOrEqual => less(left, right, true),
    }
}

/// Whether two values of equal length and beginning are equal.
#[inline]
fn equal_rest<T: ByteViewType>(left: Views<'_, T>, l: u128, right: Views<'_, T>, r: u128) -> bool {
    if l as u32 <= MAX_INLINE_VIEW_LEN {
        return l == r;
    }
    long_bytes(left.array, l) == long_bytes(right.array, r)
}

fn less<T: ByteViewType>(left: Views<'_, T>, right: Views<'_, T>, or_equal: bool) -> BooleanBuffer {
    let test = |l: u128, r: u128| {
        let (left_prefix, right_prefix) = (prefix(l), prefix(r));
        if left_prefix != right_prefix {
            return left_prefix < right_prefix;
        }
        less_long(left, l, right, r, or_equal)
    };
    match (left.operand(), right.operand()) {
        // One value against one: `pack` of a single pair.
        (Operand::One(l), Operand::One(r)) => pack(Operand::One(l), |l| test(l, r)),
        (l, r) => pack_pairs(l, r, test),
    }
}

/// The first four bytes as an integer that orders as they do.
#[inline]
fn prefix(view: u128) -> u32 {
    ((view >> 32) as u32).swap_bytes()
}

#[inline(never)]
fn less_long<T: ByteViewType>(
    left: Views<'_, T>,
    l: u128,
    right: Views<'_, T>,
    r: u128,
    or_equal: bool,
) -> bool {
    let (left_inline, right_inline) = (inline_bytes(l), inline_bytes(r));
    let left = view_bytes(left.array, l, &left_inline);
    let ordering = left.cmp(view_bytes(right.array, r, &right_inline));
    ordering.is_lt() || (or_equal && ordering.is_eq())
}

/// The bytes of a view; `inline` is its [`inline_bytes`].
#[inline]
pub(crate) fn view_bytes<'a, T: ByteViewType>(
    array: &'a GenericByteViewArray<T>,
    view: u128,
    inline: &'a [u8; 12],
) -> &'a [u8] {
    match view as u32 {
        length @ 0..=MAX_INLINE_VIEW_LEN => &inline[..length as usize],
        _ => long_bytes(array, view),
    }
}

/// The twelve bytes that a view has room for.
#[inline]
pub(crate) fn inline_bytes(view: u128) -> [u8; 12] {
    let mut bytes = [0; 12];
    bytes.copy_from_slice(&view.to_le_bytes()[4..]);
    bytes
}
