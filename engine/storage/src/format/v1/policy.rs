//! Descriptions of tags and policies, and what they are attached to.

use serde::{Deserialize, Serialize};

use super::function::Parameter;
use super::partition::is_false;
use super::{Header, SqlType};

/// A tag.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tag {
    /// What all objects have.
    pub header: Header,
    /// ALLOWED_VALUES, where given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_values: Option<Vec<String>>,
}

/// A policy with a body.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// What all objects have.
    pub header: Header,
    /// What it takes.
    pub parameters: Vec<Parameter>,
    /// The type of its value; none of a constraint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<SqlType>,
    /// The body's text.
    pub body: String,
    /// EXEMPT_OTHER_POLICIES.
    #[serde(default, skip_serializing_if = "is_false")]
    pub exempt_other_policies: bool,
}

/// A policy that is made of properties.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Properties {
    /// What all objects have.
    pub header: Header,
    /// Names and values, in order.
    pub properties: Vec<(String, String)>,
}

/// Tags and policies of an object, or of one of its columns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attached {
    /// The column's field id, of a view its position from 1; none for the object itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// Ids of tags with their values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<(u64, String)>,
    /// Policies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<PolicyUse>,
}

/// A policy that is attached.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyUse {
    /// The policy's id.
    pub policy: u64,
    /// Field ids of the columns that it is given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arguments: Vec<u32>,
}
