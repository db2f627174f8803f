//! Calls with OVER.

use firn_expression::Expr;
use firn_functions::AggregateFunction;
use firn_functions::registry::Function;
use firn_functions::signature::check_arity;
use firn_parse::ast::{self, ArgumentValue, FrameUnits, FunctionCall, NullTreatment, WindowSpec};
use firn_plan::{Frame, FrameBound, FrameUnit, SortKey, WindowCall, WindowTarget};
use firn_types::{Error, ErrorCode, Result, Value};

use super::aggregate::BoundAggregate;
use super::{ExprBinder, cast};
use crate::bind::clause::Clause;

impl ExprBinder<'_> {
    pub(super) fn bind_window(
        &mut self,
        function: Function,
        call: &FunctionCall,
        over: &ast::Window,
        whole: &ast::Expr,
    ) -> Result<Expr> {
        let text = whole.span.of(self.env.text).to_uppercase();
        if !self.clause.takes_windows() {
            return Err(self.clause.refuse_window(&text));
        }
        let clause = std::mem::replace(&mut self.clause, Clause::WindowArgument);
        let bound = self.window_call(function, call, over, text);
        self.clause = clause;
        let mut bound = bound?;
        if let Some(grouping) = self.grouping {
            for expr in expressions_of(&mut bound) {
                let taken = std::mem::replace(expr, Expr::boolean(true));
                *expr = self.regroup(taken, grouping)?;
            }
        }
        let column = bound.column().expr();
        self.gathered.windows.push(bound);
        Ok(column)
    }

    fn window_call(
        &mut self,
        function: Function,
        call: &FunctionCall,
        over: &ast::Window,
        name: String,
    ) -> Result<WindowCall> {
        let spec = self.window_spec(over, 0)?;
        let partition_by: Vec<Expr> =
            spec.partition_by.iter().map(|expr| self.bind_inner(expr)).collect::<Result<_>>()?;
        let order_by = self.sort_keys(&spec.order_by)?;
        let (target, arguments) = self.window_target(function, call, &order_by)?;
        let frame = self.frame(&spec, &target, !order_by.is_empty())?;
        Ok(WindowCall {
            id: self.binder.fresh(),
            name,
            target,
            arguments,
            partition_by,
            order_by,
            frame,
            ignore_nulls: call.nulls == Some(NullTreatment::Ignore),
        })
    }

    /// PARTITION BY and ORDER BY of a table function's partitions.
    ///
    /// # Errors
    /// What is wrong with the expressions; a frame.
    pub(crate) fn partitions(&mut self, over: &ast::Window) -> Result<(Vec<Expr>, Vec<SortKey>)> {
        let spec = self.window_spec(over, 0)?;
        if spec.frame.is_some() {
            return Err(Error::not_supported("a frame in OVER of a table function"));
        }
        let partition_by = spec.partition_by.iter().map(|expr| self.bind_inner(expr));
        let partition_by = partition_by.collect::<Result<_>>()?;
        Ok((partition_by, self.sort_keys(&spec.order_by)?))
    }

    fn window_target(
        &mut self,
        function: Function,
        call: &FunctionCall,
        order_by: &[SortKey],
    ) -> Result<(WindowTarget, Vec<Expr>)> {
        match function {
            Function::Aggregate(function) => {
                let bound =
                    self.aggregate_parts(function, AggregateFunction::resolve_over, call)?;
                let BoundAggregate { signature, arguments, order_by: within } = bound;
                let distinct = call.distinct;
                Ok((WindowTarget::Aggregate { function, signature, distinct, within }, arguments))
            }
            Function::Window(function) => {
                if function.needs_order && order_by.is_empty() {
                    let text = format!(
                        "Window function type [{}] requires ORDER BY in window specification",
                        function.name
                    );
                    return Err(Error::new(ErrorCode::InvalidStatement, text));
                }
                if function.takes_windows {
                    self.clause = Clause::WindowsArgument;
                }
                let mut arguments = Vec::with_capacity(call.arguments.len());
                for argument in &call.arguments {
                    let ArgumentValue::Expr(expr) = &argument.value else {
                        return Err(Error::not_supported("* in a window function"));
                    };
                    arguments.push(self.bind_inner(expr)?);
                }
                let views: Vec<_> = arguments.iter().map(|a| self.argument(a)).collect();
                check_arity(function.name, function.arity, views.len())?;
                let signature = function.resolve(views)?;
                let arguments = arguments
                    .into_iter()
                    .zip(&signature.arguments)
                    .map(|(argument, &to)| cast(argument, to))
                    .collect();
                Ok((WindowTarget::Window(function, signature), arguments))
            }
            Function::Scalar(_) | Function::Table(_) => {
                let text = format!("Function {} does not support OVER.", function.name());
                Err(Error::new(ErrorCode::InvalidStatement, text))
            }
        }
    }

    /// The window that is written, or that the WINDOW clause names, with what it extends.
    fn window_spec(&self, over: &ast::Window, depth: usize) -> Result<WindowSpec> {
        let named = |name: &firn_types::Identifier| {
            let found = self.named_windows.and_then(|windows| windows.get(name.as_str()));
            match found {
                Some(window) if depth < self.named_windows.map_or(0, |w| w.len()) => {
                    self.window_spec(window, depth + 1)
                }
                _ => {
                    let text = format!("Window '{name}' is not defined");
                    Err(Error::new(ErrorCode::InvalidStatement, text).at(name.span))
                }
            }
        };
        match over {
            ast::Window::Named(name) => named(name),
            ast::Window::Spec(spec) => {
                let mut merged = (**spec).clone();
                if let Some(base) = &spec.base {
                    let base = named(base)?;
                    if merged.partition_by.is_empty() {
                        merged.partition_by = base.partition_by;
                    }
                    if merged.order_by.is_empty() {
                        merged.order_by = base.order_by;
                    }
                    merged.frame = merged.frame.or(base.frame);
                }
                Ok(merged)
            }
        }
    }

    /// The frame that is written, or the one that the function and the order imply.
    fn frame(&mut self, spec: &WindowSpec, target: &WindowTarget, ordered: bool) -> Result<Frame> {
        let Some(frame) = &spec.frame else {
            let running = ordered && matches!(target, WindowTarget::Aggregate { .. });
            return Ok(if running { Frame::running() } else { Frame::whole() });
        };
        if !ordered {
            let text = "Sliding window frame requires ORDER BY in window specification";
            return Err(Error::new(ErrorCode::InvalidStatement, text));
        }
        let unit = match frame.units {
            FrameUnits::Rows => FrameUnit::Rows,
            FrameUnits::Range => FrameUnit::Range,
            FrameUnits::Groups => FrameUnit::Groups,
        };
        let start = self.frame_bound(&frame.start)?;
        let end = self.frame_bound(&frame.end)?;
        if unit == FrameUnit::Groups && ![&start, &end].into_iter().all(counts) {
            let text = "Window frame offset of GROUPS must be a whole number";
            return Err(Error::new(ErrorCode::InvalidStatement, text));
        }
        if start == FrameBound::UnboundedFollowing || end == FrameBound::UnboundedPreceding {
            let text = "Invalid window frame: it ends before it starts";
            return Err(Error::new(ErrorCode::InvalidStatement, text));
        }
        Ok(Frame { unit, start, end })
    }

    fn frame_bound(&mut self, bound: &ast::FrameBound) -> Result<FrameBound> {
        Ok(match bound {
            ast::FrameBound::UnboundedPreceding => FrameBound::UnboundedPreceding,
            ast::FrameBound::Preceding(expr) => FrameBound::Preceding(self.distance(expr)?),
            ast::FrameBound::CurrentRow => FrameBound::CurrentRow,
            ast::FrameBound::Following(expr) => FrameBound::Following(self.distance(expr)?),
            ast::FrameBound::UnboundedFollowing => FrameBound::UnboundedFollowing,
        })
    }

    fn distance(&mut self, expr: &ast::Expr) -> Result<Value> {
        if let ast::ExprKind::Interval(text, unit) = &expr.kind {
            let unit = unit.as_deref().unwrap_or_default();
            return Ok(Value::text(format!("{text} {unit}").trim()));
        }
        match self.binder.bind_constant(expr, self.env)? {
            (Value::Number(number), _) if number.unscaled < 0 => {
                let text = "Window frame offset must not be negative";
                Err(Error::new(ErrorCode::InvalidStatement, text).at(expr.span))
            }
            (value @ (Value::Number(_) | Value::Float(_)), _) => Ok(value),
            _ => {
                let text = "Window frame offset must be a number or an interval";
                Err(Error::new(ErrorCode::InvalidStatement, text).at(expr.span))
            }
        }
    }
}

/// Whether a bound is one that counts something.
fn counts(bound: &FrameBound) -> bool {
    match bound {
        FrameBound::Preceding(by) | FrameBound::Following(by) => {
            matches!(by, Value::Number(number) if number.scale == 0)
        }
        _ => true,
    }
}

fn expressions_of(call: &mut WindowCall) -> Vec<&mut Expr> {
    let mut found: Vec<&mut Expr> = call.arguments.iter_mut().collect();
    found.extend(&mut call.partition_by);
    found.extend(call.order_by.iter_mut().map(|key| &mut key.expr));
    if let WindowTarget::Aggregate { within, .. } = &mut call.target {
        found.extend(within.iter_mut().map(|key| &mut key.expr));
    }
    found
}
