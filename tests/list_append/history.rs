//! What all processes have seen, and what is wrong with it. Each transaction has a number, which it appends to some
//! lists; numbers of lists whose names begin with `set` have no order.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use libtest_mimic::{Failed, Trial};

/// What became of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Committed,
    NotDone,
    /// It is there wholly or not at all.
    Unknown,
}

/// A transaction, with times since the beginning between which it ran.
#[derive(Clone, Debug)]
pub(crate) struct Transaction {
    pub(crate) lists: Vec<String>,
    pub(crate) outcome: Outcome,
    pub(crate) started: Duration,
    pub(crate) ended: Duration,
}

/// What one statement saw of all lists.
#[derive(Clone, Debug, Default)]
pub(crate) struct Read {
    pub(crate) lists: BTreeMap<String, Vec<i64>>,
    pub(crate) started: Duration,
    pub(crate) ended: Duration,
}

/// Transactions by their numbers, and reads.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    pub(crate) transactions: BTreeMap<u64, Transaction>,
    pub(crate) reads: Vec<Read>,
}

impl FromIterator<History> for History {
    fn from_iter<T: IntoIterator<Item = History>>(histories: T) -> History {
        let mut all = History::default();
        for history in histories {
            all.transactions.extend(history.transactions);
            all.reads.extend(history.reads);
        }
        all
    }
}

impl Read {
    fn list(&self, name: &str) -> &[i64] {
        self.lists.get(name).map_or(&[], Vec::as_slice)
    }

    fn len(&self) -> usize {
        self.lists.values().map(Vec::len).sum()
    }

    /// A list of this read that is not the beginning of that of a later one.
    fn beyond(&self, later: &Read) -> Option<&str> {
        let beyond = |(name, list): &(&String, &Vec<i64>)| {
            let later = later.list(name);
            match name.starts_with("set") {
                true => {
                    let later: BTreeSet<&i64> = later.iter().collect();
                    list.iter().any(|n| !later.contains(n))
                }
                false => !later.starts_with(list),
            }
        };
        self.lists.iter().find(beyond).map(|(name, _)| name.as_str())
    }
}

impl History {
    /// Whether any transaction was committed; where none was, nothing is shown.
    pub(crate) fn has_commits(&self) -> bool {
        let mut all = self.transactions.values();
        all.any(|transaction| transaction.outcome == Outcome::Committed)
    }

    /// How much of everything there was.
    pub(crate) fn summary(&self) -> String {
        let count = |outcome| {
            self.transactions.values().filter(|transaction| transaction.outcome == outcome).count()
        };
        format!(
            "{} committed, {} not done, {} unknown, {} reads",
            count(Outcome::Committed),
            count(Outcome::NotDone),
            count(Outcome::Unknown),
            self.reads.len()
        )
    }

    /// What is wrong. The last read is one after everything else.
    pub(crate) fn faults(&self) -> Vec<String> {
        let mut faults: Vec<String> =
            self.reads.iter().flat_map(|read| self.faults_of_read(read)).collect();
        faults.extend(self.faults_of_order());
        faults.extend(self.faults_of_time());
        faults.extend(self.circle());
        faults.truncate(20);
        faults
    }

    /// What one read must not have seen, or must have.
    fn faults_of_read(&self, read: &Read) -> Vec<String> {
        let mut faults = Vec::new();
        let mut seen: BTreeMap<u64, BTreeSet<&str>> = BTreeMap::new();
        for (name, list) in &read.lists {
            for n in list {
                let known = u64::try_from(*n).ok().filter(|n| self.transactions.contains_key(n));
                match known {
                    None if *n < 0 => faults.push(format!("{name} has {} in part", -n)),
                    None => faults.push(format!("{name} has {n}, which nobody has written")),
                    Some(n) if !seen.entry(n).or_default().insert(name) => {
                        faults.push(format!("{name} has {n} twice"));
                    }
                    Some(_) => {}
                }
            }
        }
        for (n, transaction) in &self.transactions {
            let lists = seen.get(n).map_or(0, BTreeSet::len);
            let fault = match transaction.outcome {
                Outcome::NotDone if lists > 0 => "was not done, and is seen",
                Outcome::Committed if lists == 0 && transaction.ended < read.started => "is lost",
                _ if transaction.started > read.ended && lists > 0 => {
                    "is seen before it is written"
                }
                _ if lists != 0 && lists != transaction.lists.len() => "is seen in part",
                _ => continue,
            };
            faults.push(format!("{n} {fault} by the read from {:?} on", read.started));
        }
        faults
    }

    /// Reads see versions of one account: of two, one has what the other has, and the later one at least as much.
    fn faults_of_order(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut by_size: Vec<&Read> = self.reads.iter().collect();
        by_size.sort_by_key(|read| read.len());
        for pair in by_size.windows(2) {
            if let Some(name) = pair[0].beyond(pair[1]) {
                let times = [pair[0].started, pair[1].started];
                faults.push(format!("{name} of the reads from {times:?} on has two histories"));
            }
        }
        let mut by_end: Vec<&Read> = self.reads.iter().collect();
        by_end.sort_by_key(|read| read.ended);
        let mut by_start: Vec<&Read> = self.reads.iter().collect();
        by_start.sort_by_key(|read| read.started);
        let (mut ended, mut most) = (by_end.into_iter().peekable(), 0);
        for read in by_start {
            while let Some(earlier) = ended.next_if(|earlier| earlier.ended < read.started) {
                most = most.max(earlier.len());
            }
            if read.len() < most {
                faults.push(format!("the read from {:?} on goes back", read.started));
            }
        }
        faults
    }

