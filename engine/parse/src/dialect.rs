//! sqlparser's Snowflake dialect, with what it lacks.
//!
//! Constructs that sqlparser's tree cannot hold are read here, kept aside, and stand in the tree as a name
//! that begins with the null character and ends with their number.

use std::any::TypeId;
use std::cell::RefCell;

use firn_types::limits::NESTING_MAX;
use sqlparser::ast::{
    CastKind, DataType, DateTimeField, DictionaryField, Expr, ExtractSyntax, Ident, NullTreatment,
    ObjectName, SelectItem, Statement, TypedString, UnaryOperator, WindowType,
};
use sqlparser::dialect::{Dialect, Precedence, SnowflakeDialect};
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Token, TokenWithSpan, Word};

use super::ast::TypeName;
use super::scan::{is_word_part, is_word_start};
use super::types::{peek_word, read_type};

/// What every name that stands for something kept aside begins with.
pub(super) const MARK: char = '\0';

/// Words that are never names.
#[rustfmt::skip]
pub(super) const RESERVED: [&str; 69] = [
    "ALL", "ALTER", "AND", "ANY", "AS", "BETWEEN", "BY", "CASE", "CAST", "CHECK", "COLUMN",
    "CONNECT", "CONSTRAINT", "CREATE", "CURRENT", "DELETE", "DISTINCT", "DROP", "ELSE", "EXISTS",
    "FALSE", "FOLLOWING", "FOR", "FROM", "GRANT", "GROUP", "HAVING", "ILIKE", "IN", "INCREMENT",
    "INSERT", "INTERSECT", "INTO", "IS", "LIKE", "MINUS", "NOT", "NULL", "OF", "ON", "OR", "ORDER",
    "QUALIFY", "REGEXP", "REVOKE", "RLIKE", "ROW", "ROWS", "SAMPLE", "SELECT", "SET", "SOME",
    "START", "TABLE", "TABLESAMPLE", "THEN", "TO", "TRIGGER", "TRUE", "TRY_CAST", "UNION", "UNIQUE",
    "UPDATE", "VALUES", "WHEN", "WHENEVER", "WHERE", "WINDOW", "WITH",
];

/// Words that name neither a table nor an alias in FROM.
#[rustfmt::skip]
pub(super) const RESERVED_IN_FROM: [&str; 11] = [
    "ASOF", "CROSS", "FULL", "INNER", "JOIN", "LATERAL", "LEFT", "MATCH_CONDITION", "NATURAL",
    "RIGHT", "USING",
];

/// Reserved words that may still name a function or a column behind a point.
const FUNCTION_WORDS: [&str; 8] =
    ["INSERT", "LIKE", "ILIKE", "RLIKE", "CURRENT", "ROW", "INCREMENT", "REGEXP"];

/// Reserved words that an expression may begin with.
const EXPRESSION_WORDS: [&str; 8] =
    ["CASE", "CAST", "EXISTS", "FALSE", "NOT", "NULL", "TRUE", "TRY_CAST"];

/// The dialect, and what was kept aside while reading one statement.
#[derive(Debug, Default)]
pub(super) struct FirnDialect {
    types: RefCell<Vec<TypeName>>,
    stars: RefCell<Vec<SelectItem>>,
    names: RefCell<Vec<Expr>>,
}

impl FirnDialect {
    /// The type that a data type in the tree stands for.
    pub(super) fn type_of(&self, data_type: &DataType) -> Option<TypeName> {
        let DataType::Custom(name, _) = data_type else { return None };
        let ident = name.0.first()?.as_ident()?;
        self.types.borrow().get(number(&ident.value)?).cloned()
    }

    /// The `*` that the key of an object literal stands for.
    pub(super) fn star_of(&self, key: &Ident) -> Option<SelectItem> {
        self.stars.borrow().get(number(&key.value)?).cloned()
    }

    /// The argument of IDENTIFIER() that a function's name stands for.
    pub(super) fn name_of(&self, name: &Ident) -> Option<Expr> {
        self.names.borrow().get(number(&name.value)?).cloned()
    }

