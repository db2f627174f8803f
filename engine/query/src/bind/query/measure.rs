//! What MATCH_RECOGNIZE's expressions become: windows over the rows, or over the rows of a match.

use firn_functions::registry::{self, Function};
use firn_parse::ast::{
    Argument, ArgumentValue, BinaryOperator, Expr, ExprKind, Frame, FrameBound, FrameUnits,
    FunctionCall, Literal, Name, OrderItem, Window, WindowSpec,
};
use firn_types::{Error, ErrorCode, Identifier, ObjectName, Result, Span};

use crate::bind::walk;

/// Calls that look at other rows of the partition: their names, and those of the windows that do it.
const PHYSICAL: [(&str, &str); 4] =
    [("PREV", "LAG"), ("LAG", "LAG"), ("NEXT", "LEAD"), ("LEAD", "LEAD")];

/// What an expression may look around in.
pub(super) struct Navigation<'a> {
    /// The pattern's symbols.
    pub(super) symbols: &'a [String],
    /// The columns of PARTITION BY.
    pub(super) partition: &'a [String],
    /// ORDER BY.
    pub(super) order: &'a [OrderItem],
}

/// The measures on their way, with the columns that they need before.
pub(super) struct Measures<'a> {
    navigation: Navigation<'a>,
    /// Whether all rows of a match are given, each with what is known up to it.
    all_rows: bool,
    /// Columns over the rows of the partition.
    pub(super) before: Vec<(String, Expr)>,
    /// Columns over the rows of the match: at which of them a measure looks.
    pub(super) places: Vec<(String, Expr)>,
}

impl Navigation<'_> {
    /// A symbol's condition, in terms of the row and those around it.
    pub(super) fn condition(&self, symbol: &str, expr: &Expr) -> Result<Expr> {
        let refuse = |what: &str| {
            Err(Error::not_supported(format!("{what} in DEFINE, which would look into the match"))
                .at(expr.span))
        };
        match &expr.kind {
            ExprKind::Column(name) => match self.qualifier(name) {
                Some(other) if other != symbol => refuse(&format!("rows of {other}")),
                _ => Ok(strip(self, expr.clone())),
            },
            ExprKind::Function(call) if call.over.is_none() => {
                let name = name_of(call);
                if PHYSICAL.iter().any(|(known, _)| *known == name) {
                    return self.physical(call, |part| self.condition(symbol, part));
                }
                if is_of_match(&name) || is_aggregate(&name) {
                    return refuse(&name);
                }
                map_children(expr.clone(), &mut |part| self.condition(symbol, &part))
            }
            ExprKind::Function(_) => refuse("OVER"),
            _ => map_children(expr.clone(), &mut |part| self.condition(symbol, &part)),
        }
    }

    /// A call that looks at another row of the partition, as a window.
    fn physical(
        &self,
        call: &FunctionCall,
        argument: impl Fn(&Expr) -> Result<Expr>,
    ) -> Result<Expr> {
        let name = name_of(call);
        let window = PHYSICAL.iter().find(|(known, _)| *known == name);
        let window = window.map_or("LAG", |(_, window)| window);
        let mut arguments = Vec::with_capacity(call.arguments.len());
        for given in &call.arguments {
            match &given.value {
                ArgumentValue::Expr(expr) => arguments.push(argument(expr)?),
                _ => return Err(Error::not_supported(format!("this argument of {name}"))),
            }
        }
        Ok(over(self::call(window, arguments), self.partition, self.order, None))
    }

    /// The symbol that a column's name is qualified by.
    fn qualifier<'n>(&self, name: &'n ObjectName) -> Option<&'n str> {
        match name.parts.as_slice() {
            [first, _] if self.symbols.contains(&first.name) => Some(&first.name),
            _ => None,
        }
    }

    /// The one symbol whose rows an expression is about.
    fn symbol_of(&self, expr: &Expr) -> Result<Option<String>> {
        let mut found: Option<String> = None;
        let mut pending = vec![expr];
        while let Some(part) = pending.pop() {
            pending.extend(walk::children(part));
            let ExprKind::Column(name) = &part.kind else { continue };
            match (self.qualifier(name), &found) {
                (Some(symbol), Some(other)) if symbol != other => {
                    let text = "an argument may only be about the rows of one symbol";
                    return Err(Error::new(ErrorCode::InvalidStatement, text).at(part.span));
                }
                (Some(symbol), _) => found = Some(symbol.to_string()),
                _ => {}
            }
        }
        Ok(found)
    }
}

