//! Snapshots and their lists, beside plain lists that say the same.

use std::sync::atomic::{AtomicUsize, Ordering};

use firn_types::ErrorCode;

use super::*;

fn partition(name: &str, rows: u64) -> Partition {
    Partition {
        id: PartitionId(name.to_string()),
        path: name.to_string(),
        location: Location::File,
        rows,
        bytes: 10 * rows,
        seal: None,
        first_row_id: 0,
        stored_row_ids: false,
        deleted: None,
        columns: Vec::new().into(),
        paths: Vec::new().into(),
    }
}

fn many(count: usize) -> Vec<Arc<Partition>> {
    (0..count).map(|n| Arc::new(partition(&n.to_string(), 1 + n as u64 % 7))).collect()
}

fn added(name: &str, rows: u64) -> SnapshotDelta {
    SnapshotDelta { added: vec![partition(name, rows)], ..SnapshotDelta::default() }
}

fn names(snapshot: &Snapshot) -> Result<Vec<String>> {
    Ok(snapshot.partitions()?.iter().map(|partition| partition.id.0.clone()).collect())
}

/// A file that counts how often it is read, and cannot be as long as `left` says so.
#[derive(Debug)]
struct File {
    listed: Listed,
    partitions: Vec<Arc<Partition>>,
    reads: Arc<AtomicUsize>,
    failures: AtomicUsize,
}

impl ListFile for File {
    fn listed(&self) -> &Listed {
        &self.listed
    }

    fn read(&self) -> Result<Vec<Arc<Partition>>> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        let failed = |left: usize| left.checked_sub(1);
        if self.failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, failed).is_ok() {
            return Err(Error::new(ErrorCode::Storage, format!("'{}' is far", self.listed.name)));
        }
        Ok(self.partitions.clone())
    }
}

/// A list in two files, of which the first one fails so often.
fn stored(partitions: &[Arc<Partition>], failures: usize) -> (Snapshot, Arc<AtomicUsize>) {
    let reads = Arc::new(AtomicUsize::new(0));
    let (first, second) = partitions.split_at(partitions.len() / 2);
    let file = |name: &str, partitions: &[Arc<Partition>], failures| {
        ListPart::File(Arc::new(File {
            listed: Listed { name: name.into(), written_nanos: 1 },
            partitions: partitions.to_vec(),
            reads: Arc::clone(&reads),
            failures: AtomicUsize::new(failures),
        }) as Arc<dyn ListFile>)
    };
    let list = StoredList::new(vec![file("one", first, failures), file("two", second, 0)]);
    let totals = Totals {
        rows: partitions.iter().map(|partition| partition.live_rows()).sum(),
        bytes: partitions.iter().map(|partition| partition.bytes).sum(),
    };
    (Snapshot::stored(list, Some(totals), 1000), reads)
}

#[test]
fn positions_and_order_are_those_of_a_plain_list() -> Result<()> {
    let plain = many(3_000);
    let partitions: Partitions = plain.iter().cloned().collect();
    assert_eq!(partitions.len(), 3_000);
    assert!(partitions.iter().eq(plain.iter()));
    assert!((0..3_001).all(|at| partitions.get(at) == plain.get(at)));
    Ok(())
}

#[test]
fn a_change_shares_the_chunks_that_it_does_not_touch() -> Result<()> {
    let before = Snapshot::new(many(5_000), 0);
    let after = before.apply(&added("new", 1))?;
    let shared = |a: &Snapshot, b: &Snapshot| -> Result<(usize, usize)> {
        let (a, b) = (a.partitions()?.chunks(), b.partitions()?.chunks());
        let is_old = |chunk: &&Arc<Chunk>| a.iter().any(|old| Arc::ptr_eq(old, chunk));
        Ok((b.iter().filter(is_old).count(), b.len()))
    };
    let (kept, all) = shared(&before, &after)?;
    assert!(kept + 1 >= all, "{kept} of {all}");
    let removed = BTreeSet::from([PartitionId("2500".to_string())]);
    let deleted = BTreeMap::from([(PartitionId("10".to_string()), [0].into())]);
    let delta = SnapshotDelta { removed, deleted, ..SnapshotDelta::default() };
    let changed = before.apply(&delta)?;
    let (kept, all) = shared(&before, &changed)?;
    assert!(kept + 2 >= all, "{kept} of {all}");
    assert_eq!(changed.partitions()?.len(), 4_999);
    assert_eq!(changed.rows()?, before.rows()? - (1 + 2_500 % 7) - 1);
    Ok(())
}