    /// Reads a type into the tree.
    fn keep_type(&self, parser: &mut Parser<'_>) -> Result<DataType, ParserError> {
        let data_type = read_type(parser)?;
        self.types.borrow_mut().push(data_type);
        let mark = mark(self.types.borrow().len() - 1);
        Ok(DataType::Custom(ObjectName::from(vec![mark]), Vec::new()))
    }

    /// `CAST(x AS type)`.
    fn cast(&self, parser: &mut Parser<'_>, kind: CastKind) -> Result<Expr, ParserError> {
        parser.advance_token();
        parser.expect_token(&Token::LParen)?;
        let expr = Box::new(parser.parse_expr()?);
        parser.expect_keyword_is(Keyword::AS)?;
        let data_type = self.keep_type(parser)?;
        parser.expect_token(&Token::RParen)?;
        Ok(Expr::Cast { kind, expr, data_type, format: None })
    }

    /// `{*}`, `{t.* EXCLUDE a}`.
    fn object_star(&self, parser: &mut Parser<'_>) -> Result<Expr, ParserError> {
        parser.advance_token();
        let star = parser.parse_select_item()?;
        parser.expect_token(&Token::RBrace)?;
        self.stars.borrow_mut().push(star);
        let key = mark(self.stars.borrow().len() - 1);
        let value = Box::new(Expr::Identifier(key.clone()));
        Ok(Expr::Dictionary(vec![DictionaryField { key, value }]))
    }

    /// `(*)`, `(t.* EXCLUDE a)`: columns as one argument. In the tree its value is in parentheses.
    fn parenthesized_star(&self, parser: &mut Parser<'_>) -> Result<Expr, ParserError> {
        parser.advance_token();
        let star = parser.parse_select_item()?;
        parser.expect_token(&Token::RParen)?;
        self.stars.borrow_mut().push(star);
        let key = mark(self.stars.borrow().len() - 1);
        let value = Box::new(Expr::Nested(Box::new(Expr::Identifier(key.clone()))));
        Ok(Expr::Dictionary(vec![DictionaryField { key, value }]))
    }

    /// `IDENTIFIER('f')(..)`.
    fn named_call(&self, parser: &mut Parser<'_>) -> Result<Expr, ParserError> {
        parser.advance_token();
        parser.expect_token(&Token::LParen)?;
        let name = parser.parse_expr()?;
        parser.expect_token(&Token::RParen)?;
        self.names.borrow_mut().push(name);
        let mark = mark(self.names.borrow().len() - 1);
        parser.parse_function(ObjectName::from(vec![mark]))
    }

    /// `**x`.
    fn spread(parser: &mut Parser<'_>) -> Result<Expr, ParserError> {
        parser.advance_token();
        let expr =
            Box::new(parser.parse_subexpr(SnowflakeDialect.prec_value(Precedence::DoubleColon))?);
        Ok(Expr::UnaryOp { op: UnaryOperator::DoubleAt, expr })
    }

    /// `PRIOR x` or `CONNECT_BY_ROOT x`, which bind as a sign does.
    fn of_ancestor(parser: &mut Parser<'_>) -> Result<Expr, ParserError> {
        let prefix = parser.parse_identifier()?;
        let value = parser.parse_subexpr(SnowflakeDialect.prec_value(Precedence::MulDivModOp))?;
        let value = Box::new(value);
        Ok(match prefix.value.eq_ignore_ascii_case("prior") {
            true => Expr::Prior(value),
            false => Expr::Prefixed { prefix, value },
        })
    }

    /// `FINAL f(..)` and `RUNNING f(..)` of MATCH_RECOGNIZE.
    fn match_form(parser: &mut Parser<'_>) -> Result<Expr, ParserError> {
        let prefix = parser.parse_identifier()?;
        let value =
            Box::new(parser.parse_subexpr(SnowflakeDialect.prec_value(Precedence::DoubleColon))?);
        Ok(Expr::Prefixed { prefix, value })
    }

    /// `DATE '..'` and its kin.
    fn dated(parser: &mut Parser<'_>, word: &str) -> Result<Expr, ParserError> {
        let name = Ident::with_span(parser.next_token().span, word.to_uppercase());
        let data_type = DataType::Custom(ObjectName::from(vec![name]), Vec::new());
        let value = parser.parse_value()?;
        Ok(Expr::TypedString(TypedString { data_type, value, uses_odbc_syntax: false }))
    }

