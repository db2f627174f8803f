//! Expressions.

use firn_types::{Error, Identifier, ObjectName, Result, Span};
use sqlparser::ast as sq;

use super::super::ast::{
    BinaryOperator, CaseBranch, Expr, ExprKind, LambdaParameter, LikeKind, LikePattern,
    ObjectField, PathStep, Quantifier, TypeName, UnaryOperator,
};
use super::super::outline::span_of;
use super::{Convert, cover, too_deep};

/// Chains of AND, OR and `||` above this length become balanced trees.
const CHAIN_MAX: usize = 16;
/// Most links of a chain whose operands cannot be joined in another order, such as `a + b - c`.
const CHAIN_LINKS_MAX: usize = 16_384;

impl Convert<'_> {
    /// An expression.
    pub(crate) fn expr(&mut self, expr: sq::Expr) -> Result<Expr> {
        self.deeper(1, |this| this.expr_of(expr))
    }

    pub(super) fn boxed(&mut self, expr: sq::Expr) -> Result<Box<Expr>> {
        self.expr(expr).map(Box::new)
    }

    pub(super) fn exprs(&mut self, exprs: Vec<sq::Expr>) -> Result<Vec<Expr>> {
        exprs.into_iter().map(|expr| self.expr(expr)).collect()
    }

    fn expr_of(&mut self, expr: sq::Expr) -> Result<Expr> {
        match expr {
            sq::Expr::Value(value) => self.value(value),
            sq::Expr::Identifier(ident) => self.column(vec![ident]),
            sq::Expr::CompoundIdentifier(idents) => self.column(idents),
            sq::Expr::Function(function) => self.function(function),
            sq::Expr::Nested(expr) => self.expr(*expr),
            sq::Expr::BinaryOp { .. } => self.binary(expr),
            sq::Expr::UnaryOp { op, expr } => self.unary(op, *expr),
            sq::Expr::Cast { expr, data_type, kind, format: None } => {
                self.cast(*expr, data_type, kind)
            }
            sq::Expr::TypedString(typed) => self.typed_string(typed),
            sq::Expr::Interval(interval) => self.interval(interval),
            sq::Expr::Case { .. } => self.case(expr),
            sq::Expr::JsonAccess { value, path } => self.json_access(*value, path),
            sq::Expr::CompoundFieldAccess { root, access_chain } => {
                self.field_access(*root, access_chain)
            }
            sq::Expr::Subquery(query) => {
                let query = Box::new(self.query(*query)?);
                let span = query.span;
                Ok(Expr::new(ExprKind::Subquery(query), span))
            }
            sq::Expr::Exists { subquery, negated } => {
                let query = Box::new(self.query(*subquery)?);
                let span = self.outline.call_around(query.span);
                Ok(Expr::new(ExprKind::Exists { query, negated }, span))
            }
            sq::Expr::Like { .. }
            | sq::Expr::ILike { .. }
            | sq::Expr::RLike { .. }
            | sq::Expr::Between { .. }
            | sq::Expr::InList { .. }
            | sq::Expr::InSubquery { .. }
            | sq::Expr::AnyOp { .. }
            | sq::Expr::AllOp { .. } => self.predicate(expr),
            sq::Expr::IsNull(_)
            | sq::Expr::IsNotNull(_)
            | sq::Expr::IsTrue(_)
            | sq::Expr::IsNotTrue(_)
            | sq::Expr::IsFalse(_)
            | sq::Expr::IsNotFalse(_)
            | sq::Expr::IsDistinctFrom(..)
            | sq::Expr::IsNotDistinctFrom(..) => self.test(expr),
            other => self.rare(other),
        }
    }

    /// What is seldom written.
    fn rare(&mut self, expr: sq::Expr) -> Result<Expr> {
        match expr {
            sq::Expr::Extract { .. }
            | sq::Expr::Position { .. }
            | sq::Expr::Substring { .. }
            | sq::Expr::Trim { .. } => self.special_call(expr),
            sq::Expr::Tuple(items) => {
                let items = self.exprs(items)?;
                let span = cover(items.iter().map(|item| item.span));
                Ok(Expr::new(ExprKind::Row(items), span))
            }
            sq::Expr::Array(array) => {
                let items = self.exprs(array.elem)?;
                let span = cover(items.iter().map(|item| item.span));
                Ok(Expr::new(ExprKind::Array(items), span))
            }
            sq::Expr::Dictionary(fields) => self.object(fields),
            sq::Expr::Lambda(lambda) => self.lambda(lambda),
            sq::Expr::Collate { expr, collation } => {
                let operand = self.boxed(*expr)?;
                let part = collation.0.into_iter().next();
                let Some(sq::ObjectNamePart::Identifier(ident)) = part else {
                    return Err(self.unexpected_word("collate", operand.span));
                };
                let span = operand.span.to(span_of(ident.span));
                Ok(Expr::new(ExprKind::Collate(operand, ident.value.into()), span))
            }
            sq::Expr::OuterJoin(expr) => self.wrap(*expr, ExprKind::OuterJoin),
            sq::Expr::Prior(expr) => self.wrap(*expr, ExprKind::Prior),
            sq::Expr::Prefixed { prefix, value }
                if ["final", "running"].iter().any(|w| prefix.value.eq_ignore_ascii_case(w)) =>
            {
                let value = self.expr(*value)?;
                Ok(self.match_form(&prefix.value, value))
            }
            sq::Expr::Prefixed { prefix, value }
                if prefix.value.eq_ignore_ascii_case("connect_by_root") =>
            {
                self.root(prefix, value)
            }
            sq::Expr::AtTimeZone { timestamp, .. } => {
                let timestamp = self.expr(*timestamp)?;
                Err(self.unexpected_word("at", timestamp.span))
            }
            sq::Expr::IsUnknown(expr) | sq::Expr::IsNotUnknown(expr) => {
                let operand = self.expr(*expr)?;
                Err(self.unexpected_word("unknown", operand.span))
            }
            other => {
                let span = span_of(sq::Spanned::span(&other));
                Err(self.unexpected_at(span))
            }
        }
    }

    fn wrap(&mut self, expr: sq::Expr, kind: fn(Box<Expr>) -> ExprKind) -> Result<Expr> {
        let operand = self.boxed(expr)?;
        let span = operand.span;
        Ok(Expr::new(kind(operand), span))
    }

    /// A column, `t.$1`, or a word that is a function without parentheses.
    fn column(&mut self, idents: Vec<sq::Ident>) -> Result<Expr> {
        let span = cover(idents.iter().map(|ident| span_of(ident.span)));
        let digits = match idents.last() {
            Some(last) if last.quote_style.is_none() => {
                last.value.strip_prefix('$').map(str::to_string)
            }
            _ => None,
        };
        let mut parts = self.identifiers(idents)?;
        if let Some(digits) = digits {
            parts.pop();
            let qualifier = (!parts.is_empty()).then_some(ObjectName { parts });
            let position = self.position(&digits, span)?;
            return Ok(Expr::new(ExprKind::Position(qualifier, position), span));
        }
        Ok(Expr::new(ExprKind::Column(ObjectName { parts }), span))
    }

    fn unary(&mut self, op: sq::UnaryOperator, operand: sq::Expr) -> Result<Expr> {
        let operand = self.boxed(operand)?;
        let before = self.outline.at(operand.span.start).saturating_sub(1);
        let span = self.outline.span(before).to(operand.span);
        let operator = match op {
            sq::UnaryOperator::Plus => UnaryOperator::Plus,
            sq::UnaryOperator::Minus => UnaryOperator::Minus,
            sq::UnaryOperator::Not => UnaryOperator::Not,
            sq::UnaryOperator::DoubleAt => {
                return Ok(Expr::new(ExprKind::Spread(operand), span));
            }
            _ => return Err(self.unexpected_at(span)),
        };
        Ok(Expr::new(ExprKind::Unary(operator, operand), span))
    }

    /// A chain of operators, whose left sides are taken apart in a loop.
    fn binary(&mut self, expr: sq::Expr) -> Result<Expr> {
        let mut chain = Vec::new();
        let mut first = expr;
        while let sq::Expr::BinaryOp { left, op, right } = first {
            chain.push((op, *right));
            first = *left;
        }
        let mut operands = vec![self.expr(first)?];
        let mut operator = None;
        let mut unbalanced = 0;
        for (op, right) in chain.into_iter().rev() {
            let right = self.expr(right)?;
            let next = self.operator(op, &right)?;
            if operator.is_some_and(|operator| operator != next) || !is_associative(next) {
                let joined = join_all(operator, operands);
                operands = joined.into_iter().collect();
                unbalanced += 1;
                if unbalanced > CHAIN_LINKS_MAX {
                    return Err(too_deep());
                }
            }
            operator = Some(next);
            operands.push(right);
        }
        join_all(operator, operands).ok_or_else(|| Error::internal("an operator without operands"))
    }

    fn operator(&self, op: sq::BinaryOperator, right: &Expr) -> Result<BinaryOperator> {
        Ok(match op {
            sq::BinaryOperator::Plus => BinaryOperator::Add,
            sq::BinaryOperator::Minus => BinaryOperator::Subtract,
            sq::BinaryOperator::Multiply => BinaryOperator::Multiply,
            sq::BinaryOperator::Divide => BinaryOperator::Divide,
            sq::BinaryOperator::Modulo => BinaryOperator::Modulo,
            sq::BinaryOperator::StringConcat => BinaryOperator::Concat,
            sq::BinaryOperator::Eq => BinaryOperator::Equal,
            sq::BinaryOperator::NotEq => BinaryOperator::NotEqual,
            sq::BinaryOperator::Lt => BinaryOperator::Less,
            sq::BinaryOperator::LtEq => BinaryOperator::LessOrEqual,
            sq::BinaryOperator::Gt => BinaryOperator::Greater,
            sq::BinaryOperator::GtEq => BinaryOperator::GreaterOrEqual,
            sq::BinaryOperator::And => BinaryOperator::And,
            sq::BinaryOperator::Or => BinaryOperator::Or,
            _ => {
                let before = self.outline.at(right.span.start).saturating_sub(1);
                return Err(self.outline.unexpected(before));
            }
        })
    }

    fn cast(
        &mut self,
        operand: sq::Expr,
        data_type: sq::DataType,
        kind: sq::CastKind,
    ) -> Result<Expr> {
        let operand = self.boxed(operand)?;
        let Some(to) = self.dialect.type_of(&data_type).map(Box::new) else {
            return Err(self.unexpected_at(operand.span));
        };
        let span = match kind {
            sq::CastKind::DoubleColon => operand.span.to(to.span),
            _ => self.outline.call_around(to.span),
        };
        let lenient = kind == sq::CastKind::TryCast;
        Ok(Expr::new(ExprKind::Cast { operand, to, lenient }, span))
    }

    fn case(&mut self, expr: sq::Expr) -> Result<Expr> {
        let sq::Expr::Case { case_token, end_token, operand, conditions, else_result } = expr
        else {
            return Err(Error::internal("not a CASE"));
        };
        let operand = operand.map(|operand| self.boxed(*operand)).transpose()?;
        let mut branches = Vec::with_capacity(conditions.len());
        for branch in conditions {
            let (when, then) = (self.expr(branch.condition)?, self.expr(branch.result)?);
            branches.push(CaseBranch { when, then });
        }
        let otherwise = else_result.map(|result| self.boxed(*result)).transpose()?;
        let span = span_of(case_token.0.span).to(span_of(end_token.0.span));
        Ok(Expr::new(ExprKind::Case { operand, branches, otherwise }, span))
    }

    /// LIKE, BETWEEN, IN, ANY and ALL.
    fn predicate(&mut self, expr: sq::Expr) -> Result<Expr> {
        match expr {
            sq::Expr::Like { negated, any, expr, pattern, escape_char } => {
                self.like(LikeKind::Like, negated, any, (*expr, *pattern, escape_char))
            }
            sq::Expr::ILike { negated, any, expr, pattern, escape_char } => {
                self.like(LikeKind::ILike, negated, any, (*expr, *pattern, escape_char))
            }
            sq::Expr::RLike { negated, expr, pattern, regexp: _ } => {
                self.like(LikeKind::RLike, negated, false, (*expr, *pattern, None))
            }
            sq::Expr::Between { expr, negated, low, high } => {
                let operand = self.boxed(*expr)?;
                let (low, high) = (self.boxed(*low)?, self.boxed(*high)?);
                let span = operand.span.to(high.span);
                Ok(Expr::new(ExprKind::Between { operand, low, high, negated }, span))
            }
            sq::Expr::InList { expr, list, negated } => {
                let operand = self.boxed(*expr)?;
                let list = self.exprs(list)?;
                let span = cover(list.iter().map(|item| item.span)).to(operand.span);
                Ok(Expr::new(ExprKind::InList { operand, list, negated }, span))
            }
            sq::Expr::InSubquery { expr, subquery, negated } => {
                let operand = self.boxed(*expr)?;
                let query = Box::new(self.query(*subquery)?);
                let span = operand.span.to(query.span);
                Ok(Expr::new(ExprKind::InSubquery { operand, query, negated }, span))
            }
            sq::Expr::AnyOp { left, compare_op, right, is_some: _ } => {
                self.quantified(*left, compare_op, Quantifier::Any, *right)
            }
            sq::Expr::AllOp { left, compare_op, right } => {
                self.quantified(*left, compare_op, Quantifier::All, *right)
            }
            _ => Err(Error::internal("not a predicate")),
        }
    }

    fn like(
        &mut self,
        kind: LikeKind,
        negated: bool,
        any: bool,
        (operand, pattern, escape): (sq::Expr, sq::Expr, Option<Box<sq::Expr>>),
    ) -> Result<Expr> {
        let operand = self.boxed(operand)?;
        let (quantifier, pattern) = match pattern {
            sq::Expr::Named { expr, .. } => (Quantifier::All, *expr),
            pattern => (Quantifier::Any, pattern),
        };
        let mut span = operand.span;
        let pattern = if let (true, sq::Expr::Subquery(query)) = (any, &pattern) {
            let query = Box::new(self.query(sq::Query::clone(query))?);
            span = span.to(query.span);
            LikePattern::Query(quantifier, query)
        } else if any {
            let patterns = match pattern {
                sq::Expr::Tuple(items) => self.exprs(items)?,
                single => vec![self.expr(single)?],
            };
            span = patterns.iter().map(|pattern| pattern.span).fold(span, Span::to);
            LikePattern::Many(quantifier, patterns)
        } else {
            let pattern = self.boxed(pattern)?;
            span = span.to(pattern.span);
            LikePattern::One(pattern)
        };
        let escape = escape.map(|escape| self.boxed(*escape)).transpose()?;
        Ok(Expr::new(ExprKind::Like { kind, operand, pattern, escape, negated }, span))
    }

    fn quantified(
        &mut self,
        left: sq::Expr,
        op: sq::BinaryOperator,
        quantifier: Quantifier,
        right: sq::Expr,
    ) -> Result<Expr> {
        let operand = self.boxed(left)?;
        let right = self.expr(right)?;
        let operator = self.operator(op, &right)?;
        let span = operand.span.to(right.span);
        let ExprKind::Subquery(query) = right.kind else {
            return Err(Error::not_supported("ANY or ALL without a subquery").at(right.span));
        };
        Ok(Expr::new(ExprKind::Quantified { operator, operand, quantifier, query }, span))
    }

    /// `IS ..`.
    fn test(&mut self, expr: sq::Expr) -> Result<Expr> {
        let (operand, boolean, negated) = match expr {
            sq::Expr::IsNull(operand) => (operand, None, false),
            sq::Expr::IsNotNull(operand) => (operand, None, true),
            sq::Expr::IsTrue(operand) => (operand, Some(true), false),
            sq::Expr::IsNotTrue(operand) => (operand, Some(true), true),
            sq::Expr::IsFalse(operand) => (operand, Some(false), false),
            sq::Expr::IsNotFalse(operand) => (operand, Some(false), true),
            sq::Expr::IsDistinctFrom(left, right) => return self.distinct(*left, *right, false),
            sq::Expr::IsNotDistinctFrom(left, right) => return self.distinct(*left, *right, true),
            _ => return Err(Error::internal("not a test")),
        };
        let operand = self.boxed(*operand)?;
        let span = operand.span;
        let kind = match boolean {
            None => ExprKind::IsNull { operand, negated },
            Some(value) => ExprKind::IsBoolean { operand, value, negated },
        };
        Ok(Expr::new(kind, span))
    }

    fn distinct(&mut self, left: sq::Expr, right: sq::Expr, negated: bool) -> Result<Expr> {
        let (left, right) = (self.boxed(left)?, self.boxed(right)?);
        let span = left.span.to(right.span);
        Ok(Expr::new(ExprKind::IsDistinctFrom { left, right, negated }, span))
    }

    /// `v:a.b[0]`.
    fn json_access(&mut self, value: sq::Expr, path: sq::JsonPath) -> Result<Expr> {
        let value = self.expr(value)?;
        let mut span = value.span;
        let mut steps = Vec::with_capacity(path.path.len());
        for step in path.path {
            steps.push(match step {
                sq::JsonPathElem::Dot { key, .. } => PathStep::Field(Identifier::exact(key)),
                sq::JsonPathElem::Bracket { key } | sq::JsonPathElem::ColonBracket { key } => {
                    let index = self.expr(key)?;
                    span = span.to(index.span);
                    PathStep::Index(index)
                }
            });
        }
        Ok(path_of(value, steps, span))
    }

    /// `v[0].a`, and names that sqlparser took apart.
    fn field_access(&mut self, root: sq::Expr, chain: Vec<sq::AccessExpr>) -> Result<Expr> {
        let mut value = self.expr(root)?;
        for access in chain {
            match access {
                sq::AccessExpr::Dot(sq::Expr::Identifier(ident)) => {
                    let span = value.span.to(span_of(ident.span));
                    let mut name = vec![ident];
                    if let ExprKind::Column(qualifier) = &value.kind {
                        let parts = qualifier.parts.iter().map(|part| sq::Ident {
                            value: part.name.clone(),
                            quote_style: Some('"'),
                            span: sq_span(part.span),
                        });
                        name.splice(0..0, parts);
                        value = self.column(name)?;
                    } else {
                        let keys = name.into_iter().map(|ident| {
                            let at = span_of(ident.span);
                            PathStep::Field(Identifier::exact(ident.value).at(at))
                        });
                        value = path_of(value, keys.collect(), span);
                    }
                }
                sq::AccessExpr::Subscript(sq::Subscript::Index { index }) => {
                    let index = self.expr(index)?;
                    let span = value.span.to(index.span);
                    value = path_of(value, vec![PathStep::Index(index)], span);
                }
                // `schema.f(..)` behind a root that is no plain name.
                sq::AccessExpr::Dot(_) | sq::AccessExpr::Subscript(_) => {
                    return Err(self.unexpected_word(".", value.span));
                }
            }
        }
        Ok(value)
    }

    fn object(&mut self, fields: Vec<sq::DictionaryField>) -> Result<Expr> {
        let mut converted = Vec::with_capacity(fields.len());
        let mut span = Span::default();
        for field in fields {
            if let Some(star) = self.dialect.star_of(&field.key) {
                let (sq::SelectItem::Wildcard(_) | sq::SelectItem::QualifiedWildcard(..)) = star
                else {
                    return Err(self.unexpected_word("}", span));
                };
                let star = self.star_item(star)?;
                span = cover([span, star.span]);
                if matches!(*field.value, sq::Expr::Nested(_)) {
                    return Ok(Expr::new(ExprKind::Star(Box::new(star)), span));
                }
                converted.push(ObjectField::Star(Box::new(star)));
                continue;
            }
            let value = self.expr(*field.value)?;
            span = cover([span, span_of(field.key.span), value.span]);
            converted.push(ObjectField::Field(field.key.value.into(), value));
        }
        Ok(Expr::new(ExprKind::Object(converted), span))
    }

    /// CONNECT_BY_ROOT, which binds as a sign does: to the first operand of what follows.
    fn root(&mut self, prefix: sq::Ident, mut value: Box<sq::Expr>) -> Result<Expr> {
        if !matches!(*value, sq::Expr::BinaryOp { .. }) {
            return self.wrap(*value, ExprKind::ConnectByRoot);
        }
        let mut first = &mut *value;
        while let sq::Expr::BinaryOp { left, .. } = first {
            first = left;
        }
        let operand = std::mem::replace(first, sq::Expr::Value(sq::Value::Null.into()));
        *first = sq::Expr::Prefixed { prefix, value: Box::new(operand) };
        self.expr(*value)
    }

    fn lambda(&mut self, lambda: sq::LambdaFunction) -> Result<Expr> {
        let parameters = match lambda.params {
            sq::OneOrManyWithParens::One(parameter) => vec![parameter],
            sq::OneOrManyWithParens::Many(parameters) => parameters,
        };
        let mut converted = Vec::with_capacity(parameters.len());
        for parameter in parameters {
            let name = self.identifier(parameter.name)?;
            // The type's words stand between the name and the arrow.
            let data_type = parameter.data_type.map(|data_type| TypeName {
                name: data_type.to_string().to_uppercase(),
                arguments: Vec::new(),
                span: name.span,
            });
            converted.push(LambdaParameter { name, data_type });
        }
        let body = self.boxed(*lambda.body)?;
        let span = cover(converted.iter().map(|parameter| parameter.name.span)).to(body.span);
        Ok(Expr::new(ExprKind::Lambda(converted, body), span))
    }
}

