//! Which columns a name may mean.

use firn_account::catalog::names::nearest;
use firn_types::{ColumnId, Error, ErrorCode, ObjectName, Result, Span};

use firn_expression::display::ColumnNames;
use firn_plan::PlanColumn;

/// The columns in sight of an expression: those of FROM, and of the enclosing queries.
#[derive(Clone, Debug, Default)]
pub struct Scope<'p> {
    /// The sources of FROM, in order.
    pub(crate) relations: Vec<Relation>,
    /// The enclosing query's columns.
    pub(crate) outer: Option<&'p Scope<'p>>,
}

/// One source of FROM.
#[derive(Clone, Debug)]
pub(crate) struct Relation {
    /// Its alias or its name; empty for the merged columns of USING.
    pub(crate) name: String,
    /// Database and schema, for a table under its own name.
    pub(crate) path: Vec<String>,
    /// Its columns, in order.
    pub(crate) columns: Vec<ScopeColumn>,
}

/// One column in sight.
#[derive(Clone, Debug)]
pub(crate) struct ScopeColumn {
    /// The column, under the name that it can be asked for by.
    pub(crate) column: PlanColumn,
    /// Whether it can be meant without its source's name, and stands in `*`: not so for columns that
    /// USING has merged.
    pub(crate) unqualified: bool,
    /// Whether it only answers to its name: METADATA$FILENAME does not stand in `*`.
    pub(crate) pseudo: bool,
}

impl Relation {
    /// A source under a name, all of whose columns are in sight.
    pub(crate) fn new(name: impl Into<String>, columns: Vec<PlanColumn>) -> Relation {
        let columns = columns.into_iter().map(|column| ScopeColumn {
            column,
            unqualified: true,
            pseudo: false,
        });
        Relation { name: name.into(), path: Vec::new(), columns: columns.collect() }
    }

    /// Whether `qualifier` names this source: its alias, or a table's name with more or less before it.
    fn answers_to(&self, qualifier: &[&str]) -> bool {
        let Some((last, path)) = qualifier.split_last() else { return true };
        if self.name != *last || path.len() > self.path.len() {
            return false;
        }
        let own = &self.path[self.path.len() - path.len()..];
        own.iter().map(String::as_str).eq(path.iter().copied())
    }
}

