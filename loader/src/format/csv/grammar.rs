//! Where fields and records end.

use memchr::{memchr, memchr2};

use crate::options::CsvOptions;

/// A field as it stands in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RawField {
    /// Where its text begins, after an opening quote.
    pub(super) start: usize,
    /// Where its text ends, before a closing quote.
    pub(super) end: usize,
    /// Whether it is enclosed.
    pub(super) enclosed: bool,
    /// Whether escapes or doubled quotes are to be resolved.
    pub(super) escaped: bool,
    /// What is wrong with it.
    pub(super) fault: Option<EnclosureFault>,
}

/// What is wrong with an enclosed field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EnclosureFault {
    /// Something else than a delimiter follows the closing quote, at this position.
    AfterQuote(usize),
    /// The file ends before the closing quote, or the record where lines may not be within fields: here.
    Unclosed(usize),
}

/// Is told of each field of a record.
pub(super) trait Visitor {
    /// The next field.
    fn field(&mut self, field: RawField);
}

/// For finding the ends of records only.
pub(super) struct Nobody;

impl Visitor for Nobody {
    fn field(&mut self, _: RawField) {}
}

/// The rules of one file, from its options.
#[derive(Clone, Debug)]
pub(super) struct Grammar {
    field: Vec<u8>,
    record: Vec<u8>,
    /// Whether `\r` before the record delimiter belongs to it.
    carriage_return: bool,
    quote: Option<u8>,
    escape_enclosed: Option<u8>,
    escape_plain: Option<u8>,
    trim: bool,
    skip_blank: bool,
    multi_line: bool,
    needles: [u8; 3],
}

/// What stands at a position.
enum Mark {
    Field,
    Record,
    Nothing,
    /// More bytes are needed to tell.
    Unknown,
}

const LOW_BITS: u64 = 0x0101_0101_0101_0101;
const HIGH_BITS: u64 = 0x8080_8080_8080_8080;

impl Grammar {
    pub(super) fn new(options: &CsvOptions) -> Grammar {
        let bytes = |text: &Option<String>| text.clone().unwrap_or_default().into_bytes();
        let (field, record) = (bytes(&options.field_delimiter), bytes(&options.record_delimiter));
        let escape_plain = options.escape.or(options.escape_unenclosed_field);
        let first: Vec<u8> = [field.first().copied(), record.first().copied(), escape_plain]
            .into_iter()
            .flatten()
            .collect();
        // A needle that is not there repeats another; without any, all fields run to the end.
        let needle = |i: usize| first.get(i).or(first.first()).copied().unwrap_or(b'\n');
        Grammar {
            carriage_return: record == b"\n",
            quote: options.field_optionally_enclosed_by,
            escape_enclosed: options.escape,
            escape_plain,
            trim: options.trim_space,
            skip_blank: options.skip_blank_lines,
            multi_line: options.multi_line,
            needles: [needle(0), needle(1), needle(2)],
            field,
            record,
        }
    }

    /// The byte whose number of occurrences numbers the lines.
    pub(super) fn line_byte(&self) -> u8 {
        if self.record.contains(&b'\n') {
            return b'\n';
        }
        self.record.last().copied().unwrap_or(b'\n')
    }

    /// The escape that counts in a field.
    fn escape(&self, enclosed: bool) -> Option<u8> {
        if enclosed { self.escape_enclosed } else { self.escape_plain }
    }

    /// Whether blanks around fields are dropped.
    pub(super) fn trims(&self) -> bool {
        self.trim
    }

    /// The field delimiter as messages print it.
    pub(super) fn shown_field_delimiter(&self) -> String {
        crate::options::shown_text(&String::from_utf8_lossy(&self.field))
    }

    /// Where the field delimiter begins that stands before the field at `start`.
    pub(super) fn delimiter_before(&self, bytes: &[u8], start: usize) -> usize {
        let before = &bytes[..start.min(bytes.len())];
        memchr::memmem::rfind(before, &self.field).unwrap_or(start)
    }

    /// Appends the text of a field with its escapes and doubled quotes resolved.
    pub(super) fn resolve(&self, text: &[u8], enclosed: bool, out: &mut Vec<u8>) {
        let escape = self.escape(enclosed);
        let quote = self.quote.filter(|_| enclosed);
        let mut rest = text;
        while let Some((&first, after)) = rest.split_first() {
            let doubled = Some(first) == quote && after.first() == quote.as_ref();
            if (Some(first) == escape || doubled) && !after.is_empty() {
                out.push(after[0]);
                rest = &after[1..];
            } else {
                out.push(first);
                rest = after;
            }
        }
    }

