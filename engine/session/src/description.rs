//! What a statement is, without running it.

use firn_parse::ast::Statement;
use firn_plan::statement::{MergeAction, StatementPlan};
use firn_query::bind::PlaceRule;
use firn_types::{Field, Result};

use crate::command::{self, dml};
use crate::failure::Failure;
use crate::lifecycle::StatementContext;
use crate::query_type::query_type;

/// What a statement is, without running it.
#[derive(Clone, Debug, PartialEq)]
pub struct StatementDescription {
    /// What it is, as QUERY_HISTORY names it, such as `SELECT`.
    pub kind: &'static str,
    /// The columns of its rows: of queries, of statements that count the rows that they change, and of commands that
    /// tell something. Others answer with a status.
    pub fields: Option<Vec<Field>>,
    /// The places for values in it, each once: `?1`, `?2`, `NAME`.
    pub binds: Vec<String>,
}

impl StatementContext {
    /// Describes the statement.
    ///
    /// # Errors
    /// What is wrong with it, as a client shows it.
    pub(crate) fn describe(&self) -> Result<StatementDescription, Failure> {
        let described = self.try_describe();
        described.map_err(|error| Failure::new(&self.query_id.0, &error, &self.sql))
    }

    fn try_describe(&self) -> Result<StatementDescription> {
        debug_assert_eq!(self.placeholders.rule(), PlaceRule::DescribeOnly);
        let statement = match self.parsed()? {
            Statement::UsingPolicyContext(ast) => Statement::Query(ast.query),
            other => other,
        };
        let kind = query_type(&statement);
        let fields = match &statement {
            Statement::Query(_)
            | Statement::Insert(_)
            | Statement::MultiInsert(_)
            | Statement::Update(_)
            | Statement::Delete(_)
            | Statement::Merge(_) => {
                self.session.shared.account.refresh()?;
                let functions = self.function_context();
                Some(self.with_binder(&functions, |binder| {
                    binder.bind(&statement, &self.sql).map(|plan| fields_of(&plan))
                })?)
            }
            command => {
                self.session.shared.account.refresh()?;
                command::columns(self, command)?
            }
        };
        Ok(StatementDescription { kind, fields, binds: self.placeholders.seen() })
    }
}

/// The columns that a statement with a plan answers with.
fn fields_of(plan: &StatementPlan) -> Vec<Field> {
    let counts: Vec<String> = match plan {
        StatementPlan::Query(query) => return query.fields(),
        StatementPlan::Insert(_) => vec![dml::INSERTED.to_string()],
        StatementPlan::InsertMany(plan) => {
            let mut names: Vec<String> = Vec::new();
            for branch in &plan.branches {
                for (target, _) in &branch.into {
                    let name = dml::inserted_into(&target.name);
                    if !names.contains(&name) {
                        names.push(name);
                    }
                }
            }
            names
        }
        StatementPlan::Update(_) => vec![dml::UPDATED.to_string(), dml::MULTI_JOINED.to_string()],
        StatementPlan::Delete(_) => vec![dml::DELETED.to_string()],
        StatementPlan::Merge(plan) => {
            let has = |wanted: fn(&MergeAction) -> bool| {
                plan.clauses.iter().any(|clause| wanted(&clause.action))
            };
            let named = [
                (dml::INSERTED, has(|action| matches!(action, MergeAction::Insert(_)))),
                (dml::UPDATED, has(|action| matches!(action, MergeAction::Update(_)))),
                (dml::DELETED, has(|action| matches!(action, MergeAction::Delete))),
            ];
            named.into_iter().filter(|(_, has)| *has).map(|(name, _)| name.to_string()).collect()
        }
        StatementPlan::CopyIntoTable(_) | StatementPlan::CopyIntoStage(_) => Vec::new(),
    };
    counts.iter().map(|name| dml::count_field(name)).collect()
}
