//! The names of a block, looked up before any of it runs: what is wrong with one is an error of the whole block, also
//! where it would never be reached.
//!
//! Only what is surely wrong is found here. A bare name among the arguments of a function may be a part of a date, and
//! what stands in SQL is SQL's.

use firn_parse::ast::{
    Bind, Block, CursorSource, Declaration, DeclarationKind, Expr, ExprKind, Loop, NestedProcedure,
    Returned, Step, StepKind,
};
use firn_types::{Error, ErrorCode, Identifier, Result, Span};

use super::expr::NILADIC;
use super::walk::children;

/// Looks up the names of a block in `text`, which begins with the variables `known`.
///
/// # Errors
/// `InvalidIdentifier` for a name that nothing has; `InvalidStatement` for an assignment to what cannot be assigned
/// to. Both with their place.
pub fn check_names<'k>(
    block: &Block,
    text: &str,
    known: impl Iterator<Item = &'k str>,
) -> Result<()> {
    let names = known.map(|name| (name.to_string(), Kind::Variable)).collect();
    Names { text, names }.block(block)
}

/// What a name stands for.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// Something that can be assigned to.
    Variable,
    /// The counter of a loop.
    Counter,
    Cursor,
    Exception,
    Procedure,
}

/// The names in sight, the innermost last.
struct Names<'t> {
    text: &'t str,
    names: Vec<(String, Kind)>,
}

