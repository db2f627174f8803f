//! EXECUTE USING POLICY_CONTEXT.

use firn_types::Span;

use super::Query;

/// `EXECUTE USING POLICY_CONTEXT (..) AS SELECT ..`: a query as policies would have it elsewhere.
#[derive(Clone, Debug, PartialEq)]
pub struct UsingPolicyContext {
    /// What context functions are to give, in order.
    pub arguments: Vec<ContextArgument>,
    /// The query.
    pub query: Box<Query>,
}

/// `CURRENT_ROLE => 'ANALYST'`.
#[derive(Clone, Debug, PartialEq)]
pub struct ContextArgument {
    /// The function's name in upper case.
    pub function: String,
    /// What it gives.
    pub value: ContextValue,
    /// Where it was written.
    pub span: Span,
}

/// What a context function is to give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContextValue {
    /// A text.
    Text(String),
    /// Several names.
    List(Vec<String>),
}
