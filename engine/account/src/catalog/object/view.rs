//! Views and materialized views: SQL text, which the binder parses.

use std::sync::Arc;

use firn_storage::Snapshot;
use firn_types::{FieldId, ObjectId, SqlType};

use crate::catalog::Header;

/// A view: a query under a name.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    /// What all objects have; the parent is the schema in which its names resolve.
    pub header: Header,
    /// The whole CREATE statement as written, for SHOW and GET_DDL.
    pub text: String,
    /// The query's text as written.
    pub query: String,
    /// What each `*` of the query stands for, however its tables change.
    pub stars: Vec<StarColumns>,
    /// The columns as they were when the view was created.
    pub columns: Vec<ViewColumn>,
    /// Whether the text is hidden from those who do not own it.
    pub secure: bool,
    /// Whether it may refer to itself.
    pub recursive: bool,
    /// Whether it belongs to one session only.
    pub temporary: bool,
}

/// The columns that a `*` in a view's query gave when the view was created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StarColumns {
    /// The byte of the query's text at which the `*` is.
    pub start: u32,
    /// The columns in order, each with the name of its source within the query.
    pub columns: Vec<StarColumn>,
}

/// One column that a `*` gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StarColumn {
    /// The source's alias or name; empty for a source without one and for the merged columns of USING.
    pub source: String,
    /// The column's name.
    pub name: String,
}

/// A column of a view.
#[derive(Clone, Debug, PartialEq)]
pub struct ViewColumn {
    /// The name as stored.
    pub name: String,
    /// The type that the query gave when the view was created.
    pub sql_type: SqlType,
    /// Whether NULL may occur.
    pub nullable: bool,
    /// The comment; empty when there is none.
    pub comment: String,
}

/// A materialized view: a query over one table, and its stored answer.
#[derive(Clone, Debug)]
pub struct MaterializedView {
    /// What all objects have; the parent is the schema in which its names resolve.
    pub header: Header,
    /// The whole CREATE statement as written, for SHOW and GET_DDL.
    pub text: String,
    /// The query's text as written.
    pub query: String,
    /// What each `*` of the query stands for, however its table changes.
    pub stars: Vec<StarColumns>,
    /// The columns of the answer.
    pub columns: Vec<ViewColumn>,
    /// The stored columns of the hidden table: the answer's, and what keeping it up to date needs.
    pub stored: Vec<firn_storage::StoredColumn>,
    /// The clustering key: each expression's SQL text as written.
    pub cluster_by: Vec<String>,
    /// Whether the text is hidden from those who do not own it.
    pub secure: bool,
    /// The table that it is over.
    pub base_table: ObjectId,
    /// What is stored.
    pub state: MaterializedViewState,
}

/// The stored answer of a materialized view.
#[derive(Clone, Debug)]
pub struct MaterializedViewState {
    /// The rows of the hidden table.
    pub snapshot: Arc<Snapshot>,
    /// The commit whose version of the base table the rows reflect; none before the first refresh.
    ///
    /// They are fresh when the base table's `data_version` is not above it.
    pub reflects: Option<u64>,
    /// When that was: nanoseconds since 1970 UTC.
    pub refreshed_nanos: i64,
    /// Whether ALTER ... SUSPEND is in force.
    pub suspended: bool,
    /// Why the view cannot be used any more.
    pub invalid_reason: Option<String>,
}

impl View {
    /// Takes over what another view says, and keeps everything else.
    pub(super) fn redefine(&mut self, new: &View) {
        self.header.comment.clone_from(&new.header.comment);
        // What is attached to a column follows its name.
        let position = |field: FieldId| {
            let name = &self.columns.get((field.0 as usize).checked_sub(1)?)?.name;
            let found = new.columns.iter().position(|column| column.name == *name)?;
            u32::try_from(found + 1).ok().map(FieldId)
        };
        self.header.attachments = self.header.attachments.map_columns(position);
        self.text.clone_from(&new.text);
        self.query.clone_from(&new.query);
        self.stars.clone_from(&new.stars);
        self.columns.clone_from(&new.columns);
        (self.secure, self.recursive) = (new.secure, new.recursive);
    }

    /// A plain view.
    pub fn new(header: Header, text: String, query: String, columns: Vec<ViewColumn>) -> View {
        View {
            header,
            text,
            query,
            stars: Vec::new(),
            columns,
            secure: false,
            recursive: false,
            temporary: false,
        }
    }
}

impl ViewColumn {
    /// A nullable column.
    pub fn new(name: impl Into<String>, sql_type: SqlType) -> ViewColumn {
        ViewColumn { name: name.into(), sql_type, nullable: true, comment: String::new() }
    }
}

impl MaterializedView {
    /// A view that has never been filled. The hidden table stores the answer's columns under field ids
    /// from 1; add to `stored` what keeping it up to date needs.
    pub fn new(
        header: Header,
        text: String,
        query: String,
        columns: Vec<ViewColumn>,
        base_table: ObjectId,
    ) -> MaterializedView {
        let stored = columns.iter().zip(1..).map(|(column, id)| firn_storage::StoredColumn {
            field: FieldId(id),
            name: column.name.clone(),
            sql_type: column.sql_type,
        });
        MaterializedView {
            header,
            text,
            query,
            stars: Vec::new(),
            stored: stored.collect(),
            columns,
            cluster_by: Vec::new(),
            secure: false,
            base_table,
            state: MaterializedViewState {
                snapshot: Arc::new(Snapshot::empty()),
                reflects: None,
                refreshed_nanos: 0,
                suspended: false,
                invalid_reason: None,
            },
        }
    }
}
