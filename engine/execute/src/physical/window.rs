//! Window functions: one operator for each PARTITION BY and ORDER BY.

use std::sync::Arc;

use firn_expression::Expr;
use firn_functions::{AggregateMeaning, WindowMeaning};
use firn_plan::{Window, WindowCall, WindowTarget};
use firn_types::Result;

use super::aggregate::wrapped;
use super::sort::key_order;
use super::{Builder, Stream, Wanted, started, wanted_with};
use crate::evaluate::{Expressions, Layout};
use crate::operators::window::{self, CallTarget, Running, Top, WindowCallSpec, WindowSpec};
use crate::profile::OperatorId;

impl Builder<'_, '_> {
    pub(super) fn window(
        &mut self,
        node: &Window,
        wanted: &Wanted,
        id: OperatorId,
    ) -> Result<Stream> {
        let calls: Vec<&WindowCall> =
            node.calls.iter().filter(|call| wanted.contains(&call.id)).collect();
        let mut groups: Vec<Vec<&WindowCall>> = Vec::new();
        for call in &calls {
            match groups.iter_mut().find(|group| group[0].same_window(call)) {
                Some(group) => group.push(call),
                None => groups.push(vec![call]),
            }
        }
        let below = wanted_with(wanted, calls.iter().flat_map(|call| expressions(call)));
        let mut stream = self.build(&node.input, &below)?;
        for group in 0..groups.len() {
            // What later groups use must pass this one.
            let later = groups[group + 1..].iter().flatten().flat_map(|call| expressions(call));
            let kept = wanted_with(wanted, later);
            let top = if groups.len() == 1 { top_of(node) } else { None };
            stream = self.window_group(stream, &groups[group], &kept, top, id)?;
        }
        Ok(stream)
    }

    fn window_group(
        &mut self,
        stream: Stream,
        calls: &[&WindowCall],
        kept: &Wanted,
        top: Option<Top>,
        id: OperatorId,
    ) -> Result<Stream> {
        let first = calls[0];
        let mut inputs: Vec<Expr> = first.partition_by.clone();
        inputs.extend(first.order_by.iter().map(|key| key.expr.clone()));
        let specs = calls.iter().map(|call| call_spec(call, &mut inputs));
        let specs = specs.collect::<Result<_>>()?;
        let payload = stream.layout.positions_where(|id| kept.contains(&id));
        let mut columns = stream.layout.project(&payload);
        let answers = calls.iter().map(|call| (call.id, call.column().sql_type)).collect();
        columns = columns.joined(&Layout::new(answers));
        let spec = WindowSpec {
            payload,
            inputs: Expressions::new(inputs, &stream.layout)?,
            partition_keys: first.partition_by.len(),
            orders: first.order_by.iter().map(key_order).collect(),
            calls: specs,
            top,
        };
        let window = Arc::new(window::Window::new(spec));
        self.end_in(stream, window.clone(), id);
        Ok(started(window, columns, id))
    }
}

/// The call with its arguments added to the inputs.
fn call_spec(call: &WindowCall, inputs: &mut Vec<Expr>) -> Result<WindowCallSpec> {
    let start = inputs.len();
    inputs.extend(call.arguments.iter().cloned());
    let target = match &call.target {
        WindowTarget::Window(function, signature) => {
            CallTarget::Window((function.bind)(&signature.given)?)
        }
        WindowTarget::Aggregate { function, signature, distinct, within } => {
            inputs.extend(within.iter().map(|key| key.expr.clone()));
            let plain = !distinct && within.is_empty();
            let meaning = if plain { function.meaning } else { AggregateMeaning::Opaque };
            let binding = (function.over)(&signature.given)?;
            CallTarget::Aggregate(wrapped(binding, *distinct, within), meaning)
        }
    };
    Ok(WindowCallSpec {
        target,
        arguments: start..inputs.len(),
        returns: call.column().sql_type,
        frame: call.frame.clone(),
        ignore_nulls: call.ignore_nulls,
        running: Running::of(call),
    })
}

/// How many of the first rows of each partition are wanted, when the plan says so.
fn top_of(node: &Window) -> Option<Top> {
    let (id, rows) = node.top?;
    let call = node.calls.iter().find(|call| call.id == id)?;
    let WindowTarget::Window(function, _) = &call.target else { return None };
    let WindowMeaning::Numbering(numbering) = function.meaning else { return None };
    Some(Top { rows: usize::try_from(rows).ok()?, numbering })
}

fn expressions(call: &WindowCall) -> Vec<&Expr> {
    let keys = call.order_by.iter().map(|key| &key.expr);
    let mut all: Vec<&Expr> = call.arguments.iter().chain(&call.partition_by).chain(keys).collect();
    if let WindowTarget::Aggregate { within, .. } = &call.target {
        all.extend(within.iter().map(|key| &key.expr));
    }
    all
}
