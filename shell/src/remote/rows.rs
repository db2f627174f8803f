//! Rows of a server, as answers hold them: the first ones in the answer, the others behind addresses.

use std::io;
use std::sync::Arc;

use firn_engine::Cell;
use serde_json::Value;

use super::http::Http;
use crate::render::{Head, RowSource, TakeRow};

/// The rows of a statement.
pub(super) struct RemoteRows {
    http: Arc<Http>,
    heads: Vec<Head>,
    first: Vec<Vec<Cell>>,
    /// Where the others are.
    addresses: Vec<String>,
}

impl RemoteRows {
    /// The rows that an answer tells of.
    pub(super) fn new(http: Arc<Http>, mut data: Value) -> RemoteRows {
        let types = data["typeNames"].take();
        let columns = data["rowtype"].as_array().into_iter().flatten();
        let heads = columns.enumerate().map(|(index, column)| {
            let name = column["name"].as_str().unwrap_or_default();
            Head::of(name, types[index].as_str().unwrap_or("VARCHAR"))
        });
        let heads = heads.collect();
        let chunks = data["chunks"].as_array().into_iter().flatten();
        let addresses = chunks.filter_map(|chunk| chunk["url"].as_str()).map(str::to_string);
        let addresses = addresses.collect();
        let first = match data["rowset"].take() {
            Value::Array(rows) => rows.into_iter().map(cells).collect(),
            _ => Vec::new(),
        };
        RemoteRows { http, heads, first, addresses }
    }
}

fn cells(row: Value) -> Vec<Cell> {
    let Value::Array(values) = row else { return Vec::new() };
    let cell = |value| match value {
        Value::Null => Cell::Null,
        Value::Bool(truth) => Cell::Boolean(truth),
        Value::String(text) => Cell::Text(text),
        other => Cell::Text(other.to_string()),
    };
    values.into_iter().map(cell).collect()
}

impl RowSource for RemoteRows {
    fn heads(&self) -> &[Head] {
        &self.heads
    }

    fn for_each_row(&self, take: &mut TakeRow<'_>) -> io::Result<()> {
        self.first.iter().try_for_each(|row| take(row))?;
        for address in &self.addresses {
            let mut bytes = vec![b'['];
            bytes.extend(self.http.bytes(address).map_err(io::Error::other)?);
            bytes.push(b']');
            let rows: Vec<Value> = serde_json::from_slice(&bytes).map_err(io::Error::other)?;
            drop(bytes);
            rows.into_iter().try_for_each(|row| take(&cells(row)))?;
        }
        Ok(())
    }
}