impl Names<'_> {
    fn kind(&self, name: &str) -> Option<Kind> {
        self.names.iter().rev().find(|(other, _)| other == name).map(|(_, kind)| *kind)
    }

    fn add(&mut self, name: &Identifier, kind: Kind) {
        self.names.push((name.name.clone(), kind));
    }

    /// What is declared within is forgotten behind it.
    fn scope(&mut self, work: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        let open = self.names.len();
        let done = work(self);
        self.names.truncate(open);
        done
    }

    fn block(&mut self, block: &Block) -> Result<()> {
        self.scope(|names| {
            block.declarations.iter().try_for_each(|declaration| names.declared(declaration))?;
            block.steps.iter().try_for_each(|step| names.step(step))?;
            block.handlers.iter().try_for_each(|handler| names.body(&handler.steps))
        })
    }

    fn body(&mut self, steps: &[Step]) -> Result<()> {
        self.scope(|names| steps.iter().try_for_each(|step| names.step(step)))
    }

    fn declared(&mut self, declaration: &Declaration) -> Result<()> {
        let kind = match &declaration.kind {
            DeclarationKind::Variable(_, value) => {
                value.iter().try_for_each(|value| self.expression(value))?;
                Kind::Variable
            }
            DeclarationKind::Called(..) | DeclarationKind::ResultSet(_) => Kind::Variable,
            DeclarationKind::Cursor(source) => {
                self.source(source)?;
                Kind::Cursor
            }
            DeclarationKind::Exception(..) => Kind::Exception,
            DeclarationKind::Procedure(procedure) => {
                self.add(&declaration.name, Kind::Procedure);
                return self.procedure(procedure);
            }
        };
        self.add(&declaration.name, kind);
        Ok(())
    }

    fn procedure(&mut self, procedure: &NestedProcedure) -> Result<()> {
        self.scope(|names| {
            for parameter in &procedure.parameters {
                names.add(&parameter.name, Kind::Variable);
            }
            names.block(&procedure.block)
        })
    }

    fn source(&self, source: &CursorSource) -> Result<()> {
        match source {
            CursorSource::Query(_) => Ok(()),
            CursorSource::ResultSet(name) => self.known(name),
        }
    }

    fn step(&mut self, step: &Step) -> Result<()> {
        match &step.kind {
            StepKind::Let(declaration) => self.declared(declaration),
            StepKind::Assign(name, assigned) => {
                self.target(name)?;
                assigned.value.iter().try_for_each(|value| self.expression(value))
            }
            StepKind::If(branches, otherwise) => {
                branches.iter().try_for_each(|branch| self.branch(branch))?;
                self.body(otherwise)
            }
            StepKind::Case(operand, branches, otherwise) => {
                operand.iter().try_for_each(|operand| self.expression(operand))?;
                branches.iter().try_for_each(|branch| self.branch(branch))?;
                self.body(otherwise)
            }
            StepKind::Count { variable, from, to, body, .. } => {
                self.expression(from)?;
                self.expression(to)?;
                self.counted(variable, Kind::Counter, body)
            }
            StepKind::Rows { variable, source, body } => {
                self.source(source)?;
                self.counted(variable, Kind::Variable, body)
            }
            StepKind::While(condition, body) => {
                self.expression(condition)?;
                self.body(&body.steps)
            }
            StepKind::Repeat(body, condition) => {
                self.body(&body.steps)?;
                self.expression(condition)
            }
            StepKind::Loop(body) => self.body(&body.steps),
            StepKind::Return(Some(Returned::Value(value))) => self.expression(value),
            StepKind::Return(Some(Returned::Table(name)))
            | StepKind::Close(name)
            | StepKind::Raise(Some(name))
            | StepKind::Await(Some(name))
            | StepKind::Cancel(name) => self.known(name),
            StepKind::Open(name, values) => {
                self.known(name)?;
                values.iter().try_for_each(|value| self.expression(value))
            }
            StepKind::Fetch(name, into) => {
                self.known(name)?;
                into.iter().try_for_each(|variable| self.known(variable))
            }
            StepKind::Block(block) => self.block(block),
            StepKind::Return(_)
            | StepKind::Break(_)
            | StepKind::Continue(_)
            | StepKind::Raise(None)
            | StepKind::Await(None)
            | StepKind::Async(_)
            | StepKind::Nothing
            | StepKind::Sql(_) => Ok(()),
        }
    }

    fn branch(&mut self, (condition, steps): &(Expr, Vec<Step>)) -> Result<()> {
        self.expression(condition)?;
        self.body(steps)
    }

    fn counted(&mut self, variable: &Identifier, kind: Kind, body: &Loop) -> Result<()> {
        self.scope(|names| {
            names.add(variable, kind);
            names.body(&body.steps)
        })
    }

    /// What is assigned to; its errors stand at the sign of the assignment.
    fn target(&self, name: &Identifier) -> Result<()> {
        let behind = self.text.get(name.span.end as usize..).and_then(|text| text.find(':'));
        let sign = name.span.end as usize + behind.unwrap_or(0);
        let sign = Span::new(sign, sign + 1);
        match self.kind(&name.name) {
            Some(Kind::Variable) => Ok(()),
            Some(Kind::Counter | Kind::Cursor) => {
                let text = format!(" Assignment to variable '{}' is not permitted.", name.name);
                Err(Error::new(ErrorCode::InvalidStatement, text).at(sign))
            }
            Some(Kind::Exception | Kind::Procedure) | None => Err(invalid(&name.name, sign)),
        }
    }

    /// The error of a name behind a colon: it is told as it is written, and stands where the colon does.
    fn unknown_bind(&self, span: Span) -> Error {
        let start = span.start as usize;
        let written = self.text.get(start..span.end as usize).unwrap_or("");
        let colon = written.find(':').unwrap_or(0);
        let name = written.get(colon + 1..).unwrap_or("").trim();
        invalid(name, Span::new(start + colon, span.end as usize))
    }

    fn known(&self, name: &Identifier) -> Result<()> {
        match self.kind(&name.name) {
            Some(_) => Ok(()),
            None => Err(invalid(&Identifier::to_sql(&name.name), name.span)),
        }
    }

    fn expression(&self, expr: &Expr) -> Result<()> {
        match &expr.kind {
            ExprKind::Column(name) => {
                let first = name.parts.first().map_or("", |part| part.name.as_str());
                let built_in = match name.parts.len() {
                    1 => NILADIC.contains(&first),
                    _ => name.object().name == "NEXTVAL",
                };
                match self.kind(first).is_some() || built_in {
                    true => Ok(()),
                    false => Err(invalid(&name.to_sql(), expr.span)),
                }
            }
            ExprKind::Bind(Bind::Named(name)) => {
                let known =
                    self.names.iter().any(|(other, _)| other.eq_ignore_ascii_case(&name.name));
                match known || name.name.parse::<usize>().is_ok() {
                    true => Ok(()),
                    false => Err(self.unknown_bind(expr.span)),
                }
            }
            ExprKind::Lambda(..) => Ok(()),
            ExprKind::Function(_) => {
                let may_be_part = |child: &&Expr| matches!(child.kind, ExprKind::Column(_));
                let mut children = children(expr).into_iter().filter(|child| !may_be_part(child));
                children.try_for_each(|child| self.expression(child))
            }
            _ => children(expr).into_iter().try_for_each(|child| self.expression(child)),
        }
    }
}

fn invalid(name: &str, span: Span) -> Error {
    Error::new(ErrorCode::InvalidIdentifier, format!("invalid identifier '{name}'")).at(span)
}
