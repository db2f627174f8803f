//! SEARCH and SEARCH_IP: full-text search.
//!
//! The binder hands on the columns that are searched, then the text that is looked for and the options, which are
//! constants.

use std::net::IpAddr;
use std::ops::Range;

use firn_types::{Error, ErrorCode, Result, SqlType};

use super::CATEGORY;
use crate::driver::{Texts, null_aware, texts};
use crate::{Argument, Arity, Documentation, Example, ScalarBinding, ScalarFunction, accept};

/// SEARCH(data, text [, ANALYZER => name] [, SEARCH_MODE => mode])
pub(crate) const SEARCH: ScalarFunction = ScalarFunction::new(
    "SEARCH",
    Arity::at_least(4),
    bind_search,
    Documentation::of(
        CATEGORY,
        "Whether some or all words of a text, or the words in their order, are in one of the values.",
        &[
            Example::of("SEARCH('leopard', 'snow leopard')", "True"),
            Example::of("SEARCH('snow leopard', 'leopard')", "True"),
            Example::of("SEARCH('leopard', 'snow leopard', SEARCH_MODE => 'AND')", "False"),
            Example::of("SEARCH('Snow-Leopard', 'snow leopard', SEARCH_MODE => 'PHRASE')", "True"),
            Example::of("SEARCH('snow', 'Snow', ANALYZER => 'NO_OP_ANALYZER')", "False"),
        ],
    ),
);

/// SEARCH_IP(data, addresses)
pub(crate) const SEARCH_IP: ScalarFunction = ScalarFunction::new(
    "SEARCH_IP",
    Arity::at_least(2),
    bind_search_ip,
    Documentation::of(
        CATEGORY,
        "Whether one of the values holds an IP address, or one of a range: '192.0.2.0/24'.",
        &[
            Example::of("SEARCH_IP('from 192.0.2.146 at noon', '192.0.2.146')", "True"),
            Example::of("SEARCH_IP('192.0.2.146', '192.0.3.0/24')", "False"),
        ],
    ),
);

/// How a text becomes tokens.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Analyzer {
    /// Letters and digits, in lower case.
    Default,
    /// Words as Unicode sees them, in lower case.
    Unicode,
    /// The text as a whole, as it is.
    NoOp,
}

/// Which tokens must be found.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Or,
    And,
    /// All, one behind the other.
    Phrase,
    /// All, one behind the other, with the same characters between.
    Exact,
}

/// A token with its place in the text.
struct Token {
    text: String,
    place: Range<usize>,
}

impl Analyzer {
    fn named(name: &str) -> Result<Analyzer> {
        match name.to_uppercase().as_str() {
            "DEFAULT_ANALYZER" => Ok(Analyzer::Default),
            "UNICODE_ANALYZER" => Ok(Analyzer::Unicode),
            "NO_OP_ANALYZER" => Ok(Analyzer::NoOp),
            _ => Err(Error::new(ErrorCode::InvalidValue, format!("Invalid analyzer: '{name}'"))),
        }
    }

    fn tokens(self, text: &str) -> Vec<Token> {
        if self == Analyzer::NoOp {
            return vec![Token { text: text.to_string(), place: 0..text.len() }];
        }
        let mut tokens = Vec::new();
        let mut start = None;
        for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
            // A point or an apostrophe between letters or digits does not end a word of Unicode.
            let joins = self == Analyzer::Unicode
                && (c == '_' || (matches!(c, '.' | '\'') && between_letters(text, at, c)));
            match (c.is_alphanumeric() || joins, start) {
                (true, None) => start = Some(at),
                (false, Some(from)) => {
                    tokens.push(Token { text: text[from..at].to_lowercase(), place: from..at });
                    start = None;
                }
                _ => {}
            }
        }
        tokens
    }
}

fn between_letters(text: &str, at: usize, c: char) -> bool {
    let before = text[..at].chars().next_back().is_some_and(char::is_alphanumeric);
    before && text[at + c.len_utf8()..].chars().next().is_some_and(char::is_alphanumeric)
}

/// What is looked for.
struct Wanted {
    analyzer: Analyzer,
    mode: Mode,
    tokens: Vec<Token>,
    /// The text from its first token to its last one.
    exact: String,
}

impl Wanted {
    fn new(text: &str, analyzer: &str, mode: &str) -> Result<Wanted> {
        let analyzer = Analyzer::named(analyzer)?;
        let mode = match mode.to_uppercase().as_str() {
            "OR" => Mode::Or,
            "AND" => Mode::And,
            "PHRASE" => Mode::Phrase,
            "EXACT" => Mode::Exact,
            _ => {
                let text = format!("Invalid search mode: '{mode}'");
                return Err(Error::new(ErrorCode::InvalidValue, text));
            }
        };
        let tokens = analyzer.tokens(text);
        let exact = around(text, &tokens);
        Ok(Wanted { analyzer, mode, tokens, exact })
    }

