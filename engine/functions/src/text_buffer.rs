//! The text of one row while a function writes it, which cannot grow beyond the largest value.

use std::ops::{Deref, DerefMut};

use firn_types::limits::VALUE_BYTES_MAX;

/// A text that drops what is pushed once it is larger than a value may be: whoever asked for it looks at
/// [`TextBuffer::len`] in the end and says so.
///
/// What is written through the [`String`] below is not counted until then; that is for writers whose
/// output is bounded by a value.
#[derive(Debug, Default)]
pub(crate) struct TextBuffer {
    text: String,
}

impl TextBuffer {
    /// Whether all further text is dropped, so that a loop may end.
    pub(crate) fn is_full(&self) -> bool {
        self.text.len() > VALUE_BYTES_MAX
    }

    /// Appends a text.
    pub(crate) fn push_str(&mut self, text: &str) {
        if !self.is_full() {
            self.text.push_str(text);
        }
    }

    /// Appends a character.
    pub(crate) fn push(&mut self, c: char) {
        if !self.is_full() {
            self.text.push(c);
        }
    }

    /// Appends characters.
    pub(crate) fn extend(&mut self, characters: impl IntoIterator<Item = char>) {
        for c in characters {
            if self.is_full() {
                return;
            }
            self.text.push(c);
        }
    }
}

impl Deref for TextBuffer {
    type Target = String;

    fn deref(&self) -> &String {
        &self.text
    }
}

impl DerefMut for TextBuffer {
    fn deref_mut(&mut self) -> &mut String {
        &mut self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_buffer_drops_what_comes() {
        let mut buffer = TextBuffer::default();
        buffer.push_str(&"x".repeat(VALUE_BYTES_MAX));
        assert!(!buffer.is_full());
        buffer.push('y');
        buffer.push('z');
        buffer.push_str("z");
        buffer.extend("zz".chars());
        assert_eq!(buffer.len(), VALUE_BYTES_MAX + 1);
    }
}
