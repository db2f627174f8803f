//! Functions that tell of the account and of roles.

use firn_account::Catalog;
use firn_types::{Error, Result};

use super::roles;

/// The answer of a system function for a user whose current role is `role`.
///
/// # Errors
/// `not_supported` for functions that firn does not have.
pub(crate) fn answer(
    catalog: &Catalog,
    (user, role): (&str, &str),
    name: &str,
    arguments: &[Option<String>],
) -> Result<Option<String>> {
    match (name, arguments) {
        ("IS_ROLE_IN_SESSION", [Some(wanted)]) => {
            let held = roles::inherited(catalog, role);
            Ok(Some(held.iter().any(|held| held.eq_ignore_ascii_case(wanted)).to_string()))
        }
        ("IS_ROLE_IN_SESSION", _) => Ok(None),
        ("CURRENT_AVAILABLE_ROLES", _) => {
            let names: Vec<String> =
                roles::available(catalog, user).iter().map(|name| format!("\"{name}\"")).collect();
            Ok(Some(format!("[ {} ]", names.join(", "))))
        }
        ("CURRENT_SECONDARY_ROLES", _) => {
            Ok(Some("{\"roles\":\"\",\"value\":\"ALL\"}".to_string()))
        }
        _ => Err(Error::not_supported(name)),
    }
}
