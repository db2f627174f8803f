//! What stands at the paths of values that come by.

use arrow::array::BinaryViewArray;
use firn_column::{Array, Column};
use firn_types::variant::{Fields, Item, Variant};
use firn_types::{Decimal, FieldId, KeyPath};

use super::{FieldPaths, PathType, PathValues};

/// Paths of a column that are told apart. Objects with more are mostly maps, whose keys are values.
const PATHS_MAX: usize = 256;

/// The paths of a column while its values come by: a tree of keys.
#[derive(Debug)]
pub(crate) struct PathGathering {
    /// The root first.
    nodes: Vec<Node>,
    complete: bool,
    rows: u64,
}

/// What stands at one path.
#[derive(Debug)]
struct Node {
    key: String,
    /// The paths one key longer, ascending by it.
    children: Vec<usize>,
    values: PathValues,
    /// Rows with a value there.
    count: u64,
}

/// A path whose values are of one type.
#[derive(Clone, Debug)]
pub(crate) struct TypedPath {
    pub(crate) path: KeyPath,
    pub(crate) path_type: PathType,
    /// Rows with a value there.
    pub(crate) count: u64,
}

impl Node {
    fn new(key: &str) -> Node {
        let values = PathValues::ABSENT;
        Node { key: key.to_string(), children: Vec::new(), values, count: 0 }
    }
}

impl PathGathering {
    pub(crate) fn new() -> PathGathering {
        PathGathering { nodes: vec![Node::new("")], complete: true, rows: 0 }
    }

    /// Adds a batch's column.
    pub(crate) fn add(&mut self, column: &Column) {
        let values = column.flat();
        self.rows += values.len() as u64;
        match &values {
            Array::Bytes(values) => self.add_values(values),
            // What is no value of such a column has no paths that anybody could tell.
            _ => self.complete &= values.as_arrow().null_count() == values.len(),
        }
    }

    fn add_values(&mut self, values: &BinaryViewArray) {
        for value in values.iter().flatten() {
            if let Some(fields) = Variant::new(value).as_object() {
                self.add_fields(0, fields);
            }
        }
    }

    fn add_fields(&mut self, node: usize, fields: Fields<'_>) {
        let mut guess = 0;
        for (key, value) in fields.iter() {
            let Some((child, at)) = self.child(node, key, guess) else {
                self.complete = false;
                continue;
            };
            guess = at + 1;
            self.add_item(child, value.item());
        }
    }

    /// The path one key longer, which is probably the child at `guess`, and its place among the children; none when
    /// there would be too many.
    fn child(&mut self, node: usize, key: &str, guess: usize) -> Option<(usize, usize)> {
        let children = &self.nodes[node].children;
        if let Some(child) = children.get(guess).filter(|child| self.nodes[**child].key == key) {
            return Some((*child, guess));
        }
        match children.binary_search_by(|child| self.nodes[*child].key.as_str().cmp(key)) {
            Ok(at) => Some((children[at], at)),
            Err(_) if self.nodes.len() > PATHS_MAX => None,
            Err(at) => {
                let child = self.nodes.len();
                self.nodes.push(Node::new(key));
                self.nodes[node].children.insert(at, child);
                Some((child, at))
            }
        }
    }

    fn add_item(&mut self, node: usize, item: Item<'_>) {
        let path_type = match item {
            // A SQL NULL in an object is not there.
            Item::Undefined => return,
            Item::Null => {
                self.nodes[node].values.json_null = true;
                return;
            }
            Item::Boolean(_) => PathType::Boolean,
            Item::Number(number) => number_type(number),
            Item::Float(_) => PathType::Float,
            Item::Text(_) => PathType::Text,
            Item::Object(fields) => {
                self.add_fields(node, fields);
                PathType::Other
            }
            _ => PathType::Other,
        };
        let node = &mut self.nodes[node];
        node.count += 1;
        node.values.path_type = node.values.path_type.and(path_type);
    }

    /// What was found.
    pub(crate) fn finish(&self, field: FieldId) -> FieldPaths {
        let mut paths = Vec::with_capacity(self.nodes.len());
        self.visit(0, &mut Vec::new(), &mut |path, node| paths.push((path, node.values)));
        paths.sort_by(|(a, _), (b, _)| a.cmp(b));
        FieldPaths { field, complete: self.complete, paths }
    }

    /// The paths that are of one type, the most frequent ones first.
    pub(crate) fn typed(&self) -> Vec<TypedPath> {
        let mut typed = Vec::new();
        self.visit(0, &mut Vec::new(), &mut |path, node| {
            if node.values.path_type.sql_type().is_some() {
                let Node { values, count, .. } = *node;
                typed.push(TypedPath { path, path_type: values.path_type, count });
            }
        });
        typed.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.path.cmp(&b.path)));
        typed
    }

    /// Rows seen.
    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    /// Calls `found` for every path below a node.
    fn visit(&self, node: usize, keys: &mut Vec<String>, found: &mut dyn FnMut(KeyPath, &Node)) {
        for &child in &self.nodes[node].children {
            let child_node = &self.nodes[child];
            keys.push(child_node.key.clone());
            if let Some(path) = KeyPath::new(keys.clone()) {
                found(path, child_node);
            }
            self.visit(child, keys, found);
            keys.pop();
        }
    }
}

fn number_type(number: Decimal) -> PathType {
    let scale = number.scale;
    let digits = number.unscaled.unsigned_abs().checked_ilog10().map_or(1, |log| log as u8 + 1);
    PathType::Number { scale, whole_digits: digits.saturating_sub(scale) }
}
