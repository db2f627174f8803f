//! Names of objects and of staged files.

use firn_types::{ObjectName, Span};

use super::Expr;

/// A name where the grammar wants one.
#[derive(Clone, Debug, PartialEq)]
pub enum Name {
    /// Written out.
    Plain(ObjectName),
    /// `IDENTIFIER(expr)` or `TABLE('name')`: the text of the expression, a constant, is the name.
    Identifier(Box<Expr>),
}

impl Name {
    /// Where the name was written.
    pub fn span(&self) -> Span {
        match self {
            Name::Plain(name) => name.span(),
            Name::Identifier(expr) => expr.span,
        }
    }
}

/// Files of a stage, or below a URL.
#[derive(Clone, Debug, PartialEq)]
pub struct StageLocation {
    /// Which stage.
    pub kind: StageKind,
    /// What follows the stage's name, without the slash between them; empty when nothing does. For a
    /// URL it is empty: the URL is whole.
    pub path: String,
    /// Where it was written.
    pub span: Span,
}

/// A stage as a statement names it.
#[derive(Clone, Debug, PartialEq)]
pub enum StageKind {
    /// `@~`: the user's own.
    User,
    /// `@%table`: a table's own.
    Table(ObjectName),
    /// `@name`.
    Named(ObjectName),
    /// `'s3://..'`, `'file://..'` and the like: no stage at all.
    Url(String),
}
