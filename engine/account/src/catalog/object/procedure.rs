//! Procedures.

use firn_types::Code;

use super::{FunctionTraits, Parameter, Returns};
use crate::catalog::Header;

/// A procedure. As with functions, the name in the header is the signature.
#[derive(Clone, Debug, PartialEq)]
pub struct Procedure {
    /// What all objects have; the parent is the schema in which the names of one with its owner's rights resolve.
    pub header: Header,
    /// What it takes.
    pub parameters: Vec<Parameter>,
    /// What it gives; the columns of a table may be left open.
    pub returns: Returns,
    /// What it does; in SQL, a block of Snowflake Scripting.
    pub code: Code,
    /// Whether it runs with the rights and in the session of its caller, rather than with its owner's.
    pub as_caller: bool,
    /// What was said of it beside.
    pub traits: FunctionTraits,
}

impl Procedure {
    /// The name that it is called by.
    pub fn called(&self) -> &str {
        super::function::called(&self.header.name)
    }
}
