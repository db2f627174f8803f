//! The lexemes of one statement: as the grammar's tokens, and as an outline that answers where things
//! stand in the text.

use firn_types::{Error, Result, Span};
use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Location, Span as TokenSpan, Token, TokenWithSpan, Word};

use super::dialect::MARK;
use super::literal;
use super::scan::{Kind, Lexeme, Scanner, unexpected};

/// Words that sqlparser reads as syntax of other dialects; to Snowflake they are plain names.
const PLAIN_WORDS: [Keyword; 36] = [
    Keyword::ANTI,
    Keyword::APPLY,
    Keyword::ARRAY,
    Keyword::CEIL,
    Keyword::CLUSTER,
    Keyword::CONVERT,
    Keyword::DISTRIBUTE,
    Keyword::DIV,
    Keyword::FINAL,
    Keyword::FLOOR,
    Keyword::FORMAT,
    Keyword::GLOB,
    Keyword::GLOBAL,
    Keyword::JSON_TABLE,
    Keyword::LAMBDA,
    Keyword::MAP,
    Keyword::MATCH,
    Keyword::MEMBER,
    Keyword::NOTNULL,
    Keyword::OPENJSON,
    Keyword::OPERATOR,
    Keyword::OVERLAPS,
    Keyword::OVERLAY,
    Keyword::PREWHERE,
    Keyword::SAFE_CAST,
    Keyword::SEMANTIC_VIEW,
    Keyword::SEMI,
    Keyword::SETTINGS,
    Keyword::SIMILAR,
    Keyword::SORT,
    Keyword::STRAIGHT_JOIN,
    Keyword::STRUCT,
    Keyword::TRY_CONVERT,
    Keyword::UNNEST,
    Keyword::XMLTABLE,
    Keyword::XOR,
];

/// Tokens of the mask of a MATCH_RECOGNIZE beside its list: `c FOR c IN ( )`.
const MASK_LEAST: usize = 6;

/// The lexemes of a statement and which brackets belong together.
pub(super) struct Outline<'a> {
    /// The statement.
    pub(super) text: &'a str,
    /// Its lexemes; token number `n` of the grammar is lexeme number `n`.
    pub(super) lexemes: Vec<Lexeme>,
    /// For each bracket the number of its partner, for everything else its own number.
    partners: Vec<usize>,
    /// The brackets of each MATCH_RECOGNIZE.
    row_matches: Vec<(usize, usize)>,
    /// Most brackets, CASEs and prefix operators that are open at once.
    pub(super) nesting: usize,
}

impl<'a> Outline<'a> {
    /// Reads the lexemes of bytes `start..end` of a statement; their places count from its beginning.
    /// Errors: what the scanner finds.
    pub(super) fn part(text: &'a str, start: usize, end: usize) -> Result<Outline<'a>> {
        let mut scanner = Scanner::from(text.get(..end).unwrap_or(text), start);
        let mut lexemes: Vec<Lexeme> = Vec::with_capacity((end - start) / 4);
        while let Some(lexeme) = scanner.next()? {
            // `DIRECTED` only fixes the order of a join, which is a hint.
            if lexeme.of(text).eq_ignore_ascii_case("join")
                && lexemes.last().is_some_and(|last| {
                    last.kind == Kind::Word && last.of(text).eq_ignore_ascii_case("directed")
                })
            {
                lexemes.pop();
            }
            lexemes.push(lexeme);
        }
        let mut outline =
            Outline { text, lexemes, partners: Vec::new(), row_matches: Vec::new(), nesting: 0 };
        outline.match_brackets();
        outline.find_row_matches();
        Ok(outline)
    }

    fn find_row_matches(&mut self) {
        for index in 0..self.lexemes.len() {
            let inside = self.row_matches.last().is_some_and(|(_, close)| index < *close);
            let open = index + 1;
            if !inside && self.is_word(index, "MATCH_RECOGNIZE") && self.is_symbol(open, "(") {
                let close = self.partner(open);
                if close > open + MASK_LEAST + 1 {
                    self.row_matches.push((open, close));
                }
            }
        }
    }

    /// What stands for lexeme `index` of a MATCH_RECOGNIZE: sqlparser cannot read all of it, and reads an UNPIVOT of
    /// as many tokens instead, which says where the clause begins.
    fn masked(&self, index: usize) -> Option<Token> {
        let covers = |(open, close): &&(usize, usize)| (open - 1..*close).contains(&index);
        let (open, close) = *self.row_matches.iter().find(covers)?;
        let (inner, words) = (close - open - 1, close - open - 1 - MASK_LEAST);
        let word = || quoted("c".to_string());
        Some(match (index + 1).checked_sub(open)? {
            0 => Token::make_keyword("UNPIVOT"),
            1 | 6 => Token::LParen,
            2 => word(),
            3 => Token::make_keyword("FOR"),
            4 => quoted(format!("{MARK}{open}")),
            5 => Token::make_keyword("IN"),
            place if place == inner + 1 => Token::RParen,
            // A list of names, the first of them with a sign where there is one token more.
            7 if words.is_multiple_of(2) => Token::Minus,
            place if (place - 7 + words) % 2 == 1 => word(),
            _ => Token::Comma,
        })
    }

    fn match_brackets(&mut self) {
        self.partners = (0..self.lexemes.len()).collect();
        let mut open = Vec::new();
        let (mut cases, mut prefixes) = (0_usize, 0_usize);
        for (index, lexeme) in self.lexemes.iter().enumerate() {
            let word = lexeme.of(self.text);
            match word {
                "(" | "[" | "{" => open.push(index),
                ")" | "]" | "}" => {
                    if let Some(start) = open.pop() {
                        self.partners[start] = index;
                        self.partners[index] = start;
                    }
                }
                _ if word.eq_ignore_ascii_case("case") => cases += 1,
                _ if word.eq_ignore_ascii_case("end") => cases = cases.saturating_sub(1),
                _ => {}
            }
            let prefix = matches!(word, "-" | "+") || word.eq_ignore_ascii_case("not");
            prefixes = if prefix { prefixes + 1 } else { 0 };
            self.nesting = self.nesting.max(open.len() + cases + prefixes);
        }
    }

    /// The text of lexeme `index`; empty beyond the end.
    pub(super) fn word(&self, index: usize) -> &'a str {
        self.lexemes.get(index).map_or("", |lexeme| lexeme.of(self.text))
    }