impl<'a> Measures<'a> {
    pub(super) fn new(navigation: Navigation<'a>, all_rows: bool) -> Measures<'a> {
        Measures { navigation, all_rows, before: Vec::new(), places: Vec::new() }
    }

    /// A measure over the rows of matches; NULL for rows in none.
    pub(super) fn body(&mut self, expr: &Expr) -> Result<Expr> {
        let body = self.rewritten(expr, !self.all_rows)?;
        if !self.all_rows {
            return Ok(body);
        }
        let number = Box::new(column("$n"));
        let matched = ExprKind::IsNull { operand: number, negated: true };
        Ok(iff(plain(matched), body))
    }

    /// An expression over the rows of the match: of all of them with `whole`, else of those up to the row.
    fn rewritten(&mut self, expr: &Expr, whole: bool) -> Result<Expr> {
        match &expr.kind {
            ExprKind::Column(name) => match self.navigation.qualifier(name) {
                Some(symbol) => {
                    let place = self.place(Some(symbol), false, None, whole);
                    Ok(self.at(strip(&self.navigation, expr.clone()), place))
                }
                None => Ok(iff(in_match(None), expr.clone())),
            },
            ExprKind::Function(call) if call.over.is_none() => {
                self.rewritten_call(call, expr, whole)
            }
            ExprKind::Function(_) => Err(Error::not_supported("OVER in MEASURES").at(expr.span)),
            _ => map_children(expr.clone(), &mut |part| self.rewritten(&part, whole)),
        }
    }

    fn rewritten_call(&mut self, call: &FunctionCall, expr: &Expr, whole: bool) -> Result<Expr> {
        let name = name_of(call);
        match name.as_str() {
            "$FINAL" | "$RUNNING" => {
                let argument = argument_of(call, 0)?;
                self.rewritten(&argument, name == "$FINAL" || !self.all_rows)
            }
            "MATCH_NUMBER" => Ok(column("$n")),
            "MATCH_SEQUENCE_NUMBER" => Ok(iff(in_match(None), column("$s"))),
            "CLASSIFIER" => Ok(column("$c")),
            "FIRST" | "LAST" | "FIRST_VALUE" | "LAST_VALUE" => {
                let argument = argument_of(call, 0)?;
                let symbol = self.navigation.symbol_of(&argument)?;
                let back = match call.arguments.len() {
                    1 => None,
                    _ => Some(argument_of(call, 1)?),
                };
                if symbol.is_some() && back.is_some() {
                    let words = format!("{name} of a symbol's rows with an offset");
                    return Err(Error::not_supported(words).at(expr.span));
                }
                let first = name.starts_with("FIRST");
                let place = self.place(symbol.as_deref(), first, back, whole);
                Ok(self.at(strip(&self.navigation, argument), place))
            }
            _ if PHYSICAL.iter().any(|(known, _)| *known == name) => {
                let symbol = self.navigation.symbol_of(expr)?;
                let of_row = self
                    .navigation
                    .physical(call, |part| Ok(strip(&self.navigation, part.clone())))?;
                let before = format!("$q{}", self.before.len());
                self.before.push((before.clone(), of_row));
                Ok(match symbol {
                    Some(symbol) => {
                        let place = self.place(Some(&symbol), false, None, whole);
                        self.at(column(&before), place)
                    }
                    None => iff(in_match(None), column(&before)),
                })
            }
            _ if is_aggregate(&name) => self.aggregate(call, expr.span, whole),
            _ => map_children(expr.clone(), &mut |part| self.rewritten(&part, whole)),
        }
    }

    /// An aggregate of the rows of the match, or of those that are a symbol.
    fn aggregate(&mut self, call: &FunctionCall, span: Span, whole: bool) -> Result<Expr> {
        let mut changed = call.clone();
        for (position, argument) in changed.arguments.iter_mut().enumerate() {
            let (symbol, value) = match &argument.value {
                ArgumentValue::Star(star) => {
                    let symbol = star.qualifier.as_ref().map(|name| name.object().name.clone());
                    (symbol, number(1))
                }
                ArgumentValue::Expr(_) if position > 0 => continue,
                ArgumentValue::Expr(expr) => {
                    (self.navigation.symbol_of(expr)?, strip(&self.navigation, expr.clone()))
                }
                ArgumentValue::Query(_) => {
                    return Err(Error::not_supported("a query as an argument").at(span));
                }
            };
            if let Some(symbol) = &symbol
                && !self.navigation.symbols.contains(symbol)
            {
                let text = format!("Symbol '{symbol}' is not in the PATTERN");
                return Err(Error::new(ErrorCode::InvalidStatement, text).at(span));
            }
            argument.value = ArgumentValue::Expr(iff(in_match(symbol.as_deref()), value));
        }
        let call = Expr::new(ExprKind::Function(Box::new(changed)), span);
        Ok(self.over_match(call, whole))
    }

    /// A window over the rows of the match: all of them, or those up to the row.
    fn over_match(&self, call: Expr, whole: bool) -> Expr {
        let mut partition = self.navigation.partition.to_vec();
        partition.push("$n".to_string());
        if whole {
            return over(call, &partition, &[], None);
        }
        over(call, &partition, &by_place(), Some(frame(FrameBound::CurrentRow)))
    }

    /// The column that says at which row of the match a measure looks; NULL where there is none.
    fn place(
        &mut self,
        symbol: Option<&str>,
        first: bool,
        back: Option<Expr>,
        whole: bool,
    ) -> String {
        let place = match symbol {
            Some(_) => {
                let name = if first { "MIN" } else { "MAX" };
                let of_symbol = iff(in_match(symbol), column("$s"));
                self.over_match(call(name, vec![of_symbol]), whole)
            }
            None if first => number(1),
            None if whole => self.over_match(call("MAX", vec![column("$s")]), true),
            None => column("$s"),
        };
        let place = match back {
            Some(back) => {
                let operator = if first { BinaryOperator::Add } else { BinaryOperator::Subtract };
                binary(operator, place, back)
            }
            None => place,
        };
        let exists = binary(BinaryOperator::Greater, place.clone(), number(0));
        let name = format!("$i{}", self.places.len());
        self.places.push((name.clone(), iff(exists, place)));
        name
    }

    /// A value at a row of the match.
    fn at(&self, value: Expr, place: String) -> Expr {
        let nth = call("NTH_VALUE", vec![value, column(&place)]);
        let mut partition = self.navigation.partition.to_vec();
        partition.push("$n".to_string());
        over(nth, &partition, &by_place(), Some(frame(FrameBound::UnboundedFollowing)))
    }
}

/// A name as a column.
pub(super) fn column(name: &str) -> Expr {
    plain(ExprKind::Column(ObjectName::single(Identifier::exact(name))))
}

/// A call of a function.
pub(super) fn call(name: &str, arguments: Vec<Expr>) -> Expr {
    let value = |expr| Argument { name: None, value: ArgumentValue::Expr(expr) };
    plain(ExprKind::Function(Box::new(FunctionCall {
        name: Name::Plain(ObjectName::single(Identifier::exact(name))),
        arguments: arguments.into_iter().map(value).collect(),
        distinct: false,
        within_group: Vec::new(),
        nulls: None,
        over: None,
    })))
}

/// A call with OVER.
pub(super) fn over(
    mut call: Expr,
    partition: &[String],
    order: &[OrderItem],
    frame: Option<Frame>,
) -> Expr {
    if let ExprKind::Function(function) = &mut call.kind {
        function.over = Some(Window::Spec(Box::new(WindowSpec {
            base: None,
            partition_by: partition.iter().map(|name| column(name)).collect(),
            order_by: order.to_vec(),
            frame,
        })));
    }
    call
}

fn plain(kind: ExprKind) -> Expr {
    Expr::new(kind, Span::default())
}

fn number(number: u32) -> Expr {
    plain(ExprKind::Literal(Literal::Number(number.to_string().into())))
}

fn binary(operator: BinaryOperator, left: Expr, right: Expr) -> Expr {
    plain(ExprKind::Binary(operator, Box::new(left), Box::new(right)))
}

/// The value where the condition is TRUE.
fn iff(condition: Expr, value: Expr) -> Expr {
    call("IFF", vec![condition, value, plain(ExprKind::Literal(Literal::Null))])
}

/// Whether the row is one of the match, or one that is a symbol: that of a match without rows is none.
fn in_match(symbol: Option<&str>) -> Expr {
    match symbol {
        Some(symbol) => {
            let name = plain(ExprKind::Literal(Literal::Text(symbol.into())));
            binary(BinaryOperator::Equal, column("$c"), name)
        }
        None => binary(BinaryOperator::Greater, column("$s"), number(0)),
    }
}

fn by_place() -> [OrderItem; 1] {
    [OrderItem { expr: column("$s"), descending: false, nulls_first: None }]
}

fn frame(end: FrameBound) -> Frame {
    Frame { units: FrameUnits::Rows, start: FrameBound::UnboundedPreceding, end }
}

fn name_of(call: &FunctionCall) -> String {
    match &call.name {
        Name::Plain(name) if name.parts.len() == 1 => name.object().name.to_uppercase(),
        _ => String::new(),
    }
}

/// Functions that tell of the match itself.
fn is_of_match(name: &str) -> bool {
    [
        "FIRST",
        "LAST",
        "FIRST_VALUE",
        "LAST_VALUE",
        "MATCH_NUMBER",
        "MATCH_SEQUENCE_NUMBER",
        "CLASSIFIER",
        "$FINAL",
        "$RUNNING",
    ]
    .contains(&name)
}

fn is_aggregate(name: &str) -> bool {
    matches!(registry::find(name), Some(Function::Aggregate(_)))
}

fn argument_of(call: &FunctionCall, position: usize) -> Result<Expr> {
    match call.arguments.get(position).map(|argument| &argument.value) {
        Some(ArgumentValue::Expr(expr)) => Ok(expr.clone()),
        _ => {
            let text = format!("{} needs an expression as argument", name_of(call));
            Err(Error::new(ErrorCode::NotEnoughArguments, text))
        }
    }
}

/// The expression without the symbols before its columns.
fn strip(navigation: &Navigation<'_>, expr: Expr) -> Expr {
    if let ExprKind::Column(name) = &expr.kind {
        if navigation.qualifier(name).is_some() {
            let object = name.object().clone();
            return Expr::new(ExprKind::Column(ObjectName::single(object)), expr.span);
        }
        return expr;
    }
    let kept = expr.clone();
    map_children(expr, &mut |part| Ok(strip(navigation, part))).unwrap_or(kept)
}

/// The expression with others in the place of those that it is made of. Subqueries stay.
fn map_children(expr: Expr, f: &mut dyn FnMut(Expr) -> Result<Expr>) -> Result<Expr> {
    let mut boxed = |part: Box<Expr>| f(*part).map(Box::new);
    let kind = match expr.kind {
        ExprKind::Unary(operator, operand) => ExprKind::Unary(operator, boxed(operand)?),
        ExprKind::Binary(operator, left, right) => {
            ExprKind::Binary(operator, boxed(left)?, boxed(right)?)
        }
        ExprKind::IsNull { operand, negated } => {
            ExprKind::IsNull { operand: boxed(operand)?, negated }
        }
        ExprKind::IsBoolean { operand, value, negated } => {
            ExprKind::IsBoolean { operand: boxed(operand)?, value, negated }
        }
        ExprKind::IsDistinctFrom { left, right, negated } => {
            ExprKind::IsDistinctFrom { left: boxed(left)?, right: boxed(right)?, negated }
        }
        ExprKind::Between { operand, low, high, negated } => ExprKind::Between {
            operand: boxed(operand)?,
            low: boxed(low)?,
            high: boxed(high)?,
            negated,
        },
        ExprKind::InList { operand, list, negated } => ExprKind::InList {
            operand: boxed(operand)?,
            list: list.into_iter().map(f).collect::<Result<_>>()?,
            negated,
        },
        ExprKind::Like { kind, operand, pattern, escape, negated } => {
            ExprKind::Like { kind, operand: boxed(operand)?, pattern, escape, negated }
        }
        ExprKind::Cast { operand, to, lenient } => {
            ExprKind::Cast { operand: boxed(operand)?, to, lenient }
        }
        ExprKind::Case { operand, mut branches, otherwise } => {
            let operand = operand.map(&mut boxed).transpose()?;
            for branch in &mut branches {
                branch.when = *boxed(Box::new(branch.when.clone()))?;
                branch.then = *boxed(Box::new(branch.then.clone()))?;
            }
            let otherwise = otherwise.map(&mut boxed).transpose()?;
            ExprKind::Case { operand, branches, otherwise }
        }
        ExprKind::Path(base, steps) => ExprKind::Path(boxed(base)?, steps),
        ExprKind::Array(items) => ExprKind::Array(items.into_iter().map(f).collect::<Result<_>>()?),
        ExprKind::Row(items) => ExprKind::Row(items.into_iter().map(f).collect::<Result<_>>()?),
        ExprKind::Function(mut call) => {
            for argument in &mut call.arguments {
                if let ArgumentValue::Expr(part) = &mut argument.value {
                    *part = f(part.clone())?;
                }
            }
            ExprKind::Function(call)
        }
        other => other,
    };
    Ok(Expr::new(kind, expr.span))
}