fn is_associative(operator: BinaryOperator) -> bool {
    matches!(operator, BinaryOperator::And | BinaryOperator::Or | BinaryOperator::Concat)
}

/// Operands joined by one operator: from the left, or as a balanced tree when there are many.
fn join_all(operator: Option<BinaryOperator>, mut operands: Vec<Expr>) -> Option<Expr> {
    let Some(operator) = operator else { return operands.pop() };
    let join = |left: Expr, right: Expr| {
        let span = left.span.to(right.span);
        Expr::new(ExprKind::Binary(operator, Box::new(left), Box::new(right)), span)
    };
    if operands.len() <= CHAIN_MAX {
        return operands.into_iter().reduce(join);
    }
    while operands.len() > 1 {
        let mut pairs = Vec::with_capacity(operands.len().div_ceil(2));
        let mut rest = operands.into_iter();
        while let Some(left) = rest.next() {
            pairs.push(match rest.next() {
                Some(right) => join(left, right),
                None => left,
            });
        }
        operands = pairs;
    }
    operands.pop()
}

/// A value with further steps behind it.
fn path_of(value: Expr, mut steps: Vec<PathStep>, span: Span) -> Expr {
    match value.kind {
        ExprKind::Path(root, mut before) => {
            before.append(&mut steps);
            Expr::new(ExprKind::Path(root, before), span)
        }
        kind => Expr::new(ExprKind::Path(Box::new(Expr::new(kind, value.span)), steps), span),
    }
}

fn sq_span(span: Span) -> sqlparser::tokenizer::Span {
    let at = |byte: u32| sqlparser::tokenizer::Location { line: 1, column: u64::from(byte) + 1 };
    sqlparser::tokenizer::Span { start: at(span.start), end: at(span.end) }
}
