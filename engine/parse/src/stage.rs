//! Names of staged files: `@~/path`, `@%table`, `@db.schema.stage/path`, URLs.

use firn_types::{Error, ErrorCode, Identifier, ObjectName, Result, Span};

use super::ast::{StageKind, StageLocation};
use super::literal::unquote;
use super::scan::unexpected;

/// The location that a stage lexeme or a string names. Errors: neither a stage nor a URL.
pub(super) fn read_location(text: &str, span: Span) -> Result<StageLocation> {
    let Some(rest) = text.strip_prefix('@') else {
        if text.contains("://") {
            let kind = StageKind::Url(text.to_string());
            return Ok(StageLocation { kind, path: String::new(), span });
        }
        let detail = format!("invalid URL prefix found in: '{text}'");
        return Err(Error::new(ErrorCode::InvalidUrl, detail).at(span));
    };
    let (name, path) = split_path(rest);
    let path = path.strip_prefix('/').unwrap_or(path).to_string();
    let kind = if name == "~" {
        StageKind::User
    } else {
        let mut parts = read_name(name).ok_or_else(|| unexpected(text, span))?;
        let last = parts.pop().ok_or_else(|| unexpected(text, span))?;
        let (table, last) = match last.strip_prefix('%') {
            Some(table) => (true, table),
            None => (false, last),
        };
        let object = identifier(last).ok_or_else(|| unexpected(text, span))?;
        let qualifiers = parts.into_iter().map(|part| match part {
            // `db..stage`: the schema PUBLIC.
            "" => Some(Identifier::exact("")),
            part => identifier(part),
        });
        let mut parts =
            qualifiers.collect::<Option<Vec<_>>>().ok_or_else(|| unexpected(text, span))?;
        parts.push(object);
        for part in &mut parts {
            part.span = span;
        }
        match table {
            true => StageKind::Table(ObjectName { parts }),
            false => StageKind::Named(ObjectName { parts }),
        }
    };
    Ok(StageLocation { kind, path, span })
}

/// The name before the first slash outside of quotes, and the rest.
fn split_path(text: &str) -> (&str, &str) {
    let mut quoted = false;
    for (at, c) in text.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '/' if !quoted => return text.split_at(at),
            _ => {}
        }
    }
    (text, "")
}

/// The parts of a name between the points outside of quotes; nothing when a quote has no partner.
fn read_name(text: &str) -> Option<Vec<&str>> {
    let mut parts = Vec::new();
    let (mut quoted, mut start) = (false, 0);
    for (at, c) in text.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '.' if !quoted => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    (!quoted && parts.len() <= 3).then_some(parts)
}

fn identifier(part: &str) -> Option<Identifier> {
    if part.starts_with('"') {
        let closed = part.len() >= 2 && part.ends_with('"');
        return closed.then(|| Identifier::exact(unquote(part)));
    }
    (!part.is_empty() && !part.contains('"')).then(|| Identifier::folded(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> StageLocation {
        read_location(text, Span::default()).unwrap()
    }

    fn name(parts: &[&str]) -> ObjectName {
        ObjectName { parts: parts.iter().map(|part| Identifier::exact(*part)).collect() }
    }

    #[test]
    fn stages_tables_and_urls() {
        assert_eq!(read("@~").kind, StageKind::User);
        assert_eq!(read("@~/a/b.csv").path, "a/b.csv");
        assert_eq!(read("@db.s.st/x").kind, StageKind::Named(name(&["DB", "S", "ST"])));
        assert_eq!(read("@s.%t").kind, StageKind::Table(name(&["S", "T"])));
        let odd = read("@\"my stage\"/a b.csv");
        assert_eq!(odd.kind, StageKind::Named(name(&["my stage"])));
        assert_eq!(odd.path, "a b.csv");
        assert_eq!(read("s3://b/p").kind, StageKind::Url("s3://b/p".to_string()));
        assert!(read_location("x", Span::default()).is_err());
        assert!(read_location("@", Span::default()).is_err());
    }
}
