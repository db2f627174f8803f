//! The past: time travel, UNDROP, clones, what changed, what is swept away.

use firn_storage::{ObjectAccess, Partition, path};
use firn_types::clock::Clock;
use firn_types::{ErrorCode, ObjectId, PartitionId, Result};

use super::*;
use crate::catalog::{
    ACCOUNT, CatalogChange, ColumnDefault, CreateMode, Database, Header, Namespace, Object, Schema,
    Sequence, TableKind,
};

#[test]
fn the_past_can_be_seen_by_time_and_by_statement() -> Result<()> {
    let world = World::new()?;
    let table = world.create("T")?;
    let created = world.clock.now_nanos();
    for n in 1..=100 {
        world.append(table, &format!("p{n}"), 1)?;
    }
    for world in [&world, &world.other()?] {
        let at = |seconds: i64| world.rows_at(table, TimePoint::At(created + seconds * SECOND));
        assert_eq!((at(0)?, at(40)?, at(100)?), (0, 40, 100));
        assert_eq!(world.rows_at(table, TimePoint::Before(created + 40 * SECOND))?, 39);
        assert_eq!(world.rows_at(table, TimePoint::AtStatement(id("p70")))?, 70);
        assert_eq!(world.rows_at(table, TimePoint::BeforeStatement(id("p70")))?, 69);
        let error = at(-1).expect_err("before the table");
        assert_eq!(error.code(), ErrorCode::TimeTravelUnavailable);
        assert!(error.detail().starts_with("Time travel data is not available for table T."));
        let error = world.rows_at(table, TimePoint::AtStatement(id("?"))).expect_err("unknown");
        assert_eq!(error.code(), ErrorCode::StatementNotFound);
    }
    world.clock.advance(2 * DAY);
    let error = world.rows_at(table, TimePoint::At(created + 40 * SECOND)).expect_err("too old");
    assert_eq!(error.code(), ErrorCode::TimeTravelUnavailable);
    assert_eq!(world.rows_at(table, TimePoint::At(world.clock.now_nanos()))?, 100);
    Ok(())
}

#[test]
fn dropped_and_replaced_tables_come_back_newest_first() -> Result<()> {
    let world = World::new()?;
    let first = world.create("T")?;
    world.append(first, "p", 3)?;
    let second = world.table("T");
    let second_id = second.id();
    world.commit("replace", |t| t.apply(CatalogChange::replace(second)))?;
    world.commit("drop", |t| t.apply(CatalogChange::Drop { id: second_id }))?;
    let world = world.other()?;
    let catalog = world.account.catalog();
    let dropped: Vec<ObjectId> =
        catalog.dropped(Namespace::Relation, PUBLIC).into_iter().map(Object::id).collect();
    assert_eq!(dropped, [second_id, first]);
    world.commit("undrop", |t| t.apply(CatalogChange::Undrop { id: second_id }))?;
    let error = world.commit("undrop", |t| t.apply(CatalogChange::Undrop { id: first }));
    assert_eq!(error.expect_err("taken").code(), ErrorCode::AlreadyExists);
    world.commit("both", |t| {
        t.apply(CatalogChange::Rename { id: second_id, parent: PUBLIC, name: "T2".to_string() })?;
        t.apply(CatalogChange::Undrop { id: first })
    })?;
    let catalog = world.account.catalog();
    assert_eq!((find(&catalog, "T"), find(&catalog, "T2")), (Some(first), Some(second_id)));
    assert_eq!(world.rows(first), 3);
    world.commit("swap", |t| t.apply(CatalogChange::Swap { left: first, right: second_id }))?;
    assert_eq!(find(&world.account.catalog(), "T2"), Some(first));
    Ok(())
}

#[test]
fn changes_between_versions_are_rows_in_and_rows_out() -> Result<()> {
    let world = World::new()?;
    let table = world.create("T")?;
    world.append(table, "p", 10)?;
    let before = world.account.catalog().rows_of(table)?.clone();
    world.append(table, "q", 5)?;
    let appended = world.account.catalog().rows_of(table)?.clone();
    let difference = changes(&before, &appended);
    assert!(difference.is_append());
    assert_eq!(difference.inserted[0].partition.first_row_id, 10);
    world.commit("delete", |t| t.delete_rows(table, &PartitionId("p".to_string()), bits(&[2])))?;
    let after = world.account.catalog().rows_of(table)?.clone();
    let difference = changes(&before, &after);
    assert_eq!(difference.deleted[0].rows, Some(bits(&[2])));
    assert_eq!(difference.inserted.len(), 1);
    assert_eq!(changes(&after, &before).inserted[0].rows, Some(bits(&[2])));
    assert!(changes(&after, &after).is_empty());
    Ok(())
}