    /// `{fn f(..)}`, `{d '..'}`, `{t '..'}` and `{ts '..'}`: the escapes of ODBC and JDBC.
    fn odbc(parser: &mut Parser<'_>) -> Result<Expr, ParserError> {
        parser.advance_token();
        let kind = parser.parse_identifier()?.value.to_lowercase();
        let inner = match kind.as_str() {
            "fn" => parser.parse_expr()?,
            kind => {
                let name = match kind {
                    "d" => "DATE",
                    "t" => "TIME",
                    _ => "TIMESTAMP",
                };
                let name = Ident::with_span(parser.peek_token_ref().span, name);
                let data_type = DataType::Custom(ObjectName::from(vec![name]), Vec::new());
                let value = parser.parse_value()?;
                Expr::TypedString(TypedString { data_type, value, uses_odbc_syntax: false })
            }
        };
        parser.expect_token(&Token::RBrace)?;
        Ok(inner)
    }

    /// `DATE_PART(part FROM date)`, which is EXTRACT.
    fn part_from(parser: &mut Parser<'_>) -> Result<Expr, ParserError> {
        parser.advance_token();
        parser.expect_token(&Token::LParen)?;
        let part = match parser.next_token() {
            TokenWithSpan { token: Token::SingleQuotedString(text), span } => {
                Ident::with_span(span, text)
            }
            TokenWithSpan { token: Token::Word(word), span } => Ident::with_span(span, word.value),
            other => return parser.expected("a part of dates", other),
        };
        parser.expect_keyword_is(Keyword::FROM)?;
        let expr = Box::new(parser.parse_expr()?);
        parser.expect_token(&Token::RParen)?;
        let (field, syntax) = (DateTimeField::Custom(part), ExtractSyntax::From);
        Ok(Expr::Extract { field, syntax, expr })
    }

    /// `NTH_VALUE(x, n) FROM FIRST [IGNORE NULLS] OVER (..)`: FROM FIRST is what holds without it.
    fn nth_value(parser: &mut Parser<'_>) -> Result<Expr, ParserError> {
        let name = ObjectName::from(vec![parser.parse_identifier()?]);
        let Expr::Function(mut function) = parser.parse_function(name)? else {
            return parser.expected_ref("a call", parser.peek_token_ref());
        };
        if function.over.is_some() || !parser.parse_keywords(&[Keyword::FROM, Keyword::FIRST]) {
            return Ok(Expr::Function(function));
        }
        if parser.parse_keywords(&[Keyword::IGNORE, Keyword::NULLS]) {
            function.null_treatment = Some(NullTreatment::IgnoreNulls);
        } else if parser.parse_keywords(&[Keyword::RESPECT, Keyword::NULLS]) {
            function.null_treatment = Some(NullTreatment::RespectNulls);
        }
        parser.expect_keyword_is(Keyword::OVER)?;
        function.over = Some(match parser.consume_token(&Token::LParen) {
            true => WindowType::WindowSpec(parser.parse_window_spec()?),
            false => WindowType::NamedWindow(parser.parse_identifier()?),
        });
        Ok(Expr::Function(function))
    }

    /// `[NOT] LIKE ALL (..)`: the pattern is marked with the word ALL.
    fn like_all(parser: &mut Parser<'_>, left: &Expr) -> Result<Expr, ParserError> {
        let negated = parser.parse_keyword(Keyword::NOT);
        let like = parser.parse_keyword(Keyword::LIKE);
        if !like {
            parser.expect_keyword_is(Keyword::ILIKE)?;
        }
        parser.expect_keyword_is(Keyword::ALL)?;
        let pattern = parser.parse_subexpr(SnowflakeDialect.prec_value(Precedence::Like))?;
        let escape_char = match parser.parse_keyword(Keyword::ESCAPE) {
            true => Some(Box::new(Expr::Value(parser.parse_value()?))),
            false => None,
        };
        let expr = Box::new(left.clone());
        let pattern = Box::new(Expr::Named { expr: Box::new(pattern), name: Ident::new("ALL") });
        Ok(match like {
            true => Expr::Like { negated, any: true, expr, pattern, escape_char },
            false => Expr::ILike { negated, any: true, expr, pattern, escape_char },
        })
    }
}

