//! The log, transactions and time travel, on stores in memory with made-up micro-partitions.

use crate::catalog::{LoadRecord, PENDING};
use std::sync::Arc;

use firn_storage::{ObjectAccess, Partition, path};
use firn_types::clock::Clock;
use firn_types::{ErrorCode, ObjectId, PartitionId, QueryId, Result, SqlType};
use roaring::RoaringBitmap;

use super::*;
use crate::Account;
use crate::catalog::{
    ACCOUNT, Catalog, CatalogChange, Header, MaterializedView, Namespace, Object, Sequence, Table,
    TableColumn, TableKind, ViewColumn,
};

mod damage;
mod files;
mod history;
mod lists;
mod loads;

const SECOND: i64 = 1_000_000_000;
const DAY: i64 = 86_400 * SECOND;
const PUBLIC: ObjectId = ObjectId(2);

struct World {
    access: ObjectAccess,
    clock: Clock,
    account: Account,
    space: Arc<SessionSpace>,
}

impl World {
    fn new() -> Result<World> {
        World::on(ObjectAccess::memory(), Clock::fixed(1_000 * DAY))
    }

    fn on(access: ObjectAccess, clock: Clock) -> Result<World> {
        let account = Account::open(access.clone(), clock.clone())?;
        Ok(World { access, clock, account, space: SessionSpace::new(1) })
    }

    /// Another process on the same store.
    fn other(&self) -> Result<World> {
        World::on(self.access.clone(), self.clock.clone())
    }

    fn begin(&self) -> Transaction {
        self.account.begin(&self.space)
    }

    fn header(&self, name: &str) -> Header {
        Header::new(PUBLIC, name, crate::catalog::SYSADMIN, self.clock.now_nanos())
    }

    fn table(&self, name: &str) -> Table {
        Table::new(self.header(name), vec![TableColumn::new("A", SqlType::INTEGER)])
    }

    /// Commits what `work` does a second later than the commit before.
    fn commit(
        &self,
        statement: &str,
        work: impl FnOnce(&mut Transaction) -> Result<()>,
    ) -> Result<u64> {
        self.clock.advance(SECOND);
        let mut transaction = self.begin();
        work(&mut transaction)?;
        transaction.commit(&id(statement))
    }

    fn create(&self, name: &str) -> Result<ObjectId> {
        let table = self.table(name);
        let id = table.id();
        self.commit(&format!("create {name}"), |t| t.apply(CatalogChange::create(table)))?;
        Ok(id)
    }

    fn append(&self, table: ObjectId, name: &str, rows: u64) -> Result<u64> {
        self.commit(name, |t| t.append(table, vec![partition(name, rows)]))
    }

    fn rows(&self, table: ObjectId) -> u64 {
        self.account.catalog().rows_of(table).map_or(0, |rows| rows.rows().expect("known"))
    }

    fn rows_at(&self, table: ObjectId, point: TimePoint) -> Result<u64> {
        self.account.snapshot_at(table, &point)?.rows()
    }
}

fn id(text: &str) -> QueryId {
    QueryId(text.to_string())
}

fn partition(name: &str, rows: u64) -> Partition {
    Partition {
        id: PartitionId(name.to_string()),
        path: format!("data/x/{name}"),
        location: firn_storage::Location::File,
        rows,
        bytes: 100,
        first_row_id: 0,
        seal: None,
        stored_row_ids: false,
        deleted: None,
        columns: Vec::new().into(),
        paths: Vec::new().into(),
    }
}

fn bits(rows: &[u32]) -> RoaringBitmap {
    rows.iter().copied().collect()
}

fn find(catalog: &Catalog, name: &str) -> Option<ObjectId> {
    catalog.find(Namespace::Relation, PUBLIC, name).map(Object::id)
}

#[test]
fn a_new_account_has_what_the_shell_starts_with() -> Result<()> {
    let world = World::new()?;
    let catalog = world.account.catalog();
    let database = catalog.database("FIRN").expect("FIRN");
    assert!(catalog.schema(database.header.id, "PUBLIC").is_some());
    assert!(catalog.find(Namespace::Warehouse, ACCOUNT, "COMPUTE_WH").is_some());
    assert!(catalog.role("ACCOUNTADMIN").is_some() && catalog.user("FIRN").is_some());
    assert_eq!(world.other()?.account.catalog().version(), catalog.version());
    Ok(())
}

