//! Whole values without what stands in their sub-columns, and together again.
//!
//! Of a value that a sub-column holds, the whole value keeps nothing; the objects around it stay, so that an object
//! without any field is not taken for one that is not there. JSON's nulls, and scalars that other systems have encoded
//! in other ways than this one would, stay where they are, whatever the sub-column has: what is put together again is
//! what it was.

use arrow::array::{Array as _, BinaryViewArray, BinaryViewBuilder};
use firn_column::{Array, Column};
use firn_types::variant::{Builder, Fields, Item, Variant, split, text_bytes};
use firn_types::{Decimal, Error, KeyPath, Result, SqlType};

/// The paths of a semi-structured column that are stored as sub-columns, as a tree of keys.
#[derive(Debug)]
pub(crate) struct PathTree {
    /// The root first.
    nodes: Vec<Node>,
}

#[derive(Debug)]
struct Node {
    key: String,
    /// The nodes one key further, ascending by it; none below a sub-column.
    children: Vec<usize>,
    /// Which of the paths ends here.
    sub_column: Option<usize>,
}

impl PathTree {
    /// The tree of some paths, of which none goes on where another one ends.
    pub(crate) fn new<'p>(paths: impl Iterator<Item = &'p KeyPath>) -> PathTree {
        let mut tree = PathTree { nodes: vec![Node::new("")] };
        for (number, path) in paths.enumerate() {
            let end = path.keys().iter().fold(0, |node, key| tree.grow(node, key));
            tree.nodes[end].sub_column = Some(number);
        }
        tree
    }

    fn grow(&mut self, node: usize, key: &str) -> usize {
        let children = &self.nodes[node].children;
        match children.binary_search_by(|child| self.nodes[*child].key.as_str().cmp(key)) {
            Ok(at) => children[at],
            Err(at) => {
                let child = self.nodes.len();
                self.nodes.push(Node::new(key));
                self.nodes[node].children.insert(at, child);
                child
            }
        }
    }

    /// Whether there is no path.
    pub(crate) fn is_empty(&self) -> bool {
        self.nodes.len() == 1
    }

    /// Whether something at a path, or inside what is there, stands in a sub-column.
    pub(crate) fn meets(&self, path: &KeyPath) -> bool {
        let mut node = 0;
        for key in path.keys() {
            let child = |child: &&usize| self.nodes[**child].key == *key;
            match self.nodes[node].children.iter().find(child) {
                Some(child) => node = *child,
                None => return false,
            }
        }
        true
    }

    /// Values without what stands in sub-columns.
    ///
    /// # Errors
    /// None for values that could be written as they were.
    pub(crate) fn take_apart(&self, values: &Column) -> Result<Column> {
        let (builder, scalar) = (Builder::new(), Builder::new());
        let mut writer = Writer { tree: self, builder, scalar, written: Vec::new() };
        let Array::Bytes(values) = values.flat() else { return Ok(values.clone()) };
        each(&values, |_, value, out| {
            writer.put_rest(value, 0)?;
            writer.builder.finish(out)
        })
    }

    /// The whole values, out of their rest and the sub-columns in the order of the paths, with their types.
    ///
    /// # Errors
    /// An internal error for sub-columns of other types than they are said to have.
    pub(crate) fn put_together(
        &self,
        rest: &Column,
        sub_columns: &[Column],
        types: &[SqlType],
    ) -> Result<Column> {
        let Array::Bytes(rest) = rest.flat() else { return Ok(rest.clone()) };
        let sub_columns: Vec<(Array, u8)> = sub_columns
            .iter()
            .zip(types)
            .map(|(column, sql_type)| (column.flat(), sql_type.scale()))
            .collect();
        let mut assembly = Assembly { tree: self, sub_columns, builder: Builder::new() };
        each(&rest, |row, value, out| {
            assembly.put_whole(value, 0, row)?;
            assembly.builder.finish(out)
        })
    }
}

impl Node {
    fn new(key: &str) -> Node {
        Node { key: key.to_string(), children: Vec::new(), sub_column: None }
    }
}

/// What `write` makes of each value and its row; NULLs stay.
fn each(
    values: &BinaryViewArray,
    mut write: impl FnMut(usize, Variant<'_>, &mut Vec<u8>) -> Result<()>,
) -> Result<Column> {
    let mut written = BinaryViewBuilder::with_capacity(values.len());
    let mut bytes = Vec::new();
    for (row, value) in values.iter().enumerate() {
        let Some(value) = value else {
            written.append_null();
            continue;
        };
        bytes.clear();
        write(row, Variant::new(value), &mut bytes)?;
        written.append_value(&bytes);
    }
    Ok(Column::Flat(Array::Bytes(written.finish())))
}

/// Writes values without what stands in sub-columns.
struct Writer<'t> {
    tree: &'t PathTree,
    builder: Builder,
    /// For single scalars, and what it has written.
    scalar: Builder,
    written: Vec<u8>,
}