    /// How many of the bytes, which begin with a record, are whole records, and how many records that
    /// is. When `last`, the bytes end where the file does.
    pub(super) fn whole_records(&self, bytes: &[u8], last: bool) -> (usize, u64) {
        self.whole_simple_records(bytes, last)
            .or_else(|| self.whole_quoted_records(bytes, last))
            .unwrap_or_else(|| self.whole_records_of_any_kind(bytes, last))
    }

    fn whole_records_of_any_kind(&self, bytes: &[u8], last: bool) -> (usize, u64) {
        let (mut at, mut records) = (0, 0);
        loop {
            at = self.skip_blanks(bytes, at);
            if at >= bytes.len() {
                return (bytes.len().min(at), records);
            }
            match self.record(bytes, at, last, &mut Nobody) {
                Some(next) => (at, records) = (next, records + 1),
                None => return (at, records),
            }
        }
    }

    /// The same at the speed of memory, where no quote and no escape occurs.
    fn whole_simple_records(&self, bytes: &[u8], last: bool) -> Option<(usize, u64)> {
        let [delimiter] = self.record[..] else { return None };
        let occurs = |byte: Option<u8>| byte.is_some_and(|byte| memchr(byte, bytes).is_some());
        if self.skip_blank || occurs(self.quote) || occurs(self.escape_plain) {
            return None;
        }
        let end = match last {
            true => bytes.len(),
            false => memchr::memrchr(delimiter, bytes).map_or(0, |position| position + 1),
        };
        let ended = memchr::memchr_iter(delimiter, &bytes[..end]).count() as u64;
        let open = end > 0 && bytes[end - 1] != delimiter;
        Some((end, ended + u64::from(open)))
    }

    /// The same where quotes occur but no escapes: only ends of records and quotes are looked for.
    fn whole_quoted_records(&self, bytes: &[u8], last: bool) -> Option<(usize, u64)> {
        let ([delimiter], [field], Some(quote)) = (&self.record[..], &self.field[..], self.quote)
        else {
            return None;
        };
        // An escape that counts in enclosed fields counts in the others, too.
        let escaped = self.escape_plain.is_some_and(|byte| memchr(byte, bytes).is_some());
        if self.skip_blank || self.trim || escaped {
            return None;
        }
        let (mut at, mut end, mut records) = (0, 0, 0);
        while let Some(found) = memchr2(*delimiter, quote, bytes.get(at..).unwrap_or_default()) {
            let mark = at + found;
            at = mark + 1;
            if bytes[mark] == *delimiter {
                (end, records) = (at, records + 1);
            } else if mark == 0 || bytes[mark - 1] == *field || bytes[mark - 1] == *delimiter {
                // Elsewhere a quote is a character like any other.
                at = self.after_enclosed(bytes, at, quote, *delimiter);
            }
        }
        let open = last && end < bytes.len();
        Some(if open { (bytes.len(), records + 1) } else { (end, records) })
    }

    /// The position after the quote that closes the field whose text begins at `at`; that of the end of the
    /// record, where that comes first and lines may not be within fields.
    fn after_enclosed(&self, bytes: &[u8], mut at: usize, quote: u8, delimiter: u8) -> usize {
        // A quote is looked for twice where line ends do not matter.
        let other = if self.multi_line { quote } else { delimiter };
        while let Some(found) = memchr2(quote, other, bytes.get(at..).unwrap_or_default()) {
            let mark = at + found;
            if bytes[mark] != quote {
                return mark;
            }
            if bytes.get(mark + 1) != Some(&quote) {
                return mark + 1;
            }
            at = mark + 2;
        }
        bytes.len()
    }

    /// The position after the empty records at `at`, where those are skipped.
    pub(super) fn skip_blanks(&self, bytes: &[u8], mut at: usize) -> usize {
        if !self.skip_blank || self.record.is_empty() {
            return at;
        }
        loop {
            let rest = &bytes[at.min(bytes.len())..];
            if rest.starts_with(&self.record) {
                at += self.record.len();
            } else if self.carriage_return && rest.starts_with(b"\r\n") {
                at += 2;
            } else {
                return at;
            }
        }
    }

