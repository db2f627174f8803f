//! MATCH_RECOGNIZE: in terms of windows, around one that searches.
//!
//! 1. Windows over the rows answer PREV and NEXT; with them each DEFINE is a BOOLEAN of a row.
//! 2. `$MATCH_ROWS` says of each row in which matches it is, `$MATCHED_ROWS` gives a row for each of them, with the
//!    match's number `$n`, the row's place in it `$s`, its symbol `$c`, and whether it is excluded `$x` or last `$l`.
//! 3. Measures are windows over the rows of a match.

use firn_expression::Expr;
use firn_functions::Argument;
use firn_functions::registry;
use firn_functions::row_pattern::{AfterMatch, RowPattern};
use firn_parse::ast::{
    self, ExprKind, MatchPattern, MatchRecognize, MatchRows, MatchSkip, OrderItem,
};
use firn_plan::{
    Filter, Frame, LateralFunction, Plan, PlanColumn, Project, ProjectItem, Window, WindowTarget,
};
use firn_types::scan_predicate::Comparison;
use firn_types::{Error, ErrorCode, Identifier, Result, Value};

use super::from::{From, FromContext, bind_source};
use super::measure::{Measures, Navigation, call, column, over};
use super::select::window_layers;
use crate::bind::clause::Clause;
use crate::bind::expr::{ExprBinder, Gathered, attach, text_literal};
use crate::bind::scope::{Relation, Scope};

/// Rows on their way through the steps, with what their columns are called.
struct Rows<'c> {
    context: &'c FromContext<'c>,
    plan: Plan,
    columns: Vec<PlanColumn>,
}

pub(super) fn bind_match(context: &FromContext<'_>, clause: &MatchRecognize) -> Result<From> {
    let source = bind_source(context, &clause.source, None)?.into_from();
    let relations = source.relations.into_iter().flat_map(|relation| relation.columns);
    let columns = relations.filter(|column| !column.pseudo).map(|column| column.column);
    let columns: Vec<PlanColumn> = columns.collect();
    let given = columns.len();
    let mut rows = Rows { context, plan: source.plan, columns };

    let symbols = Symbols::of(clause)?;
    let partition: Vec<String> = (0..clause.partition_by.len()).map(|n| format!("$p{n}")).collect();
    rows.add(&partition, &clause.partition_by)?;

    let navigation =
        Navigation { symbols: &symbols.names, partition: &partition, order: &clause.order_by };
    let mut conditions = Vec::with_capacity(symbols.names.len());
    for symbol in &symbols.names {
        let defined = clause.symbols.iter().find(|(name, _)| name.name == *symbol);
        conditions.push(match defined {
            Some((_, condition)) => navigation.condition(symbol, condition)?,
            None => {
                ast::Expr::new(ExprKind::Literal(ast::Literal::Boolean(true)), Default::default())
            }
        });
    }
    let mut measures = Measures::new(navigation, clause.rows != MatchRows::One);
    let mut bodies = Vec::with_capacity(clause.measures.len());
    for (measure, _) in &clause.measures {
        bodies.push(measures.body(measure)?);
    }
    // What measures ask of the rows around is asked before rows are left out.
    rows.add_all(&measures.before)?;
    rows.search(clause, &symbols, &conditions, &partition)?;
    rows.add_all(&measures.places)?;
    let names: Vec<String> = (0..bodies.len()).map(|n| format!("$m{n}")).collect();
    rows.add(&names, &bodies)?;
    rows.filter(match clause.rows {
        MatchRows::One => vec!["$l"],
        MatchRows::All => vec!["$x", "$s"],
        MatchRows::AllWithEmpty | MatchRows::AllWithUnmatched => vec!["$x"],
    })?;
    let text = context.env.text;
    let shown = match clause.rows {
        MatchRows::One => {
            let headers = clause.partition_by.iter().map(|expr| match &expr.kind {
                ExprKind::Column(name) => name.object().name.clone(),
                _ => expr.span.of(text).trim().to_uppercase(),
            });
            let keys = rows.columns[given..].iter().take(partition.len());
            keys.zip(headers).map(|(key, name)| PlanColumn { name, ..key.clone() }).collect()
        }
        _ => rows.columns[..given].to_vec(),
    };
    rows.output(shown, clause)
}