#[test]
fn a_transaction_reads_its_own_writes_and_nobody_else_does() -> Result<()> {
    let world = World::new()?;
    let table = world.create("T")?;
    let mut transaction = world.begin();
    transaction.append(table, vec![partition("p1", 10)])?;
    let savepoint = transaction.savepoint();
    transaction.delete_rows(table, &PartitionId("p1".to_string()), bits(&[0, 3]))?;
    let rows = |transaction: &Transaction| transaction.catalog().rows_of(table)?.rows();
    assert_eq!((rows(&transaction)?, world.rows(table)), (8, 0));
    transaction.roll_back_to(savepoint);
    assert_eq!(rows(&transaction)?, 10);
    transaction.delete_rows(table, &PartitionId("p1".to_string()), bits(&[7]))?;
    transaction.commit(&id("q"))?;
    assert_eq!(world.rows(table), 9);
    let transaction = world.begin();
    assert!(transaction.is_empty());
    let version = world.account.catalog().version();
    assert_eq!(transaction.commit(&id("nothing"))?, version);
    Ok(())
}

#[test]
fn everything_survives_reopening_from_the_log_and_from_a_checkpoint() -> Result<()> {
    let world = World::new()?;
    let table = world.create("T")?;
    world.append(table, "p1", 10)?;
    world.commit("delete", |t| t.delete_rows(table, &PartitionId("p1".to_string()), bits(&[1])))?;
    world.commit("more", |t| {
        t.append(table, (0..200).map(|n| partition(&format!("many{n}"), 1)).collect())
    })?;
    let dropped = world.create("GONE")?;
    world.commit("drop", |t| t.apply(CatalogChange::Drop { id: dropped }))?;
    world.commit("parameter", |t| {
        t.apply(CatalogChange::SetParameter {
            on: ACCOUNT,
            name: "TIMEZONE".to_string(),
            value: Some("UTC".to_string()),
        })
    })?;
    for checkpoint in [false, true] {
        if checkpoint {
            world.account.checkpoint()?;
            world.append(table, "after", 5)?;
        }
        let other = world.other()?;
        let (a, b) = (world.account.catalog(), other.account.catalog());
        assert_eq!(a.version(), b.version());
        assert_eq!(a.rows_of(table)?.partitions()?, b.rows_of(table)?.partitions()?);
        assert_eq!(
            a.table(table).map(|t| t.header.clone()),
            b.table(table).map(|t| t.header.clone())
        );
        assert_eq!(b.parameter(ACCOUNT, "TIMEZONE"), Some("UTC"));
        assert_eq!(b.dropped(Namespace::Relation, PUBLIC).len(), 1);
        let grants = |catalog: &Catalog| {
            catalog.account_overlay().grants().all().cloned().collect::<Vec<_>>()
        };
        assert_eq!(grants(&b), grants(&a));
    }
    assert_eq!(
        world.access.list(path::META)?.len(),
        2,
        "a list for the commit, one for the checkpoint"
    );
    Ok(())
}

#[test]
fn two_processes_race_and_nothing_is_lost() -> Result<()> {
    let world = World::new()?;
    let table = world.create("T")?;
    let other = world.other()?;
    std::thread::scope(|scope| {
        let work = move |world: &World, name: &'static str| -> Result<()> {
            for n in 0..50 {
                let mut transaction = world.begin();
                transaction.append(table, vec![partition(&format!("{name}{n}"), 2)])?;
                transaction.commit(&id(name))?;
            }
            Ok(())
        };
        let (world, other) = (&world, &other);
        let threads =
            [scope.spawn(move || work(world, "a")), scope.spawn(move || work(other, "b"))];
        threads.into_iter().try_for_each(|thread| thread.join().expect("no panic"))
    })?;
    world.account.refresh()?;
    other.account.refresh()?;
    assert_eq!((world.rows(table), other.rows(table)), (200, 200));
    let catalog = world.account.catalog();
    let mut ids: Vec<i64> = Vec::new();
    for partition in catalog.rows_of(table)?.partitions()?.iter() {
        ids.extend([partition.first_row_id, partition.first_row_id + 1]);
    }
    ids.sort_unstable();
    assert_eq!(ids, (0..200).collect::<Vec<i64>>());
    assert_eq!(world.other()?.rows(table), 200);
    Ok(())
}

