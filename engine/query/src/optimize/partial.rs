//! Aggregates in two steps: states of parts of the rows, then the answers for all of them.
//!
//! A sum is the sum of the sums of parts, a count the sum of their counts, a mean what both give. States are
//! columns like any others: what is merged in a plan may be stored, joined and spilled between the steps.

use firn_expression::Expr;
use firn_functions::Argument;
use firn_functions::meaning::Merge;
use firn_functions::registry::{self, Function};
use firn_plan::{AggregateCall, PlanColumn};
use firn_types::{Result, SqlType, Value};

use super::OptimizeContext;
use super::substitute::is_volatile;

/// Calls of aggregate functions, taken apart.
pub(super) struct Partial {
    /// What is computed of a part's rows.
    pub(super) states: Vec<AggregateCall>,
    /// For each call, how its answer comes from states.
    answers: Vec<(Answer, SqlType)>,
}

/// How an answer comes from states, by their positions.
enum Answer {
    /// It is the state.
    State(usize),
    /// It is the state, and 0 where there is none.
    Count(usize),
    /// The quotient of a sum and a count.
    Mean(usize, usize),
}

impl Partial {
    /// Takes calls apart; none when some answer cannot be told from answers for parts.
    pub(super) fn of(
        calls: &[AggregateCall],
        context: &OptimizeContext<'_>,
    ) -> Result<Option<Partial>> {
        let mut partial = Partial { states: Vec::new(), answers: Vec::new() };
        for call in calls {
            if call.distinct || !call.order_by.is_empty() {
                return Ok(None);
            }
            let answer = match call.function.meaning.merge() {
                Some(Merge::Same) => Answer::State(partial.state(call.clone(), context)),
                Some(Merge::Added) => Answer::Count(partial.state(call.clone(), context)),
                Some(Merge::SumAndCount) => {
                    let sum = aggregate("SUM", call, &call.arguments, context)?;
                    let count = aggregate("COUNT", call, &call.arguments, context)?;
                    let sum = partial.state(sum, context);
                    Answer::Mean(sum, partial.state(count, context))
                }
                None => return Ok(None),
            };
            partial.answers.push((answer, call.signature.returns));
        }
        Ok(Some(partial))
    }

    /// The position of a state, which calls may share.
    pub(super) fn state(&mut self, call: AggregateCall, context: &OptimizeContext<'_>) -> usize {
        let same = |known: &AggregateCall| {
            known.computes_as(&call) && !call.arguments.iter().any(is_volatile)
        };
        if let Some(position) = self.states.iter().position(same) {
            return position;
        }
        self.states.push(AggregateCall { id: context.fresh(), ..call });
        self.states.len() - 1
    }

    /// What makes the states of a whole of the states of its parts, which are these columns.
    pub(super) fn merging(
        &self,
        parts: &[PlanColumn],
        context: &OptimizeContext<'_>,
    ) -> Result<Vec<AggregateCall>> {
        let calls = self.states.iter().zip(parts).map(|(state, part)| {
            let name = match state.function.meaning.merge() {
                Some(Merge::Added) => "SUM",
                _ => state.function.name,
            };
            aggregate(name, state, &[part.expr()], context)
        });
        calls.collect()
    }

    /// The answers of the calls, in terms of columns that hold the states of all rows.
    pub(super) fn answers(&self, states: &[PlanColumn]) -> Result<Vec<Expr>> {
        let answer = |(answer, returns): &(Answer, SqlType)| {
            let expr = match answer {
                Answer::State(state) => states[*state].expr(),
                Answer::Count(state) => {
                    let sql_type = states[*state].sql_type;
                    let none = Expr::Literal { value: Value::integer(0), sql_type };
                    Expr::Coalesce { operands: vec![states[*state].expr(), none], sql_type }
                }
                // NULL where nothing was counted, since the sum is.
                Answer::Mean(sum, count) => {
                    scalar("/", [states[*sum].expr(), states[*count].expr()])?
                }
            };
            Ok(as_type(expr, *returns))
        };
        self.answers.iter().map(answer).collect()
    }
}

/// A call of an aggregate function that gives a column of its own, with the name of another.
pub(super) fn aggregate(
    name: &str,
    named_as: &AggregateCall,
    arguments: &[Expr],
    context: &OptimizeContext<'_>,
) -> Result<AggregateCall> {
    let Some(Function::Aggregate(function)) = registry::find(name) else {
        return Err(missing(name));
    };
    let views: Vec<Argument> = arguments.iter().map(|a| Argument::of(a.sql_type())).collect();
    let signature = function.resolve(views)?;
    let types = signature.arguments.clone();
    let arguments = arguments.iter().cloned().zip(&types);
    Ok(AggregateCall {
        id: context.fresh(),
        name: named_as.name.clone(),
        function,
        arguments: arguments.map(|(argument, wanted)| as_type(argument, *wanted)).collect(),
        signature,
        distinct: false,
        order_by: Vec::new(),
    })
}

/// A call of a scalar function that is there under this name.
pub(crate) fn scalar(name: &str, arguments: [Expr; 2]) -> Result<Expr> {
    let Some(Function::Scalar(function)) = registry::find(name) else { return Err(missing(name)) };
    let views = arguments.each_ref().map(|argument| Argument {
        constant: argument.as_literal().cloned(),
        ..Argument::of(argument.sql_type())
    });
    let signature = function.resolve(views.to_vec())?;
    let arguments = arguments.into_iter().zip(&signature.arguments);
    let arguments = arguments.map(|(argument, wanted)| as_type(argument, *wanted)).collect();
    Ok(Expr::Call { function, signature, arguments })
}

fn missing(name: &str) -> firn_types::Error {
    firn_types::Error::internal(format!("a function that is not there: {name}"))
}

/// The expression, converted when it is not of this type.
pub(super) fn as_type(input: Expr, to: SqlType) -> Expr {
    if input.sql_type() == to {
        return input;
    }
    Expr::Cast { input: Box::new(input), to, lenient: false }
}
