//! CREATE TABLE: columns, constraints and what the table is made of.

use firn_types::{Identifier, Result};

use super::super::ast::{
    CloneOf, ColumnDefinition, Constraint, ConstraintKind, CreateMode, CreateTable, Expr, ExprKind,
    Identity, OptionValue, Statement, TableLifetime, TableSource,
};
use super::super::reader::Reader;

/// Words that begin a constraint of a table.
pub(super) const CONSTRAINT_WORDS: [&str; 5] =
    ["CONSTRAINT", "PRIMARY", "UNIQUE", "FOREIGN", "CHECK"];

impl Reader<'_> {
    /// CREATE TABLE behind the word TABLE.
    pub(super) fn create_table(
        &mut self,
        mode: CreateMode,
        lifetime: TableLifetime,
    ) -> Result<Statement> {
        let before = self.eat("IF NOT EXISTS");
        let name = self.name()?;
        // Snowpark writes it behind the name.
        let mode = CreateMode { if_not_exists: before || self.eat("IF NOT EXISTS"), ..mode };
        let mut table = CreateTable {
            mode,
            lifetime,
            name,
            columns: Vec::new(),
            constraints: Vec::new(),
            cluster_by: Vec::new(),
            source: TableSource::Columns,
            copy_grants: false,
            options: Vec::new(),
            attachments: Vec::new(),
        };
        if self.is_symbol(0, "(") && !self.is_word(1, "SELECT") && !self.is_word(1, "WITH") {
            self.table_elements(&mut table)?;
        } else if self.eat("LIKE") {
            table.source = TableSource::Like(self.name()?);
        } else if self.is_word(0, "CLONE") {
            table.source = TableSource::Clone(self.clone_of()?);
        } else if self.eat("USING TEMPLATE") {
            self.expect_symbol("(")?;
            table.source = TableSource::Template(Box::new(self.query()?));
            self.expect_symbol(")")?;
        }
        self.table_clauses(&mut table)?;
        let typed = table.columns.iter().all(|column| column.data_type.is_some());
        let columns = matches!(table.source, TableSource::Columns);
        if columns && (table.columns.is_empty() || !typed) {
            return Err(self.unexpected());
        }
        Ok(Statement::CreateTable(Box::new(table)))
    }

    /// `CLONE name [AT | BEFORE (..)]`.
    pub(super) fn clone_of(&mut self) -> Result<CloneOf> {
        self.expect_keywords("CLONE")?;
        Ok(CloneOf { source: self.name()?, at: self.time_travel()? })
    }

    /// What stands between the columns and the end, in any order.
    fn table_clauses(&mut self, table: &mut CreateTable) -> Result<()> {
        loop {
            if self.is_word(0, "CLUSTER") {
                table.cluster_by = self.cluster_by()?;
            } else if self.eat("COPY GRANTS") {
                table.copy_grants = true;
            } else if self.at_attachment()?.is_some() {
                let attached = self.with_attachments()?;
                table.attachments.extend(Reader::changes_of(attached, Vec::new()));
            } else if self.is_word(0, "COMMENT") && !self.is_symbol(1, "=") {
                let start = self.index();
                let text = self.comment()?.unwrap_or_default();
                table.options.push(self.made_option("COMMENT", OptionValue::Text(text), start));
            } else if self.at_option() {
                table.options.extend(self.options()?);
            } else if self.eat("AS") {
                let start = self.index();
                let query = Box::new(self.query()?);
                table.source = TableSource::Query(query, self.since(start));
                return Ok(());
            } else {
                return Ok(());
            }
        }
    }

    /// `CLUSTER BY [LINEAR] (expr, ..)`.
    pub(super) fn cluster_by(&mut self) -> Result<Vec<Expr>> {
        self.expect_keywords("CLUSTER BY")?;
        self.eat("LINEAR");
        self.parenthesized(Reader::expr)
    }

    /// `(column type .., constraint, ..)`.
    fn table_elements(&mut self, table: &mut CreateTable) -> Result<()> {
        self.expect_symbol("(")?;
        loop {
            if CONSTRAINT_WORDS.iter().any(|word| self.is_word(0, word)) {
                table.constraints.push(self.constraint()?);
            } else {
                let column = self.column_definition(&mut table.constraints)?;
                table.columns.push(column);
            }
            if !self.eat_symbol(",") {
                break;
            }
        }
        self.expect_symbol(")")
    }

    /// A column; its constraints are added to `constraints`.
    pub(super) fn column_definition(
        &mut self,
        constraints: &mut Vec<Constraint>,
    ) -> Result<ColumnDefinition> {
        let start = self.index();
        let name = self.identifier()?;
        let untyped = [",", ")"].iter().any(|symbol| self.is_symbol(0, symbol)) || self.at_end();
        let options =
            ["AS", "NOT", "COMMENT", "DEFAULT", "PRIMARY", "UNIQUE", "CONSTRAINT", "COLLATE"];
        let untyped = untyped
            || self.at_attachment()?.is_some()
            || options.iter().any(|word| self.is_word(0, word));
        let data_type = if untyped { None } else { Some(self.data_type()?) };
        let mut column = ColumnDefinition {
            name,
            data_type,
            not_null: false,
            collation: None,
            comment: None,
            default: None,
            identity: None,
            computed: None,
            span: self.since(start),
            attachments: Vec::new(),
        };
        while self.column_option(&mut column, constraints)? {}
        column.span = self.since(start);
        Ok(column)
    }

    /// One option of a column; false when none comes.
    fn column_option(
        &mut self,
        column: &mut ColumnDefinition,
        constraints: &mut Vec<Constraint>,
    ) -> Result<bool> {
        let inline = ["CONSTRAINT", "PRIMARY", "UNIQUE", "REFERENCES", "FOREIGN", "CHECK"];
        if self.eat("NOT NULL") {
            column.not_null = true;
        } else if self.eat("NULL") {
            column.not_null = false;
        } else if self.eat("DEFAULT") {
            column.default = Some(self.column_expr()?);
        } else if self.eat_one(&["AUTOINCREMENT", "IDENTITY"]).is_some() {
            column.identity = Some(self.identity()?);
        } else if self.eat("COLLATE") {
            column.collation = Some(self.string()?);
        } else if self.is_word(0, "COMMENT") {
            column.comment = self.comment()?;
        } else if self.eat("AS") {
            column.computed = Some(self.computed_expr()?);
        } else if self.at_attachment()?.is_some() {
            column.attachments.extend(self.with_attachments()?);
        } else if inline.iter().any(|word| self.is_word(0, word)) {
            let start = self.index();
            let name = match self.eat("CONSTRAINT") {
                // `CONSTRAINT name NOT NULL` names what needs no name.
                true => Some(self.identifier()?),
                false => None,
            };
            if name.is_some() && self.eat("NOT NULL") {
                column.not_null = true;
                return Ok(true);
            }
            let kind = self.inline_constraint(&column.name)?;
            constraints.push(self.constraint_properties(name, kind, start));
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    /// The expression of a computed column, usually in parentheses, which do not belong to it.
    fn computed_expr(&mut self) -> Result<Expr> {
        let start = self.index();
        if self.eat_symbol("(") {
            let inner = self.index();
            let expr = self.expr()?;
            let expr = Expr { span: self.since(inner), ..expr };
            self.expect_symbol(")")?;
            let ends = [",", ")"].iter().any(|symbol| self.is_symbol(0, symbol));
            // `(a) || b` begins with parentheses, too.
            if ends || self.at_end() || self.peek_upper(0).is_some() {
                return Ok(expr);
            }
            self.back_to(start);
        }
        self.column_expr()
    }

    /// The expression of a default: NOT NULL behind it belongs to the column.
    pub(super) fn column_expr(&mut self) -> Result<Expr> {
        let start = self.index();
        let expr = self.expr()?;
        // `1 NOT NULL` is a postfix test to the grammar of expressions.
        if let ExprKind::IsNull { operand, negated: true } = expr.kind {
            let written = self.index() - 2;
            if !self.is_word_at(written - 1, "IS") && written > start {
                self.back_to(written);
                return Ok(*operand);
            }
            let kind = ExprKind::IsNull { operand, negated: true };
            return Ok(Expr::new(kind, expr.span));
        }
        Ok(Expr { span: self.since(start), ..expr })
    }

    /// `[(start, step) | START n INCREMENT m] [ORDER | NOORDER]`.
    fn identity(&mut self) -> Result<Identity> {
        let mut identity = Identity { start: 1, increment: 1, order: None };
        if self.eat_symbol("(") {
            identity.start = self.integer()?;
            if self.eat_symbol(",") {
                identity.increment = self.integer()?;
            }
            self.expect_symbol(")")?;
        }
        loop {
            if self.eat("START") {
                self.eat("WITH");
                self.eat_symbol("=");
                identity.start = self.integer()?;
            } else if self.eat("INCREMENT") {
                self.eat("BY");
                self.eat_symbol("=");
                identity.increment = self.integer()?;
            } else if let Some(order) = self.eat_one(&["ORDER", "NOORDER"]) {
                identity.order = Some(order == "ORDER");
            } else {
                return Ok(identity);
            }
        }
    }

    /// A constraint of one column.
    fn inline_constraint(&mut self, column: &Identifier) -> Result<ConstraintKind> {
        let columns = vec![column.clone()];
        if self.eat("PRIMARY KEY") {
            return Ok(ConstraintKind::PrimaryKey(columns));
        }
        if self.eat("UNIQUE") {
            return Ok(ConstraintKind::Unique(columns));
        }
        if self.eat("CHECK") {
            return self.check();
        }
        if self.eat("FOREIGN") {
            self.expect_keywords("KEY")?;
        }
        self.expect_keywords("REFERENCES")?;
        Ok(ConstraintKind::ForeignKey {
            columns,
            table: self.name()?,
            referred: self.column_list()?,
        })
    }

    fn check(&mut self) -> Result<ConstraintKind> {
        self.expect_symbol("(")?;
        let condition = self.expr()?;
        self.expect_symbol(")")?;
        Ok(ConstraintKind::Check(condition))
    }

    /// A constraint of the table.
    pub(super) fn constraint(&mut self) -> Result<Constraint> {
        let start = self.index();
        let name = if self.eat("CONSTRAINT") { Some(self.identifier()?) } else { None };
        let kind = if self.eat("PRIMARY KEY") {
            ConstraintKind::PrimaryKey(self.parenthesized(Reader::identifier)?)
        } else if self.eat("UNIQUE") {
            ConstraintKind::Unique(self.parenthesized(Reader::identifier)?)
        } else if self.eat("CHECK") {
            self.check()?
        } else {
            self.expect_keywords("FOREIGN KEY")?;
            let columns = self.parenthesized(Reader::identifier)?;
            self.expect_keywords("REFERENCES")?;
            ConstraintKind::ForeignKey {
                columns,
                table: self.name()?,
                referred: self.column_list()?,
            }
        };
        Ok(self.constraint_properties(name, kind, start))
    }

    /// What may stand behind a constraint. Most of it has no meaning here or in Snowflake.
    fn constraint_properties(
        &mut self,
        name: Option<Identifier>,
        kind: ConstraintKind,
        start: usize,
    ) -> Constraint {
        let (mut enforced, mut rely) = (None, None);
        let idle = [
            "NOT DEFERRABLE",
            "DEFERRABLE",
            "INITIALLY DEFERRED",
            "INITIALLY IMMEDIATE",
            "ENABLE",
            "DISABLE",
            "VALIDATE",
            "NOVALIDATE",
            "MATCH FULL",
            "MATCH SIMPLE",
            "MATCH PARTIAL",
            "ON UPDATE CASCADE",
            "ON UPDATE SET NULL",
            "ON UPDATE SET DEFAULT",
            "ON UPDATE RESTRICT",
            "ON UPDATE NO ACTION",
            "ON DELETE CASCADE",
            "ON DELETE SET NULL",
            "ON DELETE SET DEFAULT",
            "ON DELETE RESTRICT",
            "ON DELETE NO ACTION",
        ];
        loop {
            if self.eat("NOT ENFORCED") {
                enforced = Some(false);
            } else if self.eat("ENFORCED") {
                enforced = Some(true);
            } else if let Some(word) = self.eat_one(&["RELY", "NORELY"]) {
                rely = Some(word == "RELY");
            } else if self.eat_one(&idle).is_none() {
                return Constraint { name, kind, enforced, rely, span: self.since(start) };
            }
        }
    }
}
