//! SHOW GRANTS in all its forms.

use firn_account::catalog::{
    ACCOUNT, Grant, GrantTarget, Grantee, NOBODY, Object, ObjectKind, SYSTEM_ROLES, SystemRole,
};
use firn_parse::ast::{self, Name, TypeName};
use firn_types::{Error, ObjectId, Result};

use super::ShowContext;
use crate::find::{kind_of, known_kind, live, place, place_of};
use crate::introspect::listing::{Cell, Listing, text, time, true_false};
use crate::roles;

const GRANTS: &str = "created_on:time, privilege, granted_on, name, granted_to, grantee_name, \
                      grant_option, granted_by";

const ROLE_GRANTS: &str = "created_on:time, role, granted_to, grantee_name, granted_by";

const FUTURE_GRANTS: &str = "created_on:time, privilege, grant_on, name, grant_to, grantee_name, \
                             grant_option";

impl ShowContext<'_> {
    /// SHOW GRANTS: the roles of the current user.
    pub(super) fn grants_of_user(&self) -> Result<Listing> {
        let user = roles::user(&self.catalog, &self.running.session.user);
        Ok(self.roles_of(Grantee::User(user)))
    }

    fn roles_of(&self, to: Grantee) -> Listing {
        let mut listing = Listing::show(ROLE_GRANTS);
        for grant in self.catalog.grants_to(to) {
            self.add_role(&mut listing, grant);
        }
        listing
    }

    fn add_role(&self, listing: &mut Listing, grant: &Grant) {
        let GrantTarget::Object(id) = grant.target else { return };
        let role = self.catalog.object(id).filter(|_| self.is_role(id));
        let Some(role) = role else { return };
        let mut cells = self.grantee_cells(grant.grantee);
        cells.extend([
            ("created_on", time(grant.created_nanos)),
            ("role", text(role.name())),
            ("granted_by", text(self.catalog.name_of(grant.granted_by))),
        ]);
        self.add(listing, role.name(), &cells);
    }

    /// SHOW GRANTS OF ROLE.
    pub(super) fn grants_of(&self, role: &ast::GrantTarget) -> Result<Listing> {
        let Grantee::Role(role) = self.grantee(role)? else {
            return Err(Error::not_supported("SHOW GRANTS OF this"));
        };
        let mut listing = Listing::show(ROLE_GRANTS);
        for grant in self.grants_of_role(role) {
            self.add_role(&mut listing, grant);
        }
        Ok(listing)
    }

    /// SHOW GRANTS TO ROLE and TO USER.
    pub(super) fn grants_to(&self, to: &ast::GrantTarget) -> Result<Listing> {
        let role = match self.grantee(to)? {
            user @ Grantee::User(_) => return Ok(self.roles_of(user)),
            Grantee::Role(role) => role,
        };
        let mut listing = Listing::show(GRANTS);
        let mut owned: Vec<&Object> = self.catalog.all().collect();
        owned.retain(|object| {
            object.header().owner == role && self.catalog.is_live(object.id()) && is_shown(object)
        });
        owned.sort_by_cached_key(|object| (object.kind(), self.catalog.full_name(object.id())));
        for object in owned {
            self.add_ownership(&mut listing, object);
        }
        self.add_born(&mut listing, |born| born.id == role);
        for grant in self.catalog.grants_to(Grantee::Role(role)) {
            self.add_grant(&mut listing, grant);
        }
        Ok(listing)
    }

    /// SHOW GRANTS ON.
    pub(super) fn grants_on(
        &self,
        kind: Option<ObjectKind>,
        name: Option<&Name>,
        types: Option<&[TypeName]>,
    ) -> Result<Listing> {
        let mut listing = Listing::show(GRANTS);
        let Some(name) = name else {
            self.add_born(&mut listing, |_| true);
            for grant in self.catalog.grants_on(&GrantTarget::Account) {
                self.add_grant(&mut listing, grant);
            }
            return Ok(listing);
        };
        let kind = kind_of(self.running, kind, name)?;
        let place = place_of(self.running, kind, name, types)?;
        let object = live(&self.catalog, kind, &place)
            .ok_or_else(|| self.catalog.not_found(kind, place.parent, &place.name))?;
        self.add_ownership(&mut listing, &object);
        for grant in self.catalog.grants_on(&GrantTarget::Object(object.id())) {
            self.add_grant(&mut listing, grant);
        }
        Ok(listing)
    }

    /// What system roles may do on the account from its birth on.
    fn add_born(&self, listing: &mut Listing, wants: impl Fn(&SystemRole) -> bool) {
        for role in SYSTEM_ROLES.iter().filter(|role| wants(role)) {
            let grantee = Grantee::Role(role.id);
            let created =
                self.catalog.object(role.id).map_or(0, |role| role.header().created_nanos);
            for privilege in role.privileges {
                let grant = Grant {
                    privilege: (*privilege).to_string(),
                    target: GrantTarget::Account,
                    grantee,
                    grant_option: false,
                    granted_by: NOBODY,
                    created_nanos: created,
                };
                self.add_grant(listing, &grant);
            }
        }
    }

    fn add_ownership(&self, listing: &mut Listing, object: &Object) {
        let owner = || text(self.catalog.name_of(object.header().owner));
        let cells = [
            ("created_on", time(object.header().created_nanos)),
            ("privilege", text("OWNERSHIP")),
            ("granted_on", text(granted_on(object.kind()))),
            ("name", text(self.catalog.full_name(object.id()))),
            ("granted_to", text("ROLE")),
            ("grantee_name", owner()),
            ("grant_option", true_false(true)),
            ("granted_by", owner()),
        ];
        self.add(listing, object.name(), &cells);
    }

    fn add_grant(&self, listing: &mut Listing, grant: &Grant) {
        let (on, name) = match grant.target {
            GrantTarget::Account => ("ACCOUNT".to_string(), "FIRN".to_string()),
            GrantTarget::Object(id) => match self.live_object(id) {
                Some(object) => (granted_on(object.kind()), self.catalog.full_name(id)),
                None => return,
            },
            GrantTarget::Future { .. } => return,
        };
        let mut cells = self.grantee_cells(grant.grantee);
        cells.extend([
            ("created_on", time(grant.created_nanos)),
            ("privilege", text(grant.privilege.as_str())),
            ("granted_on", text(on)),
            ("name", text(name.as_str())),
            ("grant_option", true_false(grant.grant_option)),
            ("granted_by", text(self.catalog.name_of(grant.granted_by))),
        ]);
        self.add(listing, &name, &cells);
    }

    fn live_object(&self, id: ObjectId) -> Option<&Object> {
        self.catalog.object(id).filter(|_| self.catalog.is_live(id))
    }

    /// SHOW FUTURE GRANTS IN.
    pub(super) fn future_grants_in(&self, kind: ObjectKind, name: &Name) -> Result<Listing> {
        let kind = known_kind(kind)?;
        let place = place(self.running, kind, name)?;
        let container = live(&self.catalog, kind, &place)
            .ok_or_else(|| self.catalog.not_found(kind, place.parent, &place.name))?
            .id();
        Ok(self.future_grants(self.catalog.future_grants_in(container)))
    }

    /// SHOW FUTURE GRANTS TO.
    pub(super) fn future_grants_to(&self, to: &ast::GrantTarget) -> Result<Listing> {
        let to = self.grantee(to)?;
        Ok(self.future_grants(self.catalog.grants_to(to)))
    }

    fn future_grants(&self, grants: Vec<&Grant>) -> Listing {
        let mut listing = Listing::show(FUTURE_GRANTS);
        for grant in grants {
            let GrantTarget::Future { kind, container } = &grant.target else { continue };
            if self.live_object(*container).is_none() {
                continue;
            }
            let name = format!("{}.<{kind}>", self.catalog.full_name(*container));
            let mut cells = self.grantee_cells(grant.grantee);
            cells.extend([
                ("created_on", time(grant.created_nanos)),
                ("privilege", text(grant.privilege.as_str())),
                ("grant_on", text(kind.replace(' ', "_"))),
                ("name", text(name.as_str())),
                ("grant_option", true_false(grant.grant_option)),
            ]);
            self.add(&mut listing, &name, &cells);
        }
        listing
    }

    fn grantee(&self, to: &ast::GrantTarget) -> Result<Grantee> {
        match to {
            ast::GrantTarget::Role(name) => {
                let name = self.running.written(name)?;
                let name = &name.object().name;
                match self.catalog.role(name) {
                    Some(role) => Ok(Grantee::Role(role.header.id)),
                    None => Err(self.missing(ObjectKind::Role, name)),
                }
            }
            ast::GrantTarget::User(name) => {
                let name = self.running.written(name)?;
                let name = &name.object().name;
                match self.catalog.user(name) {
                    Some(user) => Ok(Grantee::User(user.header.id)),
                    None => Err(self.missing(ObjectKind::User, name)),
                }
            }
            ast::GrantTarget::DatabaseRole(name) => {
                Ok(Grantee::Role(self.running.database_role(&self.running.written(name)?)?.id()))
            }
        }
    }

    fn grantee_cells(&self, grantee: Grantee) -> Vec<Cell<'static>> {
        let of_database = self.catalog.object(grantee.id()).and_then(Object::as_database_role);
        let to = match grantee {
            Grantee::Role(_) if of_database.is_some() => "DATABASE_ROLE",
            Grantee::Role(_) => "ROLE",
            Grantee::User(_) => "USER",
        };
        let name = text(self.catalog.full_name(grantee.id()));
        vec![("granted_to", text(to)), ("grant_to", text(to)), ("grantee_name", name)]
    }

    fn missing(&self, kind: ObjectKind, name: &str) -> Error {
        self.catalog.not_found(kind, ACCOUNT, name)
    }
}

/// Whether the object is one that people name: the sequence behind a column is not.
fn is_shown(object: &Object) -> bool {
    object.kind() != ObjectKind::Sequence || !object.name().contains('.')
}

fn granted_on(kind: ObjectKind) -> String {
    kind.in_listings()
}
