//! The statements of a session: their ids, texts, results.

use std::collections::VecDeque;

use crate::result::StatementResult;

/// Results that are kept for RESULT_SCAN.
const RESULTS_MAX: usize = 64;
/// Bytes of results that are kept for RESULT_SCAN, the newest aside.
const RESULT_BYTES_MAX: usize = 256 << 20;

/// One statement that ran.
#[derive(Clone, Debug)]
pub(crate) struct Ran {
    /// Its id.
    pub(crate) query_id: String,
    /// Its text.
    pub(crate) text: String,
    /// When it started: nanoseconds since 1970 UTC.
    pub(crate) start_nanos: i64,
    /// How long it took.
    pub(crate) elapsed_nanos: i64,
    /// Rows given or affected.
    pub(crate) rows: u64,
    /// What was wrong, when it failed: the code and the message.
    pub(crate) error: Option<(i32, String)>,
    /// Database, schema, warehouse and role in use.
    pub(crate) current: [Option<String>; 4],
}

/// The statements of a session, oldest first, with the newest results.
#[derive(Debug, Default)]
pub(crate) struct History {
    /// What ran.
    pub(crate) statements: Vec<Ran>,
    results: VecDeque<StatementResult>,
}

impl History {
    /// Notes a statement and keeps its result.
    pub(crate) fn add(&mut self, ran: Ran, result: Option<&StatementResult>) {
        self.statements.push(ran);
        let Some(result) = result else { return };
        self.results.push_back(result.clone());
        let bytes = |result: &StatementResult| -> usize {
            result.batches.iter().map(firn_column::Batch::memory_bytes).sum()
        };
        let mut total: usize = self.results.iter().map(bytes).sum();
        while self.results.len() > 1
            && (self.results.len() > RESULTS_MAX || total > RESULT_BYTES_MAX)
        {
            if let Some(oldest) = self.results.pop_front() {
                total -= bytes(&oldest);
            }
        }
    }

    /// The kept result of a statement.
    pub(crate) fn result(&self, query_id: &str) -> Option<&StatementResult> {
        self.results.iter().rev().find(|result| result.query_id == query_id)
    }

    /// The kept results, oldest first.
    pub(crate) fn results(&self) -> Vec<StatementResult> {
        self.results.iter().cloned().collect()
    }
}