impl Scope<'_> {
    /// The column that a name means here or in an enclosing query; none when there is none.
    ///
    /// # Errors
    /// `AmbiguousColumn` when several columns of one query answer to it.
    pub(crate) fn find(&self, name: &ObjectName) -> Result<Option<PlanColumn>> {
        match self.find_here(name)? {
            Some(found) => Ok(Some(found)),
            None => self.outer.map_or(Ok(None), |outer| outer.find(name)),
        }
    }

    /// The column that a name means in this query itself.
    ///
    /// # Errors
    /// `AmbiguousColumn` when several columns answer to it.
    pub(crate) fn find_here(&self, name: &ObjectName) -> Result<Option<PlanColumn>> {
        let qualifier: Vec<&str> =
            name.parts[..name.parts.len() - 1].iter().map(|part| part.as_str()).collect();
        let wanted = name.object().as_str();
        let mut found: Option<&PlanColumn> = None;
        for relation in self.relations.iter().filter(|r| r.answers_to(&qualifier)) {
            for candidate in &relation.columns {
                let visible = candidate.unqualified || !qualifier.is_empty();
                if !visible || candidate.column.name != wanted {
                    continue;
                }
                if found.is_some_and(|other| other.id != candidate.column.id) {
                    return Err(ambiguous(name));
                }
                found = Some(&candidate.column);
            }
        }
        Ok(found.cloned())
    }

    /// The column at a position, from 1, of all sources or of one of them.
    pub(crate) fn at_position(
        &self,
        source: Option<&ObjectName>,
        position: u32,
    ) -> Option<PlanColumn> {
        let qualifier: Vec<&str> =
            source.map_or(Vec::new(), |name| name.parts.iter().map(|p| p.as_str()).collect());
        let mut columns = self
            .relations
            .iter()
            .filter(|relation| relation.answers_to(&qualifier))
            .flat_map(|relation| &relation.columns)
            .filter(|column| !column.pseudo && (column.unqualified || source.is_some()));
        let index = usize::try_from(position).ok()?.checked_sub(1)?;
        match columns.nth(index) {
            Some(found) => Some(found.column.clone()),
            None => self.outer.and_then(|outer| outer.at_position(source, position)),
        }
    }

    /// The columns of `*`, or of `t.*`.
    ///
    /// # Errors
    /// `InvalidIdentifier` when there is no source of that name.
    pub(crate) fn star(&self, source: Option<&ObjectName>) -> Result<Vec<PlanColumn>> {
        Ok(self.star_with_sources(source)?.into_iter().map(|(_, column)| column).collect())
    }

    /// As [`Scope::star`], each column with the name of its source.
    ///
    /// # Errors
    /// As [`Scope::star`].
    pub(crate) fn star_with_sources(
        &self,
        source: Option<&ObjectName>,
    ) -> Result<Vec<(&str, PlanColumn)>> {
        let Some(source) = source else {
            let all = self.relations.iter().flat_map(|relation| {
                relation.columns.iter().map(move |column| (relation.name.as_str(), column))
            });
            let shown = all.filter(|(_, column)| column.unqualified && !column.pseudo);
            return Ok(shown.map(|(name, column)| (name, column.column.clone())).collect());
        };
        let qualifier: Vec<&str> = source.parts.iter().map(|part| part.as_str()).collect();
        let Some(relation) = self.relations.iter().find(|r| r.answers_to(&qualifier)) else {
            return match self.outer {
                Some(outer) => outer.star_with_sources(Some(source)),
                None => Err(unknown(source, source.span(), None)),
            };
        };
        let shown = relation.columns.iter().filter(|column| !column.pseudo);
        Ok(shown.map(|column| (relation.name.as_str(), column.column.clone())).collect())
    }

    /// A column of this query under its source's name: `T.A`.
    pub(crate) fn name_of(&self, id: ColumnId) -> Option<String> {
        self.relations.iter().find_map(|relation| {
            let found = relation.columns.iter().find(|column| column.column.id == id)?;
            let name = &found.column.name;
            Some(match relation.name.as_str() {
                "" => name.clone(),
                source => format!("{source}.{name}"),
            })
        })
    }

    /// The columns of this query under their names, for those who read an expression.
    pub(crate) fn column_names(&self) -> ColumnNames {
        let columns = self.relations.iter().flat_map(|relation| &relation.columns);
        columns.map(|column| (column.column.id, column.column.name.clone())).collect()
    }

    /// Every name that can be asked for, for "did you mean".
    pub(crate) fn names(&self) -> Vec<&str> {
        let own = self.relations.iter().flat_map(|relation| &relation.columns);
        let mut names: Vec<&str> = own.map(|column| column.column.name.as_str()).collect();
        names.extend(self.outer.map_or(Vec::new(), Scope::names));
        names
    }

    /// The error for a name that no column has.
    pub(crate) fn unknown(&self, name: &ObjectName) -> Error {
        let near = nearest(name.object().as_str(), self.names().into_iter());
        unknown(name, name.span(), near)
    }
}

fn ambiguous(name: &ObjectName) -> Error {
    let text = format!("ambiguous column name '{}'", name.object());
    Error::new(ErrorCode::AmbiguousColumn, text).at(name.span())
}

/// The error for an identifier that means nothing, with the one that may have been meant.
pub(crate) fn unknown(name: &ObjectName, span: Span, near: Option<&str>) -> Error {
    let hint = near.map_or(String::new(), |near| format!("\nDid you mean '{near}'?"));
    Error::new(ErrorCode::InvalidIdentifier, format!("invalid identifier '{name}'{hint}")).at(span)
}