fn mark(number: usize) -> Ident {
    Ident::new(format!("{MARK}{number}"))
}

fn number(value: &str) -> Option<usize> {
    value.strip_prefix(MARK)?.parse().ok()
}

/// Whether `*` or `t.*` follows an open parenthesis.
fn is_star(parser: &Parser<'_>) -> bool {
    let mut ahead = 1;
    while let Token::Word(_) = parser.peek_nth_token_ref(ahead).token
        && parser.peek_nth_token_ref(ahead + 1).token == Token::Period
    {
        ahead += 2;
    }
    parser.peek_nth_token_ref(ahead).token == Token::Mul
}

/// Whether an open brace begins an escape of ODBC: `{fn f(`, `{d '`.
fn is_odbc(parser: &Parser<'_>) -> bool {
    let literal = ["D", "T", "TS"].iter().any(|word| peek_word(parser, 1, word));
    match parser.peek_nth_token_ref(2).token {
        Token::SingleQuotedString(_) => literal,
        Token::Word(_) => {
            peek_word(parser, 1, "FN") && parser.peek_nth_token_ref(3).token == Token::LParen
        }
        _ => false,
    }
}

/// Whether a part of dates and FROM come behind the open parenthesis of a call.
fn is_part_from(parser: &Parser<'_>) -> bool {
    parser.peek_nth_token_ref(1).token == Token::LParen && peek_word(parser, 3, "FROM")
}

/// Whether a word is FINAL or RUNNING before a call.
fn is_match_form(parser: &Parser<'_>, word: &str) -> bool {
    ["FINAL", "RUNNING"].iter().any(|name| word.eq_ignore_ascii_case(name))
        && matches!(parser.peek_nth_token_ref(1).token, Token::Word(_))
        && parser.peek_nth_token_ref(2).token == Token::LParen
}

/// Whether `IDENTIFIER(` is followed by `)(`.
fn is_named_call(parser: &Parser<'_>) -> bool {
    let mut depth = 0_usize;
    for ahead in 1.. {
        match parser.peek_nth_token_ref(ahead).token {
            Token::LParen => depth += 1,
            Token::RParen if depth <= 1 => {
                return depth == 1 && parser.peek_nth_token_ref(ahead + 1).token == Token::LParen;
            }
            Token::RParen => depth -= 1,
            Token::EOF => return false,
            _ if depth == 0 => return false,
            _ => {}
        }
    }
    false
}

/// Whether a word in upper case is never a name.
pub(super) fn is_reserved(word: &str) -> bool {
    RESERVED.contains(&word)
}

macro_rules! as_snowflake_does {
    ($($name:ident)*) => { $(fn $name(&self) -> bool { SnowflakeDialect.$name() })* };
}

impl Dialect for FirnDialect {
    fn dialect(&self) -> TypeId {
        TypeId::of::<SnowflakeDialect>()
    }

    fn is_identifier_start(&self, c: char) -> bool {
        is_word_start(c)
    }

    fn is_identifier_part(&self, c: char) -> bool {
        is_word_part(c)
    }

    as_snowflake_does! {
        supports_projection_trailing_commas supports_object_name_double_dot_notation
        supports_string_literal_backslash_escape supports_within_after_array_aggregation
        supports_outer_join_operator supports_connect_by supports_match_recognize
        supports_dictionary_syntax supports_window_function_null_treatment_arg
        supports_extract_comma_syntax supports_subquery_as_function_arg
        supports_array_typedef_without_element_type supports_parens_around_table_factor
        supports_values_as_table_factor allow_extract_custom allow_extract_single_quotes
        supports_left_associative_joins_without_parens supports_partiql supports_table_versioning
        supports_group_by_expr supports_select_expr_star supports_select_wildcard_exclude
        supports_select_wildcard_replace supports_select_wildcard_ilike
        supports_select_wildcard_rename supports_lambda_functions supports_comma_separated_trim
    }

    fn identifier_quote_style(&self, identifier: &str) -> Option<char> {
        SnowflakeDialect.identifier_quote_style(identifier)
    }