#[test]
fn retention_is_inherited_and_capped_for_transient_tables() -> Result<()> {
    let world = World::new()?;
    let mut database = Database::new(Header::new(ACCOUNT, "D", "SYSADMIN", 0));
    database.retention_days = Some(30);
    let schema = Schema::new(Header::new(database.header.id, "S", "SYSADMIN", 0));
    let mut table = world.table("T");
    table.header.parent = schema.header.id;
    let id = table.id();
    world.commit("create", |t| {
        t.apply(CatalogChange::create(database))?;
        t.apply(CatalogChange::create(schema))?;
        t.apply(CatalogChange::create(table))
    })?;
    let catalog = world.account.catalog();
    let mut table = catalog.table(id).expect("the table").as_ref().clone();
    assert_eq!(catalog.retention_days(&table), 30);
    table.kind = TableKind::Transient;
    assert_eq!(catalog.retention_days(&table), 1);
    assert_eq!(catalog.full_name(id), "D.S.T");
    Ok(())
}

#[test]
fn clones_share_files_and_go_their_own_way() -> Result<()> {
    let world = World::new()?;
    let mut table = world.table("T");
    let sequence = Sequence::new(Header::new(table.id(), "A", "SYSADMIN", 0), 1, 1, true);
    table.columns[0].default = Some(ColumnDefault::Identity {
        sequence: sequence.header.id,
        start: 1,
        step: 1,
        ordered: true,
    });
    let table_id = table.id();
    world.commit("create", |t| {
        t.apply(CatalogChange::create(table))?;
        t.apply(CatalogChange::create(sequence))
    })?;
    world.append(table_id, "p", 10)?;
    let then = world.clock.now_nanos();
    world.append(table_id, "q", 5)?;
    let target = |parent: ObjectId, name: &str| CloneTarget {
        header: Header::new(parent, name, "SYSADMIN", world.clock.now_nanos()),
        mode: CreateMode::New,
        kind: None,
    };
    let mut ids = Vec::new();
    world.commit("clones", |t| {
        ids.push(t.clone_object(table_id, None, target(PUBLIC, "NOW"))?);
        ids.push(t.clone_object(table_id, Some(&TimePoint::At(then)), target(PUBLIC, "THEN"))?);
        ids.push(t.clone_object(PUBLIC, None, target(ObjectId(1), "COPY"))?);
        Ok(())
    })?;
    world.append(ids[0], "r", 1)?;
    let catalog = world.other()?.account.catalog();
    assert_eq!((world.rows(table_id), world.rows(ids[0]), world.rows(ids[1])), (15, 16, 10));
    let copied = find(&catalog, "T").and_then(|_| {
        catalog.find(Namespace::Relation, ids[2], "T").and_then(Object::as_table).cloned()
    });
    let copied = copied.expect("the schema's table");
    assert_eq!(copied.snapshot.rows(), 15);
    let Some(ColumnDefault::Identity { sequence, .. }) = copied.columns[0].default else {
        panic!("a sequence of its own");
    };
    let sequence = catalog.object(sequence).expect("the sequence");
    assert_eq!(sequence.header().parent, copied.id());
    let error = world.begin().clone_object(table_id, Some(&TimePoint::At(0)), target(PUBLIC, "X"));
    assert_eq!(error.expect_err("no past").code(), ErrorCode::TimeTravelUnavailable);
    Ok(())
}

#[test]
fn the_sweeper_deletes_what_cannot_be_seen_and_nothing_else() -> Result<()> {
    let access = ObjectAccess::memory();
    let world = World::on(access, Clock::fixed(Clock::system().now_nanos()))?;
    let write = |name: &str| -> Result<Partition> {
        let partition = partition(name, 1);
        world.access.put(&partition.path, "bytes".into())?;
        Ok(partition)
    };
    let files = || -> Result<Vec<String>> {
        let files = world.access.list(path::DATA)?.into_iter();
        Ok(files.map(|file| file.path.replace("data/x/", "")).collect())
    };
    let (table, dropped) = (world.create("T")?, world.create("D")?);
    for (table, name) in [(table, "live"), (table, "removed"), (dropped, "dropped")] {
        world.commit(name, |t| t.append(table, vec![write(name)?]))?;
    }
    write("orphan")?;
    let gone = [PartitionId("removed".to_string())];
    world.commit("remove", |t| {
        t.replace_partitions(table, &gone, Vec::new())?;
        t.apply(CatalogChange::Drop { id: dropped })
    })?;
    world.account.checkpoint()?;
    assert_eq!(world.account.sweep(DAY)?, Swept::default());
    assert_eq!(world.account.sweep(-DAY)?.files, 1, "the orphan");
    assert_eq!(files()?, ["dropped", "live", "removed"]);
    world.clock.advance(3 * DAY);
    let version = world.account.catalog().version();
    let swept = world.account.sweep(DAY)?;
    assert_eq!((swept.objects, swept.files), (1, 2));
    assert_eq!(files()?, ["live"]);
    let other = world.other()?;
    assert_eq!((other.rows(table), other.account.catalog().version()), (1, version + 1));
    assert!(other.account.catalog().object(dropped).is_none());
    assert_eq!(other.access.list(path::LOG)?.len(), 1, "the log before the checkpoint is gone");
    Ok(())
}
