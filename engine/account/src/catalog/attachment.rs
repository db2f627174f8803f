//! Which tags and policies an object has, and its columns. They are part of the object, so that they come and go,
//! are cloned and return with it.

use std::collections::BTreeMap;

use firn_types::{FieldId, ObjectId};

use super::{Catalog, Header};

/// Tags and policies of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attachments {
    /// Of the object itself.
    pub own: Attached,
    /// Of its columns. The columns of a view have the numbers of their positions, from 1.
    pub columns: BTreeMap<FieldId, Attached>,
}

/// Tags and policies of one thing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attached {
    /// Values of tags.
    pub tags: BTreeMap<ObjectId, String>,
    /// Policies, at most one of a kind; a tag may have several masking policies.
    pub policies: Vec<PolicyUse>,
}

/// A policy that is attached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyUse {
    /// The policy.
    pub policy: ObjectId,
    /// The columns that it is given: of a masking policy behind the column itself.
    pub arguments: Vec<FieldId>,
}

impl Attachments {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.own.is_empty() && self.columns.is_empty()
    }

    /// Those of a column.
    pub fn column(&self, field: FieldId) -> Option<&Attached> {
        self.columns.get(&field)
    }

    /// Those of the object, or of one of its columns, to be changed. Call [`Attachments::tidy`] afterwards.
    pub fn of_mut(&mut self, column: Option<FieldId>) -> &mut Attached {
        match column {
            Some(field) => self.columns.entry(field).or_default(),
            None => &mut self.own,
        }
    }

    /// Leaves out columns that have none.
    pub fn tidy(&mut self) {
        self.columns.retain(|_, attached| !attached.is_empty());
    }

    /// Each thing that has some: the object itself as none, and its columns.
    pub fn iter(&self) -> impl Iterator<Item = (Option<FieldId>, &Attached)> {
        let columns = self.columns.iter().map(|(field, attached)| (Some(*field), attached));
        [(None, &self.own)].into_iter().chain(columns)
    }

    /// Whether a tag or policy is among them.
    pub fn use_of(&self, id: ObjectId) -> bool {
        self.iter().any(|(_, attached)| {
            attached.tags.contains_key(&id)
                || attached.policies.iter().any(|attached| attached.policy == id)
        })
    }

    /// Whether a policy is given a column beside the one that it is attached to.
    pub fn takes(&self, field: FieldId) -> bool {
        let mut policies = self.iter().flat_map(|(_, attached)| &attached.policies);
        policies.any(|attached| attached.arguments.contains(&field))
    }

    /// The same with other columns, and without those that are gone. A policy that is given one that is gone keeps it,
    /// so that nothing is shown until the policy is taken off.
    pub fn map_columns(&self, column: impl Fn(FieldId) -> Option<FieldId>) -> Attachments {
        let given = |used: &PolicyUse| {
            let arguments = used.arguments.iter();
            let arguments = arguments.map(|field| column(*field).unwrap_or(FieldId(u32::MAX)));
            PolicyUse { policy: used.policy, arguments: arguments.collect() }
        };
        let attached = |old: &Attached| Attached {
            tags: old.tags.clone(),
            policies: old.policies.iter().map(given).collect(),
        };
        let columns = self.columns.iter();
        let columns = columns.filter_map(|(field, old)| Some((column(*field)?, attached(old))));
        Attachments { own: attached(&self.own), columns: columns.collect() }
    }

    /// The same with other ids of tags and policies.
    pub fn map_ids(&self, mut id: impl FnMut(ObjectId) -> ObjectId) -> Attachments {
        let mut attached = |old: &Attached| Attached {
            tags: old.tags.iter().map(|(tag, value)| (id(*tag), value.clone())).collect(),
            policies: (old.policies.iter())
                .map(|used| PolicyUse {
                    policy: id(used.policy),
                    arguments: used.arguments.clone(),
                })
                .collect(),
        };
        Attachments {
            own: attached(&self.own),
            columns: self.columns.iter().map(|(field, old)| (*field, attached(old))).collect(),
        }
    }
}

impl Attached {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.tags.is_empty() && self.policies.is_empty()
    }
}

/// A tag that is in effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EffectiveTag<'c> {
    /// The tag.
    pub tag: ObjectId,
    /// Its value.
    pub value: &'c str,
    /// What has it: the column itself as none, or the object or a container of it.
    pub from: Option<ObjectId>,
}

impl Catalog {
    /// The tags that are in effect on an object, or one of its columns: its own, and those of what it is in, the
    /// nearest first. What was dropped is not in effect.
    pub fn tags_of<'c>(
        &'c self,
        header: &'c Header,
        field: Option<FieldId>,
    ) -> Vec<EffectiveTag<'c>> {
        let column = field.and_then(|field| header.attachments.column(field));
        let mut levels = vec![(None, column), (Some(header.id), Some(&header.attachments.own))];
        let mut next = header.parent;
        while let Some(container) = self.object(next) {
            levels.push((Some(next), Some(&container.header().attachments.own)));
            next = container.header().parent;
        }
        let mut found: Vec<EffectiveTag<'c>> = Vec::new();
        for (from, attached) in levels {
            for (tag, value) in attached.into_iter().flat_map(|attached| &attached.tags) {
                let live =
                    self.object(*tag).is_some_and(|tag| tag.header().dropped_nanos.is_none());
                if live && found.iter().all(|other| other.tag != *tag) {
                    found.push(EffectiveTag { tag: *tag, value, from });
                }
            }
        }
        found
    }
}
