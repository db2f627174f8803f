//! CREATE DYNAMIC TABLE.

use firn_types::Span;

use super::{CreateMode, Expr, Name, Query, StatementOption, ViewColumn};

/// CREATE DYNAMIC TABLE.
#[derive(Clone, Debug, PartialEq)]
pub struct CreateDynamicTable {
    /// What happens when it exists.
    pub mode: CreateMode,
    /// TRANSIENT.
    pub transient: bool,
    /// Its name.
    pub name: Name,
    /// The columns' names, where written.
    pub columns: Vec<ViewColumn>,
    /// CLUSTER BY.
    pub cluster_by: Vec<Expr>,
    /// `NAME = value`.
    pub options: Vec<StatementOption>,
    /// COPY GRANTS.
    pub copy_grants: bool,
    /// The query.
    pub query: Box<Query>,
    /// The place of the query's text.
    pub query_span: Span,
}
