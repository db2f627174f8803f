//! SHOW of tags and policies.

use firn_account::catalog::{Object, ObjectKind};
use firn_types::{Result, Value};

use super::ShowContext;
use crate::introspect::listing::{Listing, text, time};

const TAGS: &str = "created_on:time, name, database_name, schema_name, owner, comment, \
                    allowed_values, owner_role_type, propagate, on_conflict";

const POLICIES: &str = "created_on:time, name, database_name, schema_name, kind, owner, comment, \
                        owner_role_type, options";

impl ShowContext<'_> {
    /// SHOW TAGS.
    pub(in crate::introspect) fn tags(&self) -> Result<Listing> {
        let mut listing = self.history_listing(TAGS, ", owner_role_type");
        for found in self.scoped_objects(ObjectKind::Tag.namespace())? {
            let Object::Tag(tag) = &found.object else { continue };
            let mut cells = self.located(&tag.header, &found.place);
            let allowed = tag.allowed_values.as_ref().map(|values| serde_json::json!(values));
            cells.extend([
                ("kind", text("TAG")),
                ("allowed_values", allowed.map_or(Value::Null, |json| text(json.to_string()))),
                ("propagate", Value::Null),
                ("on_conflict", Value::Null),
                ("dropped_on", tag.header.dropped_nanos.map_or(Value::Null, time)),
            ]);
            self.add(&mut listing, &tag.header.name, &cells);
        }
        Ok(listing)
    }

    /// SHOW MASKING POLICIES and their like.
    pub(in crate::introspect) fn policies(&self, kind: ObjectKind) -> Result<Listing> {
        let mut listing = self.listing(POLICIES);
        for found in self.scoped_objects(kind.namespace())? {
            let header = found.object.header();
            let options = match &found.object {
                Object::MaskingPolicy(policy) if policy.exempt_other_policies => {
                    "{\"EXEMPT_OTHER_POLICIES\":\"TRUE\"}"
                }
                _ => "",
            };
            let mut cells = self.located(header, &found.place);
            cells.extend([("kind", text(kind.in_listings())), ("options", text(options))]);
            self.add(&mut listing, &header.name, &cells);
        }
        Ok(listing)
    }
}