/// The pattern's symbols, by number.
struct Symbols {
    names: Vec<String>,
}

impl Symbols {
    fn of(clause: &MatchRecognize) -> Result<Symbols> {
        let mut symbols = Symbols { names: Vec::new() };
        symbols.collect(&clause.pattern);
        for (index, (name, _)) in clause.symbols.iter().enumerate() {
            if clause.symbols[..index].iter().any(|(other, _)| other.name == name.name) {
                let text = format!("Symbol '{name}' is defined twice");
                return Err(Error::new(ErrorCode::InvalidStatement, text).at(name.span));
            }
            symbols.number(name)?;
        }
        Ok(symbols)
    }

    fn collect(&mut self, pattern: &MatchPattern) {
        match pattern {
            MatchPattern::Symbol(name) if !self.names.contains(&name.name) => {
                self.names.push(name.name.clone());
            }
            MatchPattern::Symbol(_) | MatchPattern::Start | MatchPattern::End => {}
            MatchPattern::Concat(parts)
            | MatchPattern::Alternation(parts)
            | MatchPattern::Permute(parts) => parts.iter().for_each(|part| self.collect(part)),
            MatchPattern::Exclude(pattern) | MatchPattern::Repeat { pattern, .. } => {
                self.collect(pattern);
            }
        }
    }

    fn number(&self, name: &Identifier) -> Result<usize> {
        self.names.iter().position(|known| *known == name.name).ok_or_else(|| {
            let text = format!("Symbol '{name}' is not in the PATTERN");
            Error::new(ErrorCode::InvalidStatement, text).at(name.span)
        })
    }

    fn pattern(&self, pattern: &MatchPattern) -> Result<RowPattern> {
        let all = |parts: &[MatchPattern]| -> Result<Vec<RowPattern>> {
            parts.iter().map(|part| self.pattern(part)).collect()
        };
        Ok(match pattern {
            MatchPattern::Symbol(name) => RowPattern::Symbol(self.number(name)?),
            MatchPattern::Start => RowPattern::Start,
            MatchPattern::End => RowPattern::End,
            MatchPattern::Concat(parts) => RowPattern::Concat(all(parts)?),
            MatchPattern::Alternation(parts) => RowPattern::Alternation(all(parts)?),
            MatchPattern::Permute(parts) => RowPattern::Alternation(
                orders(&all(parts)?).into_iter().map(RowPattern::Concat).collect(),
            ),
            MatchPattern::Exclude(pattern) => RowPattern::Exclude(Box::new(self.pattern(pattern)?)),
            MatchPattern::Repeat { pattern, least, most, reluctant } => RowPattern::Repeat {
                pattern: Box::new(self.pattern(pattern)?),
                least: *least,
                most: *most,
                reluctant: *reluctant,
            },
        })
    }

    fn skip(&self, skip: &MatchSkip) -> Result<AfterMatch> {
        Ok(match skip {
            MatchSkip::PastLastRow => AfterMatch::PastLastRow,
            MatchSkip::ToNextRow => AfterMatch::ToNextRow,
            MatchSkip::ToFirst(name) => AfterMatch::ToFirst(self.number(name)?),
            MatchSkip::ToLast(name) => AfterMatch::ToLast(self.number(name)?),
        })
    }
}

/// All orders of some parts, those first that keep the parts' own order longest.
fn orders(parts: &[RowPattern]) -> Vec<Vec<RowPattern>> {
    if parts.is_empty() {
        return vec![Vec::new()];
    }
    let mut found = Vec::new();
    for index in 0..parts.len() {
        let mut rest = parts.to_vec();
        let first = rest.remove(index);
        for order in orders(&rest) {
            found.push([vec![first.clone()], order].concat());
        }
    }
    found
}

