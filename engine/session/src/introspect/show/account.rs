//! SHOW WAREHOUSES, ROLES, USERS and INTEGRATIONS.

use std::sync::Arc;

use firn_account::Catalog;
use firn_account::catalog::{
    ACCOUNT, Grant, GrantTarget, Grantee, Namespace, Object, ObjectKind, User, Warehouse,
};
use firn_parse::ast::Name;
use firn_types::{ObjectId, Result, Value};

use super::ShowContext;
use crate::introspect::listing::{Cell, Listing, number, text, time, true_false, y_n};
use crate::introspect::user::{KnownUser, USERS};

const WAREHOUSES: &str = "name, state, type, size, min_cluster_count:number, \
                          max_cluster_count:number, started_clusters:number, running:number, \
                          queued:number, is_default, is_current, auto_suspend:number, auto_resume, \
                          available, provisioning, quiescing, other, created_on:time, \
                          resumed_on:time, updated_on:time, owner, comment, \
                          enable_query_acceleration, query_acceleration_max_scale_factor:number, \
                          resource_monitor, actives:number, pendings:number, failed:number, \
                          suspended:number, uuid, scaling_policy, owner_role_type, \
                          resource_constraint, generation";

const ROLES: &str = "created_on:time, name, is_default, is_current, is_inherited, \
                     assigned_to_users:number, granted_to_roles:number, granted_roles:number, owner, \
                     comment";

const DATABASE_ROLES: &str = "created_on:time, name, is_default, is_current, is_inherited, \
                              granted_to_roles:number, granted_to_database_roles:number, \
                              granted_database_roles:number, owner, comment, owner_role_type";

const INTEGRATIONS: &str = "name, type, category, enabled, comment, created_on:time";

const NETWORK_POLICIES: &str = "created_on:time, name, comment, \
                                entries_in_allowed_ip_list:number, \
                                entries_in_blocked_ip_list:number, \
                                entries_in_allowed_network_rules:number, \
                                entries_in_blocked_network_rules:number";