    fn is_in(&self, text: &str) -> bool {
        let found = self.analyzer.tokens(text);
        let has = |token: &Token| found.iter().any(|other| other.text == token.text);
        let same = |window: &[Token]| {
            window.iter().zip(&self.tokens).all(|(found, wanted)| found.text == wanted.text)
        };
        match self.mode {
            _ if self.tokens.is_empty() => false,
            Mode::Or => self.tokens.iter().any(has),
            Mode::And => self.tokens.iter().all(has),
            Mode::Phrase => found.windows(self.tokens.len()).any(same),
            Mode::Exact => found
                .windows(self.tokens.len())
                .any(|window| same(window) && around(text, window) == self.exact),
        }
    }
}

/// The text from the first token to the last one, in lower case.
fn around(text: &str, tokens: &[Token]) -> String {
    match (tokens.first(), tokens.last()) {
        (Some(first), Some(last)) => text[first.place.start..last.place.end].to_lowercase(),
        _ => String::new(),
    }
}

/// The constant text of an argument.
fn option<'a>(name: &str, arguments: &'a [Argument], position: usize) -> Result<&'a str> {
    accept::constant_text(arguments, position).ok_or_else(|| {
        let text = format!("the text and the options of function {name} need to be constant");
        Error::new(ErrorCode::ConstantArgument, text)
    })
}

fn bind_search(arguments: &[Argument]) -> Result<ScalarBinding> {
    let name = "SEARCH";
    let data = arguments.len() - 3;
    let text = option(name, arguments, data)?;
    let (analyzer, mode) = (option(name, arguments, data + 1)?, option(name, arguments, data + 2)?);
    let wanted = Wanted::new(text, analyzer, mode)?;
    bind_test(arguments, data, move |text| wanted.is_in(text))
}

fn bind_search_ip(arguments: &[Argument]) -> Result<ScalarBinding> {
    let name = "SEARCH_IP";
    let data = arguments.len() - 1;
    let text = option(name, arguments, data)?;
    let mut ranges = Vec::new();
    for address in text.split([' ', ',']).filter(|address| !address.is_empty()) {
        ranges.push(address_range(address).ok_or_else(|| {
            let text = format!("Invalid IP address or range in function SEARCH_IP: '{address}'");
            Error::new(ErrorCode::InvalidValue, text)
        })?);
    }
    bind_test(arguments, data, move |text| {
        let found =
            |address: IpAddr| ranges.iter().any(|(low, high)| (*low..=*high).contains(&address));
        addresses(text).any(found)
    })
}

/// A test of each of the first arguments, as texts: NULL when all of them are.
fn bind_test(
    arguments: &[Argument],
    data: usize,
    holds: impl Fn(&str) -> bool + Send + Sync + 'static,
) -> Result<ScalarBinding> {
    let types = vec![SqlType::TEXT; arguments.len()];
    let kernel = null_aware(move |rows, columns| {
        let columns = columns[..data].iter().map(texts).collect::<Result<Vec<Texts<'_>>>>()?;
        rows.map(|at| {
            let mut present = columns.iter().filter(|column| !column.is_null(at)).peekable();
            let some = present.peek().is_some();
            Ok(some.then(|| present.any(|column| holds(column.get(at)))))
        })
    });
    ScalarBinding::new(types, SqlType::Boolean, kernel)
}

/// The first and the last address of a range, or the same one twice.
fn address_range(text: &str) -> Option<(IpAddr, IpAddr)> {
    if let Some((low, high)) = text.split_once('-') {
        let (low, high): (IpAddr, IpAddr) = (low.parse().ok()?, high.parse().ok()?);
        return (low.is_ipv4() == high.is_ipv4()).then_some((low, high));
    }
    let Some((address, length)) = text.split_once('/') else {
        let address = text.parse().ok()?;
        return Some((address, address));
    };
    super::ip_range(address.parse().ok()?, length.parse().ok()?)
}

/// The addresses that a text holds.
fn addresses(text: &str) -> impl Iterator<Item = IpAddr> {
    let pieces = text.split(|c: char| !(c.is_ascii_hexdigit() || matches!(c, '.' | ':')));
    pieces.filter_map(|piece| {
        let piece = piece.trim_matches('.');
        let without_port = || piece.split_once(':').and_then(|(host, _)| host.parse().ok());
        piece.parse().ok().or_else(without_port)
    })
}
