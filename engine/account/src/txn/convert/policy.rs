//! Tags, policies, and what they are attached to.

use firn_storage::format::v1;
use firn_types::{FieldId, ObjectId, Result};

use super::corrupt;
use super::function::{parameter_from, parameter_to};
use super::object::{header_from, header_to};
use super::value::{type_from, type_to};
use crate::catalog::{
    AggregationPolicy, Attached, Attachments, Header, MaskingPolicy, Object, PasswordPolicy,
    PolicyBody, PolicyUse, ProjectionPolicy, RowAccessPolicy, SessionPolicy, Tag,
};

/// A tag or policy as it is persisted.
pub(super) fn object_to(object: &Object) -> Result<v1::Object> {
    Ok(match object {
        Object::Tag(tag) => v1::Object::Tag(tag_to(tag)),
        Object::AggregationPolicy(policy) => {
            v1::Object::AggregationPolicy(policy_to(&policy.header, &policy.body))
        }
        Object::MaskingPolicy(policy) => v1::Object::MaskingPolicy(masking_to(policy)),
        Object::PasswordPolicy(policy) => v1::Object::PasswordPolicy(v1::Properties {
            header: header_to(&policy.header),
            properties: policy.properties.clone(),
        }),
        Object::ProjectionPolicy(policy) => {
            v1::Object::ProjectionPolicy(policy_to(&policy.header, &policy.body))
        }
        Object::RowAccessPolicy(policy) => {
            v1::Object::RowAccessPolicy(policy_to(&policy.header, &policy.body))
        }
        Object::SessionPolicy(policy) => v1::Object::SessionPolicy(v1::Properties {
            header: header_to(&policy.header),
            properties: policy.properties.clone(),
        }),
        _ => return Err(corrupt("policy")),
    })
}

/// The tag or policy of its persisted form.
pub(super) fn object_from(object: v1::Object) -> Result<Object> {
    Ok(match object {
        v1::Object::Tag(tag) => Object::from(tag_from(tag)),
        v1::Object::AggregationPolicy(policy) => {
            let (header, body) = policy_from(policy)?;
            Object::from(AggregationPolicy { header, body })
        }
        v1::Object::MaskingPolicy(policy) => Object::from(masking_from(policy)?),
        v1::Object::PasswordPolicy(policy) => Object::from(PasswordPolicy {
            header: header_from(policy.header),
            properties: policy.properties,
        }),
        v1::Object::ProjectionPolicy(policy) => {
            let (header, body) = policy_from(policy)?;
            Object::from(ProjectionPolicy { header, body })
        }
        v1::Object::RowAccessPolicy(policy) => {
            let (header, body) = policy_from(policy)?;
            Object::from(RowAccessPolicy { header, body })
        }
        v1::Object::SessionPolicy(policy) => Object::from(SessionPolicy {
            header: header_from(policy.header),
            properties: policy.properties,
        }),
        _ => return Err(corrupt("policy")),
    })
}

fn tag_to(tag: &Tag) -> v1::Tag {
    v1::Tag { header: header_to(&tag.header), allowed_values: tag.allowed_values.clone() }
}

fn tag_from(tag: v1::Tag) -> Tag {
    Tag { header: header_from(tag.header), allowed_values: tag.allowed_values }
}

fn policy_to(header: &Header, body: &PolicyBody) -> v1::Policy {
    v1::Policy {
        header: header_to(header),
        parameters: body.parameters.iter().map(parameter_to).collect(),
        value: body.returns.map(type_to),
        body: body.text.clone(),
        exempt_other_policies: false,
    }
}

fn policy_from(policy: v1::Policy) -> Result<(Header, PolicyBody)> {
    let body = PolicyBody {
        parameters: policy.parameters.into_iter().map(parameter_from).collect::<Result<_>>()?,
        returns: policy.value.as_ref().map(type_from).transpose()?,
        text: policy.body,
    };
    Ok((header_from(policy.header), body))
}

fn masking_to(policy: &MaskingPolicy) -> v1::Policy {
    let exempt_other_policies = policy.exempt_other_policies;
    v1::Policy { exempt_other_policies, ..policy_to(&policy.header, &policy.body) }
}

fn masking_from(policy: v1::Policy) -> Result<MaskingPolicy> {
    let exempt_other_policies = policy.exempt_other_policies;
    let (header, body) = policy_from(policy)?;
    Ok(MaskingPolicy { header, body, exempt_other_policies })
}

pub(super) fn attached_to(attachments: &Attachments) -> Vec<v1::Attached> {
    let some = attachments.iter().filter(|(_, attached)| !attached.is_empty());
    let attached = some.map(|(column, attached)| v1::Attached {
        column: column.map(|field| field.0),
        tags: attached.tags.iter().map(|(tag, value)| (tag.0, value.clone())).collect(),
        policies: (attached.policies.iter())
            .map(|used| v1::PolicyUse {
                policy: used.policy.0,
                arguments: used.arguments.iter().map(|field| field.0).collect(),
            })
            .collect(),
    });
    attached.collect()
}

pub(super) fn attached_from(attached: Vec<v1::Attached>) -> Attachments {
    let mut attachments = Attachments::default();
    for one in attached {
        let policies = one.policies.into_iter().map(|used| PolicyUse {
            policy: ObjectId(used.policy),
            arguments: used.arguments.into_iter().map(FieldId).collect(),
        });
        *attachments.of_mut(one.column.map(FieldId)) = Attached {
            tags: one.tags.into_iter().map(|(tag, value)| (ObjectId(tag), value)).collect(),
            policies: policies.collect(),
        };
    }
    attachments
}
