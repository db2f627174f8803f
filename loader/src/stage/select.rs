//! Which files of a stage a statement means: a prefix, and FILES or PATTERN.

use std::collections::BTreeSet;

use firn_types::{Error, ErrorCode, Result};

use super::{Pattern, Stage, StagedFile};

/// Most names that FILES may list.
const FILES_MAX: usize = 1000;

/// Which files a statement means.
#[derive(Clone, Debug, Default)]
pub struct FileSelection {
    /// What follows the stage's name: a prefix of paths.
    pub prefix: String,
    /// FILES, relative to the prefix; it wins over PATTERN.
    pub files: Option<Vec<String>>,
    /// PATTERN.
    pub pattern: Option<Pattern>,
}

/// The files meant, sorted by path, or in FILES' order, and the paths of FILES that are not there.
///
/// # Errors
/// Too many names in FILES, or a stage that cannot be listed.
pub fn select(
    stage: &dyn Stage,
    selection: &FileSelection,
) -> Result<(Vec<StagedFile>, Vec<String>)> {
    let Some(names) = &selection.files else {
        let mut files = stage.list(&selection.prefix)?;
        if let Some(pattern) = &selection.pattern {
            files.retain(|file| {
                pattern.matches(&file.path) || pattern.matches(&stage.shown(&file.path))
            });
        }
        return Ok((files, Vec::new()));
    };
    if names.len() > FILES_MAX {
        let detail = format!("FILES lists {} names; {FILES_MAX} are allowed", names.len());
        return Err(Error::new(ErrorCode::ListTooLong, detail));
    }
    let (mut found, mut missing, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
    for name in names {
        let path = joined(&selection.prefix, name);
        if !seen.insert(path.clone()) {
            continue;
        }
        match stage.find(&path)? {
            Some(file) => found.push(file),
            None => missing.push(path),
        }
    }
    Ok((found, missing))
}

/// How many of the files SIZE_LIMIT lets a COPY load: up to and with the one that reaches the limit.
pub fn within_size_limit(files: &[StagedFile], limit: Option<u64>) -> usize {
    let Some(limit) = limit else { return files.len() };
    let mut bytes = 0u64;
    let reaches = files.iter().position(|file| {
        bytes = bytes.saturating_add(file.size);
        bytes >= limit
    });
    reaches.map_or(files.len(), |position| position + 1)
}

/// A name of FILES below the prefix, which is a folder here.
fn joined(prefix: &str, name: &str) -> String {
    let name = name.trim_start_matches('/');
    if prefix.is_empty() || prefix.ends_with('/') {
        format!("{prefix}{name}")
    } else {
        format!("{prefix}/{name}")
    }
}
