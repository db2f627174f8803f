//! Expressions as a list of nodes: equal parts become one node, so that they are computed once.

use std::collections::HashMap;
use std::sync::Arc;

use firn_column::kernels::in_list::InList;
use firn_column::{Array, Column};
use firn_functions::{ForeignFunction, ScalarBinding, Volatility};
use firn_types::scan_predicate::Comparison;
use firn_types::{ColumnId, Error, Result, SqlType};

use super::Expr;
use super::by_value::Reads;
use super::facts::widens;
use super::identity::Own;
use super::lambda::{ElementLoop, Parameter};

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
    /// Nodes on the longest way down to a column or a constant.
    pub(super) depth: usize,
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
        binding: ScalarBinding,
        arguments: Vec<NodeId>,
    },
    Foreign {
        function: Arc<ForeignFunction>,
        types: Vec<SqlType>,
        arguments: Vec<NodeId>,
    },
    HigherOrder {
        elements: ElementLoop,
        /// Inputs, then what the lambda captures.
        arguments: Vec<NodeId>,
    },
}

/// Where the columns that expressions read, and the parameters of lambdas around them, stand in a batch.
#[derive(Debug, Default)]
pub(super) struct Layout {
    columns: HashMap<ColumnId, usize>,
    parameters: HashMap<Parameter, usize>,
}

impl Layout {
    /// Columns at their places.
    pub(super) fn of(columns: &HashMap<ColumnId, usize>) -> Layout {
        Layout { columns: columns.clone(), parameters: HashMap::new() }
    }

    /// One more column or parameter, behind the others.
    pub(super) fn add(&mut self, expr: &Expr) {
        let next = self.columns.len() + self.parameters.len();
        match expr {
            Expr::Column { id, .. } => self.columns.insert(*id, next),
            Expr::Parameter(parameter) => self.parameters.insert(*parameter, next),
            _ => None,
        };
    }
}

/// What makes two parts the same node: what they are, and the nodes that they read.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Key<'e> {
    own: Own<'e>,
    sql_type: SqlType,
    parts: Vec<NodeId>,
    /// The body of a lambda, which is no node.
    body: Option<&'e Expr>,
}

/// Calls that cost so many comparisons of integers at most are computed for a row sooner than it is left out.
const CHEAP_COST: u32 = 4;

/// Makes nodes of expressions.
pub(super) struct Compiler<'a> {
    layout: &'a Layout,
    pub(super) nodes: Vec<Node>,
    known: HashMap<Key<'a>, NodeId>,
}

impl<'a> Compiler<'a> {
    pub(super) fn new(layout: &'a Layout) -> Compiler<'a> {
        Compiler { layout, nodes: Vec::new(), known: HashMap::new() }
    }

    /// The node of the expression.
    ///
    /// # Errors
    /// An internal error for a column that is not in the layout or a literal that is not of its type.
    pub(super) fn add(&mut self, expr: &'a Expr) -> Result<NodeId> {
        let (work, own_cheap) = self.work(expr)?;
        let parts = work.parts();
        let volatile_call = expr.own_volatility() == Volatility::Volatile;
        let volatile = volatile_call || parts.iter().any(|&part| self.nodes[part].volatile);
        let cheap = own_cheap && parts.iter().all(|&part| self.nodes[part].cheap);
        // What contains a volatile call reads that call's node: it is equal only to itself.
        let key = (!volatile_call).then(|| Key::of(expr, parts));
        if let Some(&known) = key.as_ref().and_then(|key| self.known.get(key)) {
            return Ok(known);
        }
        let id = self.nodes.len();
        let reads = Reads::of(id, &work, expr, &self.nodes);
        let below = work.parts().into_iter().map(|part| self.nodes[part].depth).max();
        let depth = below.map_or(0, |depth| depth + 1);
        self.nodes.push(Node { work, sql_type: expr.sql_type(), cheap, volatile, reads, depth });
        self.known.extend(key.map(|key| (key, id)));
        Ok(id)
    }

    fn add_all(&mut self, exprs: impl IntoIterator<Item = &'a Expr>) -> Result<Vec<NodeId>> {
        let mut nodes = Vec::new();
        for expr in exprs {
            nodes.push(self.add(expr)?);
        }
        Ok(nodes)
    }

    /// What the expression's node does, and whether that is cheap.
    fn work(&mut self, expr: &'a Expr) -> Result<(Work, bool)> {
        Ok(match expr {
            Expr::Literal { value, sql_type } => {
                let column = match value.is_null() {
                    true => Column::nulls_of(*sql_type, 1),
                    false => Column::constant(value, *sql_type, 1)?,
                };
                (Work::Literal(column.flat()), true)
            }
            Expr::Column { id, .. } => match self.layout.columns.get(id) {
                Some(&position) => (Work::Column(position), true),
                None => return Err(Error::internal(format!("column {id} is not in the input"))),
            },
            Expr::Parameter(parameter) => match self.layout.parameters.get(parameter) {
                Some(&position) => (Work::Column(position), true),
                None => return Err(Error::internal("a parameter outside of its lambda")),
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
            Expr::Call { function, signature, arguments } => {
                let arguments = self.add_all(arguments)?;
                let binding = (function.bind)(&signature.given)?;
                (Work::Call { binding, arguments }, function.cost <= CHEAP_COST)
            }
            Expr::Foreign { function, arguments } => {
                let arguments = self.add_all(arguments)?;
                let (function, types) = (Arc::clone(function), function.parameter_types());
                (Work::Foreign { function, types, arguments }, false)
            }
            Expr::HigherOrder { kind, inputs, lambda } => {
                let captured = lambda.captured();
                let elements = ElementLoop::compile(*kind, inputs.len(), lambda, &captured)?;
                let arguments = self.add_all(inputs.iter().chain(captured))?;
                (Work::HigherOrder { elements, arguments }, false)
            }
        })
    }
}

impl Work {
    /// The nodes that are computed for every row for which this one is.
    pub(super) fn needed(&self) -> Vec<NodeId> {
        match self {
            Work::Chain { parts, .. } | Work::Coalesce(parts) => {
                parts.first().copied().into_iter().collect()
            }
            Work::Case { branches, .. } => {
                branches.first().map(|(first, _)| *first).into_iter().collect()
            }
            other => other.parts(),
        }
    }

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
            Work::Call { arguments, .. }
            | Work::Foreign { arguments, .. }
            | Work::HigherOrder { arguments, .. } => arguments.clone(),
            Work::Case { branches, otherwise } => {
                let both = branches.iter().flat_map(|(condition, result)| [*condition, *result]);
                both.chain(*otherwise).collect()
            }
        }
    }
}

impl<'e> Key<'e> {
    fn of(expr: &'e Expr, parts: Vec<NodeId>) -> Key<'e> {
        let body = match expr {
            Expr::HigherOrder { lambda, .. } => Some(&lambda.body),
            _ => None,
        };
        Key { own: Own::of(expr), sql_type: expr.sql_type(), parts, body }
    }
}
