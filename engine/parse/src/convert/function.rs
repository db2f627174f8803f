//! Calls of functions, and windows.

use firn_types::{Error, Identifier, ObjectName, Result, Span};
use sqlparser::ast as sq;

use super::super::ast::{
    Argument, ArgumentValue, Expr, ExprKind, Frame, FrameBound, FrameUnits, FunctionCall, Literal,
    Name, NullTreatment, OrderItem, Star, Window, WindowSpec,
};
use super::Convert;

impl Convert<'_> {
    /// A call as an expression.
    pub(super) fn function(&mut self, function: sq::Function) -> Result<Expr> {
        let (call, span) = self.call(function)?;
        if let Name::Plain(name) = &call.name
            && let [part] = name.parts.as_slice()
            && part.as_str() == "IDENTIFIER"
            && call.over.is_none()
            && call.arguments.len() == 1
        {
            let argument = call.arguments.into_iter().next().map(|argument| argument.value);
            let Some(ArgumentValue::Expr(text)) = argument else {
                return Err(self.unexpected_at(span));
            };
            return Ok(Expr::new(ExprKind::Identifier(Box::new(text)), span));
        }
        Ok(Expr::new(ExprKind::Function(Box::new(call)), span))
    }

    /// A call and its place.
    pub(super) fn call(&mut self, function: sq::Function) -> Result<(FunctionCall, Span)> {
        let sq::Function {
            name,
            // `{fn f(..)}` is f(..).
            uses_odbc_syntax: _,
            parameters,
            args,
            within_group,
            filter,
            null_treatment: nulls,
            over,
        } = function;
        let named = match name.0.first().and_then(|part| part.as_ident()) {
            Some(ident) => self.dialect.name_of(ident),
            None => None,
        };
        let name = match named {
            Some(expr) => Name::Identifier(self.boxed(expr)?),
            None => self.name(name)?,
        };
        let mut span = name.span();
        if !matches!(parameters, sq::FunctionArguments::None) {
            return Err(self.outline.unexpected(self.outline.at(span.end)));
        }
        if let Some(filter) = filter {
            let filter = self.expr(*filter)?;
            return Err(self.unexpected_at(filter.span));
        }
        let mut call = FunctionCall {
            name,
            arguments: Vec::new(),
            distinct: false,
            within_group: Vec::new(),
            nulls: nulls.map(null_treatment),
            over: None,
        };
        match args {
            sq::FunctionArguments::None => {}
            sq::FunctionArguments::Subquery(query) => {
                let value = ArgumentValue::Query(Box::new(self.query(*query)?));
                call.arguments.push(Argument { name: None, value });
            }
            sq::FunctionArguments::List(list) => self.argument_list(list, &mut call, span)?,
        }
        let open = self.outline.at(span.end);
        if self.outline.is_symbol(open, "(") {
            span = self.outline.range(self.outline.at(span.start), self.outline.partner(open) + 1);
        }
        call.within_group = self.order_items(within_group)?;
        call.over = over.map(|over| self.window(over)).transpose()?;
        if call.over.is_some() {
            span = self.to_window(span);
        }
        Ok((call, span))
    }

    /// The place of a call up to the end of its OVER.
    fn to_window(&self, span: Span) -> Span {
        let start = self.outline.at(span.start);
        let mut index = self.outline.at(span.end);
        while index < self.outline.lexemes.len() {
            if self.outline.is_word(index, "over") {
                let end = self.outline.partner(index + 1);
                return self.outline.range(start, end + 1);
            }
            index = self.outline.partner(index).max(index) + 1;
        }
        span
    }

    fn argument_list(
        &mut self,
        list: sq::FunctionArgumentList,
        call: &mut FunctionCall,
        span: Span,
    ) -> Result<()> {
        let sq::FunctionArgumentList { duplicate_treatment, args, clauses } = list;
        call.distinct = duplicate_treatment == Some(sq::DuplicateTreatment::Distinct);
        call.arguments = self.arguments(args)?;
        for clause in clauses {
            match clause {
                sq::FunctionArgumentClause::IgnoreOrRespectNulls(nulls) => {
                    call.nulls = Some(null_treatment(nulls));
                }
                sq::FunctionArgumentClause::OrderBy(_) => {
                    return Err(self.unexpected_word("order", span));
                }
                _ => return Err(self.unexpected_at(span)),
            }
        }
        Ok(())
    }

    /// The arguments of a call.
    pub(super) fn arguments(&mut self, arguments: Vec<sq::FunctionArg>) -> Result<Vec<Argument>> {
        let mut converted = Vec::with_capacity(arguments.len());
        for argument in arguments {
            converted.push(match argument {
                sq::FunctionArg::Named { name, arg, .. } => {
                    let name = Some(self.identifier(name)?);
                    Argument { name, value: self.argument(arg)? }
                }
                sq::FunctionArg::Unnamed(arg) => {
                    Argument { name: None, value: self.argument(arg)? }
                }
                sq::FunctionArg::ExprNamed { name, .. } => {
                    let name = self.expr(name)?;
                    return Err(self.unexpected_at(name.span));
                }
            });
        }
        Ok(converted)
    }

    fn argument(&mut self, argument: sq::FunctionArgExpr) -> Result<ArgumentValue> {
        Ok(match argument {
            sq::FunctionArgExpr::Expr(expr) => ArgumentValue::Expr(self.expr(expr)?),
            sq::FunctionArgExpr::Wildcard => ArgumentValue::Star(Box::default()),
            sq::FunctionArgExpr::QualifiedWildcard(name) => {
                let name = self.object_name(name)?;
                let span = name.span();
                let star = Star { qualifier: Some(name), span, ..Star::default() };
                ArgumentValue::Star(Box::new(star))
            }
            sq::FunctionArgExpr::WildcardWithOptions(options) => {
                ArgumentValue::Star(Box::new(self.star(None, options)?))
            }
        })
    }

    pub(super) fn window(&mut self, window: sq::WindowType) -> Result<Window> {
        match window {
            sq::WindowType::NamedWindow(name) => Ok(Window::Named(self.identifier(name)?)),
            sq::WindowType::WindowSpec(spec) => Ok(Window::Spec(Box::new(self.window_spec(spec)?))),
        }
    }

    pub(super) fn window_spec(&mut self, spec: sq::WindowSpec) -> Result<WindowSpec> {
        let sq::WindowSpec { window_name, partition_by, order_by, window_frame } = spec;
        Ok(WindowSpec {
            base: window_name.map(|name| self.identifier(name)).transpose()?,
            partition_by: self.exprs(partition_by)?,
            order_by: self.order_items(order_by)?,
            frame: window_frame.map(|frame| self.frame(frame)).transpose()?,
        })
    }

    fn frame(&mut self, frame: sq::WindowFrame) -> Result<Frame> {
        let units = match frame.units {
            sq::WindowFrameUnits::Rows => FrameUnits::Rows,
            sq::WindowFrameUnits::Range => FrameUnits::Range,
            sq::WindowFrameUnits::Groups => FrameUnits::Groups,
        };
        let start = self.frame_bound(frame.start_bound)?;
        let end = match frame.end_bound {
            Some(bound) => self.frame_bound(bound)?,
            None => FrameBound::CurrentRow,
        };
        Ok(Frame { units, start, end })
    }

    fn frame_bound(&mut self, bound: sq::WindowFrameBound) -> Result<FrameBound> {
        Ok(match bound {
            sq::WindowFrameBound::CurrentRow => FrameBound::CurrentRow,
            sq::WindowFrameBound::Preceding(None) => FrameBound::UnboundedPreceding,
            sq::WindowFrameBound::Preceding(Some(expr)) => FrameBound::Preceding(self.expr(*expr)?),
            sq::WindowFrameBound::Following(None) => FrameBound::UnboundedFollowing,
            sq::WindowFrameBound::Following(Some(expr)) => FrameBound::Following(self.expr(*expr)?),
        })
    }

    /// Calls with a grammar of their own, as plain calls.
    pub(super) fn special_call(&mut self, expr: sq::Expr) -> Result<Expr> {
        let (name, arguments) = match expr {
            sq::Expr::Extract { field, syntax: _, expr } => {
                let operand = self.expr(*expr)?;
                let span = operand.span;
                let part = match field {
                    sq::DateTimeField::Custom(ident) => ident.value,
                    field => field.to_string(),
                };
                let part = Literal::Text(part.to_lowercase().into());
                ("DATE_PART", vec![Expr::new(ExprKind::Literal(part), span), operand])
            }
            sq::Expr::Position { expr, r#in } => {
                ("POSITION", vec![self.expr(*expr)?, self.expr(*r#in)?])
            }
            sq::Expr::Substring {
                expr,
                substring_from,
                substring_for,
                special: _,
                shorthand: _,
            } => {
                let mut arguments = vec![self.expr(*expr)?];
                for argument in [substring_from, substring_for].into_iter().flatten() {
                    arguments.push(self.expr(*argument)?);
                }
                ("SUBSTR", arguments)
            }
            sq::Expr::Trim { trim_where, trim_what, expr, trim_characters } => {
                let operand = self.expr(*expr)?;
                // The standard's TRIM(BOTH 'x' FROM s) is not Snowflake's.
                if trim_where.is_some() || trim_what.is_some() {
                    let call = self.outline.call_around(operand.span);
                    return Err(self.outline.unexpected(self.outline.at(call.start) + 2));
                }
                let mut arguments = vec![operand];
                arguments.extend(self.exprs(trim_characters.unwrap_or_default())?);
                ("TRIM", arguments)
            }
            _ => return Err(Error::internal("not a call")),
        };
        let argument = arguments.last().map(|last| last.span).unwrap_or_default();
        let span = self.outline.call_around(argument);
        let name = Identifier::exact(name).at(self.outline.span(self.outline.at(span.start)));
        let value = |expr| Argument { name: None, value: ArgumentValue::Expr(expr) };
        let call = FunctionCall {
            name: Name::Plain(ObjectName::single(name)),
            arguments: arguments.into_iter().map(value).collect(),
            distinct: false,
            within_group: Vec::new(),
            nulls: None,
            over: None,
        };
        Ok(Expr::new(ExprKind::Function(Box::new(call)), span))
    }

    /// The items of an ORDER BY.
    pub(crate) fn order_items(&mut self, items: Vec<sq::OrderByExpr>) -> Result<Vec<OrderItem>> {
        let mut converted = Vec::with_capacity(items.len());
        for item in items {
            let sq::OrderByExpr { expr, options, with_fill } = item;
            let sq::OrderByOptions { sort, nulls_first } = options;
            let expr = self.expr(expr)?;
            self.refuse(with_fill.is_some(), "with", expr.span)?;
            let descending = match sort {
                None | Some(sq::OrderBySort::Asc) => false,
                Some(sq::OrderBySort::Desc) => true,
                Some(sq::OrderBySort::Using(name)) => {
                    let name = self.object_name(name)?;
                    return Err(self.unexpected_at(name.span()));
                }
            };
            converted.push(OrderItem { expr, descending, nulls_first });
        }
        Ok(converted)
    }
}

fn null_treatment(nulls: sq::NullTreatment) -> NullTreatment {
    match nulls {
        sq::NullTreatment::IgnoreNulls => NullTreatment::Ignore,
        sq::NullTreatment::RespectNulls => NullTreatment::Respect,
    }
}
