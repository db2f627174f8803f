//! What processes do: transactions that append their number to lists of several tables, and reads of all lists.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use crate::history::{History, Outcome, Read, Transaction};
use crate::process::{Answer, Process};

/// Lists in each table that has one row for each list.
const LISTS: u64 = 3;
/// Rows that a transaction adds to the table of many rows.
const MANY: u64 = 400;
/// The number of the error of a statement that lost against another.
const LOST: i32 = 625;

/// All lists in one statement, which sees one version of the account. A number of which not all rows are there is
/// shown as a negative one.
const READ: &str = "SELECT 'a' || k, list FROM a UNION ALL SELECT 'b' || k, list FROM b \
     UNION ALL SELECT 'set', LISTAGG(n, ' ') FROM one \
     UNION ALL SELECT 'set of many', LISTAGG(IFF(rows_there = 400, n, -n), ' ') \
     FROM (SELECT n, COUNT(*) AS rows_there FROM many GROUP BY n)";

/// Makes what [`Worker`] works on.
///
/// # Errors
/// What a statement failed with.
pub(crate) fn make_tables(process: &mut Process) -> Result<(), String> {
    for sql in [
        "CREATE TABLE a (k INT, list VARCHAR)",
        &format!("INSERT INTO a SELECT SEQ4(), '' FROM TABLE(GENERATOR(ROWCOUNT => {LISTS}))"),
        "CREATE TABLE b (k INT, list VARCHAR)",
        "CREATE TABLE one (n INT)",
        "CREATE TABLE many (n INT, filler INT)",
    ] {
        if let Answer::Failed(_, error) = process.ask(sql) {
            return Err(format!("{sql}: {error}"));
        }
    }
    Ok(())
}

/// SplitMix64.
#[derive(Debug)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// A number below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}

/// Who runs transactions and reads, in one process after the other, and notes what became of them.
#[derive(Debug)]
pub(crate) struct Worker {
    number: u64,
    random: Random,
    start: Instant,
    done: u64,
    pub(crate) history: History,
}

/// An append: the list's name, and the statement.
type Append = (String, String);

impl Worker {
    pub(crate) fn new(seed: u64, number: usize, start: Instant) -> Worker {
        let random = Random(seed * 1000 + number as u64);
        Worker { number: number as u64, random, start, done: 0, history: History::default() }
    }

    /// Works in a process until that is killed, or all is over.
    pub(crate) fn live(&mut self, process: &mut Process, over: &AtomicBool) -> Result<(), String> {
        while !over.load(Ordering::SeqCst) {
            let lives = match self.random.below(4) {
                0 => self.read(process)?,
                _ => self.write(process)?,
            };
            if !lives {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Reads all lists; whether the process lives.
    pub(crate) fn read(&mut self, process: &mut Process) -> Result<bool, String> {
        let started = self.start.elapsed();
        match process.ask(READ) {
            Answer::Rows(rows) => {
                let lists = rows.iter().map(|row| list(row)).collect::<Result<BTreeMap<_, _>, _>>();
                let ended = self.start.elapsed();
                self.history.reads.push(Read { lists: lists?, started, ended });
                Ok(true)
            }
            Answer::Failed(_, _) if process.has_faults => Ok(true),
            Answer::Failed(_, error) => Err(format!("a read failed: {error}")),
            Answer::Killed => Ok(false),
        }
    }

    /// Runs a transaction; whether the process lives.
    fn write(&mut self, process: &mut Process) -> Result<bool, String> {
        self.done += 1;
        let n = self.done * 10 + self.number;
        let appends: Vec<Append> = match self.random.below(2) {
            0 => vec![self.append(n)],
            _ => {
                let mut appends = vec![self.append(n), self.append(n), self.append(n)];
                appends.sort();
                appends.dedup_by(|one, other| one.0 == other.0);
                appends
            }
        };
        let gives_up = appends.len() > 1 && self.random.below(8) == 0;
        let mut statements: Vec<&str> = appends.iter().map(|append| append.1.as_str()).collect();
        if appends.len() > 1 {
            statements.insert(0, "BEGIN");
            statements.push(if gives_up { "ROLLBACK" } else { "COMMIT" });
        }
        let started = self.start.elapsed();
        let (mut outcome, mut lives) = (Outcome::Committed, true);
        let last = statements.len() - 1;
        for (position, sql) in statements.into_iter().enumerate() {
            // Only the statement that commits can have done so without an answer.
            let open = if position == last { Outcome::Unknown } else { Outcome::NotDone };
            match process.ask(sql) {
                Answer::Rows(_) => continue,
                Answer::Failed(LOST, _) => outcome = Outcome::NotDone,
                Answer::Failed(_, _) if process.has_faults => outcome = open,
                Answer::Failed(_, error) => return Err(format!("{sql}: {error}")),
                Answer::Killed => (outcome, lives) = (open, false),
            }
            if lives && matches!(process.ask("ROLLBACK"), Answer::Killed) {
                lives = false;
            }
            break;
        }
        if gives_up {
            outcome = Outcome::NotDone;
        }
        let ended = self.start.elapsed();
        let lists = appends.into_iter().map(|append| append.0).collect();
        self.history.transactions.insert(n, Transaction { lists, outcome, started, ended });
        Ok(lives)
    }

    /// An append of `n` to some list.
    fn append(&mut self, n: u64) -> Append {
        let k = self.random.below(LISTS);
        match self.random.below(4) {
            0 => {
                let sql = format!("UPDATE a SET list = list || ' {n}' WHERE k = {k}");
                (format!("a{k}"), sql)
            }
            1 => {
                let sql = format!(
                    "MERGE INTO b USING (SELECT {k} AS k) AS s ON b.k = s.k \
                     WHEN MATCHED THEN UPDATE SET list = b.list || ' {n}' \
                     WHEN NOT MATCHED THEN INSERT VALUES (s.k, '{n}')"
                );
                (format!("b{k}"), sql)
            }
            2 => ("set".to_string(), format!("INSERT INTO one VALUES ({n})")),
            _ => {
                let rows = format!("TABLE(GENERATOR(ROWCOUNT => {MANY}))");
                let sql = format!("INSERT INTO many SELECT {n}, SEQ4() FROM {rows}");
                ("set of many".to_string(), sql)
            }
        }
    }
}

/// The list of a row of [`READ`].
fn list(row: &str) -> Result<(String, Vec<i64>), String> {
    let (name, list) = row.split_once('|').ok_or_else(|| format!("no list: {row}"))?;
    let numbers = list.split_whitespace().filter(|text| *text != "(empty)");
    let numbers = numbers.map(|text| text.parse().map_err(|_| format!("no list: {row}")));
    Ok((name.to_string(), numbers.collect::<Result<_, String>>()?))
}