/// What happens when `mine` and `theirs` start from the same version and `theirs` commits first.
fn clash(
    mine: impl FnOnce(&World, &mut Transaction, ObjectId) -> Result<()>,
    theirs: impl FnOnce(&World, &mut Transaction, ObjectId) -> Result<()>,
) -> Result<Result<u64>> {
    let world = World::new()?;
    let table = world.create("T")?;
    world.append(table, "p", 10)?;
    let other = world.other()?;
    let mut loser = world.begin();
    mine(&world, &mut loser, table)?;
    other.commit("winner", |winner| theirs(&other, winner, table))?;
    Ok(loser.commit(&id("loser")).map(|_| world.rows(table)))
}

#[test]
fn only_true_conflicts_are_conflicts() -> Result<()> {
    type Work = fn(&World, &mut Transaction, ObjectId) -> Result<()>;
    fn p() -> PartitionId {
        PartitionId("p".to_string())
    }
    let append: Work =
        |_, t, id| t.append(id, vec![partition(&uuid::Uuid::new_v4().to_string(), 5)]);
    let delete_low: Work = |_, t, id| t.delete_rows(id, &p(), bits(&[0, 1]));
    let delete_high: Work = |_, t, id| t.delete_rows(id, &p(), bits(&[1, 9]));
    let delete_other: Work = |_, t, id| t.delete_rows(id, &p(), bits(&[5]));
    let rewrite: Work = |_, t, id| t.replace_partitions(id, &[p()], vec![partition("new", 10)]);
    let truncate: Work = |_, t, id| t.truncate(id);
    let drop: Work = |_, t, id| t.apply(CatalogChange::Drop { id });
    let comment: Work = |_, t, id| {
        let mut table = t.catalog().table(id).expect("the table").as_ref().clone();
        table.header.comment = "a comment".to_string();
        t.apply(CatalogChange::alter(table))
    };
    let add_column: Work = |_, t, id| {
        let mut table = t.catalog().table(id).expect("the table").as_ref().clone();
        table.add_column(TableColumn::new("B", SqlType::TEXT));
        t.apply(CatalogChange::alter(table))
    };
    let drop_column: Work = |_, t, id| {
        let mut table = t.catalog().table(id).expect("the table").as_ref().clone();
        table.columns[0] =
            TableColumn { field_id: firn_types::FieldId(9), ..table.columns[0].clone() };
        t.apply(CatalogChange::alter(table))
    };
    let load: Work = |world, t, id| {
        t.record_loads(id, vec![LoadRecord::loaded("f", "etag", world.clock.now_nanos())])
    };
    for (mine, theirs, rows) in [
        (append, append, 20),
        (append, delete_low, 13),
        (append, truncate, 5),
        (append, rewrite, 15),
        (append, add_column, 15),
        (append, comment, 15),
        (delete_low, append, 13),
        (delete_low, delete_other, 7),
        (truncate, append, 0),
        (delete_low, comment, 8),
        (comment, append, 15),
    ] {
        assert_eq!(clash(mine, theirs)?.map_err(|e| e.to_string()), Ok(rows));
    }
    for (mine, theirs) in [
        (delete_low, delete_high),
        (delete_low, rewrite),
        (rewrite, delete_other),
        (rewrite, rewrite),
        (append, drop),
        (append, drop_column),
        (comment, add_column),
        (drop, comment),
        (load, load),
    ] {
        let error = clash(mine, theirs)?.expect_err("a conflict");
        assert_eq!(error.code(), ErrorCode::LockTimeout);
        assert!(error.detail().contains("FIRN.PUBLIC.T"), "{error}");
        assert!(error.detail().contains("'winner'"), "{error}");
    }
    Ok(())
}

