//! SHOW, DESCRIBE, EXPLAIN.

use firn_types::{Error, Result};

use super::super::ast::{
    Describe, DescribeKind, Explain, ExplainFormat, ObjectKind, Show, ShowKind, ShowScope,
    Statement,
};
use super::super::reader::Reader;

/// What SHOW shows besides kinds of objects.
const SHOWN: [(&str, ShowKind); 10] = [
    ("OBJECTS", ShowKind::TablesAndViews),
    ("COLUMNS", ShowKind::Columns),
    ("VARIABLES", ShowKind::Variables),
    ("PARAMETERS", ShowKind::Parameters),
    ("TRANSACTIONS", ShowKind::Transactions),
    ("LOCKS", ShowKind::Locks),
    ("PRIMARY KEYS", ShowKind::PrimaryKeys),
    ("UNIQUE KEYS", ShowKind::UniqueKeys),
    ("IMPORTED KEYS", ShowKind::ImportedKeys),
    ("EXPORTED KEYS", ShowKind::ExportedKeys),
];

impl Reader<'_> {
    /// SHOW.
    pub(super) fn show(&mut self) -> Result<Statement> {
        self.expect_keywords("SHOW")?;
        let start = self.index();
        let terse = self.eat("TERSE");
        let kind = self.show_kind()?;
        let mut show = Show {
            kind,
            terse,
            history: self.eat("HISTORY"),
            like: None,
            scope: None,
            starts_with: None,
            limit: None,
            from: None,
            span: self.here(),
        };
        if self.eat("LIKE") {
            show.like = Some(self.string()?);
        }
        if self.eat_one(&["IN", "FOR"]).is_some() {
            show.scope = Some(self.show_scope()?);
        }
        if self.eat("LIKE") {
            show.like = Some(self.string()?);
        }
        if self.eat("STARTS WITH") {
            show.starts_with = Some(self.string()?);
        }
        if self.is_word(0, "LIMIT") {
            self.advance();
            let place = self.index();
            let limit = self.integer()?;
            show.limit = Some(u64::try_from(limit).map_err(|_| {
                self.back_to(place);
                self.unexpected()
            })?);
            if self.eat("FROM") {
                show.from = Some(self.string()?);
            }
        }
        show.span = self.since(start);
        Ok(Statement::Show(Box::new(show)))
    }

    fn show_kind(&mut self) -> Result<ShowKind> {
        if self.eat("FUTURE GRANTS") {
            if self.eat("TO") {
                return self.grant_target().map(ShowKind::FutureGrantsTo);
            }
            self.expect_keywords("IN")?;
            let database = self.eat("DATABASE");
            if !database {
                self.expect_keywords("SCHEMA")?;
            }
            let kind = if database { ObjectKind::Database } else { ObjectKind::Schema };
            return Ok(ShowKind::FutureGrantsIn(kind, self.name()?));
        }
        if self.eat("GRANTS") {
            return self.show_grants();
        }
        if self.eat_one(&["USER PROGRAMMATIC ACCESS TOKENS", "USER PATS"]).is_some() {
            let user = if self.eat("FOR USER") { Some(self.name()?) } else { None };
            return Ok(ShowKind::AccessTokens(user));
        }
        if self.eat_one(&["USER FUNCTIONS", "EXTERNAL FUNCTIONS"]).is_some() {
            return Ok(ShowKind::UserFunctions);
        }
        if self.eat("BUILTIN FUNCTIONS") {
            return Ok(ShowKind::Objects(ObjectKind::Function));
        }
        if let Some((_, kind)) = SHOWN.iter().find(|(words, _)| self.eat(words)) {
            return Ok(kind.clone());
        }
        if let Some(kind) = self.kinds_if() {
            return Ok(ShowKind::Objects(kind));
        }
        Err(self.unexpected())
    }

    fn show_grants(&mut self) -> Result<ShowKind> {
        if self.eat("ON") {
            let (kind, name, signature) = self.granted_object()?;
            return Ok(ShowKind::GrantsOn(kind, name, signature));
        }
        if self.eat("TO") {
            return self.grant_target().map(ShowKind::GrantsTo);
        }
        if self.eat("OF") {
            return self.grant_target().map(ShowKind::GrantsOf);
        }
        Ok(ShowKind::Grants)
    }

    /// What stands behind IN.
    fn show_scope(&mut self) -> Result<ShowScope> {
        let ends = ["LIKE", "STARTS", "LIMIT"];
        let unnamed =
            |reader: &Self| reader.at_end() || ends.iter().any(|word| reader.is_word(0, word));
        if self.eat("ACCOUNT") {
            return Ok(ShowScope::Account);
        }
        if self.eat("SESSION") {
            return Ok(ShowScope::Session);
        }
        if self.eat("DATABASE") {
            let name = if unnamed(self) { None } else { Some(self.name()?) };
            return Ok(ShowScope::Database(name));
        }
        if self.eat("SCHEMA") {
            let name = if unnamed(self) { None } else { Some(self.name()?) };
            return Ok(ShowScope::Schema(name));
        }
        if self.eat("TABLE") {
            return self.name().map(ShowScope::Table);
        }
        if self.eat("VIEW") || self.eat("MATERIALIZED VIEW") {
            return self.name().map(ShowScope::View);
        }
        // A kind's word that a name follows; alone it is a name itself.
        let start = self.index();
        if let Some(kind) = self.kind_if() {
            if !unnamed(self) && !self.is_symbol(0, ".") {
                return Ok(ShowScope::Object(kind, Some(self.name()?)));
            }
            if unnamed(self) && matches!(kind, ObjectKind::User | ObjectKind::Warehouse) {
                return Ok(ShowScope::Object(kind, None));
            }
            self.back_to(start);
        }
        self.name().map(ShowScope::Name)
    }

    /// DESCRIBE.
    pub(super) fn describe(&mut self) -> Result<Statement> {
        self.advance();
        let kind = self.describe_kind()?;
        let options = self.options()?;
        Ok(Statement::Describe(Box::new(Describe { kind, options })))
    }

    fn describe_kind(&mut self) -> Result<DescribeKind> {
        if self.eat("RESULT") {
            return self.expr().map(DescribeKind::Result);
        }
        if self.is_word(0, "TRANSACTION") {
            return Err(Error::not_supported("DESCRIBE TRANSACTION").at(self.here()));
        }
        if self.is_word(0, "SEARCH") && self.is_word(1, "OPTIMIZATION") {
            return Err(Error::not_supported("DESCRIBE SEARCH OPTIMIZATION").at(self.here()));
        }
        let start = self.index();
        let kind = self.kind_if().unwrap_or(ObjectKind::Table);
        // `DESC t`: without a kind it is a table; the kind's word may be its name.
        if self.at_end() || self.is_symbol(0, ".") {
            self.back_to(start);
            return Ok(DescribeKind::Object(ObjectKind::Table, self.name()?));
        }
        let name = self.name()?;
        match kind {
            ObjectKind::Function | ObjectKind::Procedure => {
                Ok(DescribeKind::Routine(kind, name, self.signature()?))
            }
            _ => Ok(DescribeKind::Object(kind, name)),
        }
    }

    /// EXPLAIN.
    pub(super) fn explain(&mut self) -> Result<Statement> {
        self.expect_keywords("EXPLAIN")?;
        let mut format = ExplainFormat::default();
        if self.eat("USING") {
            format = match self.eat_one(&["TABULAR", "JSON", "TEXT", "RULES"]) {
                Some("TABULAR") => ExplainFormat::Tabular,
                Some("JSON") => ExplainFormat::Json,
                Some("RULES") => ExplainFormat::Rules,
                Some(_) => ExplainFormat::Text,
                None => return Err(self.unexpected()),
            };
        }
        let start = self.index();
        if self.is_word(0, "EXPLAIN") {
            return Err(self.unexpected());
        }
        let statement = Box::new(self.statement()?);
        let statement_span = self.since(start);
        Ok(Statement::Explain(Explain { format, statement, statement_span }))
    }
}
