//! What DDL needs bound: columns' types, and defaults and keys that must compile.

use firn_account::catalog::{Action, ObjectPath, TableColumn};
use firn_expression::Expr;
use firn_types::{Error, ErrorCode, Result, SqlType};

use super::assign;
use crate::bind::clause::Clause;
use crate::bind::context::Env;
use crate::bind::expr::{ExprBinder, Gathered};
use crate::bind::scope::{Relation, Scope};
use crate::bind::{BindContext, Binder, data_type};
use firn_parse::ast;
use firn_plan::PlanColumn;

impl Binder<'_> {
    /// The type that a name means in this session.
    ///
    /// # Errors
    /// `UnsupportedDataType`.
    pub fn resolve_type(&self, name: &ast::TypeName) -> Result<SqlType> {
        data_type::resolve(name, self.context.timestamp_mapping)
    }

    /// The expression of a column's default, checked against the column: for CREATE and ADD COLUMN, and
    /// for the constant that older rows get.
    ///
    /// # Errors
    /// When the text does not compile or its type does not fit.
    pub fn bind_default(&self, column: &TableColumn, path: &ObjectPath) -> Result<Expr> {
        assign::default_of(self, column, path)
    }

    /// The value and type of an expression without columns.
    ///
    /// # Errors
    /// Compilation errors; `ConstantArgument` when it depends on rows.
    pub fn constant(&self, expr: &ast::Expr, text: &str) -> Result<(firn_types::Value, SqlType)> {
        self.bind_constant(expr, &Env::root(&self.context.catalog, &self.context.path, text))
    }

    /// Clustering keys over a table's columns, whose ids are the positions in `columns`.
    ///
    /// # Errors
    /// When a key's text does not compile over the columns.
    pub fn bind_keys(
        &self,
        keys: &[ast::Expr],
        text: &str,
        columns: &[PlanColumn],
    ) -> Result<Vec<Expr>> {
        let scope = Scope { relations: vec![Relation::new("", columns.to_vec())], outer: None };
        let env = Env::root(&self.context.catalog, &self.context.path, text);
        let mut gathered = Gathered::default();
        let mut bound = Vec::with_capacity(keys.len());
        for key in keys {
            let mut expressions =
                ExprBinder::new(self, &env, &scope, Clause::Single, &mut gathered);
            bound.push(expressions.bind(key)?);
        }
        if gathered.applies.is_empty() {
            Ok(bound)
        } else {
            let text = "a subquery cannot be a clustering key";
            Err(Error::new(ErrorCode::InvalidStatement, text))
        }
    }

    /// Checks a column of an external table; `partitions` says whether it partitions the table.
    ///
    /// # Errors
    /// When its expression does not compile over VALUE and METADATA$ columns, or over what files have in common where it
    /// partitions the table.
    pub fn check_external_column(
        &self,
        table: &std::sync::Arc<firn_account::catalog::ExternalTable>,
        column: &firn_account::catalog::ExternalColumn,
        partitions: bool,
    ) -> Result<()> {
        crate::bind::query::check_column(self, table, column, partitions)
    }

    /// The name of an object with its path; `verb` is what the statement does.
    ///
    /// # Errors
    /// When there is no database or schema to complete it with.
    pub fn object_path(&self, name: &ast::Name, text: &str, verb: &str) -> Result<ObjectPath> {
        let env = Env::root(&self.context.catalog, &self.context.path, text);
        let written = self.plain_name(name, &env)?;
        self.complete(&written, &env, verb)
    }

    /// The written name of an object, IDENTIFIER() resolved.
    ///
    /// # Errors
    /// When IDENTIFIER's argument is no name.
    pub fn object_name(&self, name: &ast::Name, text: &str) -> Result<firn_types::ObjectName> {
        self.plain_name(name, &Env::root(&self.context.catalog, &self.context.path, text))
    }

    /// The moment that AT or BEFORE names.
    ///
    /// # Errors
    /// When it is no moment.
    pub fn time_point(
        &self,
        travel: &ast::TimeTravel,
        text: &str,
    ) -> Result<crate::bind::TimePoint> {
        let env = Env::root(&self.context.catalog, &self.context.path, text);
        crate::bind::query::time_point(self, &travel.point, &env)
    }

    /// Where a stage's files are; `action` is what is to be done with them.
    ///
    /// # Errors
    /// `NotFound` for a stage that does not exist, `InsufficientPrivileges`.
    pub fn stage(
        &self,
        location: &ast::StageLocation,
        text: &str,
        action: Action,
    ) -> Result<firn_plan::StageLocation> {
        let env = Env::root(&self.context.catalog, &self.context.path, text);
        Ok(crate::bind::query::stage_location(self, location, &env, action)?.0)
    }

    /// What the statement is bound against.
    pub fn context(&self) -> &BindContext<'_> {
        self.context
    }
}