    fn supports_order_by_all(&self) -> bool {
        true
    }

    // `TABLE t` as a query is read as `FROM t`; see `Outline::tokens`.
    fn supports_from_first_select(&self) -> bool {
        true
    }

    fn is_reserved_for_identifier(&self, keyword: Keyword) -> bool {
        let word = format!("{keyword:?}");
        (is_reserved(&word) && !FUNCTION_WORDS.contains(&word.as_str()))
            || SnowflakeDialect.is_reserved_for_identifier(keyword)
    }

    fn is_column_alias(&self, keyword: &Keyword, parser: &mut Parser<'_>) -> bool {
        // Behind a comma this asks whether another item comes, which may begin with a reserved word.
        !matches!(keyword, Keyword::QUALIFY | Keyword::WINDOW)
            && !limits(keyword, parser)
            && SnowflakeDialect.is_column_alias(keyword, parser)
    }

    fn is_table_alias(&self, keyword: &Keyword, parser: &mut Parser<'_>) -> bool {
        !is_reserved(&format!("{keyword:?}"))
            && !limits(keyword, parser)
            && SnowflakeDialect.is_table_alias(keyword, parser)
    }

    fn is_table_factor(&self, keyword: &Keyword, parser: &mut Parser<'_>) -> bool {
        SnowflakeDialect.is_table_factor(keyword, parser)
    }

    fn get_reserved_keywords_for_select_item_operator(&self) -> &[Keyword] {
        SnowflakeDialect.get_reserved_keywords_for_select_item_operator()
    }

    fn is_identifier_generating_function_name(
        &self,
        ident: &Ident,
        name_parts: &[sqlparser::ast::ObjectNamePart],
    ) -> bool {
        SnowflakeDialect.is_identifier_generating_function_name(ident, name_parts)
    }

    fn get_next_precedence(&self, parser: &Parser<'_>) -> Option<Result<u8, ParserError>> {
        // `||` binds as `+` does.
        if parser.peek_token_ref().token == Token::StringConcat {
            return Some(Ok(SnowflakeDialect.prec_value(Precedence::PlusMinus)));
        }
        if is_collation(parser) {
            return Some(Ok(SnowflakeDialect.prec_value(Precedence::DoubleColon)));
        }
        SnowflakeDialect.get_next_precedence(parser)
    }

    // Statements are read by firn's own grammar.
    fn parse_statement(&self, _: &mut Parser<'_>) -> Option<Result<Statement, ParserError>> {
        None
    }

    fn parse_prefix(&self, parser: &mut Parser<'_>) -> Option<Result<Expr, ParserError>> {
        let next = &parser.peek_nth_token_ref(1).token;
        match &parser.peek_token_ref().token {
            Token::Number(..) | Token::SingleQuotedString(_) => {
                Some(parser.parse_value().map(Expr::Value))
            }
            Token::DoubleSharp => Some(Self::spread(parser)),
            Token::LParen if is_star(parser) => Some(self.parenthesized_star(parser)),
            Token::LBrace if is_odbc(parser) => Some(Self::odbc(parser)),
            Token::LBrace => match next {
                Token::Mul => Some(self.object_star(parser)),
                Token::Word(_) => Some(self.object_star(parser)),
                _ => None,
            },
            Token::Word(Word { value, quote_style: None, keyword }) => match keyword {
                Keyword::CAST if *next == Token::LParen => Some(self.cast(parser, CastKind::Cast)),
                Keyword::TRY_CAST if *next == Token::LParen => {
                    Some(self.cast(parser, CastKind::TryCast))
                }
                _ if matches!(next, Token::SingleQuotedString(_)) && timestamp_word(value) => {
                    let word = value.clone();
                    Some(Self::dated(parser, &word))
                }
                _ if matches!(next, Token::Word(_)) && asks_ancestors(parser, value) => {
                    Some(Self::of_ancestor(parser))
                }
                _ if !begins_expression(value, next) => {
                    Some(parser.expected_ref("an expression", parser.peek_token_ref()))
                }
                _ if is_match_form(parser, value) => Some(Self::match_form(parser)),
                _ if value.eq_ignore_ascii_case("identifier") && is_named_call(parser) => {
                    Some(self.named_call(parser))
                }
                // A path of a column, though its name be that of a type: `json:a`.
                _ if *next == Token::Colon => Some(parser.parse_identifier().map(Expr::Identifier)),
                _ if value.eq_ignore_ascii_case("date_part") && is_part_from(parser) => {
                    Some(Self::part_from(parser))
                }
                _ if value.eq_ignore_ascii_case("nth_value") && *next == Token::LParen => {
                    Some(Self::nth_value(parser))
                }
                _ => None,
            },
            _ => None,
        }
    }