impl ShowContext<'_> {
    fn of_account(&self, namespace: Namespace) -> Vec<Object> {
        self.catalog.children(namespace, ACCOUNT).into_iter().cloned().collect()
    }

    /// SHOW WAREHOUSES.
    pub(in crate::introspect) fn warehouses(&self) -> Result<Listing> {
        let mut listing = self.listing(WAREHOUSES);
        let session = &self.running.session;
        let user = self.catalog.user(&session.user);
        let default = user.and_then(|user| user.property("DEFAULT_WAREHOUSE"));
        for object in self.of_account(Namespace::Warehouse) {
            let Object::Warehouse(warehouse) = &object else { continue };
            let name = warehouse.header.name.as_str();
            let load = session.shared.warehouses.load(name);
            let mut cells = warehouse_cells(warehouse);
            cells.extend([
                ("owner", self.owner(&warehouse.header)),
                ("running", number(load.running as u64)),
                ("queued", number(load.queued as u64)),
                ("is_default", y_n(default == Some(name))),
                ("is_current", y_n(session.warehouse.as_deref() == Some(name))),
            ]);
            self.add(&mut listing, name, &cells);
        }
        Ok(listing)
    }

    /// SHOW ROLES.
    pub(in crate::introspect) fn roles(&self) -> Result<Listing> {
        let mut listing = self.listing(ROLES);
        let session = &self.running.session;
        let user = self.catalog.user(&session.user);
        let default = user.and_then(|user| user.property("DEFAULT_ROLE"));
        for object in self.of_account(Namespace::Role) {
            let header = object.header();
            let name = header.name.as_str();
            let of_role = self.grants_of_role(header.id);
            let given = |to: fn(&Grantee) -> bool| {
                number(of_role.iter().filter(|grant| to(&grant.grantee)).count() as u64)
            };
            let granted = self.catalog.roles_of(Grantee::Role(header.id));
            let is_current = session.role == header.id;
            self.add(
                &mut listing,
                name,
                &[
                    ("created_on", time(header.created_nanos)),
                    ("name", text(name)),
                    ("kind", text("ROLE")),
                    ("is_default", y_n(default == Some(name))),
                    ("is_current", y_n(is_current)),
                    ("is_inherited", y_n(!is_current && self.catalog.rights().includes(header.id))),
                    ("assigned_to_users", given(|to| matches!(to, Grantee::User(_)))),
                    ("granted_to_roles", given(|to| matches!(to, Grantee::Role(_)))),
                    ("granted_roles", number(granted.len() as u64)),
                    ("owner", self.owner(header)),
                    ("comment", text(header.comment.as_str())),
                ],
            );
        }
        Ok(listing)
    }

    /// The grants of a role to others.
    pub(super) fn grants_of_role(&self, role: ObjectId) -> Vec<&Grant> {
        self.catalog.grants_on(&GrantTarget::Object(role))
    }

    /// Whether the object is a role that exists, of the account or of a database.
    pub(super) fn is_role(&self, id: ObjectId) -> bool {
        let kind = self.catalog.object(id).map(Object::kind);
        let is_role = matches!(kind, Some(ObjectKind::Role | ObjectKind::DatabaseRole));
        is_role && self.catalog.is_live(id)
    }

    /// SHOW DATABASE ROLES.
    pub(in crate::introspect) fn database_roles(&self) -> Result<Listing> {
        let mut listing = self.listing(DATABASE_ROLES);
        for database in self.scoped_databases()? {
            for object in self.catalog.children(Namespace::DatabaseRole, database.header.id) {
                let header = object.header();
                let given = |to: ObjectKind| {
                    let kind = |id: ObjectId| self.catalog.object(id).map(Object::kind);
                    let grants = self.grants_of_role(header.id).into_iter();
                    number(
                        grants.filter(|grant| kind(grant.grantee.id()) == Some(to)).count() as u64
                    )
                };
                let granted = self.catalog.roles_of(Grantee::Role(header.id));
                let cells = [
                    ("created_on", time(header.created_nanos)),
                    ("name", text(object.name())),
                    ("kind", text("DATABASE_ROLE")),
                    ("database_name", text(database.header.name.as_str())),
                    ("is_default", y_n(false)),
                    ("is_current", y_n(false)),
                    ("is_inherited", y_n(self.catalog.rights().includes(header.id))),
                    ("granted_to_roles", given(ObjectKind::Role)),
                    ("granted_to_database_roles", given(ObjectKind::DatabaseRole)),
                    ("granted_database_roles", number(granted.len() as u64)),
                    ("owner", self.owner(header)),
                    ("comment", text(header.comment.as_str())),
                    ("owner_role_type", text("ROLE")),
                ];
                self.add(&mut listing, object.name(), &cells);
            }
        }
        Ok(listing)
    }

    /// SHOW USERS.
    pub(in crate::introspect) fn users(&self) -> Result<Listing> {
        let mut listing = self.listing(USERS);
        for object in self.of_account(Namespace::User) {
            let Object::User(user) = &object else { continue };
            let mut cells = KnownUser::of(user, &self.running.session.shared).shown();
            cells.push(("owner", self.owner(&user.header)));
            self.add(&mut listing, &user.header.name, &cells);
        }
        Ok(listing)
    }

    /// SHOW USER PROGRAMMATIC ACCESS TOKENS: one's own, and those of users whom one owns.
    pub(super) fn access_tokens(&self, name: Option<&Name>) -> Result<Listing> {
        let session = &self.running.session;
        let name = match name {
            Some(name) => self.running.written(name)?.object().name.clone(),
            None => session.user.clone(),
        };
        let found = Catalog::user(&self.catalog, &name);
        let own = |user: &&Arc<User>| {
            name == session.user || self.catalog.owns(&Object::User(Arc::clone(user)))
        };
        let Some(user) = found.filter(own) else {
            return Err(self.catalog.not_found(ObjectKind::User, ACCOUNT, &name));
        };
        let role = |role: ObjectId| self.catalog.name_of(role).to_string();
        Ok(KnownUser::of(user, &session.shared).tokens(role))
    }

    /// SHOW NETWORK POLICIES.
    pub(in crate::introspect) fn network_policies(&self) -> Result<Listing> {
        let mut listing = self.listing(NETWORK_POLICIES);
        for object in self.of_account(Namespace::NetworkPolicy) {
            let Object::NetworkPolicy(policy) = &object else { continue };
            let header = &policy.header;
            let cells = [
                ("created_on", time(header.created_nanos)),
                ("name", text(header.name.as_str())),
                ("kind", text("NETWORK_POLICY")),
                ("comment", text(header.comment.as_str())),
                ("entries_in_allowed_ip_list", number(policy.allowed.len() as u64)),
                ("entries_in_blocked_ip_list", number(policy.blocked.len() as u64)),
                ("entries_in_allowed_network_rules", number(0)),
                ("entries_in_blocked_network_rules", number(0)),
            ];
            self.add(&mut listing, &header.name, &cells);
        }
        Ok(listing)
    }

    /// SHOW INTEGRATIONS.
    pub(in crate::introspect) fn integrations(&self) -> Result<Listing> {
        let mut listing = self.listing(INTEGRATIONS);
        for object in self.of_account(Namespace::Integration) {
            let Object::Integration(integration) = &object else { continue };
            let header = &integration.header;
            self.add(
                &mut listing,
                &header.name,
                &[
                    ("name", text(header.name.as_str())),
                    ("kind", text("INTEGRATION")),
                    ("type", text(integration.integration_type.as_str())),
                    ("category", text(integration.category.as_str())),
                    ("enabled", true_false(integration.enabled)),
                    ("comment", text(header.comment.as_str())),
                    ("created_on", time(header.created_nanos)),
                ],
            );
        }
        Ok(listing)
    }
}

