//! Chooses the order of inner joins, and which side of each join is built into a hash table.
//!
//! Up to ten tables every order is looked at: dynamic programming over connected sets, minimizing the rows
//! of all intermediate results (G. Moerkotte and T. Neumann, "Analysis of Two Existing and One New Dynamic
//! Programming Algorithm", VLDB 2006, in the simplest form). More tables are joined greedily, the smallest
//! result first.

pub(super) mod graph;

use std::cmp::Ordering;
use std::rc::Rc;

use firn_types::Result;

use super::OptimizeContext;
use super::estimate::{Estimate, Estimator};
use firn_plan::{Join, JoinKind, Plan, Project};

use graph::{Graph, is_too_large};

/// Tables up to which every order is looked at.
const EXHAUSTIVE_MAX: usize = 10;
/// How much smaller the probe side must be before a join that is not inner is turned around.
const TURN_FACTOR: f64 = 2.0;

pub(super) fn apply(plan: Plan, _context: &OptimizeContext<'_>) -> Result<Plan> {
    Ok(order(plan, &mut Estimator::default()))
}

fn order(plan: Plan, estimator: &mut Estimator) -> Plan {
    match plan {
        Plan::With(mut node) => {
            node.definition = Box::new(order(*node.definition, estimator));
            estimator.define(node.cte, &node.definition);
            node.body = Box::new(order(*node.body, estimator));
            Plan::With(node)
        }
        Plan::Join(ref join) if join.kind == JoinKind::Inner && !is_too_large(&plan) => {
            let mut graph = Graph::default();
            graph.flatten(plan);
            if graph.relations.len() <= EXHAUSTIVE_MAX {
                graph.close();
            }
            let relations = std::mem::take(&mut graph.relations);
            graph.relations = relations.into_iter().map(|r| order(r, estimator)).collect();
            graph.estimates = graph.relations.iter().map(|r| estimator.estimate(r)).collect();
            best(graph)
        }
        other => turn(other.map_inputs(&mut |input| order(input, estimator)), estimator),
    }
}

/// An outer, semi or anti join with its smaller side on the right, where the hash table is built.
fn turn(plan: Plan, estimator: &Estimator) -> Plan {
    match plan {
        Plan::Join(mut join) if !join.keys.is_empty() => {
            let Some(turned) = join.kind.turned() else { return Plan::Join(join) };
            let (left, right) =
                (estimator.estimate(&join.left).rows, estimator.estimate(&join.right).rows);
            if left * TURN_FACTOR < right {
                join.kind = turned;
                let Join { left, right, keys, .. } = join.as_mut();
                std::mem::swap(left, right);
                keys.iter_mut().for_each(|key| std::mem::swap(&mut key.left, &mut key.right));
            }
            Plan::Join(join)
        }
        other => other,
    }
}

/// One way to join a set of tables.
#[derive(Debug)]
struct Tree {
    set: u128,
    /// Rows of all intermediate results, and of this one.
    cost: f64,
    estimate: Estimate,
    /// What is joined last, the build side second; none of a single table.
    parts: Option<(Rc<Tree>, Rc<Tree>)>,
}

fn best(graph: Graph) -> Plan {
    let count = graph.relations.len();
    let tree = match count <= EXHAUSTIVE_MAX {
        // Products only where nothing connects the tables.
        true => exhaustive(&graph, false).or_else(|| exhaustive(&graph, true)),
        false => None,
    };
    let tree = tree.unwrap_or_else(|| greedy(&graph));
    graph.build(&tree)
}

fn leaf(graph: &Graph, index: usize) -> Rc<Tree> {
    let estimate = graph.estimates[index].clone();
    Rc::new(Tree { set: 1 << index, cost: 0.0, estimate, parts: None })
}

/// The join of two trees over disjoint sets of tables, which gives so much.
fn join(left: &Rc<Tree>, right: &Rc<Tree>, estimate: Estimate) -> Tree {
    // The smaller side is built into a table, which costs more a row than probing it.
    let (probe, build) = match left.estimate.rows >= right.estimate.rows {
        true => (left, right),
        false => (right, left),
    };
    let cost = left.cost + right.cost + estimate.rows + build.estimate.rows;
    let parts = Some((Rc::clone(probe), Rc::clone(build)));
    Tree { set: left.set | right.set, cost, estimate, parts }
}

