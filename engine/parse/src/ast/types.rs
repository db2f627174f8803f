//! Types as written.

use firn_types::{Identifier, Span};

/// The name of a type with its arguments, as written: `NUMBER(10, 2)`, `DOUBLE PRECISION`,
/// `ARRAY(INT)`. Which type it is depends on the session (`TIMESTAMP`), so the binder says.
#[derive(Clone, Debug, PartialEq)]
pub struct TypeName {
    /// The type's words in upper case, one blank between them, such as `DOUBLE PRECISION` or
    /// `TIMESTAMP WITH LOCAL TIME ZONE`.
    pub name: String,
    /// What stands in the parentheses.
    pub arguments: Vec<TypeArgument>,
    /// Where it was written.
    pub span: Span,
}

/// One argument of a type.
#[derive(Clone, Debug, PartialEq)]
pub enum TypeArgument {
    /// A length, precision, scale or dimension.
    Number(u64),
    /// The type of elements, keys or values, and whether they must not be null.
    Type(TypeName, bool),
    /// A field of a structured OBJECT, and whether it must not be null.
    Field(Identifier, TypeName, bool),
}