    /// Whether lexeme `index` is this word, in any case, unquoted.
    pub(super) fn is_word(&self, index: usize, word: &str) -> bool {
        self.lexemes.get(index).is_some_and(|lexeme| {
            lexeme.kind == Kind::Word && lexeme.of(self.text).eq_ignore_ascii_case(word)
        })
    }

    /// Whether lexeme `index` is this punctuation.
    pub(super) fn is_symbol(&self, index: usize, symbol: &str) -> bool {
        self.lexemes
            .get(index)
            .is_some_and(|lexeme| lexeme.kind == Kind::Symbol && lexeme.of(self.text) == symbol)
    }

    /// The number of the lexeme at a byte, or of the next one.
    pub(super) fn at(&self, byte: u32) -> usize {
        self.lexemes.partition_point(|lexeme| lexeme.end <= byte as usize)
    }

    /// The number of the bracket that belongs to bracket `index`; `index` itself for anything else.
    pub(super) fn partner(&self, index: usize) -> usize {
        self.partners.get(index).copied().unwrap_or(index)
    }

    /// The place of lexeme `index`; the end of the text beyond the last one.
    pub(super) fn span(&self, index: usize) -> Span {
        self.lexemes
            .get(index)
            .map_or(Span::new(self.text.len(), self.text.len()), |lexeme| lexeme.span())
    }

    /// The place of lexemes `from..to`.
    pub(super) fn range(&self, from: usize, to: usize) -> Span {
        if from >= to {
            return self.span(from);
        }
        self.span(from).to(self.span(to - 1))
    }

    /// The syntax error that lexeme `index` is where it may not be.
    pub(super) fn unexpected(&self, index: usize) -> Error {
        match self.lexemes.get(index) {
            Some(lexeme) => unexpected(lexeme.of(self.text), lexeme.span()),
            None => unexpected("<EOF>", Span::new(self.text.len(), self.text.len())),
        }
    }

    /// The whole call around an argument: from the name before the open bracket to its partner.
    pub(super) fn call_around(&self, argument: Span) -> Span {
        let mut index = self.at(argument.start);
        while index > 0 {
            index -= 1;
            match self.word(index) {
                ")" | "]" | "}" => index = self.partner(index).min(index),
                "(" => return self.range(index.saturating_sub(1), self.partner(index) + 1),
                _ => {}
            }
        }
        argument
    }

