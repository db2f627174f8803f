//! Calls of aggregate functions that users have made: ARRAY_AGG gathers the rows of a group, each as an array of
//! arguments, and the function's code gets them as one.

use firn_expression::Expr;
use firn_functions::registry;
use firn_parse::ast::FunctionCall;
use firn_plan::AggregateCall;
use firn_types::{Error, Result};

use super::user_function::Overloads;
use super::{ExprBinder, cast, special};
use crate::bind::Binder;
use crate::bind::clause::Clause;
use crate::bind::context::Env;

impl Binder<'_> {
    /// Whether a call is one of a user's aggregate function.
    pub(crate) fn is_user_aggregate(&self, call: &FunctionCall, env: &Env<'_>) -> bool {
        let Ok(name) = self.plain_name(&call.name, env) else { return false };
        let short = name.object().as_str();
        // What is built in has its name to itself: most calls need no look at the schema's functions.
        let built_in = registry::find(short).is_some() || special::find(short).is_some();
        if built_in && name.parts.len() == 1 {
            return false;
        }
        let overloads = self.user_functions(&name, env);
        overloads.is_some_and(|overloads| overloads.is_aggregate())
    }
}

impl ExprBinder<'_> {
    /// A call of a user's aggregate function.
    ///
    /// # Errors
    /// Where no aggregate may be; when no function of the name takes the arguments.
    pub(super) fn bind_user_aggregate(
        &mut self,
        overloads: Overloads,
        call: &FunctionCall,
    ) -> Result<Expr> {
        let name = overloads.name().to_string();
        if !self.clause.takes_aggregates() {
            return Err(self.clause.refuse_aggregate(&name));
        }
        let clause = std::mem::replace(&mut self.clause, Clause::AggregateArgument);
        let chosen = self.choose(overloads, call);
        self.clause = clause;
        let (function, arguments) =
            chosen?.foreign().filter(|(function, _)| function.aggregate).ok_or_else(|| {
                Error::not_supported(format!("functions {name} of which only some aggregate"))
            })?;
        let row = self.call_scalar("ARRAY_CONSTRUCT", arguments)?;
        let gather = registry::aggregate("ARRAY_AGG")?;
        let signature = gather.resolve(vec![self.argument(&row)])?;
        let row = cast(row, signature.arguments[0]);
        let rows = self.gathered_aggregate(AggregateCall {
            id: self.binder.fresh(),
            name,
            function: gather,
            signature,
            arguments: vec![row],
            distinct: false,
            order_by: Vec::new(),
        });
        Ok(Expr::Foreign { function, arguments: vec![rows] })
    }
}
