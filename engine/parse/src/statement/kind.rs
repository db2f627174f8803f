//! The words for kinds of objects.

use firn_types::object_kind::KINDS;
use firn_types::{ObjectKind, Result};

use super::super::reader::Reader;

/// Other words for kinds.
const ALIASES: [(&str, ObjectKind); 12] = [
    ("AGGREGATE FUNCTION", ObjectKind::Function),
    ("EXTERNAL FUNCTION", ObjectKind::Function),
    ("TABLE FUNCTION", ObjectKind::Function),
    ("USER FUNCTION", ObjectKind::Function),
    ("USER PROCEDURE", ObjectKind::Procedure),
    ("API INTEGRATION", ObjectKind::Integration),
    ("CATALOG INTEGRATION", ObjectKind::Integration),
    ("EXTERNAL ACCESS INTEGRATION", ObjectKind::Integration),
    ("NOTIFICATION INTEGRATION", ObjectKind::Integration),
    ("SECURITY INTEGRATION", ObjectKind::Integration),
    ("STORAGE INTEGRATION", ObjectKind::Integration),
    ("WORKLOAD IDENTITY INTEGRATION", ObjectKind::Integration),
];

impl Reader<'_> {
    /// The kind of object that comes next. Errors: no such words.
    pub(super) fn kind(&mut self) -> Result<ObjectKind> {
        self.kind_if().ok_or_else(|| self.unexpected())
    }

    /// The kind of object that comes next, if one does.
    pub(super) fn kind_if(&mut self) -> Option<ObjectKind> {
        self.kind_named(|last, word| last == word)
    }

    /// The kind that comes next in the plural, if one does.
    pub(super) fn kinds_if(&mut self) -> Option<ObjectKind> {
        self.kind_named(|last, word| match word.strip_suffix('Y') {
            Some(stem) => last.strip_prefix(stem) == Some("IES"),
            None => last.strip_prefix(word) == Some("S"),
        })
    }

    /// The kind with the most words that come next; `ends` says whether a word is a kind's last one.
    fn kind_named(&mut self, ends: impl Fn(&str, &str) -> bool) -> Option<ObjectKind> {
        let mut found: Option<(usize, ObjectKind)> = None;
        let all = KINDS.iter().map(|known| (known.words, known.kind)).chain(ALIASES);
        for (words, kind) in all {
            let count = words.split(' ').count();
            let comes =
                words.split(' ').enumerate().all(|(ahead, word)| match ahead + 1 == count {
                    true => self.peek_upper(ahead).is_some_and(|last| ends(&last, word)),
                    false => self.is_word(ahead, word),
                });
            if comes && found.is_none_or(|(longest, _)| count > longest) {
                found = Some((count, kind));
            }
        }
        let (count, kind) = found?;
        (0..count).for_each(|_| self.advance());
        Some(kind)
    }
}
