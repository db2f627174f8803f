//! What EXECUTE USING POLICY_CONTEXT makes of context functions in the bodies of policies, so that a query shows what
//! they would leave of it elsewhere.
//!
//! Everything else is as ever: the query is run with the rights of who runs it, who must own what is protected and be
//! allowed to attach its policies; and the functions give what they do wherever no policy asks, since views may decide
//! by them, too, of whose rows nobody is to learn so.

use firn_account::catalog::{Catalog, Rights};
use firn_expression::Expr;
use firn_parse::ast::{ContextArgument, ContextValue, FunctionCall, UsingPolicyContext};
use firn_types::scan_predicate::Comparison;
use firn_types::{Error, ErrorCode, Result, SqlType, Value};

use super::ExprBinder;

/// The functions that can be given a value.
const FUNCTIONS: &str = "CURRENT_ACCOUNT, CURRENT_AVAILABLE_ROLES, CURRENT_ROLE and CURRENT_USER";

/// What context functions are to give; none of those that give what they do.
#[derive(Clone, Debug, Default)]
pub struct Simulation {
    account: Option<String>,
    available_roles: Option<String>,
    role: Option<String>,
    user: Option<String>,
}

impl Simulation {
    /// What a statement asks for.
    ///
    /// # Errors
    /// For functions that can be given no value, one that is given two, and a list where there is one value.
    pub fn of(ast: &UsingPolicyContext) -> Result<Simulation> {
        let mut simulation = Simulation::default();
        ast.arguments.iter().try_for_each(|argument| simulation.set(argument))?;
        Ok(simulation)
    }

    fn set(&mut self, argument: &ContextArgument) -> Result<()> {
        let ContextArgument { function, value, span } = argument;
        let wrong =
            |text: String| Err(Error::new(ErrorCode::InvalidParameterValue, text).at(*span));
        let place = match function.as_str() {
            "CURRENT_ACCOUNT" => &mut self.account,
            "CURRENT_AVAILABLE_ROLES" => &mut self.available_roles,
            "CURRENT_ROLE" => &mut self.role,
            "CURRENT_USER" => &mut self.user,
            _ => {
                return wrong(format!(
                    "POLICY_CONTEXT cannot give {function} a value, only {FUNCTIONS}."
                ));
            }
        };
        let value = match value {
            ContextValue::Text(text) => text.clone(),
            ContextValue::List(names) if function == "CURRENT_AVAILABLE_ROLES" => listed(names),
            ContextValue::List(_) => return wrong(format!("{function} has one value.")),
        };
        if place.replace(value).is_some() {
            return wrong(format!("{function} is given two values."));
        }
        Ok(())
    }

    /// What a function without arguments gives; none where it gives what it does.
    fn value(&self, function: &str) -> Option<&String> {
        match function {
            "CURRENT_ACCOUNT" => self.account.as_ref(),
            "CURRENT_AVAILABLE_ROLES" => self.available_roles.as_ref(),
            "CURRENT_ROLE" | "INVOKER_ROLE" => self.role.as_ref(),
            "CURRENT_USER" => self.user.as_ref(),
            _ => None,
        }
    }

    /// The names of the roles that are in the session with the primary role, in upper case.
    fn roles(&self, catalog: &Catalog) -> Option<Vec<String>> {
        let role = self.role.as_ref()?;
        let known = catalog.role(role);
        let rights = Rights::of(catalog, known.map(|known| known.header.id));
        let held = rights.roles().iter().map(|id| catalog.name_of(*id).to_uppercase());
        let mut names: Vec<String> = held.chain([role.to_uppercase()]).collect();
        names.sort_unstable();
        names.dedup();
        Some(names)
    }
}

/// Names as CURRENT_AVAILABLE_ROLES writes them.
fn listed(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
    format!("[ {} ]", quoted.join(", "))
}

impl ExprBinder<'_> {
    /// What is simulated where the expression stands: in the bodies of policies.
    fn simulation(&self) -> Option<&Simulation> {
        self.binder.context.simulation.filter(|_| self.env.protected.is_some())
    }

    /// What a context function without arguments is to give, where somebody has asked for it.
    pub(super) fn simulated_value(&self, name: &str) -> Option<Expr> {
        let value = Value::text(self.simulation()?.value(name)?.as_str());
        Some(Expr::Literal { value, sql_type: SqlType::TEXT })
    }

    /// What a context function is to give, where somebody has asked for it.
    pub(super) fn simulated(&mut self, name: &str, call: &FunctionCall) -> Result<Option<Expr>> {
        if call.arguments.is_empty() {
            return Ok(self.simulated_value(name));
        }
        let Some(simulation) = self.simulation() else { return Ok(None) };
        let roles = simulation.roles(self.env.catalog).filter(|_| name == "IS_ROLE_IN_SESSION");
        let Some(roles) = roles else { return Ok(None) };
        let arguments = self.plain_arguments(name, call)?;
        // It checks the arguments.
        self.call_scalar(name, arguments.clone())?;
        let role = self.call_scalar("UPPER", arguments)?;
        let is = |known: String| Expr::Compare {
            operator: Comparison::Equal,
            left: Box::new(role.clone()),
            right: Box::new(Expr::Literal { value: Value::text(known), sql_type: SqlType::TEXT }),
        };
        Ok(Some(Expr::Or(roles.into_iter().map(is).collect())))
    }
}