    /// Reads the record at `at`, and gives the position after it; none when the bytes end before it
    /// does and are not the `last` of the file.
    pub(super) fn record(
        &self,
        bytes: &[u8],
        mut at: usize,
        last: bool,
        visitor: &mut impl Visitor,
    ) -> Option<usize> {
        loop {
            if at >= bytes.len() && !last {
                return None;
            }
            let opening = self.opening_quote(bytes, at);
            let (field, stop) = match opening {
                Some(start) => self.enclosed(bytes, start, last)?,
                None => self.plain(bytes, at, at, last)?,
            };
            visitor.field(field);
            match stop {
                Stop::Field(next) => at = next,
                Stop::Record(next) => return Some(next),
            }
        }
    }

    /// The position after the quote that opens the field at `at`, if it is enclosed.
    fn opening_quote(&self, bytes: &[u8], at: usize) -> Option<usize> {
        let quote = self.quote?;
        let at = if self.trim { self.skip_spaces(bytes, at) } else { at };
        (bytes.get(at) == Some(&quote)).then_some(at + 1)
    }

    fn skip_spaces(&self, bytes: &[u8], mut at: usize) -> usize {
        while matches!(bytes.get(at), Some(b' ' | b'\t'))
            && !matches!(self.mark(bytes, at, true), Mark::Field | Mark::Record)
        {
            at += 1;
        }
        at
    }

    /// A field that is not enclosed, whose text begins at `start`, looked through from `at`.
    #[inline]
    fn plain(
        &self,
        bytes: &[u8],
        start: usize,
        mut at: usize,
        last: bool,
    ) -> Option<(RawField, Stop)> {
        let mut escaped = false;
        loop {
            at = self.find(bytes, at);
            let field = |end| RawField { start, end, enclosed: false, escaped, fault: None };
            if at >= bytes.len() {
                let done = (field(bytes.len()), Stop::Record(bytes.len()));
                return last.then_some(done);
            }
            if Some(bytes[at]) == self.escape_plain {
                if at + 1 >= bytes.len() && !last {
                    return None;
                }
                escaped = true;
                at += 2;
                continue;
            }
            match self.mark(bytes, at, last) {
                Mark::Field => return Some((field(at), Stop::Field(at + self.field.len()))),
                Mark::Record => {
                    let cut = self.carriage_return && at > start && bytes[at - 1] == b'\r';
                    let end = if cut { at - 1 } else { at };
                    return Some((field(end), Stop::Record(at + self.record.len())));
                }
                Mark::Nothing => at += 1,
                Mark::Unknown => return None,
            }
        }
    }

    /// An enclosed field whose text begins at `start`.
    fn enclosed(&self, bytes: &[u8], start: usize, last: bool) -> Option<(RawField, Stop)> {
        let quote = self.quote?;
        let escape = self.escape_enclosed.unwrap_or(quote);
        let (mut at, mut escaped) = (start, false);
        let close = loop {
            let rest = bytes.get(at..).unwrap_or_default();
            let found = memchr2(quote, escape, rest);
            if let Some(end) = self.forbidden_line(&rest[..found.unwrap_or(rest.len())]) {
                let end = at + end;
                let fault = Some(EnclosureFault::Unclosed(end));
                let field = RawField { start, end, enclosed: true, escaped, fault };
                return Some((field, Stop::Record(end + self.record.len())));
            }
            let Some(found) = found else {
                let fault = Some(EnclosureFault::Unclosed(bytes.len()));
                let field = RawField { start, end: bytes.len(), enclosed: true, escaped, fault };
                return last.then_some((field, Stop::Record(bytes.len())));
            };
            at += found;
            if at + 1 >= bytes.len() && !last {
                return None;
            }
            let doubled = bytes.get(at + 1) == Some(&quote);
            if bytes[at] == quote && !doubled {
                break at;
            }
            escaped = true;
            at += 2;
        };
        let field = RawField { start, end: close, enclosed: true, escaped, fault: None };
        self.after_quote(bytes, field, last)
    }

    /// Where the record delimiter stands in a piece of an enclosed field, if it may not.
    fn forbidden_line(&self, piece: &[u8]) -> Option<usize> {
        if self.multi_line || self.record.is_empty() {
            return None;
        }
        memchr::memmem::find(piece, &self.record)
    }