#[test]
fn a_longer_transaction_sees_the_commits_of_others_statement_by_statement() -> Result<()> {
    let world = World::new()?;
    let table = world.create("T")?;
    let other = world.other()?;
    let mut transaction = world.begin();
    transaction.append(table, vec![partition("mine", 1)])?;
    other.append(table, "theirs", 10)?;
    assert_eq!(transaction.catalog().rows_of(table)?.rows()?, 1);
    transaction.refresh_read_version()?;
    assert_eq!(transaction.catalog().rows_of(table)?.rows()?, 11);
    transaction.commit(&id("mine"))?;
    assert_eq!(world.rows(table), 11);
    Ok(())
}

#[test]
fn a_session_keeps_its_own_tables_to_itself() -> Result<()> {
    let world = World::new()?;
    let permanent = world.create("T")?;
    let version = world.account.catalog().version();
    let mut own = world.table("T");
    own.kind = TableKind::Temporary { session: 1 };
    let own_id = own.id();
    world.commit("temporary", |t| t.apply(CatalogChange::create(own)))?;
    world.commit("insert", |t| {
        assert!(t.data_folder(own_id)?.starts_with("temporary/"));
        t.append(own_id, vec![partition("own", 4)])
    })?;
    assert_eq!(world.account.catalog().version(), version, "nothing in the log");
    let catalog = world.account.catalog_for(&world.space);
    assert_eq!(find(&catalog, "T"), Some(own_id));
    assert_eq!(catalog.rows_of(own_id)?.rows()?, 4);
    let mut transaction = world.begin();
    transaction.append(own_id, vec![partition("undone", 1)])?;
    transaction.rollback();
    assert_eq!(world.account.catalog_for(&world.space).rows_of(own_id)?.rows()?, 4);
    world.commit("drop", |t| t.apply(CatalogChange::Drop { id: own_id }))?;
    assert_eq!(find(&world.account.catalog_for(&world.space), "T"), Some(permanent));
    Ok(())
}

#[test]
fn sequences_never_give_a_value_twice() -> Result<()> {
    let world = World::new()?;
    let sequence = Sequence::new(world.header("S"), 1, 1, false);
    let sequence_id = sequence.header.id;
    world.commit("create", |t| t.apply(CatalogChange::create(sequence)))?;
    let other = world.other()?;
    let mut seen = Vec::new();
    for round in 0..20 {
        let world = if round % 3 == 0 { &other } else { &world };
        world.account.refresh()?;
        let mut transaction = world.begin();
        let block = transaction.next_values(sequence_id, 3)?;
        seen.extend((0..3).map(|n| block.first + n * block.step));
        transaction.rollback();
    }
    let count = seen.len();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), count);
    let alone = World::new()?;
    let sequence = Sequence::new(alone.header("S"), 10, -2, false);
    let sequence_id = sequence.header.id;
    alone.commit("create", |t| t.apply(CatalogChange::create(sequence)))?;
    for first in [10, 8, 6, 4, 2, 0, -2] {
        assert_eq!(alone.begin().next_values(sequence_id, 1)?.first, first);
        let catalog = alone.account.catalog();
        let known = catalog.object(sequence_id).and_then(Object::as_sequence).expect("it");
        assert_eq!(alone.account.next_value(known), first - 2);
    }
    Ok(())
}

#[test]
fn loads_are_remembered_until_the_table_is_truncated() -> Result<()> {
    let world = World::new()?;
    let table = world.create("T")?;
    world.commit("copy", |t| {
        t.append(table, vec![partition("p", 1)])?;
        t.record_loads(table, vec![LoadRecord::loaded("@s/a.csv", "e1", 0)])
    })?;
    let loaded = |world: &World, etag: &str| {
        let catalog = world.account.catalog();
        let loads = &catalog.table(table).expect("the table").loads;
        loads.read().expect("its loads").is_loaded("@s/a.csv", etag)
    };
    let other = world.other()?;
    assert!(loaded(&other, "e1") && !loaded(&other, "e2"));
    world.account.checkpoint()?;
    assert!(loaded(&world.other()?, "e1"));
    world.commit("truncate", |t| t.truncate(table))?;
    assert!(!loaded(&world, "e1"));
    Ok(())
}

