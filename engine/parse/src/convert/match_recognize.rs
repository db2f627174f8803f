//! MATCH_RECOGNIZE, which is read lexeme by lexeme: to sqlparser it is masked, see `Outline::masked`.

use firn_types::{Error, Identifier, ObjectName, Result};

use super::super::ast::{
    Argument, ArgumentValue, Expr, ExprKind, FunctionCall, MatchPattern, MatchRecognize, MatchRows,
    MatchSkip, Name, OrderItem, TableExpr,
};
use super::super::outline::Outline;
use super::super::reader::Reader;
use super::Convert;

/// Most symbols of a PERMUTE, whose orders are all tried.
const PERMUTE_MAX: usize = 6;
/// Most times that a part of a pattern is repeated by number.
const REPEAT_MAX: i64 = 1_000;

impl Convert<'_> {
    /// The clause whose open bracket is lexeme `open`.
    pub(super) fn match_recognize(
        &mut self,
        source: TableExpr,
        open: usize,
    ) -> Result<MatchRecognize> {
        let end = self.outline.span(self.outline.partner(open)).start as usize;
        let start = self.outline.span(open).end as usize;
        let inner = Outline::part(self.outline.text, start, end)?;
        let no_value = |_: &str, _: u32| None;
        let mut reader = Reader::new(&inner, self.dialect, &no_value)?;
        let clause = reader.match_clause(source)?;
        // The end of the clause, not of a statement.
        match reader.peek(0) {
            Some(_) => Err(reader.unexpected()),
            None => Ok(clause),
        }
    }

    /// `FINAL f(..)` or `RUNNING f(..)`: a call of a function of that name, with a mark.
    pub(super) fn match_form(&mut self, prefix: &str, value: Expr) -> Expr {
        let span = value.span;
        let name = Identifier::exact(format!("${}", prefix.to_uppercase())).at(span);
        let call = FunctionCall {
            name: Name::Plain(ObjectName::single(name)),
            arguments: vec![Argument { name: None, value: ArgumentValue::Expr(value) }],
            distinct: false,
            within_group: Vec::new(),
            nulls: None,
            over: None,
        };
        Expr::new(ExprKind::Function(Box::new(call)), span)
    }
}