    /// What follows the closing quote of `field`.
    fn after_quote(&self, bytes: &[u8], field: RawField, last: bool) -> Option<(RawField, Stop)> {
        let mut at = field.end + 1;
        if self.trim {
            at = self.skip_spaces(bytes, at);
        }
        if at >= bytes.len() {
            return last.then_some((field, Stop::Record(bytes.len())));
        }
        if self.carriage_return && bytes[at] == b'\r' {
            match bytes.get(at + 1) {
                Some(b'\n') => return Some((field, Stop::Record(at + 2))),
                None if last => return Some((field, Stop::Record(bytes.len()))),
                None => return None,
                Some(_) => {}
            }
        }
        match self.mark(bytes, at, last) {
            Mark::Field => Some((field, Stop::Field(at + self.field.len()))),
            Mark::Record => Some((field, Stop::Record(at + self.record.len()))),
            Mark::Unknown => None,
            Mark::Nothing => {
                let (_, stop) = self.plain(bytes, at, at, last)?;
                let field = RawField { fault: Some(EnclosureFault::AfterQuote(at)), ..field };
                Some((field, stop))
            }
        }
    }

    #[inline]
    fn mark(&self, bytes: &[u8], at: usize, last: bool) -> Mark {
        let rest = &bytes[at..];
        if !self.field.is_empty() && starts_with(rest, &self.field) {
            return Mark::Field;
        }
        if !self.record.is_empty() && starts_with(rest, &self.record) {
            return Mark::Record;
        }
        let may_become =
            |delimiter: &[u8]| delimiter.len() > rest.len() && delimiter.starts_with(rest);
        if !last && (may_become(&self.field) || may_become(&self.record)) {
            return Mark::Unknown;
        }
        Mark::Nothing
    }

    /// The first position from `at` on where a delimiter may begin or an escape stands.
    #[inline]
    fn find(&self, bytes: &[u8], mut at: usize) -> usize {
        let [a, b, c] = self.needles;
        let [wide_a, wide_b, wide_c] =
            [u64::from(a) * LOW_BITS, u64::from(b) * LOW_BITS, u64::from(c) * LOW_BITS];
        while let Some(word) = bytes.get(at..at + 8).and_then(|word| word.try_into().ok()) {
            let word = u64::from_le_bytes(word);
            let hits =
                zero_bytes(word ^ wide_a) | zero_bytes(word ^ wide_b) | zero_bytes(word ^ wide_c);
            if hits != 0 {
                return at + (hits.trailing_zeros() / 8) as usize;
            }
            at += 8;
        }
        while at < bytes.len() && bytes[at] != a && bytes[at] != b && bytes[at] != c {
            at += 1;
        }
        at
    }
}

/// Where the reader goes after a field.
enum Stop {
    Field(usize),
    Record(usize),
}

/// `starts_with`, quick for the usual delimiter of one byte.
#[inline]
fn starts_with(rest: &[u8], delimiter: &[u8]) -> bool {
    rest.first() == delimiter.first() && (delimiter.len() == 1 || rest.starts_with(delimiter))
}

/// The high bit of each byte that is zero; above the lowest such byte there may be false ones.
#[inline]
fn zero_bytes(word: u64) -> u64 {
    word.wrapping_sub(LOW_BITS) & !word & HIGH_BITS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fast_ways_cut_where_the_thorough_one_does() {
        const SYMBOLS: &[u8] = b"x,\"\n\r";
        for multi_line in [true, false] {
            let options = CsvOptions {
                field_optionally_enclosed_by: Some(b'"'),
                multi_line,
                ..CsvOptions::default()
            };
            let grammar = Grammar::new(&options);
            for number in 0..5_usize.pow(7) {
                let digits = (0..7).map(|place| SYMBOLS[number / 5_usize.pow(place) % 5]);
                let text: Vec<u8> = digits.collect();
                for last in [true, false] {
                    let wanted = grammar.whole_records_of_any_kind(&text, last);
                    let shown = String::from_utf8_lossy(&text);
                    assert_eq!(grammar.whole_records(&text, last), wanted, "{shown:?} {last}");
                    assert_eq!(
                        grammar.whole_quoted_records(&text, last),
                        Some(wanted),
                        "{shown:?}"
                    );
                }
            }
        }
    }
}
