//! The packages of an interpreter against those that PACKAGES and RUNTIME_VERSION ask for.

use std::cmp::Ordering;

use firn_types::{Error, ErrorCode, Result};

/// What is there without being installed: the object of procedures, in the part that firn has of it.
const OWN: &[&str] = &["snowflake-snowpark-python"];
/// The first version of Python 3 that is taken.
const MINOR_MIN: u64 = 8;
/// Ways to compare versions, the longest first.
const COMPARISONS: &[&str] = &["==", ">=", "<=", "!=", "~=", ">", "<", "="];

/// An interpreter's version and packages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Installed {
    version: String,
    packages: Vec<(String, String)>,
}

impl Installed {
    /// Reads a line with the version, and one a package with its name and version.
    pub(crate) fn parse(text: &str) -> Option<Installed> {
        let mut lines = text.lines();
        let version = lines.next()?.trim().to_string();
        let package = |line: &str| {
            let (name, version) = line.trim().rsplit_once(' ')?;
            Some((normal(name), version.to_string()))
        };
        Some(Installed { version, packages: lines.filter_map(package).collect() })
    }
}

/// Looks whether there are a version and packages.
///
/// # Errors
/// `InvalidStatement` that names what is missing.
pub(crate) fn check(installed: &Installed, version: &str, wanted: &[String]) -> Result<()> {
    let known = matches!(numbers(version).as_deref(), Some([3, minor]) if *minor >= MINOR_MIN);
    if !known {
        let text =
            format!("Unsupported Python runtime version '{version}': 3.8 and later are known");
        return Err(Error::new(ErrorCode::InvalidStatement, text));
    }
    if compare(version, &installed.version) == Ordering::Greater {
        let text = format!(
            "Python {version} is later than the interpreter that is here, {}",
            installed.version
        );
        return Err(Error::new(ErrorCode::InvalidStatement, text));
    }
    wanted.iter().try_for_each(|wanted| check_package(installed, wanted))
}

fn check_package(installed: &Installed, wanted: &str) -> Result<()> {
    let refused = |why: String| {
        let text = format!(
            "Cannot create a Python function with the specified packages. Please check your packages specification \
             and try again. {why}"
        );
        Err(Error::new(ErrorCode::InvalidStatement, text))
    };
    let (name, conditions) = parts(wanted);
    if OWN.contains(&name.as_str()) {
        return Ok(());
    }
    let Some((_, version)) = installed.packages.iter().find(|(known, _)| *known == name) else {
        return refused(format!("'{name}' is not installed in the interpreter."));
    };
    for condition in conditions.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        match holds(version, condition) {
            Some(true) => {}
            Some(false) => {
                return refused(format!("'{wanted}' is wanted, and {version} installed."));
            }
            None => return refused(format!("'{wanted}' is no name with versions.")),
        }
    }
    Ok(())
}

/// The name, and what is said of the version behind it.
fn parts(wanted: &str) -> (String, &str) {
    let end = wanted.find(['=', '<', '>', '!', '~']).unwrap_or(wanted.len());
    let (name, conditions) = wanted.split_at(end);
    // Extras, such as in `name[extra]`, are not asked for.
    let name = name.split('[').next().unwrap_or_default();
    (normal(name), conditions)
}

/// A package's name as all its ways of writing it are the same.
fn normal(name: &str) -> String {
    name.trim().to_lowercase().replace(['_', '.'], "-")
}

/// Whether a version is as a condition says; none for what is no condition.
fn holds(version: &str, condition: &str) -> Option<bool> {
    let comparison = COMPARISONS.iter().find(|comparison| condition.starts_with(**comparison))?;
    let wanted = condition[comparison.len()..].trim();
    let (wanted, any) = match wanted.strip_suffix(".*") {
        Some(prefix) => (prefix, true),
        None => (wanted, false),
    };
    let wanted_numbers = numbers(wanted)?;
    let order = compare(version, wanted);
    let same = match any {
        true => numbers(version)?.starts_with(&wanted_numbers),
        false => order == Ordering::Equal,
    };
    Some(match *comparison {
        "==" | "=" => same,
        "!=" => !same,
        ">=" => order != Ordering::Less,
        "<=" => order != Ordering::Greater,
        ">" => order == Ordering::Greater,
        "<" => order == Ordering::Less,
        _ => {
            let (_, prefix) = wanted_numbers.split_last()?;
            order != Ordering::Less && numbers(version)?.starts_with(prefix)
        }
    })
}

/// The numbers of a version, as far as it has some; none when it begins with no number.
fn numbers(version: &str) -> Option<Vec<u64>> {
    let mut all = Vec::new();
    for part in version.split('.') {
        let digits = part.len() - part.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        match part[..digits].parse() {
            Ok(number) => all.push(number),
            Err(_) => break,
        }
    }
    (!all.is_empty()).then_some(all)
}

/// Versions by their numbers; `1.2` is `1.2.0`.
fn compare(left: &str, right: &str) -> Ordering {
    let (mut left, mut right) =
        (numbers(left).unwrap_or_default(), numbers(right).unwrap_or_default());
    let length = left.len().max(right.len());
    left.resize(length, 0);
    right.resize(length, 0);
    left.cmp(&right)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_their_numbers() {
        for (version, condition, expected) in [
            ("1.26.4", "==1.26.4", Some(true)),
            ("1.26.4", "==1.26.*", Some(true)),
            ("1.26.4", "==1.2.*", Some(false)),
            ("1.26.0", "==1.26", Some(true)),
            ("2.0", ">=1.26", Some(true)),
            ("1.9", ">=1.26", Some(false)),
            ("1.26.4", "<2", Some(true)),
            ("2.0.0", "<2", Some(false)),
            ("1.26.4", "!=1.26.4", Some(false)),
            ("1.26.4", "~=1.20", Some(true)),
            ("2.1", "~=1.20", Some(false)),
            ("1.0", "== x", None),
            ("1.0", "1.0", None),
        ] {
            assert_eq!(holds(version, condition), expected, "{version} {condition}");
        }
    }

    #[test]
    fn packages_are_found_in_all_their_spellings() {
        let installed =
            Installed::parse("3.11.7\nPython_DateUtil 2.9.0\nnumpy 1.26.4\n").expect("it reads");
        let check = |version: &str, wanted: &str| check(&installed, version, &[wanted.to_string()]);
        assert!(check("3.8", "python-dateutil").is_ok());
        assert!(check("3.11", "numpy>=1.2,<2").is_ok());
        assert!(check("3.11", "snowflake-snowpark-python").is_ok());
        for (version, wanted, text) in [
            ("3.12", "numpy", "later than the interpreter that is here, 3.11.7"),
            ("2.7", "numpy", "Unsupported Python runtime version '2.7'"),
            ("3.8", "pandas", "'pandas' is not installed"),
            ("3.8", "snowflake-telemetry-python", "'snowflake-telemetry-python' is not installed"),
            ("3.8", "numpy==2.*", "and 1.26.4 installed"),
        ] {
            let error = check(version, wanted).expect_err(wanted);
            assert!(error.detail().contains(text), "{}", error.detail());
        }
    }
}