    /// What was acknowledged comes in no list behind what began later.
    fn faults_of_time(&self) -> Vec<String> {
        let Some(last) = self.reads.iter().max_by_key(|read| read.len()) else { return Vec::new() };
        let mut faults = Vec::new();
        for (name, list) in last.lists.iter().filter(|(name, _)| !name.starts_with("set")) {
            let mut latest = Duration::ZERO;
            for n in list {
                let found = u64::try_from(*n).ok().and_then(|n| self.transactions.get(&n));
                let Some(transaction) = found else { continue };
                if transaction.outcome == Outcome::Committed && transaction.ended < latest {
                    faults.push(format!("{name} has {n} behind one that began later"));
                }
                latest = latest.max(transaction.started);
            }
        }
        faults
    }

    /// Transactions that come before each other, by the order in lists.
    fn circle(&self) -> Option<String> {
        let last = self.reads.iter().max_by_key(|read| read.len())?;
        let mut before: BTreeMap<i64, BTreeSet<i64>> = BTreeMap::new();
        for (_, list) in last.lists.iter().filter(|(name, _)| !name.starts_with("set")) {
            for pair in list.windows(2) {
                before.entry(pair[1]).or_default().insert(pair[0]);
                before.entry(pair[0]).or_default();
            }
        }
        // What nothing open comes before is taken away; what stays is in a circle, or behind one.
        loop {
            let free: Vec<i64> =
                before.iter().filter(|(_, others)| others.is_empty()).map(|(n, _)| *n).collect();
            if free.is_empty() {
                break;
            }
            before.retain(|_, others| !others.is_empty());
            for others in before.values_mut() {
                others.retain(|n| !free.contains(n));
            }
        }
        let left: Vec<&i64> = before.keys().take(10).collect();
        (!left.is_empty()).then(|| format!("{left:?} come before each other"))
    }
}

/// Histories, and what must be found in them.
pub(crate) fn tests() -> Vec<Trial> {
    let expectations: [(&str, &[Written], &[Seen], &str); 10] = [
        ("nothing", &[(1, &["a", "b"], Outcome::Committed)], &[&[("a", &[1]), ("b", &[1])]], ""),
        ("lost", &[(1, &["a"], Outcome::Committed)], &[&[]], "1 is lost"),
        ("twice", &[(1, &["a"], Outcome::Unknown)], &[&[("a", &[1, 1])]], "a has 1 twice"),
        ("half", &[(1, &["a", "b"], Outcome::Unknown)], &[&[("a", &[1])]], "is seen in part"),
        ("in_part", &[(1, &["set"], Outcome::Committed)], &[&[("set", &[-1])]], "has 1 in part"),
        ("undone", &[(1, &["a"], Outcome::NotDone)], &[&[("a", &[1])]], "was not done"),
        (
            "overwritten",
            &[(1, &["a"], Outcome::Unknown), (2, &["a"], Outcome::Unknown)],
            &[&[("a", &[1])], &[("a", &[2, 1])]],
            "has two histories",
        ),
        ("going_back", &[(1, &["a"], Outcome::Unknown)], &[&[("a", &[1])], &[]], "goes back"),
        (
            "late",
            &[(1, &["a"], Outcome::Committed), (2, &["a"], Outcome::Unknown)],
            &[&[("a", &[2, 1])]],
            "a has 1 behind one that began later",
        ),
        (
            "circle",
            &[(1, &["a", "b"], Outcome::Committed), (2, &["a", "b"], Outcome::Committed)],
            &[&[("a", &[1, 2]), ("b", &[2, 1])]],
            "[1, 2] come before each other",
        ),
    ];
    let trial = |(name, written, seen, fault): (&str, &'static [Written], &'static [Seen], _)| {
        Trial::test(format!("the_checker_finds_{name}"), move || expect(written, seen, fault))
    };
    expectations.into_iter().map(trial).collect()
}

/// A transaction's number, lists and outcome.
type Written = (u64, &'static [&'static str], Outcome);
/// The lists of a read.
type Seen = &'static [(&'static str, &'static [i64])];

/// Checks what is found in a history of transactions and then reads, one after the other.
fn expect(written: &[Written], seen: &[Seen], fault: &str) -> Result<(), Failed> {
    let second = Duration::from_secs;
    let mut history = History::default();
    for (n, lists, outcome) in written {
        let lists = lists.iter().map(|name| name.to_string()).collect();
        let started = Duration::from_millis(100 * n);
        let ended = started + Duration::from_millis(50);
        history.transactions.insert(*n, Transaction { lists, outcome: *outcome, started, ended });
    }
    for (number, lists) in seen.iter().enumerate() {
        let lists = lists.iter().map(|(name, list)| (name.to_string(), list.to_vec())).collect();
        let started = second(2 + 2 * number as u64);
        history.reads.push(Read { lists, started, ended: started + second(1) });
    }
    let faults = history.faults();
    let expected = match fault.is_empty() {
        true => faults.is_empty(),
        false => faults.iter().any(|found| found.contains(fault)),
    };
    match expected {
        true => Ok(()),
        false => Err(format!("found {faults:?}").into()),
    }
}
