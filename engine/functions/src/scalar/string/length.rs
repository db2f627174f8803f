//! LENGTH and its kin.

use arrow::array::MAX_INLINE_VIEW_LEN;
use arrow::array::{ByteView, StringViewArray};
use arrow::buffer::Buffer;
use firn_column::{Array, Column};
use firn_types::{Result, SqlType, TypeFamily};

use super::CATEGORY;
use crate::driver::{Output, blobs, null_propagating, texts};
use crate::{Argument, Arity, Documentation, Example, ScalarBinding, ScalarFunction, accept};

/// LENGTH(text or bytes)
pub(crate) const LENGTH: ScalarFunction = ScalarFunction::new(
    "LENGTH",
    Arity::exactly(1),
    |arguments| bind("LENGTH", arguments, Measure::Characters),
    Documentation::of(
        CATEGORY,
        "The number of characters of a text, or of bytes of a binary value.",
        &[Example::of("LENGTH('joyeux Noël')", "11"), Example::of("LENGTH('')", "0")],
    ),
)
.with_aliases(&["LEN"]);

/// OCTET_LENGTH(text or bytes)
pub(crate) const OCTET_LENGTH: ScalarFunction = ScalarFunction::new(
    "OCTET_LENGTH",
    Arity::exactly(1),
    |arguments| bind("OCTET_LENGTH", arguments, Measure::Bytes(1)),
    Documentation::of(
        CATEGORY,
        "The number of bytes of a text in UTF-8, or of a binary value.",
        &[Example::of("OCTET_LENGTH('abc')", "3"), Example::of("OCTET_LENGTH('é')", "2")],
    ),
);

/// BIT_LENGTH(text or bytes)
pub(crate) const BIT_LENGTH: ScalarFunction = ScalarFunction::new(
    "BIT_LENGTH",
    Arity::exactly(1),
    |arguments| bind("BIT_LENGTH", arguments, Measure::Bytes(8)),
    Documentation::of(
        CATEGORY,
        "The number of bits of a text in UTF-8, or of a binary value.",
        &[Example::of("BIT_LENGTH('abc')", "24")],
    ),
);

/// RTRIMMED_LENGTH(text)
pub(crate) const RTRIMMED_LENGTH: ScalarFunction = ScalarFunction::new(
    "RTRIMMED_LENGTH",
    Arity::exactly(1),
    |arguments| {
        let input = accept::text("RTRIMMED_LENGTH", arguments, 0)?;
        let kernel = null_propagating(|rows, columns| {
            let text = texts(&columns[0])?;
            rows.map(|at| Ok(Some(characters(text.get(at).trim_end_matches(' ')) as i32)))
        });
        ScalarBinding::new(vec![input], SqlType::number(18, 0), kernel)
    },
    Documentation::of(
        CATEGORY,
        "The number of characters without the blanks at the end.",
        &[Example::of("RTRIMMED_LENGTH(' ABCD ')", "5")],
    ),
);

/// What is counted of a text; bytes of a binary value are counted in any case. Even the bits of the largest
/// value are fewer than 2^31.
#[derive(Clone, Copy)]
enum Measure {
    Characters,
    /// Each for so many.
    Bytes(i32),
}

fn bind(name: &str, arguments: &[Argument], measure: Measure) -> Result<ScalarBinding> {
    let input = accept::text_or_binary(name, arguments, 0)?;
    let per_byte = if let Measure::Bytes(per_byte) = measure { per_byte } else { 1 };
    let kernel = if input.family() == TypeFamily::Binary {
        null_propagating(move |rows, columns| {
            let bytes = blobs(&columns[0])?;
            rows.map(|at| Ok(Some(bytes.get(at).len() as i32 * per_byte)))
        })
    } else {
        null_propagating(move |rows, columns| {
            if let Column::Flat(Array::Text(texts)) = &columns[0]
                && (matches!(measure, Measure::Bytes(_)) || is_ascii(texts))
            {
                let bytes = texts.lengths().map(|bytes| bytes as i32 * per_byte).collect();
                return Ok(i32::array(bytes, rows.nulls.clone()));
            }
            let text = texts(&columns[0])?;
            rows.map(|at| {
                let text = text.get(at);
                Ok(Some(match measure {
                    Measure::Characters => characters(text) as i32,
                    Measure::Bytes(per_byte) => text.len() as i32 * per_byte,
                }))
            })
        })
    };
    ScalarBinding::new(vec![input], SqlType::number(18, 0), kernel)
}

/// Whether all texts are known to be ASCII, so that their views tell their lengths. It is asked of the
/// part of each buffer that the texts lie in, unless that holds much else.
fn is_ascii(texts: &StringViewArray) -> bool {
    let buffers = texts.data_buffers();
    let mut spans = vec![(u32::MAX, 0); buffers.len()];
    let (mut short, mut needed) = (0, 0);
    for &view in texts.views() {
        let view = ByteView::from(view);
        if view.length <= MAX_INLINE_VIEW_LEN {
            short |= view.as_u128();
        } else if let Some(span) = spans.get_mut(view.buffer_index as usize) {
            let end = view.offset.saturating_add(view.length);
            *span = (span.0.min(view.offset), span.1.max(end));
            needed += u64::from(view.length);
        }
    }
    let held: u64 = spans.iter().map(|(start, end)| u64::from(end.saturating_sub(*start))).sum();
    // Of a short text, the bytes behind it are 0.
    let ascii = |(buffer, (start, end)): (&Buffer, (u32, u32))| {
        start >= end || buffer.get(start as usize..end as usize).is_some_and(<[u8]>::is_ascii)
    };
    short & NOT_ASCII == 0 && held <= 2 * needed && buffers.iter().zip(spans).all(ascii)
}

/// The highest bits of a view's twelve bytes of text.
const NOT_ASCII: u128 = 0x8080_8080_8080_8080_8080_8080 << 32;

/// The number of characters.
pub(super) fn characters(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.chars().count() }
}
