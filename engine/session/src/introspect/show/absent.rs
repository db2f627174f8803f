//! SHOW of kinds that no account has here: their columns, and no rows.

use firn_types::object_kind::Home;
use firn_types::{Error, ObjectKind, Result};

use super::ShowContext;
use crate::introspect::listing::Listing;

const SECRETS: &str = "created_on:time, name, schema_name, database_name, owner, comment, \
                       secret_type, oauth_scopes, owner_role_type";

const SHARES: &str = "created_on:time, kind, owner_account, name, database_name, to, owner, comment, \
                      listing_global_name, secure_objects_only";

const RESOURCE_MONITORS: &str = "name, credit_quota, used_credits, remaining_credits, level, \
                                 frequency, start_time:time, end_time:time, notify_at, suspend_at, \
                                 suspend_immediately_at, created_on:time, owner, comment, \
                                 notify_users";

const NETWORK_RULES: &str = "created_on:time, name, database_name, schema_name, owner, comment, type, \
                             mode, entries_in_valuelist:number, owner_role_type";

/// The columns of a kind.
fn columns(kind: ObjectKind) -> Option<&'static str> {
    Some(match kind {
        ObjectKind::NetworkRule => NETWORK_RULES,
        ObjectKind::ResourceMonitor => RESOURCE_MONITORS,
        ObjectKind::Secret => SECRETS,
        ObjectKind::Share => SHARES,
        _ => return None,
    })
}

impl ShowContext<'_> {
    /// The objects of a kind that there are none of.
    ///
    /// # Errors
    /// When what IN names does not exist; `not_supported` for kinds that are not shown.
    pub(super) fn absent(&self, kind: ObjectKind) -> Result<Listing> {
        let Some(columns) = columns(kind) else {
            return Err(Error::not_supported(format!("SHOW {}", kind.plural())));
        };
        match kind.definition().home {
            Home::Account => {}
            Home::Database => _ = self.scoped_databases()?,
            Home::Schema => _ = self.scoped_schemas()?,
        }
        Ok(self.listing(columns))
    }
}

#[cfg(test)]
mod tests {
    use firn_types::object_kind::KINDS;

    use super::*;

    #[test]
    fn every_kind_that_firn_does_not_have_has_columns() {
        let nameless = [ObjectKind::Account, ObjectKind::Column];
        for kind in KINDS.iter().map(|known| known.kind) {
            let show = columns(kind).is_some();
            let expected = !kind.exists() && !nameless.contains(&kind);
            assert_eq!(show, expected, "{}", kind.words());
        }
    }
}
