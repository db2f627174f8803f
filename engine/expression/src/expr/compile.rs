//! Expressions as a list of nodes: equal parts become one node, so that they are computed once.

use std::collections::HashMap;
use std::sync::Arc;

use firn_column::kernels::in_list::InList;
use firn_column::{Array, Column};
use firn_types::scan_predicate::Comparison;
use firn_types::{ColumnId, Error, Result, SqlType};

use super::Expr;
use super::by_value::Reads;
use super::facts::widens;
use crate::functions::{ScalarBinding, Volatility};

/// A node's place in the list.
pub(super) type NodeId = usize;

/// One part of an expression.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) work: Work,
    pub(super) sql_type: SqlType,
    /// Whether computing it for a row costs about as little as leaving the row out does.
    pub(super) cheap: bool,
    /// Whether it or a part of it gives another value each time.
    pub(super) volatile: bool,
    /// The columns that it reads.
    pub(super) reads: Reads,
}

/// What a node computes, from nodes before it.
#[derive(Debug)]
pub(super) enum Work {
    Literal(Array),
    Column(usize),
    Compare {
        operator: Comparison,
        left: NodeId,
        right: NodeId,
    },
    Distinct {
        distinct: bool,
        left: NodeId,
        right: NodeId,
    },
    /// AND, or OR.
    Chain {
        and: bool,
        parts: Vec<NodeId>,
    },
    Not(NodeId),
    IsNull(NodeId),
    InList {
        input: NodeId,
        list: InList,
    },
    Cast {
        input: NodeId,
        lenient: bool,
    },
    Case {
        branches: Vec<(NodeId, NodeId)>,
        otherwise: Option<NodeId>,
    },
    Coalesce(Vec<NodeId>),
    Call {
        binding: Arc<ScalarBinding>,
        arguments: Vec<NodeId>,
    },
}

/// Functions that cost no more than a comparison, when their arguments do not.
const CHEAP_CALLS: &[&str] = &["+", "-", "*", "/", "%"];

/// Makes nodes of expressions.
pub(super) struct Compiler<'a> {
    layout: &'a HashMap<ColumnId, usize>,
    pub(super) nodes: Vec<Node>,
    /// Nodes by a description that equal parts share.
    known: HashMap<String, NodeId>,
}

impl<'a> Compiler<'a> {
    pub(super) fn new(layout: &'a HashMap<ColumnId, usize>) -> Compiler<'a> {
        Compiler { layout, nodes: Vec::new(), known: HashMap::new() }
    }

    /// The node of the expression.
    pub(super) fn add(&mut self, expr: &Expr) -> Result<NodeId> {
        let (work, own_cheap) = self.work(expr)?;
        let description = describe(&work, expr);
        if let Some(&known) = description.as_ref().and_then(|text| self.known.get(text)) {
            return Ok(known);
        }
        let volatile_call = description.is_none();
        let parts = work.parts();
        let cheap = own_cheap && parts.iter().all(|&part| self.nodes[part].cheap);
        let volatile = volatile_call || parts.iter().any(|&part| self.nodes[part].volatile);
        let id = self.nodes.len();
        let reads = Reads::of(id, &work, expr, &self.nodes);
        self.nodes.push(Node { work, sql_type: expr.sql_type(), cheap, volatile, reads });
        // What contains a volatile part has that part's number in its description: it is known only to
        // itself.
        if let Some(text) = description {
            self.known.insert(text, id);
        }
        Ok(id)
    }

    fn add_all<'e>(&mut self, exprs: impl IntoIterator<Item = &'e Expr>) -> Result<Vec<NodeId>> {
        exprs.into_iter().map(|expr| self.add(expr)).collect()
    }

