//! The keys of the values that one builder writes.
//!
//! Each value has its own dictionary, but the values of one file mostly have the same keys in the same
//! order. So a builder remembers all keys that it has seen, guesses the next one from the last, and
//! writes the whole dictionary anew only when it differs from the value before.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

/// A key that a builder has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct KeyId(u32);

impl KeyId {
    /// No key: for the elements of arrays.
    pub(super) const NONE: KeyId = KeyId(u32::MAX);
}

/// Beyond this many remembered keys, memory is given back between values.
const REMEMBERED_MAX: usize = 16_384;

#[derive(Debug)]
struct Key {
    start: u32,
    end: u32,
    /// The first eight bytes, so that most comparisons are of two integers.
    prefix: u64,
    /// The value that used the key last, and the key's place in that value's dictionary.
    value: u64,
    position: u32,
    /// The key that came after this one.
    next: KeyId,
}

#[derive(Debug, Default)]
pub(super) struct Keys {
    text: String,
    keys: Vec<Key>,
    table: HashTable<u32>,
    hasher: DefaultHashBuilder,
    /// Number of the present value.
    value: u64,
    /// The present value's dictionary.
    used: Vec<KeyId>,
    last: Option<KeyId>,
    /// The last metadata written, and its keys.
    written: Vec<KeyId>,
    metadata: Vec<u8>,
}

impl Keys {
    /// The id of a key, which the present value's dictionary gets if it does not have it.
    pub(super) fn intern(&mut self, text: &str) -> KeyId {
        let guess = self.last.map(|last| self.keys[last.0 as usize].next);
        let id = match guess {
            Some(guess) if self.text_of(guess) == text => guess,
            _ => self.look_up(text),
        };
        if let Some(last) = self.last {
            self.keys[last.0 as usize].next = id;
        }
        self.last = Some(id);
        let key = &mut self.keys[id.0 as usize];
        if key.value != self.value {
            key.value = self.value;
            key.position = self.used.len() as u32;
            self.used.push(id);
        }
        id
    }

    fn look_up(&mut self, text: &str) -> KeyId {
        let hash = self.hasher.hash_one(text);
        let found = self.table.find(hash, |&at| self.text_of(KeyId(at)) == text).copied();
        found.map_or_else(|| self.insert(text, hash), KeyId)
    }

    fn insert(&mut self, text: &str, hash: u64) -> KeyId {
        let id = KeyId(self.keys.len() as u32);
        let start = self.text.len() as u32;
        self.text.push_str(text);
        let end = self.text.len() as u32;
        // A number that no value has, so that the key is not yet in the present dictionary.
        let value = u64::MAX;
        let prefix = prefix_of(text.as_bytes());
        self.keys.push(Key { start, end, prefix, value, position: 0, next: id });
        let (hasher, keys, texts) = (&self.hasher, &self.keys, &self.text);
        self.table.insert_unique(hash, id.0, |&at| {
            let key = &keys[at as usize];
            hasher.hash_one(&texts[key.start as usize..key.end as usize])
        });
        id
    }

    pub(super) fn text_of(&self, id: KeyId) -> &str {
        let key = &self.keys[id.0 as usize];
        &self.text[key.start as usize..key.end as usize]
    }

    /// The key's place in the present value's dictionary.
    pub(super) fn position(&self, id: KeyId) -> u32 {
        self.keys[id.0 as usize].position
    }

    /// The number of keys in the present value's dictionary.
    pub(super) fn used(&self) -> usize {
        self.used.len()
    }

    pub(super) fn compare(&self, a: KeyId, b: KeyId) -> std::cmp::Ordering {
        let prefixes = self.keys[a.0 as usize].prefix.cmp(&self.keys[b.0 as usize].prefix);
        prefixes.then_with(|| self.text_of(a).cmp(self.text_of(b)))
    }

    /// Appends the present value's metadata.
    pub(super) fn write_metadata(&mut self, out: &mut Vec<u8>) {
        if self.used != self.written || self.metadata.is_empty() {
            self.encode_metadata();
            self.written.clone_from(&self.used);
        }
        out.extend_from_slice(&self.metadata);
    }

    fn encode_metadata(&mut self) {
        let bytes: usize = self.used.iter().map(|&id| self.text_of(id).len()).sum();
        let width = super::encode::width_of(bytes.max(self.used.len()));
        let sorted = self.used.windows(2).all(|pair| self.compare(pair[0], pair[1]).is_lt());
        let mut out = std::mem::take(&mut self.metadata);
        out.clear();
        out.push(1 | u8::from(sorted) << 4 | ((width - 1) as u8) << 6);
        let number = |out: &mut Vec<u8>, n: usize| out.extend_from_slice(&n.to_le_bytes()[..width]);
        number(&mut out, self.used.len());
        let mut offset = 0;
        number(&mut out, offset);
        for &id in &self.used {
            offset += self.text_of(id).len();
            number(&mut out, offset);
        }
        for &id in &self.used {
            out.extend_from_slice(self.text_of(id).as_bytes());
        }
        self.metadata = out;
    }

    /// Makes ready for the next value.
    pub(super) fn next_value(&mut self) {
        self.used.clear();
        self.value += 1;
        if self.keys.len() > REMEMBERED_MAX || self.text.len() > REMEMBERED_MAX * 64 {
            let value = self.value;
            *self = Keys { value, ..Keys::default() };
        }
    }
}

fn prefix_of(bytes: &[u8]) -> u64 {
    let mut prefix = [0; 8];
    let length = bytes.len().min(8);
    prefix[..length].copy_from_slice(&bytes[..length]);
    u64::from_be_bytes(prefix)
}