    fn parse_infix(
        &self,
        parser: &mut Parser<'_>,
        left: &Expr,
        _: u8,
    ) -> Option<Result<Expr, ParserError>> {
        // What is on the left must be copied, so a chain may not grow without limit.
        if left_depth(left) > NESTING_MAX {
            return Some(Err(ParserError::RecursionLimitExceeded));
        }
        if parser.peek_token_ref().token == Token::DoubleColon {
            parser.advance_token();
            let data_type = self.keep_type(parser);
            return Some(data_type.map(|data_type| Expr::Cast {
                kind: CastKind::DoubleColon,
                expr: Box::new(left.clone()),
                data_type,
                format: None,
            }));
        }
        if is_collation(parser) {
            parser.advance_token();
            let collation = parser.parse_object_name(false);
            let expr = Box::new(left.clone());
            return Some(collation.map(|collation| Expr::Collate { expr, collation }));
        }
        let not = usize::from(peek_word(parser, 0, "NOT"));
        let like = peek_word(parser, not, "LIKE") || peek_word(parser, not, "ILIKE");
        (like && peek_word(parser, not + 1, "ALL")).then(|| Self::like_all(parser, left))
    }
}

/// Whether `COLLATE 'specification'` comes, behind a cast or another one.
fn is_collation(parser: &Parser<'_>) -> bool {
    let next = &parser.peek_nth_token_ref(1).token;
    peek_word(parser, 0, "COLLATE") && matches!(next, Token::SingleQuotedString(_))
}

/// Whether LIMIT and its like are followed by a place for a value, `:name`, and so are no alias.
fn limits(keyword: &Keyword, parser: &mut Parser<'_>) -> bool {
    matches!(keyword, Keyword::LIMIT | Keyword::OFFSET | Keyword::FETCH)
        && parser.peek_token_ref().token == Token::Colon
}

/// Whether a word before another one is PRIOR or CONNECT_BY_ROOT: only where CONNECT BY follows, elsewhere
/// it may be a column with an alias.
fn asks_ancestors(parser: &Parser<'_>, word: &str) -> bool {
    if !["PRIOR", "CONNECT_BY_ROOT"].iter().any(|name| word.eq_ignore_ascii_case(name)) {
        return false;
    }
    let mut ahead = 1;
    while parser.peek_nth_token_ref(ahead).token != Token::EOF {
        if peek_word(parser, ahead, "CONNECT") {
            return true;
        }
        ahead += 1;
    }
    false
}

/// Whether an expression may begin with a word: not with a reserved one, except with those of
/// expressions and with names of functions.
fn begins_expression(word: &str, next: &Token) -> bool {
    let word = word.to_ascii_uppercase();
    let call =
        *next == Token::LParen && (FUNCTION_WORDS.contains(&word.as_str()) || word == "TABLE");
    !is_reserved(&word) || EXPRESSION_WORDS.contains(&word.as_str()) || call
}

/// How many casts and patterns follow one another on the left.
fn left_depth(expr: &Expr) -> usize {
    let (mut depth, mut left) = (0, expr);
    while let Expr::Cast { expr, .. }
    | Expr::Collate { expr, .. }
    | Expr::Like { expr, .. }
    | Expr::ILike { expr, .. } = left
    {
        depth += 1;
        left = expr;
    }
    depth
}

/// Whether a word before a string makes it a date, time or timestamp.
fn timestamp_word(word: &str) -> bool {
    ["DATE", "TIME", "TIMESTAMP", "DATETIME", "TIMESTAMP_NTZ", "TIMESTAMP_LTZ", "TIMESTAMP_TZ"]
        .iter()
        .any(|name| word.eq_ignore_ascii_case(name))
}