impl Rows<'_> {
    /// Binds expressions over the rows; what they need beside them is added to the plan.
    fn bind(&mut self, exprs: &[ast::Expr]) -> Result<Vec<Expr>> {
        let FromContext { binder, env, .. } = self.context;
        let relations = vec![Relation::new("", self.columns.clone())];
        let scope = Scope { relations, outer: env.outer };
        let mut gathered = Gathered::default();
        let mut bound = Vec::with_capacity(exprs.len());
        for expr in exprs {
            let mut expressions =
                ExprBinder::new(binder, env, &scope, Clause::Select, &mut gathered);
            bound.push(expressions.bind(expr)?);
        }
        let input = std::mem::replace(&mut self.plan, Plan::one_row());
        let mut plan = attach(input, gathered.applies);
        for calls in window_layers(gathered.windows) {
            plan = Plan::Window(Window { input: Box::new(plan), calls, top: None });
        }
        self.plan = plan;
        Ok(bound)
    }

    /// Adds columns of these names.
    fn add(&mut self, names: &[String], exprs: &[ast::Expr]) -> Result<()> {
        let bound = self.bind(exprs)?;
        let binder = self.context.binder;
        let mut items: Vec<ProjectItem> = self.columns.iter().map(ProjectItem::pass).collect();
        for (name, expr) in names.iter().zip(bound) {
            items.push(ProjectItem { id: binder.fresh(), name: name.clone(), expr });
        }
        self.columns = items.iter().map(ProjectItem::column).collect();
        let input = Box::new(std::mem::replace(&mut self.plan, Plan::one_row()));
        self.plan = Plan::Project(Project { items, input });
        Ok(())
    }

    fn add_all(&mut self, named: &[(String, ast::Expr)]) -> Result<()> {
        let (names, exprs): (Vec<String>, Vec<ast::Expr>) = named.iter().cloned().unzip();
        self.add(&names, &exprs)
    }

    /// The rows in matches, with what is known of their places in them.
    fn search(
        &mut self,
        clause: &MatchRecognize,
        symbols: &Symbols,
        conditions: &[ast::Expr],
        partition: &[String],
    ) -> Result<()> {
        let names: Vec<String> = (0..conditions.len()).map(|n| format!("$d{n}")).collect();
        let wrapped: Vec<ast::Expr> =
            conditions.iter().map(|condition| truth(condition.clone())).collect();
        self.add(&names, &wrapped)?;
        let mut pattern = String::new();
        symbols.pattern(&clause.pattern)?.write(&mut pattern);
        let skip = symbols.skip(&clause.skip)?.write();
        let mut arguments = vec![text_literal(pattern.into()), text_literal(skip.into())];
        for name in &names {
            arguments.extend(self.columns.iter().find(|c| c.name == *name).map(PlanColumn::expr));
        }
        let entries = self.search_window(arguments, partition, &clause.order_by)?;

        let function = registry::table("$MATCHED_ROWS")?;
        let listed = symbols.names.join("\0");
        let arguments = vec![entries.expr(), text_literal(listed.into())];
        let given: Vec<Argument> = arguments
            .iter()
            .map(|expr| Argument {
                sql_type: expr.sql_type(),
                constant: expr.as_literal().cloned(),
                name: None,
            })
            .collect();
        let binding = (function.bind)(&given)?;
        let unmatched = clause.rows == MatchRows::AllWithUnmatched;
        let binder = self.context.binder;
        let fresh: Vec<PlanColumn> = binding
            .fields
            .iter()
            .map(|field| binder.fresh_column(&field.name, field.sql_type, true))
            .collect();
        self.plan = Plan::LateralFunction(Box::new(LateralFunction {
            input: Box::new(std::mem::replace(&mut self.plan, Plan::one_row())),
            function,
            given,
            arguments,
            preserves_input: unmatched,
            columns: fresh.clone(),
        }));
        self.columns.extend(fresh);
        Ok(())
    }

    /// The window that searches: bound as any other one would be, and then made the search.
    fn search_window(
        &mut self,
        arguments: Vec<Expr>,
        partition: &[String],
        order: &[OrderItem],
    ) -> Result<PlanColumn> {
        let FromContext { binder, env, .. } = self.context;
        let relations = vec![Relation::new("", self.columns.clone())];
        let scope = Scope { relations, outer: env.outer };
        let mut gathered = Gathered::default();
        let any = over(
            call("COUNT", vec![column(partition.first().map_or("$d0", |p| p))]),
            partition,
            order,
            None,
        );
        ExprBinder::new(binder, env, &scope, Clause::Select, &mut gathered).bind(&any)?;
        let Some(mut window) = gathered.windows.pop() else {
            return Err(Error::internal("a window that is none"));
        };
        let function = registry::window("$MATCH_ROWS")?;
        let given = arguments.iter().map(|expr| Argument {
            sql_type: expr.sql_type(),
            constant: expr.as_literal().cloned(),
            name: None,
        });
        let signature = function.resolve(given.collect())?;
        window.target = WindowTarget::Window(function, signature);
        window.arguments = arguments;
        window.frame = Frame::whole();
        window.name = "MATCH_RECOGNIZE".to_string();
        let found = window.column();
        let input = Box::new(std::mem::replace(&mut self.plan, Plan::one_row()));
        self.plan = Plan::Window(Window { input, calls: vec![window], top: None });
        Ok(found)
    }

    /// Leaves out rows: `$l` those that are not the last of their match, `$x` excluded ones, `$s` those of
    /// matches without rows.
    fn filter(&mut self, by: Vec<&str>) -> Result<()> {
        let find = |name: &str| self.columns.iter().find(|c| c.name == name).map(PlanColumn::expr);
        let mut conditions = Vec::with_capacity(by.len());
        for name in by {
            let value = find(name).ok_or_else(|| Error::internal("a match without its marks"))?;
            conditions.push(match name {
                "$l" => value,
                "$s" => Expr::Compare {
                    operator: Comparison::Greater,
                    right: Box::new(Expr::Literal {
                        value: Value::integer(0),
                        sql_type: value.sql_type(),
                    }),
                    left: Box::new(value),
                },
                // Of rows that are in no match nothing is known, and they stay.
                _ => Expr::Distinct {
                    distinct: true,
                    left: Box::new(value),
                    right: Box::new(Expr::boolean(true)),
                },
            });
        }
        let input = Box::new(std::mem::replace(&mut self.plan, Plan::one_row()));
        self.plan = Plan::Filter(Filter { input, conditions });
        Ok(())
    }

    /// The columns that are given: some of the rows', and the measures, which are the last ones.
    fn output(self, mut shown: Vec<PlanColumn>, clause: &MatchRecognize) -> Result<From> {
        let measures = &self.columns[self.columns.len() - clause.measures.len()..];
        for (column, (_, alias)) in measures.iter().zip(&clause.measures) {
            shown.push(PlanColumn { name: alias.name.clone(), ..column.clone() });
        }
        let binder = self.context.binder;
        let item = |column: &PlanColumn| ProjectItem {
            id: binder.fresh(),
            name: column.name.clone(),
            expr: column.expr(),
        };
        let items: Vec<ProjectItem> = shown.iter().map(item).collect();
        let columns = items.iter().map(ProjectItem::column).collect();
        let plan = Plan::Project(Project { items, input: Box::new(self.plan) });
        Ok(From { plan, relations: vec![Relation::new("", columns)] })
    }
}

/// The condition as a BOOLEAN that other types cannot be taken for.
fn truth(condition: ast::Expr) -> ast::Expr {
    let span = condition.span;
    let kind = ExprKind::IsBoolean { operand: Box::new(condition), value: true, negated: false };
    ast::Expr::new(kind, span)
}