    /// The grammar's tokens. Places are counted in bytes: line 1, the byte as column.
    pub(super) fn tokens(&self) -> Result<Vec<TokenWithSpan>> {
        self.lexemes
            .iter()
            .enumerate()
            .map(|(index, lexeme)| {
                let place = |byte: usize| Location { line: 1, column: byte as u64 + 1 };
                let span = TokenSpan { start: place(lexeme.start), end: place(lexeme.end) };
                // `TABLE t` as a query is what other dialects write as `FROM t`.
                let token = if let Some(token) = self.masked(index) {
                    token
                } else if self.is_table_query(index) {
                    Token::make_keyword("FROM")
                } else if self.is_piped_rows(index) {
                    quoted(lexeme.of(self.text).to_string())
                } else {
                    token(*lexeme, self.text)?
                };
                Ok(TokenWithSpan { token, span })
            })
            .collect()
    }

    /// Whether lexeme `index` is a `$n` that stands for the rows of a piped statement: behind FROM or JOIN.
    fn is_piped_rows(&self, index: usize) -> bool {
        let before = index.checked_sub(1);
        let is_source = before
            .is_some_and(|before| self.is_word(before, "FROM") || self.is_word(before, "JOIN"));
        is_source
            && self.lexemes[index].kind == Kind::Placeholder
            && self.word(index)[1..].bytes().all(|byte| byte.is_ascii_digit())
            && self.word(index).len() > 1
    }

    /// Whether lexeme `index` is the TABLE of a query `TABLE t`.
    pub(super) fn is_table_query(&self, index: usize) -> bool {
        const BEFORE: [&str; 7] = ["AS", "UNION", "ALL", "NAME", "EXCEPT", "MINUS", "INTERSECT"];
        let follows = index.checked_sub(1).is_none_or(|before| {
            self.is_symbol(before, "(")
                || self.is_symbol(before, ")")
                || BEFORE.iter().any(|word| self.is_word(before, word))
        });
        let name = self.lexemes.get(index + 1);
        follows
            && self.is_word(index, "TABLE")
            && name.is_some_and(|name| matches!(name.kind, Kind::Word | Kind::Quoted))
    }
}

/// The byte range of a token's or node's place.
pub(super) fn span_of(span: TokenSpan) -> Span {
    let byte = |location: Location| usize::try_from(location.column.saturating_sub(1)).unwrap_or(0);
    Span::new(byte(span.start), byte(span.end))
}

/// The grammar's token for a lexeme.
fn token(lexeme: Lexeme, text: &str) -> Result<Token> {
    let source = lexeme.of(text);
    let text = |text: &str| Token::SingleQuotedString(text.to_string());
    Ok(match lexeme.kind {
        Kind::Word => match Token::make_word(source, None) {
            Token::Word(word) if PLAIN_WORDS.contains(&word.keyword) => {
                Token::Word(Word { keyword: Keyword::NoKeyword, ..word })
            }
            other => other,
        },
        Kind::Quoted => quoted(literal::unquote(source)),
        Kind::Number => Token::Number(source.to_string(), false),
        Kind::Text => text(&literal::unescape(source)),
        Kind::Raw => text(source.get(2..source.len().saturating_sub(2)).unwrap_or("")),
        Kind::Hex => Token::HexStringLiteral(literal::unescape(&source[1..]).into_owned()),
        Kind::Stage | Kind::Url => text(source),
        Kind::Placeholder => Token::Placeholder(source.to_string()),
        Kind::Symbol => symbol(source).ok_or_else(|| unexpected(source, lexeme.span()))?,
    })
}

fn quoted(value: String) -> Token {
    Token::Word(Word { value, quote_style: Some('"'), keyword: Keyword::NoKeyword })
}

fn symbol(source: &str) -> Option<Token> {
    Some(match source {
        "+" => Token::Plus,
        "-" => Token::Minus,
        "*" => Token::Mul,
        "/" => Token::Div,
        "%" => Token::Mod,
        "=" => Token::Eq,
        "<" => Token::Lt,
        ">" => Token::Gt,
        "<=" => Token::LtEq,
        ">=" => Token::GtEq,
        "<>" | "!=" => Token::Neq,
        "||" => Token::StringConcat,
        "::" => Token::DoubleColon,
        ":=" => Token::Assignment,
        "=>" => Token::RArrow,
        "->" => Token::Arrow,
        // To the grammar of expressions it ends a statement, as it does.
        "->>" => Token::SemiColon,
        "**" => Token::DoubleSharp,
        "(" => Token::LParen,
        ")" => Token::RParen,
        "[" => Token::LBracket,
        "]" => Token::RBracket,
        "{" => Token::LBrace,
        "}" => Token::RBrace,
        "," => Token::Comma,
        "." => Token::Period,
        "|" => Token::Pipe,
        "^" => Token::Caret,
        "$" => Token::Placeholder("$".to_string()),
        ";" => Token::SemiColon,
        ":" => Token::Colon,
        _ => return None,
    })
}
