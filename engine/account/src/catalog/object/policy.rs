//! Tags, and the policies that say who sees which data, and how users log in.

use firn_types::SqlType;

use super::Parameter;
use crate::catalog::Header;

/// A tag: what objects and columns are given values of.
#[derive(Clone, Debug, PartialEq)]
pub struct Tag {
    /// What all objects have. Masking policies that are attached to it protect the columns that have it.
    pub header: Header,
    /// The values that it takes; any where there are none.
    pub allowed_values: Option<Vec<String>>,
}

/// What a policy computes: an expression over parameters, which is bound with the rights of the policy's owner.
#[derive(Clone, Debug, PartialEq)]
pub struct PolicyBody {
    /// What it takes: values of the columns that it is attached to.
    pub parameters: Vec<Parameter>,
    /// What it gives; none for a constraint of projection or aggregation.
    pub returns: Option<SqlType>,
    /// The expression's text.
    pub text: String,
}

impl PolicyBody {
    /// Whether the policy is for values of a type, where a tag brings it.
    pub fn takes(&self, sql_type: SqlType) -> bool {
        let first = self.parameters.first();
        first.is_some_and(|first| first.sql_type.family() == sql_type.family())
    }
}

/// What is shown of a column's values.
#[derive(Clone, Debug, PartialEq)]
pub struct MaskingPolicy {
    /// What all objects have.
    pub header: Header,
    /// The first parameter is the value, others are further columns.
    pub body: PolicyBody,
    /// Whether other policies may read the column as it is.
    pub exempt_other_policies: bool,
}

/// Which rows are shown.
#[derive(Clone, Debug, PartialEq)]
pub struct RowAccessPolicy {
    /// What all objects have.
    pub header: Header,
    /// TRUE for rows that are shown.
    pub body: PolicyBody,
}

/// Whether a column may stand in a query's result.
#[derive(Clone, Debug, PartialEq)]
pub struct ProjectionPolicy {
    /// What all objects have.
    pub header: Header,
    /// Gives a PROJECTION_CONSTRAINT.
    pub body: PolicyBody,
}

/// Whether a query must aggregate rows.
#[derive(Clone, Debug, PartialEq)]
pub struct AggregationPolicy {
    /// What all objects have.
    pub header: Header,
    /// Gives an AGGREGATION_CONSTRAINT.
    pub body: PolicyBody,
}

/// What passwords must be, and how long they and locks last.
#[derive(Clone, Debug, PartialEq)]
pub struct PasswordPolicy {
    /// What all objects have.
    pub header: Header,
    /// The properties that were set, as name and value.
    pub properties: Vec<(String, String)>,
}

/// How long sessions may be idle.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionPolicy {
    /// What all objects have.
    pub header: Header,
    /// The properties that were set, as name and value.
    pub properties: Vec<(String, String)>,
}
