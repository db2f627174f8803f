//! Functions that tell of the account, of roles and of the statement.

use firn_types::{Error, ErrorCode, Result};

use super::{Described, clustering, ddl, roles};

/// The answer of a system function.
///
/// # Errors
/// `not_supported` for functions that firn does not have; when what is asked about does not exist.
pub(crate) fn answer(
    described: &Described,
    name: &str,
    arguments: &[Option<String>],
) -> Result<Option<String>> {
    let catalog = &described.catalog;
    match (name, arguments) {
        ("IS_ROLE_IN_SESSION", [Some(wanted)]) => {
            let held = roles::inherited(catalog, &described.role);
            Ok(Some(held.iter().any(|held| held.eq_ignore_ascii_case(wanted)).to_string()))
        }
        ("CURRENT_AVAILABLE_ROLES", _) => {
            let names = roles::available(catalog, &described.user);
            let names: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
            Ok(Some(format!("[ {} ]", names.join(", "))))
        }
        ("CURRENT_SECONDARY_ROLES", _) => {
            Ok(Some("{\"roles\":\"\",\"value\":\"ALL\"}".to_string()))
        }
        // Every other function answers NULL for NULL.
        (_, arguments) if arguments.contains(&None) => Ok(None),
        ("GET_DDL", [Some(kind), Some(name), rest @ ..]) => {
            let qualified = match rest {
                [] => false,
                [Some(flag), ..] => flag.eq_ignore_ascii_case("true"),
                _ => false,
            };
            ddl::get(described, kind, name, qualified).map(Some)
        }
        ("SYSTEM$CLUSTERING_INFORMATION", [Some(table), rest @ ..]) => {
            clustering::information(described, table, first(rest)).map(Some)
        }
        ("SYSTEM$CLUSTERING_DEPTH", [Some(table), rest @ ..]) => {
            clustering::depth(described, table, first(rest)).map(|depth| Some(depth.to_string()))
        }
        ("GET_DDL" | "SYSTEM$CLUSTERING_INFORMATION" | "SYSTEM$CLUSTERING_DEPTH", _) => {
            let text = format!("not enough arguments for function [{name}]");
            Err(Error::new(ErrorCode::NotEnoughArguments, text))
        }
        _ => Err(Error::not_supported(name)),
    }
}

fn first(arguments: &[Option<String>]) -> Option<&str> {
    arguments.first().and_then(Option::as_deref)
}
