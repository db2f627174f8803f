//! From where one may log in.

use std::net::IpAddr;

use firn_account::catalog::{ACCOUNT, Namespace, NetworkPolicy, Object, User, VisibleCatalog};
use ipnet::IpNet;

/// The parameter of the account, and the property of a user, that names a policy.
const NETWORK_POLICY: &str = "NETWORK_POLICY";

/// The addresses that an entry of a list means: one, or those of a network; none when it is neither.
pub(crate) fn address_range(entry: &str) -> Option<IpNet> {
    let entry = entry.trim();
    entry.parse().ok().or_else(|| entry.parse::<IpAddr>().ok().map(IpNet::from))
}

/// Whether a policy lets an address in: it is blocked nowhere, and allowed unless nothing is named.
pub(crate) fn allows_policy(policy: &NetworkPolicy, from: IpAddr) -> bool {
    let from = from.to_canonical();
    let listed = |list: &[String]| {
        list.iter().filter_map(|entry| address_range(entry)).any(|range| range.contains(&from))
    };
    (policy.allowed.is_empty() || listed(&policy.allowed)) && !listed(&policy.blocked)
}

/// Whether a user may log in from an address: as the user's own policy says, or else the account's. A policy
/// that does not exist lets nobody in.
pub(super) fn allows(catalog: &VisibleCatalog, user: &User, from: IpAddr) -> bool {
    let of_account = || catalog.parameters(ACCOUNT).find(|(name, _)| *name == NETWORK_POLICY);
    let name = user.property(NETWORK_POLICY).or_else(|| of_account().map(|(_, name)| name));
    let Some(name) = name else { return true };
    let policy = catalog.find(Namespace::NetworkPolicy, ACCOUNT, name);
    policy.and_then(Object::as_network_policy).is_some_and(|policy| allows_policy(policy, from))
}
