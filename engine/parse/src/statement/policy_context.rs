//! EXECUTE USING POLICY_CONTEXT.

use firn_types::Result;

use super::super::ast::{ContextArgument, ContextValue, Statement, UsingPolicyContext};
use super::super::reader::Reader;

impl Reader<'_> {
    /// EXECUTE USING POLICY_CONTEXT.
    pub(super) fn using_policy_context(&mut self) -> Result<Statement> {
        self.expect_keywords("EXECUTE USING POLICY_CONTEXT")?;
        let arguments = self.parenthesized(Reader::context_argument)?;
        self.expect_keywords("AS")?;
        let begins = self.is_symbol(0, "(") || self.is_word(0, "SELECT") || self.is_word(0, "WITH");
        if !begins {
            return Err(self.unexpected());
        }
        let query = Box::new(self.query()?);
        Ok(Statement::UsingPolicyContext(UsingPolicyContext { arguments, query }))
    }

    /// `NAME => 'text'`, or several texts in brackets or parentheses.
    fn context_argument(&mut self) -> Result<ContextArgument> {
        let start = self.index();
        let Some(function) = self.peek_upper(0) else { return Err(self.unexpected()) };
        self.advance();
        self.expect_symbol("=>")?;
        let value = if self.is_symbol(0, "(") {
            ContextValue::List(self.parenthesized(Reader::string)?)
        } else if self.eat_symbol("[") {
            let names = self.list(Reader::string)?;
            self.expect_symbol("]")?;
            ContextValue::List(names)
        } else {
            ContextValue::Text(self.string()?)
        };
        Ok(ContextArgument { function, value, span: self.since(start) })
    }
}
