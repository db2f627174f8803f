//! Tags and policies: what they are attached to, and CREATE of those with a body.

use firn_types::{Identifier, Span};

use super::{CreateMode, FunctionParameter, Name, ObjectKind, StatementOption, TypeName};

/// A tag with its value, or a policy, as SET, ADD and WITH write it.
#[derive(Clone, Debug, PartialEq)]
pub struct Attachment {
    /// TAG, or which policy.
    pub kind: ObjectKind,
    /// Its name.
    pub name: Name,
    /// The tag's value.
    pub value: Option<String>,
    /// The columns of USING, ON or ENTITY KEY.
    pub columns: Vec<Identifier>,
    /// FORCE: in the place of another policy.
    pub force: bool,
    /// Where it was written.
    pub span: Span,
}

/// What is attached, or taken off.
#[derive(Clone, Debug, PartialEq)]
pub enum AttachmentChange {
    /// SET, ADD, WITH.
    Set(Vec<Attachment>),
    /// UNSET, DROP: what is named, or all of the kind.
    Unset(ObjectKind, Vec<Name>),
}

/// A change of the tags and policies of an object or of one of its columns.
#[derive(Clone, Debug, PartialEq)]
pub struct ChangeAttachments {
    /// The column; none for the object itself.
    pub column: Option<Identifier>,
    /// What changes.
    pub change: AttachmentChange,
}

/// CREATE of a policy with a body.
#[derive(Clone, Debug, PartialEq)]
pub struct CreatePolicy {
    /// Which policy.
    pub kind: ObjectKind,
    /// What happens when it exists.
    pub mode: CreateMode,
    /// Its name.
    pub name: Name,
    /// What it takes.
    pub parameters: Vec<FunctionParameter>,
    /// What it gives; none of a constraint of projection or aggregation.
    pub returns: Option<TypeName>,
    /// The place of the body.
    pub body: Span,
    /// `NAME = value`, COMMENT among them.
    pub options: Vec<StatementOption>,
}