fn warehouse_cells(warehouse: &Warehouse) -> Vec<Cell<'static>> {
    let header = &warehouse.header;
    let property = |name: &str, default: &str| {
        let found = warehouse.properties.iter().find(|(key, _)| key == name);
        found.map_or_else(|| default.to_string(), |(_, value)| value.clone())
    };
    let count =
        |name: &str, default: i64| number(property(name, "").parse::<i64>().unwrap_or(default));
    let seconds = warehouse.auto_suspend_seconds.map_or(Value::Null, number);
    let state = if warehouse.suspended { "SUSPENDED" } else { "STARTED" };
    vec![
        ("name", text(header.name.as_str())),
        ("kind", text("WAREHOUSE")),
        ("state", text(state)),
        ("type", text(property("WAREHOUSE_TYPE", "STANDARD").to_uppercase())),
        ("size", text(warehouse.size.as_str())),
        ("min_cluster_count", count("MIN_CLUSTER_COUNT", 1)),
        ("max_cluster_count", count("MAX_CLUSTER_COUNT", 1)),
        ("started_clusters", number(i64::from(!warehouse.suspended))),
        ("auto_suspend", seconds),
        ("auto_resume", true_false(warehouse.auto_resume)),
        ("created_on", time(header.created_nanos)),
        ("resumed_on", time(header.altered_nanos)),
        ("updated_on", time(header.altered_nanos)),
        ("comment", text(header.comment.as_str())),
        (
            "enable_query_acceleration",
            text(property("ENABLE_QUERY_ACCELERATION", "false").to_lowercase()),
        ),
        ("query_acceleration_max_scale_factor", count("QUERY_ACCELERATION_MAX_SCALE_FACTOR", 8)),
        ("resource_monitor", text(property("RESOURCE_MONITOR", "null"))),
        ("actives", number(0)),
        ("pendings", number(0)),
        ("failed", number(0)),
        ("suspended", number(i64::from(warehouse.suspended))),
        ("uuid", text(header.id.to_string())),
        ("scaling_policy", text(property("SCALING_POLICY", "STANDARD").to_uppercase())),
        ("owner_role_type", text("ROLE")),
    ]
}
