//! SHOW: what exists, as rows with lower-case columns.

mod absent;
mod account;
mod columns;
mod container;
mod file;
mod function;
mod grant;
mod key;
mod policy;
mod relation;
mod scope;
mod session;

use firn_account::catalog::Header;
use firn_account::catalog::VisibleCatalog;
use firn_parse::ast::{ObjectKind, Show, ShowKind};
use firn_types::{Error, ErrorCode, Result, Value};

use super::kind;
use super::listing::{Cell, Listing, is_like, text};
use crate::lifecycle::StatementContext;
use crate::result::Rows;

pub(super) use columns::default_text;
pub(super) use key::referred_key;
pub(super) use relation::{is_reclustered, linear};
pub(crate) use session::OBJECT_PARAMETERS;

/// Rows that SHOW gives at most without LIMIT.
const ROWS_MAX: usize = 10_000;

/// The columns of TERSE.
const TERSE: &str = "created_on:time, name, kind, database_name, schema_name";

/// A SHOW that runs: what it sees and which rows it wants.
pub(super) struct ShowContext<'a> {
    pub(super) running: &'a StatementContext,
    show: &'a Show,
    pub(super) catalog: VisibleCatalog,
}

/// Runs SHOW.
///
/// # Errors
/// When the scope does not exist, there are too many rows, or firn has no such objects.
pub(crate) fn run(running: &StatementContext, ast: &Show) -> Result<Rows> {
    let show = ShowContext { running, show: ast, catalog: running.catalog() };
    let mut rows = show.asked().map_err(|error| in_missing_place(ast, error))?.rows();
    match ast.limit {
        Some(limit) => rows.rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX)),
        None if rows.rows.len() > ROWS_MAX => {
            let text = format!(
                "The result set size exceeded the max number of rows({ROWS_MAX}) supported for SHOW \
                 statements. Use LIMIT option to limit result set to a smaller number."
            );
            return Err(Error::new(ErrorCode::ShowTooLarge, text));
        }
        None => {}
    }
    Ok(rows)
}

/// The error of a SHOW whose IN names nothing, which has a code of its own: clients know by it that there is
/// nothing to show.
fn in_missing_place(ast: &Show, error: Error) -> Error {
    if ast.scope.is_none()
        || !matches!(error.code(), ErrorCode::NotFound | ErrorCode::ObjectNotFound)
    {
        return error;
    }
    let text = "Object does not exist, or operation cannot be performed.";
    Error::new(ErrorCode::CannotUse, format!("{text}\n{}", error.detail()))
}

impl ShowContext<'_> {
    fn asked(&self) -> Result<Listing> {
        Ok(match &self.show.kind {
            ShowKind::Objects(kind) => self.objects(*kind)?,
            ShowKind::TablesAndViews => self.tables_and_views()?,
            ShowKind::Columns => self.columns()?,
            ShowKind::Variables => self.variables()?,
            ShowKind::Parameters => self.parameters()?,
            ShowKind::Transactions => self.transactions(),
            ShowKind::Locks => self.locks(),
            ShowKind::PrimaryKeys => self.keys(key::Which::Primary)?,
            ShowKind::UniqueKeys => self.keys(key::Which::Unique)?,
            ShowKind::ImportedKeys => self.foreign_keys(key::Side::Imported)?,
            ShowKind::ExportedKeys => self.foreign_keys(key::Side::Exported)?,
            ShowKind::AccessTokens(user) => self.access_tokens(user.as_ref())?,
            ShowKind::UserFunctions => self.functions(false)?,
            ShowKind::Grants => self.grants_of_user()?,
            ShowKind::GrantsOn(kind, name, types) => {
                self.grants_on(*kind, name.as_ref(), types.as_deref())?
            }
            ShowKind::GrantsTo(grantee) => self.grants_to(grantee)?,
            ShowKind::GrantsOf(role) => self.grants_of(role)?,
            ShowKind::FutureGrantsIn(kind, name) => self.future_grants_in(*kind, name)?,
            ShowKind::FutureGrantsTo(grantee) => self.future_grants_to(grantee)?,
        })
    }

    fn objects(&self, kind: ObjectKind) -> Result<Listing> {
        match kind::of(kind) {
            Some(known) => (known.show)(self),
            None => self.absent(kind),
        }
    }

    /// An empty listing of these columns, or of TERSE's where it was written.
    pub(super) fn listing(&self, columns: &str) -> Listing {
        Listing::show(if self.show.terse { TERSE } else { columns })
    }

    /// An empty listing of these columns; with HISTORY `dropped_on` follows the column `after`.
    fn history_listing(&self, columns: &str, after: &str) -> Listing {
        if !self.show.history {
            return self.listing(columns);
        }
        let end = columns.find(after).map_or(columns.len(), |start| start + after.len());
        let (before, behind) = columns.split_at(end);
        let terse = format!("{TERSE}, dropped_on:time");
        let long = format!("{before}, dropped_on:time{behind}");
        Listing::show(if self.show.terse { &terse } else { &long })
    }

    /// Whether LIKE, STARTS WITH and LIMIT .. FROM let this name through.
    fn wants(&self, name: &str) -> bool {
        let show = self.show;
        show.like.as_ref().is_none_or(|pattern| is_like(name, pattern))
            && show.starts_with.as_ref().is_none_or(|start| name.starts_with(start.as_str()))
            && show.from.as_ref().is_none_or(|from| name > from.as_str())
    }

    /// The role that owns an object.
    pub(super) fn owner(&self, header: &Header) -> Value {
        text(self.catalog.name_of(header.owner))
    }

    /// Adds a row about an object of this name, where it is wanted.
    pub(super) fn add(&self, listing: &mut Listing, name: &str, cells: &[Cell<'_>]) {
        // One row above the limit is enough to tell that there are too many.
        if self.wants(name) && (self.show.limit.is_some() || listing.len() <= ROWS_MAX) {
            listing.add(cells);
        }
    }
}