#[test]
fn many_small_changes_leave_no_small_chunks_behind() -> Result<()> {
    let mut snapshot = Snapshot::empty();
    for n in 0..4_000 {
        snapshot = snapshot.apply(&added(&format!("n{n}"), 1))?;
        if n % 3 == 0 {
            let removed = BTreeSet::from([PartitionId(format!("n{}", n / 2 + n % 2))]);
            if names(&snapshot)?.contains(&format!("n{}", n / 2 + n % 2)) {
                let delta = SnapshotDelta { removed, ..SnapshotDelta::default() };
                snapshot = snapshot.apply(&delta)?;
            }
        }
    }
    let partitions = snapshot.partitions()?;
    assert!(
        partitions.chunks().len() <= 2 + partitions.len() / 128,
        "{}",
        partitions.chunks().len()
    );
    Ok(())
}

#[test]
fn a_rewrite_takes_the_place_of_what_it_rewrites() -> Result<()> {
    let before = Snapshot::new(many(6), 21);
    let removed = ["1", "2", "4"].map(|name| PartitionId(name.to_string())).into();
    let delta = SnapshotDelta {
        added: vec![Partition { stored_row_ids: true, ..partition("a", 6) }, partition("b", 4)],
        removed,
        rewritten: true,
        ..SnapshotDelta::default()
    };
    let after = before.apply(&delta)?;
    assert_eq!(names(&after)?, ["0", "a", "b", "3", "5"]);
    assert_eq!(after.next_row_id(), 25);
    Ok(())
}

#[test]
fn a_list_is_read_once_and_when_somebody_asks() -> Result<()> {
    let plain = many(700);
    let (unread, reads) = stored(&plain, 0);
    let eager = Snapshot::new(plain, 1_000);
    let delete = |name: &str| SnapshotDelta {
        removed: BTreeSet::from([PartitionId(name.to_string())]),
        ..SnapshotDelta::default()
    };
    let deltas = [added("x", 5), delete("3"), added("y", 2), delete("x")];
    let (mut lazy, mut known) = (unread.apply(&deltas[0])?, eager.apply(&deltas[0])?);
    assert_eq!(lazy.totals()?, known.totals()?);
    for delta in &deltas[1..] {
        (lazy, known) = (lazy.apply(delta)?, known.apply(delta)?);
        assert_eq!(lazy.next_row_id(), known.next_row_id());
    }
    assert_eq!((reads.load(Ordering::SeqCst), lazy.is_read()), (0, false));
    assert_eq!(lazy.partitions()?, known.partitions()?);
    assert_eq!(lazy.totals()?, known.totals()?);
    // The version before shares what was read.
    assert_eq!(unread.partitions()?.len(), 700);
    assert_eq!(reads.load(Ordering::SeqCst), 2);
    let chunks = unread.partitions()?.chunks();
    assert!(chunks.iter().all(|chunk| chunk.listed().is_some()));
    Ok(())
}

#[test]
fn what_goes_wholly_is_not_read() -> Result<()> {
    let (unread, reads) = stored(&many(10), usize::MAX);
    let delta = SnapshotDelta { truncated: true, ..added("new", 3) };
    let after = unread.apply(&delta)?;
    assert_eq!((names(&after)?, after.rows()?), (vec!["new".to_string()], 3));
    assert_eq!(reads.load(Ordering::SeqCst), 0);
    Ok(())
}

#[test]
fn what_cannot_be_read_is_named_and_tried_again() -> Result<()> {
    let (unread, _) = stored(&many(10), 1);
    let after = unread.apply(&added("new", 3))?;
    let error = after.partitions().expect_err("the file cannot be read");
    assert!(error.detail().contains("'one'"), "{error}");
    assert_eq!(after.rows()?, unread.rows()? + 3);
    assert_eq!(after.partitions()?.len(), 11);
    Ok(())
}

#[test]
fn so_many_changes_are_not_held_beside_an_unread_list() -> Result<()> {
    let (mut snapshot, reads) = stored(&many(10), 0);
    for n in 0..CHANGES_MAX * 2 {
        assert_eq!(reads.load(Ordering::SeqCst) > 0, n > CHANGES_MAX, "{n}");
        snapshot = snapshot.apply(&added(&format!("n{n}"), 1))?;
    }
    assert_eq!(snapshot.partitions()?.len(), 10 + CHANGES_MAX * 2);
    Ok(())
}

#[test]
fn several_lists_are_read_together() -> Result<()> {
    let lists: Vec<(Snapshot, Arc<AtomicUsize>)> = (0..40).map(|_| stored(&many(4), 0)).collect();
    Snapshot::read_all(&lists.iter().map(|(snapshot, _)| snapshot).collect::<Vec<_>>())?;
    assert!(
        lists
            .iter()
            .all(|(snapshot, reads)| { snapshot.is_read() && reads.load(Ordering::SeqCst) == 2 })
    );
    Ok(())
}