impl Writer<'_> {
    fn put_rest(&mut self, value: Variant<'_>, node: usize) -> Result<()> {
        let Some(fields) = value.as_object() else { return self.builder.copy(value) };
        self.builder.begin_object()?;
        let tree = self.tree;
        let mut children = tree.nodes[node].children.iter().peekable();
        for (key, value) in fields.iter() {
            while children.next_if(|child| tree.nodes[**child].key.as_str() < key).is_some() {}
            let child = children.next_if(|child| tree.nodes[**child].key == key);
            match child {
                Some(child) if tree.nodes[*child].sub_column.is_some() => {
                    if !self.stands_apart(value)? {
                        self.builder.key(key);
                        self.builder.copy(value)?;
                    }
                }
                Some(child) => {
                    self.builder.key(key);
                    self.put_rest(value, *child)?;
                }
                None => {
                    self.builder.key(key);
                    self.builder.copy(value)?;
                }
            }
        }
        self.builder.end_object()
    }

    /// Whether a value can be written again from what its sub-column has, byte for byte.
    fn stands_apart(&mut self, value: Variant<'_>) -> Result<bool> {
        let bytes = value.bytes();
        match value.item() {
            Item::Text(text) => Ok(bytes.len() == text_bytes(text.len())),
            Item::Boolean(_) => Ok(true),
            // Columns need not tell zeros apart, nor what is no number.
            Item::Float(float) if float == 0.0 || float.is_nan() => Ok(false),
            Item::Float(float) => {
                self.scalar.float(float);
                self.wrote(bytes)
            }
            Item::Number(number) => {
                self.scalar.decimal(number);
                self.wrote(bytes)
            }
            _ => Ok(false),
        }
    }

    fn wrote(&mut self, bytes: &[u8]) -> Result<bool> {
        self.written.clear();
        self.scalar.finish(&mut self.written)?;
        Ok(split(&self.written).1 == bytes)
    }
}

/// Writes whole values out of their parts.
struct Assembly<'t> {
    tree: &'t PathTree,
    /// With the digits after the point of their numbers.
    sub_columns: Vec<(Array, u8)>,
    builder: Builder,
}

impl Assembly<'_> {
    fn put_whole(&mut self, rest: Variant<'_>, node: usize, row: usize) -> Result<()> {
        let Some(fields) = rest.as_object() else { return self.builder.copy(rest) };
        self.builder.begin_object()?;
        self.put_fields(fields, node, row)?;
        self.builder.end_object()
    }

    /// Both the fields that the rest has and those that it has not, ascending by key.
    fn put_fields(&mut self, fields: Fields<'_>, node: usize, row: usize) -> Result<()> {
        let tree = self.tree;
        let mut children = tree.nodes[node].children.iter().peekable();
        for (key, value) in fields.iter() {
            while let Some(child) = children.next_if(|child| tree.nodes[**child].key.as_str() < key)
            {
                self.put_sub_column(*child, row)?;
            }
            // What the rest has was not taken out of it.
            let child = children.next_if(|child| tree.nodes[**child].key == key);
            self.builder.key(key);
            match child {
                Some(child) => self.put_whole(value, *child, row)?,
                None => self.builder.copy(value)?,
            }
        }
        for child in children {
            self.put_sub_column(*child, row)?;
        }
        Ok(())
    }

    fn put_sub_column(&mut self, node: usize, row: usize) -> Result<()> {
        let Node { key, sub_column, .. } = &self.tree.nodes[node];
        let Some((values, scale)) = sub_column.and_then(|number| self.sub_columns.get(number))
        else {
            return Ok(());
        };
        if values.is_null(row) {
            return Ok(());
        }
        self.builder.key(key);
        match values {
            Array::Text(texts) => self.builder.text(texts.value(row)),
            Array::Bool(booleans) => self.builder.boolean(booleans.value(row)),
            Array::F64(floats) => self.builder.float(floats.value(row)),
            Array::I32(_) | Array::I64(_) | Array::I128(_) => {
                let unscaled = values.integer(row);
                self.builder.decimal(Decimal { unscaled, scale: *scale });
            }
            Array::Bytes(_) => return Err(Error::internal("a sub-column of bytes")),
        }
        Ok(())
    }
}
