//! FROM: tables, functions, staged files, joins, pivots.

use firn_types::{Error, Identifier, ObjectName, Result, Span};
use sqlparser::ast as sq;

use super::super::ast::{
    Argument, ArgumentValue, AsofJoin, Changes, Expr, ExprKind, FunctionCall, Join, JoinConstraint,
    JoinKind, Literal, Name, OptionValue, Pivot, PivotValue, PivotValues, QueryBody, Sample,
    SampleSize, StatementOption, TableAlias, TableExpr, TableKind, TimePoint, TimeTravel, Unpivot,
    UnpivotColumn,
};
use super::super::dialect::MARK;
use super::super::outline::span_of;
use super::super::stage::read_location;
use super::{Convert, cover, too_deep};

impl Convert<'_> {
    /// A source with the joins behind it.
    pub(crate) fn table_with_joins(&mut self, table: sq::TableWithJoins) -> Result<TableExpr> {
        if self.depth + table.joins.len() > firn_types::limits::NESTING_MAX {
            return Err(too_deep());
        }
        let mut left = self.table(table.relation)?;
        let mut pending: Vec<sq::Join> = table.joins.into_iter().rev().collect();
        while let Some(mut join) = pending.pop() {
            // `a JOIN b JOIN c ON ..` joins from the left where the first join has no condition.
            if has_no_condition(&join) && self.is_bare_group(&left, &join.relation) {
                let sq::TableFactor::NestedJoin { table_with_joins, .. } = join.relation else {
                    return Err(Error::internal("not a group of joins"));
                };
                join.relation = table_with_joins.relation;
                pending.extend(table_with_joins.joins.into_iter().rev());
            }
            left = self.join(left, join)?;
        }
        Ok(left)
    }

    /// Whether the right side of a join after `left` is a group of joins without parentheses.
    fn is_bare_group(&self, left: &TableExpr, right: &sq::TableFactor) -> bool {
        let sq::TableFactor::NestedJoin { table_with_joins, alias: None } = right else {
            return false;
        };
        let mut index = self.outline.at(left.span.end);
        while index < self.outline.lexemes.len() && !self.outline.is_word(index, "join") {
            index = self.outline.partner(index).max(index) + 1;
        }
        let derived = matches!(table_with_joins.relation, sq::TableFactor::Derived { .. });
        let open = |index| self.outline.is_symbol(index, "(");
        !open(index + 1) || (derived && !open(index + 2))
    }

    fn join(&mut self, left: TableExpr, join: sq::Join) -> Result<TableExpr> {
        let sq::Join { relation, global, join_operator } = join;
        let right = self.table(relation)?;
        self.refuse(global, "global", left.span)?;
        let mut asof = None;
        let (kind, constraint) = match join_operator {
            sq::JoinOperator::Join(constraint) | sq::JoinOperator::Inner(constraint) => {
                (JoinKind::Inner, constraint)
            }
            sq::JoinOperator::Left(constraint) | sq::JoinOperator::LeftOuter(constraint) => {
                (JoinKind::Left, constraint)
            }
            sq::JoinOperator::Right(constraint) | sq::JoinOperator::RightOuter(constraint) => {
                (JoinKind::Right, constraint)
            }
            sq::JoinOperator::FullOuter(constraint) => (JoinKind::Full, constraint),
            sq::JoinOperator::CrossJoin(sq::JoinConstraint::None) => {
                (JoinKind::Cross, sq::JoinConstraint::None)
            }
            sq::JoinOperator::CrossJoin(_) => return Err(self.unexpected_word("on", right.span)),
            sq::JoinOperator::AsOf { match_condition, constraint } => {
                asof = Some(AsofJoin { condition: self.expr(match_condition)? });
                (JoinKind::Left, constraint)
            }
            _ => return Err(self.outline.unexpected(self.outline.at(left.span.end))),
        };
        let constraint = self.constraint(constraint)?;
        let end = match &constraint {
            JoinConstraint::On(expr) => expr.span,
            JoinConstraint::Using(names) => cover(names.iter().map(|name| name.span)),
            _ => right.span,
        };
        let span = cover([left.span, right.span, end]);
        let kind = TableKind::Join(Box::new(Join { left, right, kind, constraint, asof }));
        Ok(TableExpr { kind, alias: None, sample: None, span })
    }

    fn constraint(&mut self, constraint: sq::JoinConstraint) -> Result<JoinConstraint> {
        Ok(match constraint {
            sq::JoinConstraint::None => JoinConstraint::None,
            sq::JoinConstraint::Natural => JoinConstraint::Natural,
            sq::JoinConstraint::On(expr) => JoinConstraint::On(self.expr(expr)?),
            sq::JoinConstraint::Using(names) => {
                let names = names.into_iter().map(|name| self.single(name));
                JoinConstraint::Using(names.collect::<Result<_>>()?)
            }
        })
    }

    /// One source.
    pub(crate) fn table(&mut self, factor: sq::TableFactor) -> Result<TableExpr> {
        self.deeper(1, |this| this.table_of(factor))
    }

    fn table_of(&mut self, factor: sq::TableFactor) -> Result<TableExpr> {
        match factor {
            table @ sq::TableFactor::Table { .. } => self.plain_table(table),
            sq::TableFactor::Derived { lateral, subquery, alias, sample } => {
                let query = Box::new(self.query(*subquery)?);
                let span = query.span;
                let sample = sample.map(|sample| match sample {
                    sq::TableSampleKind::BeforeTableAlias(sample)
                    | sq::TableSampleKind::AfterTableAlias(sample) => sample,
                });
                let plain =
                    query.with.is_none() && query.order_by.is_none() && query.limit.is_none();
                let kind = match query.body {
                    QueryBody::Values(values) if plain => TableKind::Values(values),
                    _ => TableKind::Subquery { query, lateral },
                };
                self.finish(kind, span, alias, sample)
            }
            sq::TableFactor::TableFunction { expr, alias } => {
                let expr = self.expr(expr)?;
                let span = self.outline.call_around(expr.span);
                let kind = match expr.kind {
                    ExprKind::Function(call) => TableKind::Function(call),
                    ExprKind::Literal(Literal::Text(_))
                    | ExprKind::Variable(_)
                    | ExprKind::Bind(_)
                    | ExprKind::Identifier(_) => {
                        let name = Name::Identifier(Box::new(expr));
                        TableKind::Table { name, at: None, changes: None }
                    }
                    _ => return Err(self.unexpected_at(expr.span)),
                };
                self.finish(kind, span, alias, None)
            }
            // A function may always read the sources on its left.
            sq::TableFactor::Function { lateral: _, name, args, with_ordinality, alias } => {
                let name = self.name(name)?;
                let is_table = matches!(&name, Name::Plain(name) if name.parts.len() == 1 && name.object().name == "TABLE");
                let (kind, span) = self.table_function(name, args)?;
                self.refuse(with_ordinality, "with", span)?;
                let kind = if is_table { self.called(kind)? } else { kind };
                self.finish(kind, span, alias, None)
            }
            sq::TableFactor::NestedJoin { table_with_joins, alias } => {
                let table = self.table_with_joins(*table_with_joins)?;
                let alias = alias.map(|alias| self.alias(alias)).transpose()?;
                Ok(TableExpr { alias: alias.or(table.alias), ..table })
            }
            pivot @ sq::TableFactor::Pivot { .. } => self.pivot(pivot),
            unpivot @ sq::TableFactor::Unpivot { .. } => self.unpivot(unpivot),
            _ => Err(Error::not_supported("this form of FROM")),
        }
    }

    /// A table, a table function or staged files by name.
    fn plain_table(&mut self, factor: sq::TableFactor) -> Result<TableExpr> {
        let sq::TableFactor::Table {
            name,
            alias,
            args,
            with_hints,
            version,
            with_ordinality,
            partitions,
            json_path,
            sample,
            index_hints,
        } = factor
        else {
            return Err(Error::internal("not a table"));
        };
        let (kind, span) = self.named(name, args, version)?;
        self.refuse(!with_hints.is_empty() || with_ordinality, "with", span)?;
        self.refuse(!partitions.is_empty(), "partition", span)?;
        self.refuse(json_path.is_some(), ":", span)?;
        if !index_hints.is_empty() {
            return Err(self.outline.unexpected(self.outline.at(span.end)));
        }
        let sample = sample.map(|sample| match sample {
            sq::TableSampleKind::BeforeTableAlias(sample)
            | sq::TableSampleKind::AfterTableAlias(sample) => sample,
        });
        self.finish(kind, span, alias, sample)
    }

    fn finish(
        &mut self,
        kind: TableKind,
        span: Span,
        alias: Option<sq::TableAlias>,
        sample: Option<Box<sq::TableSample>>,
    ) -> Result<TableExpr> {
        let alias = alias.map(|alias| self.alias(alias)).transpose()?;
        let sample = sample.map(|sample| self.sample(*sample)).transpose()?;
        let end = alias.as_ref().map(|alias| alias.name.span).unwrap_or_default();
        Ok(TableExpr { kind, alias, sample, span: cover([span, end]) })
    }

    fn alias(&mut self, alias: sq::TableAlias) -> Result<TableAlias> {
        let sq::TableAlias { explicit: _, name, columns, at } = alias;
        let name = self.alias_name(name)?;
        self.refuse(at.is_some(), "at", name.span)?;
        Ok(TableAlias { name, columns: self.column_names(columns)? })
    }

    /// The names of columns behind an alias, which have no types here.
    pub(super) fn column_names(
        &mut self,
        columns: Vec<sq::TableAliasColumnDef>,
    ) -> Result<Vec<Identifier>> {
        let names = columns.into_iter().map(|sq::TableAliasColumnDef { name, data_type }| {
            let name = self.identifier(name)?;
            match data_type {
                Some(_) => Err(self.outline.unexpected(self.outline.at(name.span.end))),
                None => Ok(name),
            }
        });
        names.collect()
    }

    /// A table, a table function without TABLE(), or staged files.
    fn named(
        &mut self,
        name: sq::ObjectName,
        args: Option<sq::TableFunctionArgs>,
        version: Option<sq::TableVersion>,
    ) -> Result<(TableKind, Span)> {
        let start =
            name.0.first().and_then(|part| part.as_ident()).map(|ident| span_of(ident.span));
        let arguments = match args {
            Some(sq::TableFunctionArgs { args, settings }) => {
                self.refuse(settings.is_some(), "settings", start.unwrap_or_default())?;
                Some(args)
            }
            None => None,
        };
        if let Some(ident) = name.0.first().and_then(|part| part.as_ident())
            && ident.quote_style == Some('\'')
        {
            let span = span_of(ident.span);
            let location = read_location(&ident.value, span)?;
            let options = self.arguments(arguments.unwrap_or_default())?;
            let options = options.into_iter().map(|argument| self.option(argument));
            let options = options.collect::<Result<_>>()?;
            return Ok((TableKind::Stage { location, options }, span));
        }
        let name = self.name(name)?;
        if let Some(arguments) = arguments {
            return self.table_function(name, arguments);
        }
        let span = name.span();
        let (at, changes) = match version {
            None => (None, None),
            Some(sq::TableVersion::Function(expr)) => (Some(self.time_travel(expr)?), None),
            Some(sq::TableVersion::Changes { changes, at, end }) => {
                let (at, changes) = self.changes(changes, at, end)?;
                (Some(at), Some(changes))
            }
            Some(_) => return Err(self.outline.unexpected(self.outline.at(span.end))),
        };
        let span = cover([Some(span), at.as_ref().map(|at| at.span)].into_iter().flatten());
        Ok((TableKind::Table { name, at, changes }, span))
    }

    fn table_function(
        &mut self,
        name: Name,
        arguments: Vec<sq::FunctionArg>,
    ) -> Result<(TableKind, Span)> {
        let start = self.outline.at(name.span().start);
        let open = self.outline.at(name.span().end);
        let span = self.outline.range(start, self.outline.partner(open) + 1);
        let call = FunctionCall {
            name,
            arguments: self.arguments(arguments)?,
            distinct: false,
            within_group: Vec::new(),
            nulls: None,
            over: None,
        };
        Ok((TableKind::Function(Box::new(call)), span))
    }

    /// The call in `LATERAL TABLE(f(..))`.
    fn called(&self, table: TableKind) -> Result<TableKind> {
        let TableKind::Function(call) = table else { return Ok(table) };
        let span = call.name.span();
        match <[Argument; 1]>::try_from(call.arguments) {
            Ok(
                [
                    Argument {
                        name: None,
                        value: ArgumentValue::Expr(Expr { kind: ExprKind::Function(call), .. }),
                    },
                ],
            ) => Ok(TableKind::Function(call)),
            _ => Err(self.unexpected_at(span)),
        }
    }

    /// `FILE_FORMAT => x` as an option.
    fn option(&self, argument: Argument) -> Result<StatementOption> {
        let (name, expr) = match (argument.name, argument.value) {
            (Some(name), ArgumentValue::Expr(expr)) => (name, expr),
            (None, ArgumentValue::Expr(expr)) => return Err(self.unexpected_at(expr.span)),
            (Some(name), _) => return Err(self.outline.unexpected(self.outline.at(name.span.end))),
            (None, _) => return Err(self.outline.unexpected(0)),
        };
        let value = match expr.kind {
            ExprKind::Literal(Literal::Text(text)) => OptionValue::Text(text.to_string()),
            ExprKind::Literal(Literal::Number(digits)) => OptionValue::Number(digits.into()),
            ExprKind::Literal(Literal::Boolean(value)) => OptionValue::Boolean(value),
            ExprKind::Literal(Literal::Null) => OptionValue::Null,
            ExprKind::Variable(name) => OptionValue::Variable(name),
            ExprKind::Column(name) => OptionValue::Name(name),
            _ => return Err(self.unexpected_at(expr.span)),
        };
        let span = name.span.to(expr.span);
        Ok(StatementOption { name: name.name, value, span })
    }

    /// `AT (TIMESTAMP => expr)`, which sqlparser reads as a call.
    pub(crate) fn time_travel(&mut self, expr: sq::Expr) -> Result<TimeTravel> {
        let (word, argument, span) = self.clause_call(expr)?;
        let before = word.as_str() == "BEFORE";
        let point = self.time_point(argument, span)?;
        Ok(TimeTravel { before, point, span })
    }

    /// The name, only argument and place of a clause in the shape of a call.
    fn clause_call(&mut self, expr: sq::Expr) -> Result<(Identifier, Argument, Span)> {
        let sq::Expr::Function(function) = expr else {
            return Err(Error::internal("a clause that is no call"));
        };
        let (call, span) = self.call(function)?;
        let Name::Plain(ObjectName { parts }) = call.name else {
            return Err(self.unexpected_at(span));
        };
        let mut arguments = call.arguments.into_iter();
        match (parts.into_iter().next(), arguments.next(), arguments.next()) {
            (Some(name), Some(argument), None) => Ok((name, argument, span)),
            _ => Err(self.outline.unexpected(self.outline.at(span.start) + 2)),
        }
    }

    fn time_point(&self, argument: Argument, span: Span) -> Result<TimePoint> {
        let (Some(name), ArgumentValue::Expr(expr)) = (argument.name, argument.value) else {
            return Err(self.outline.unexpected(self.outline.at(span.start) + 2));
        };
        Ok(match name.as_str() {
            "TIMESTAMP" => TimePoint::Timestamp(expr),
            "OFFSET" => TimePoint::Offset(expr),
            "STATEMENT" => TimePoint::Statement(expr),
            "STREAM" => TimePoint::Stream(expr),
            _ => return Err(self.unexpected_at(name.span)),
        })
    }

    fn changes(
        &mut self,
        changes: sq::Expr,
        at: sq::Expr,
        end: Option<sq::Expr>,
    ) -> Result<(TimeTravel, Changes)> {
        let (_, argument, span) = self.clause_call(changes)?;
        let ArgumentValue::Expr(Expr { kind: ExprKind::Column(information), .. }) = argument.value
        else {
            return Err(self.unexpected_at(span));
        };
        let append_only = match information.object().as_str() {
            "DEFAULT" => false,
            "APPEND_ONLY" => true,
            _ => return Err(self.unexpected_at(information.span())),
        };
        let at = self.time_travel(at)?;
        let end = end.map(|end| self.time_travel(end)).transpose()?;
        Ok((at, Changes { append_only, end }))
    }

    fn sample(&mut self, sample: sq::TableSample) -> Result<Sample> {
        let sq::TableSample { modifier: _, name, quantity, seed, bucket, offset } = sample;
        let block =
            matches!(name, Some(sq::TableSampleMethod::System | sq::TableSampleMethod::Block));
        let Some(quantity) = quantity.filter(|_| bucket.is_none()) else {
            return Err(Error::not_supported("SAMPLE without a size"));
        };
        let sq::TableSampleQuantity { parenthesized, value, unit } = quantity;
        let value = self.expr(value)?;
        if !parenthesized {
            return Err(self.unexpected_at(value.span));
        }
        self.refuse(offset.is_some(), "offset", value.span)?;
        let size = match unit {
            Some(sq::TableSampleUnit::Rows) => SampleSize::Rows(value),
            Some(sq::TableSampleUnit::Percent) => {
                return Err(self.unexpected_word("percent", value.span));
            }
            None => SampleSize::Percent(value),
        };
        let seed = seed.map(|sq::TableSampleSeed { modifier: _, value }| self.value(value));
        let seed = seed.transpose()?;
        Ok(Sample { block, size, seed })
    }

    fn pivot(&mut self, factor: sq::TableFactor) -> Result<TableExpr> {
        let sq::TableFactor::Pivot {
            table,
            aggregate_functions,
            value_column,
            value_source,
            default_on_null,
            alias,
        } = factor
        else {
            return Err(Error::internal("not a PIVOT"));
        };
        let source = self.table(*table)?;
        let mut aggregates = aggregate_functions.into_iter();
        let (Some(first), None) = (aggregates.next(), aggregates.next()) else {
            return Err(Error::not_supported("PIVOT with several aggregates"));
        };
        let aggregate = self.expr(first.expr)?;
        let ExprKind::Function(call) = aggregate.kind else {
            return Err(self.unexpected_at(aggregate.span));
        };
        let mut columns = self.exprs(value_column)?.into_iter();
        let (Some(column), None) = (columns.next(), columns.next()) else {
            return Err(Error::not_supported("PIVOT for several columns"));
        };
        let column = self.bare_column(column)?;
        let values = match value_source {
            sq::PivotValueSource::Any(items) => PivotValues::Any(self.order_items(items)?),
            sq::PivotValueSource::Subquery(query) => {
                PivotValues::Query(Box::new(self.query(*query)?))
            }
            sq::PivotValueSource::List(list) => {
                let mut values = Vec::with_capacity(list.len());
                for item in list {
                    let expr = self.expr(item.expr)?;
                    let alias = item.alias.map(|alias| self.identifier(alias)).transpose()?;
                    values.push(PivotValue { expr, alias });
                }
                PivotValues::List(values)
            }
        };
        let default = default_on_null.map(|value| self.expr(value)).transpose()?;
        let name = first.alias.map(|alias| self.identifier(alias)).transpose()?;
        let span = source.span.to(column.span);
        let pivot = Pivot { source, aggregate: *call, alias: name, column, values, default };
        self.finish(TableKind::Pivot(Box::new(pivot)), span, alias, None)
    }

    fn unpivot(&mut self, factor: sq::TableFactor) -> Result<TableExpr> {
        let sq::TableFactor::Unpivot { table, value, name, columns, null_inclusion, alias } =
            factor
        else {
            return Err(Error::internal("not an UNPIVOT"));
        };
        let source = self.table(*table)?;
        if let Some(open) = name.value.strip_prefix(MARK).and_then(|open| open.parse().ok()) {
            let clause = self.match_recognize(source, open)?;
            let span = clause.source.span.to(self.outline.span(self.outline.partner(open)));
            let kind = TableKind::MatchRecognize(Box::new(clause));
            return self.finish(kind, span, alias, None);
        }
        let value = self.expr(value)?;
        let value = self.bare_column(value)?;
        let name = self.identifier(name)?;
        let mut converted = Vec::with_capacity(columns.len());
        for column in columns {
            let expr = self.expr(column.expr)?;
            let column_name = self.bare_column(expr)?;
            let alias = match column.alias {
                Some(ident) if ident.quote_style.is_some() => Some(ident.value),
                Some(ident) => Some(self.identifier(ident)?.name),
                None => None,
            };
            converted.push(UnpivotColumn { column: column_name, alias });
        }
        let include_nulls = matches!(null_inclusion, Some(sq::NullInclusion::IncludeNulls));
        let span = source.span.to(name.span);
        let unpivot = Unpivot { source, include_nulls, value, name, columns: converted };
        self.finish(TableKind::Unpivot(Box::new(unpivot)), span, alias, None)
    }

    fn bare_column(&self, expr: Expr) -> Result<Identifier> {
        match expr.kind {
            ExprKind::Column(name) if name.parts.len() == 1 => Ok(name.object().clone()),
            _ => Err(self.unexpected_at(expr.span)),
        }
    }
}

/// Whether neither ON nor USING nor NATURAL was written.
fn has_no_condition(join: &sq::Join) -> bool {
    use sq::JoinOperator::{FullOuter, Inner, Join, Left, LeftOuter, Right, RightOuter};
    matches!(
        &join.join_operator,
        Join(sq::JoinConstraint::None)
            | Inner(sq::JoinConstraint::None)
            | Left(sq::JoinConstraint::None)
            | LeftOuter(sq::JoinConstraint::None)
            | Right(sq::JoinConstraint::None)
            | RightOuter(sq::JoinConstraint::None)
            | FullOuter(sq::JoinConstraint::None)
    )
}