#[test]
fn a_crash_between_data_and_commit_leaves_the_last_commit() -> Result<()> {
    for writes in 0..4 {
        let world = World::new()?;
        let table = world.create("T")?;
        world.append(table, "p", 1)?;
        let failing = World::on(world.access.failing_after(writes), world.clock.clone())?;
        let many = (0..100).map(|n| partition(&format!("q{n}"), 1)).collect();
        let attempt = failing.commit("attempt", |t| t.append(table, many));
        let survivor = world.other()?;
        let expected = if attempt.is_ok() { 101 } else { 1 };
        assert_eq!(survivor.rows(table), expected, "after {writes} writes");
        survivor.append(table, "later", 1)?;
        assert_eq!(world.other()?.rows(table), expected + 1);
    }
    Ok(())
}

#[test]
fn a_view_refreshed_by_two_keeps_one_answer() -> Result<()> {
    let world = World::new()?;
    let table = world.create("T")?;
    let columns = vec![ViewColumn::new("N", SqlType::INTEGER)];
    let view =
        MaterializedView::new(world.header("V"), String::new(), String::new(), columns, table);
    let view_id = view.header.id;
    world.commit("create", |t| t.apply(CatalogChange::create(view)))?;
    let version = world.append(table, "p", 1)?;
    let other = world.other()?;
    let refresh = |t: &mut Transaction| -> Result<()> {
        t.append(view_id, vec![partition(&uuid::Uuid::new_v4().to_string(), 1)])?;
        t.apply(CatalogChange::Refreshed { view: view_id, reflects: version })
    };
    let mut slow = world.begin();
    refresh(&mut slow)?;
    other.commit("fast", refresh)?;
    assert!(slow.commit(&id("slow")).is_err());
    world.account.refresh()?;
    let catalog = world.account.catalog();
    let view = catalog.materialized_view(view_id).expect("the view");
    assert_eq!((view.state.reflects, view.state.snapshot.rows()?), (Some(version), 1));
    assert!(catalog.table(table).is_some_and(|table| table.data_version <= version));
    Ok(())
}

#[test]
fn a_new_view_is_not_fresh_when_its_base_changed_meanwhile() -> Result<()> {
    for (reflects, wins) in [(PENDING, false), (0, true)] {
        let world = World::new()?;
        let table = world.create("T")?;
        let mut creating = world.begin();
        let view = MaterializedView::new(
            world.header("V"),
            String::new(),
            String::new(),
            vec![ViewColumn::new("N", SqlType::INTEGER)],
            table,
        );
        let view_id = view.header.id;
        creating.apply(CatalogChange::create(view))?;
        creating.append(view_id, vec![partition("v", 1)])?;
        let seen = creating.catalog().version();
        let reflects = if reflects == PENDING { PENDING } else { seen };
        creating.apply(CatalogChange::Refreshed { view: view_id, reflects })?;
        world.append(table, "meanwhile", 1)?;
        assert_eq!(creating.commit(&id("create")).is_ok(), wins);
        let catalog = world.account.catalog();
        if let Some(view) = catalog.materialized_view(view_id) {
            assert!(
                catalog.table(table).is_some_and(|t| Some(t.data_version) > view.state.reflects)
            );
        }
    }
    Ok(())
}

#[test]
fn sequences_of_temporary_and_of_new_tables_count_too() -> Result<()> {
    let world = World::new()?;
    let mut own = Sequence::new(world.header("S"), 1, 1, true);
    own.temporary = true;
    let (own_id, new) = (own.header.id, Sequence::new(world.header("N"), 5, 5, true));
    let new_id = new.header.id;
    world.commit("create", |t| {
        t.apply(CatalogChange::create(own))?;
        t.apply(CatalogChange::create(new))?;
        assert_eq!((t.next_values(own_id, 2)?.first, t.next_values(new_id, 2)?.first), (1, 5));
        Ok(())
    })?;
    let mut rolled_back = world.begin();
    assert_eq!(rolled_back.next_values(own_id, 1)?.first, 3);
    rolled_back.rollback();
    let mut next = world.begin();
    assert_eq!((next.next_values(own_id, 1)?.first, next.next_values(new_id, 1)?.first), (4, 15));
    Ok(())
}