impl Reader<'_> {
    fn match_clause(&mut self, source: TableExpr) -> Result<MatchRecognize> {
        let partition_by = match self.eat("PARTITION BY") {
            true => self.list(Reader::expr)?,
            false => Vec::new(),
        };
        let order_by = match self.eat("ORDER BY") {
            true => self.list(Reader::order_item)?,
            false => Vec::new(),
        };
        let measures = match self.eat("MEASURES") {
            true => self.list(|reader| {
                let expr = reader.expr()?;
                reader.eat("AS");
                Ok((expr, reader.identifier()?))
            })?,
            false => Vec::new(),
        };
        let rows = self.match_rows()?;
        let skip = self.match_skip()?;
        self.expect_keywords("PATTERN")?;
        self.expect_symbol("(")?;
        let pattern = self.match_pattern()?;
        self.expect_symbol(")")?;
        let symbols = match self.eat("DEFINE") {
            true => self.list(|reader| {
                let symbol = reader.identifier()?;
                reader.expect_keywords("AS")?;
                Ok((symbol, reader.expr()?))
            })?,
            false => Vec::new(),
        };
        Ok(MatchRecognize {
            source,
            partition_by,
            order_by,
            measures,
            rows,
            skip,
            pattern,
            symbols,
        })
    }

    fn order_item(&mut self) -> Result<OrderItem> {
        let expr = self.expr()?;
        let descending = self.eat_one(&["ASC", "DESC"]) == Some("DESC");
        let nulls_first = match self.eat("NULLS") {
            true => match self.eat_one(&["FIRST", "LAST"]) {
                Some(place) => Some(place == "FIRST"),
                None => return Err(self.unexpected()),
            },
            false => None,
        };
        Ok(OrderItem { expr, descending, nulls_first })
    }

    fn match_rows(&mut self) -> Result<MatchRows> {
        if self.eat("ALL ROWS PER MATCH") {
            if self.eat("OMIT EMPTY MATCHES") {
                return Ok(MatchRows::All);
            }
            if self.eat("WITH UNMATCHED ROWS") {
                return Ok(MatchRows::AllWithUnmatched);
            }
            self.eat("SHOW EMPTY MATCHES");
            return Ok(MatchRows::AllWithEmpty);
        }
        self.eat("ONE ROW PER MATCH");
        Ok(MatchRows::One)
    }

    fn match_skip(&mut self) -> Result<MatchSkip> {
        if !self.eat("AFTER MATCH SKIP") || self.eat("PAST LAST ROW") {
            return Ok(MatchSkip::PastLastRow);
        }
        self.expect_keywords("TO")?;
        if self.eat("NEXT ROW") {
            return Ok(MatchSkip::ToNextRow);
        }
        match self.eat("FIRST") {
            true => self.identifier().map(MatchSkip::ToFirst),
            false => {
                self.eat("LAST");
                self.identifier().map(MatchSkip::ToLast)
            }
        }
    }

    fn match_pattern(&mut self) -> Result<MatchPattern> {
        let mut alternatives = vec![self.match_concat()?];
        while self.eat_symbol("|") {
            alternatives.push(self.match_concat()?);
        }
        Ok(match alternatives.len() {
            1 => alternatives.remove(0),
            _ => MatchPattern::Alternation(alternatives),
        })
    }

    fn match_concat(&mut self) -> Result<MatchPattern> {
        let mut parts = Vec::new();
        let ends = |reader: &Self| {
            let closes = [")", "|", ","].iter().any(|end| reader.is_symbol(0, end));
            closes
                || reader.peek(0).is_none()
                || (reader.is_symbol(0, "-") && reader.is_symbol(1, "}"))
        };
        while !ends(self) {
            parts.push(self.match_repeated()?);
        }
        match parts.len() {
            0 => Err(self.unexpected()),
            1 => Ok(parts.remove(0)),
            _ => Ok(MatchPattern::Concat(parts)),
        }
    }

    fn match_repeated(&mut self) -> Result<MatchPattern> {
        let mut pattern = self.match_base()?;
        while let Some((least, most)) = self.match_quantifier()? {
            let reluctant = self.eat_question_mark();
            pattern = MatchPattern::Repeat { pattern: Box::new(pattern), least, most, reluctant };
        }
        Ok(pattern)
    }

    fn match_base(&mut self) -> Result<MatchPattern> {
        if self.eat_symbol("^") {
            return Ok(MatchPattern::Start);
        }
        if self.eat_symbol("$") {
            return Ok(MatchPattern::End);
        }
        if self.eat_symbol("(") {
            let pattern = self.match_pattern()?;
            self.expect_symbol(")")?;
            return Ok(pattern);
        }
        if self.is_symbol(0, "{") && self.is_symbol(1, "-") {
            self.advance();
            self.advance();
            let pattern = self.match_pattern()?;
            self.expect_symbol("-")?;
            self.expect_symbol("}")?;
            return Ok(MatchPattern::Exclude(Box::new(pattern)));
        }
        if self.is_word(0, "PERMUTE") && self.is_symbol(1, "(") {
            self.advance();
            let parts = self.parenthesized(Reader::match_pattern)?;
            if parts.len() > PERMUTE_MAX {
                let words = format!("PERMUTE of more than {PERMUTE_MAX} parts");
                return Err(Error::not_supported(words).at(self.here()));
            }
            return Ok(MatchPattern::Permute(parts));
        }
        self.identifier().map(MatchPattern::Symbol)
    }

    /// `*`, `+`, `?`, `{n}`, `{n,}`, `{,m}`, `{n,m}`.
    fn match_quantifier(&mut self) -> Result<Option<(u32, Option<u32>)>> {
        if self.eat_symbol("*") {
            return Ok(Some((0, None)));
        }
        if self.eat_symbol("+") {
            return Ok(Some((1, None)));
        }
        if self.eat_question_mark() {
            return Ok(Some((0, Some(1))));
        }
        if !self.is_symbol(0, "{") || self.is_symbol(1, "-") {
            return Ok(None);
        }
        self.advance();
        let least = if self.is_symbol(0, ",") { 0 } else { self.match_count()? };
        let most = match self.eat_symbol(",") {
            false => Some(least),
            true if self.is_symbol(0, "}") => None,
            true => Some(self.match_count()?),
        };
        if most.is_some_and(|most| most < least) {
            return Err(self.unexpected());
        }
        self.expect_symbol("}")?;
        Ok(Some((least, most)))
    }

    fn match_count(&mut self) -> Result<u32> {
        let place = self.here();
        let count = self.integer()?;
        if count > REPEAT_MAX {
            let words = format!("more than {REPEAT_MAX} repetitions in a PATTERN");
            return Err(Error::not_supported(words).at(place));
        }
        u32::try_from(count).map_err(|_| self.unexpected())
    }

    fn eat_question_mark(&mut self) -> bool {
        let found = self.peek(0).is_some_and(|lexeme| lexeme.of(self.text()) == "?");
        if found {
            self.advance();
        }
        found
    }
}
