//! `*` with its modifiers.

use firn_expression::Expr;
use firn_types::{Error, ErrorCode, Identifier, Result};

use super::ExprBinder;
use firn_parse::ast::Star;
use firn_plan::PlanColumn;

/// One column of an expanded `*`.
#[derive(Clone, Debug)]
pub(crate) struct StarColumn {
    /// Its name.
    pub(crate) name: String,
    /// What it is.
    pub(crate) expr: Expr,
}

/// The columns of a `*`: ILIKE and EXCLUDE choose, REPLACE computes, RENAME names.
///
/// # Errors
/// `InvalidIdentifier` for a modifier of a column that is not there, `NoColumns` when none is left.
pub(crate) fn expand_star(binder: &mut ExprBinder<'_>, star: &Star) -> Result<Vec<StarColumn>> {
    let columns = columns_of(binder, star)?;
    let known = |name: &Identifier| {
        if columns.iter().any(|column| column.name == name.name) {
            return Ok(());
        }
        let text = format!("invalid identifier '{name}'");
        Err(Error::new(ErrorCode::InvalidIdentifier, text).at(name.span))
    };
    star.exclude.iter().try_for_each(known)?;
    star.replace.iter().try_for_each(|(_, name)| known(name))?;
    star.rename.iter().try_for_each(|(name, _)| known(name))?;
    let both =
        star.rename.iter().find(|(name, _)| star.exclude.iter().any(|e| e.name == name.name));
    if let Some((name, _)) = both {
        let text = format!("column '{name}' is both excluded and renamed");
        return Err(Error::new(ErrorCode::InvalidStatement, text).at(name.span));
    }

    let mut expanded = Vec::with_capacity(columns.len());
    for column in &columns {
        let excluded = star.exclude.iter().any(|name| name.name == column.name);
        let matches = star.ilike.as_ref().is_none_or(|pattern| ilike(&column.name, pattern));
        if excluded || !matches {
            continue;
        }
        let replacement = star.replace.iter().find(|(_, name)| name.name == column.name);
        let expr = match replacement {
            Some((expr, _)) => binder.bind_inner(expr)?,
            None => {
                binder.binder.note_column(column.id);
                column.expr()
            }
        };
        let renamed = star.rename.iter().find(|(name, _)| name.name == column.name);
        let name = renamed.map_or(&column.name, |(_, name)| &name.name).clone();
        expanded.push(StarColumn { name, expr });
    }
    if expanded.is_empty() {
        let text = "SELECT with no columns";
        return Err(Error::new(ErrorCode::NoColumns, text).at(star.span));
    }
    Ok(expanded)
}

/// What the star stands for: in a view's query what it stood for when the view was created, as far as that
/// is still there.
fn columns_of(binder: &ExprBinder<'_>, star: &Star) -> Result<Vec<PlanColumn>> {
    let mut present = binder.scope.star_with_sources(star.qualifier.as_ref())?;
    binder.binder.note_star(star, &present);
    let pinned = binder.env.stars.iter().find(|pinned| pinned.start == star.span.start);
    let Some(pinned) = pinned else {
        return Ok(present.into_iter().map(|(_, column)| column).collect());
    };
    let mut columns = Vec::with_capacity(pinned.columns.len());
    for wanted in &pinned.columns {
        let is_wanted = |(source, column): &(&str, PlanColumn)| {
            *source == wanted.source && column.name == wanted.name
        };
        // Each column is given once, so that two of one name are both given.
        if let Some(position) = present.iter().position(is_wanted) {
            columns.push(present.remove(position).1);
        }
    }
    Ok(columns)
}

/// Whether a name matches a LIKE pattern without regard to case.
fn ilike(name: &str, pattern: &str) -> bool {
    let name: Vec<char> = name.to_lowercase().chars().collect();
    let pattern: Vec<char> = pattern.to_lowercase().chars().collect();
    // Greedy matching with one point of return: the last `%`.
    let (mut n, mut p) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some('%') => {
                back = Some((p + 1, n));
                p += 1;
            }
            Some(&c) if c == '_' || c == name[n] => {
                p += 1;
                n += 1;
            }
            _ => match back {
                Some((after, from)) => {
                    p = after;
                    n = from + 1;
                    back = Some((after, from + 1));
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&c| c == '%')
}

#[cfg(test)]
mod tests {
    use super::ilike;

    #[test]
    fn a_pattern_matches_the_whole_name_in_any_case() {
        assert!(ilike("O_ORDERKEY", "%key"));
        assert!(ilike("ABC", "a_c"));
        assert!(ilike("ABC", "%"));
        assert!(!ilike("ABC", "a_"));
        assert!(!ilike("ABC", "%d"));
    }
}