/// The cheapest tree over all tables; without products, none if the tables are not all connected.
fn exhaustive(graph: &Graph, products: bool) -> Option<Rc<Tree>> {
    let count = graph.relations.len();
    let all = (1_usize << count) - 1;
    let mut trees: Vec<Option<Rc<Tree>>> = vec![None; 1 << count];
    for index in 0..count {
        trees[1 << index] = Some(leaf(graph, index));
    }
    for set in 1..=all {
        if set.count_ones() < 2 {
            continue;
        }
        let connected = cheapest(graph, &trees, set, true);
        trees[set] = match connected.is_none() && products {
            true => cheapest(graph, &trees, set, false),
            false => connected,
        };
    }
    trees.pop().flatten()
}

/// The cheapest join of two parts of a set, which conditions connect, or of two which none does.
fn cheapest(
    graph: &Graph,
    trees: &[Option<Rc<Tree>>],
    set: usize,
    connected: bool,
) -> Option<Rc<Tree>> {
    let mut found: Option<Tree> = None;
    let mut part = (set - 1) & set;
    // Each pair of parts once.
    while part > set & !part {
        if let (Some(left), Some(right)) = (&trees[part], &trees[set & !part])
            && graph.is_connected(left.set, right.set) == connected
        {
            // What a set gives is the same, however it is joined.
            let estimate = match &found {
                Some(found) => found.estimate.clone(),
                None => graph.join_estimate(left, right),
            };
            let tree = join(left, right, estimate);
            if found.as_ref().is_none_or(|found| tree.cost < found.cost) {
                found = Some(tree);
            }
        }
        part = (part - 1) & set;
    }
    found.map(Rc::new)
}

/// Joins the two parts whose join gives least, until one part is left. What a pair gives is estimated once.
fn greedy(graph: &Graph) -> Rc<Tree> {
    let mut parts: Vec<Rc<Tree>> =
        (0..graph.relations.len()).map(|index| leaf(graph, index)).collect();
    let mut pairs: Vec<Pair> = Vec::new();
    for at in 1..parts.len() {
        pairs.extend(parts[..at].iter().map(|part| Pair::of(graph, part, &parts[at])));
    }
    while parts.len() > 1 {
        let best = pairs.iter().min_by(|one, other| one.order(other));
        let Some(Pair { left, right, .. }) = best.cloned() else { break };
        let joined = Rc::new(join(&left, &right, graph.join_estimate(&left, &right)));
        let is_part = |part: &Rc<Tree>| Rc::ptr_eq(part, &left) || Rc::ptr_eq(part, &right);
        pairs.retain(|pair| !is_part(&pair.left) && !is_part(&pair.right));
        parts.retain(|part| !is_part(part));
        pairs.extend(parts.iter().map(|part| Pair::of(graph, part, &joined)));
        parts.push(joined);
    }
    parts.swap_remove(0)
}

/// Two parts that may be joined next.
#[derive(Clone, Debug)]
struct Pair {
    left: Rc<Tree>,
    right: Rc<Tree>,
    connected: bool,
    rows: f64,
}

impl Pair {
    fn of(graph: &Graph, left: &Rc<Tree>, right: &Rc<Tree>) -> Pair {
        let (connected, rows) = match graph.is_connected(left.set, right.set) {
            true => (true, graph.join_estimate(left, right).rows),
            false => (false, left.estimate.rows * right.estimate.rows),
        };
        Pair { left: Rc::clone(left), right: Rc::clone(right), connected, rows }
    }

    /// What comes first: products last, few rows first.
    fn order(&self, other: &Pair) -> Ordering {
        let products = (!self.connected).cmp(&!other.connected);
        products.then(self.rows.total_cmp(&other.rows))
    }
}

/// A projection that only passes columns on is no barrier between joins.
fn passes_only(project: &Project) -> bool {
    project.items.iter().all(|item| item.expr.as_column() == Some(item.id))
}