    /// What the expression's node does, and whether that is cheap.
    fn work(&mut self, expr: &Expr) -> Result<(Work, bool)> {
        Ok(match expr {
            Expr::Literal { value, sql_type } => {
                let column = match value.is_null() {
                    true => Column::nulls_of(*sql_type, 1),
                    false => Column::constant(value, *sql_type, 1)?,
                };
                (Work::Literal(column.flat()), true)
            }
            Expr::Column { id, .. } => match self.layout.get(id) {
                Some(&position) => (Work::Column(position), true),
                None => return Err(Error::internal(format!("column {id} is not in the input"))),
            },
            Expr::Compare { operator, left, right } => {
                let cheap = !left.sql_type().is_semi_structured();
                let (left, right) = (self.add(left)?, self.add(right)?);
                (Work::Compare { operator: *operator, left, right }, cheap)
            }
            Expr::Distinct { distinct, left, right } => {
                let cheap = !left.sql_type().is_semi_structured();
                let (left, right) = (self.add(left)?, self.add(right)?);
                (Work::Distinct { distinct: *distinct, left, right }, cheap)
            }
            Expr::And(parts) => (Work::Chain { and: true, parts: self.add_all(parts)? }, true),
            Expr::Or(parts) => (Work::Chain { and: false, parts: self.add_all(parts)? }, true),
            Expr::Not(input) => (Work::Not(self.add(input)?), true),
            Expr::IsNull(input) => (Work::IsNull(self.add(input)?), true),
            Expr::InList { input, list } => {
                let set = InList::new(list, input.sql_type())?;
                let cheap = input.sql_type().is_numeric();
                (Work::InList { input: self.add(input)?, list: set }, cheap)
            }
            Expr::Cast { input, to, lenient } => {
                let cheap = widens(input.sql_type(), *to);
                (Work::Cast { input: self.add(input)?, lenient: *lenient }, cheap)
            }
            Expr::Case { branches, otherwise, .. } => {
                let mut nodes = Vec::with_capacity(branches.len());
                for (condition, result) in branches {
                    nodes.push((self.add(condition)?, self.add(result)?));
                }
                let otherwise = otherwise.as_deref().map(|expr| self.add(expr)).transpose()?;
                (Work::Case { branches: nodes, otherwise }, true)
            }
            Expr::Coalesce { operands, .. } => (Work::Coalesce(self.add_all(operands)?), true),
            Expr::Call { function, binding, arguments } => {
                let arguments = self.add_all(arguments)?;
                let binding = Arc::clone(binding);
                (Work::Call { binding, arguments }, CHEAP_CALLS.contains(&function.name))
            }
        })
    }
}

impl Work {
    /// The nodes that this one reads.
    pub(super) fn parts(&self) -> Vec<NodeId> {
        match self {
            Work::Literal(_) | Work::Column(_) => Vec::new(),
            Work::Compare { left, right, .. } | Work::Distinct { left, right, .. } => {
                vec![*left, *right]
            }
            Work::Not(input) | Work::IsNull(input) => vec![*input],
            Work::InList { input, .. } | Work::Cast { input, .. } => vec![*input],
            Work::Chain { parts, .. } | Work::Coalesce(parts) => parts.clone(),
            Work::Call { arguments, .. } => arguments.clone(),
            Work::Case { branches, otherwise } => {
                let both = branches.iter().flat_map(|(condition, result)| [*condition, *result]);
                both.chain(*otherwise).collect()
            }
        }
    }
}

/// A text that is the same for expressions that compute the same; none for a volatile call.
fn describe(work: &Work, expr: &Expr) -> Option<String> {
    let sql_type = expr.sql_type();
    Some(match (work, expr) {
        (Work::Literal(_), Expr::Literal { value, .. }) => format!("{value:?} {sql_type:?}"),
        (Work::Column(position), _) => format!("column {position}"),
        (Work::InList { input, .. }, Expr::InList { list, .. }) => format!("{input} in {list:?}"),
        (Work::Call { arguments, .. }, Expr::Call { function, binding, .. }) => {
            if function.volatility == Volatility::Volatile {
                return None;
            }
            format!("{} {arguments:?} {:?} {sql_type:?}", function.name, binding.arguments)
        }
        (work, _) => format!("{work:?} {sql_type:?}"),
    })
}
