//! The past: time travel, UNDROP, clones, what changed, what is swept away.

use firn_storage::{ObjectAccess, Partition, Snapshot, path};
use firn_types::clock::Clock;
use firn_types::{ErrorCode, ObjectId, PartitionId, Result};

use super::*;
use crate::catalog::{
    ACCOUNT, CatalogChange, Database, Header, Namespace, Object, Schema, TableKind,
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
    let difference = changes(&before, &appended)?;
    assert!(difference.is_append());
    assert_eq!(difference.inserted[0].partition.first_row_id, 10);
    world.commit("delete", |t| t.delete_rows(table, &PartitionId("p".to_string()), bits(&[2])))?;
    let after = world.account.catalog().rows_of(table)?.clone();
    let difference = changes(&before, &after)?;
    assert_eq!(difference.deleted[0].rows, Some(bits(&[2])));
    assert_eq!(difference.inserted.len(), 1);
    assert_eq!(changes(&after, &before)?.inserted[0].rows, Some(bits(&[2])));
    assert!(changes(&after, &after)?.is_empty());
    Ok(())
}

#[test]
fn retention_is_inherited_and_capped_for_transient_tables() -> Result<()> {
    let world = World::new()?;
    let mut database = Database::new(Header::new(ACCOUNT, "D", crate::catalog::SYSADMIN, 0));
    database.retention_days = Some(30);
    let schema = Schema::new(Header::new(database.header.id, "S", crate::catalog::SYSADMIN, 0));
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
    let table_id = world.create("T")?;
    world.append(table_id, "p", 10)?;
    let then = world.clock.now_nanos();
    world.append(table_id, "q", 5)?;
    let mut ids = Vec::new();
    world.commit("clones", |t| {
        let now = t.catalog().rows_of(table_id)?.clone();
        let past = t.snapshot_at(table_id, &TimePoint::At(then))?;
        for (name, rows) in [("NOW", now), ("THEN", past)] {
            ids.push(clone_table(&world, t, table_id, name, rows)?);
        }
        Ok(())
    })?;
    world.append(ids[0], "r", 1)?;
    for world in [&world, &world.other()?] {
        assert_eq!((world.rows(table_id), world.rows(ids[0]), world.rows(ids[1])), (15, 16, 10));
    }
    let error = world.begin().snapshot_at(table_id, &TimePoint::At(0));
    assert_eq!(error.expect_err("no past").code(), ErrorCode::TimeTravelUnavailable);
    Ok(())
}

/// A second table over rows of another.
fn clone_table(
    world: &World,
    transaction: &mut Transaction,
    source: ObjectId,
    name: &str,
    rows: Arc<Snapshot>,
) -> Result<ObjectId> {
    let header = Header::new(PUBLIC, name, crate::catalog::SYSADMIN, world.clock.now_nanos());
    let id = header.id;
    let source = transaction.catalog().object(source).cloned().expect("the source");
    let mut object = source.copied(header);
    if let Object::Table(table) = &mut object {
        Arc::make_mut(table).snapshot = rows;
    }
    transaction.apply(CatalogChange::create(object))?;
    Ok(id)
}

/// A vacuum that does all that there is to do.
fn vacuum(world: &World, grace_nanos: i64) -> Result<Vacuumed> {
    let done = world.account.vacuum(grace_nanos, &|| true)?;
    assert!(done.finished);
    Ok(done)
}

/// The names of the files of micro-partitions.
fn data(world: &World) -> Result<Vec<String>> {
    let files = world.access.list(path::DATA)?.into_iter();
    Ok(files.filter_map(|file| Some(file.path.rsplit_once('/')?.1.to_string())).collect())
}

/// A world whose clock shows what the store's does.
fn vacuumed_world() -> Result<World> {
    World::on(ObjectAccess::memory(), Clock::fixed(Clock::system().now_nanos()))
}

/// A micro-partition of a table, with a file.
fn written(world: &World, table: ObjectId, name: &str) -> Result<Partition> {
    let mut partition = partition(name, 1);
    partition.path = format!("{}/{name}", path::table_data(table));
    world.access.put(&partition.path, "bytes".into())?;
    Ok(partition)
}

#[test]
fn a_vacuum_deletes_what_cannot_be_seen_and_nothing_else() -> Result<()> {
    let world = vacuumed_world()?;
    let (table, dropped) = (world.create("T")?, world.create("D")?);
    for (table, name) in [(table, "live"), (table, "removed"), (dropped, "dropped")] {
        world.commit(name, |t| t.append(table, vec![written(&world, table, name)?]))?;
    }
    written(&world, table, "orphan")?;
    let gone = [PartitionId("removed".to_string())];
    world.commit("remove", |t| {
        t.replace_partitions(table, &gone, Vec::new())?;
        t.apply(CatalogChange::Drop { id: dropped })
    })?;
    world.account.checkpoint()?;
    for grace in [DAY, -DAY] {
        let done = vacuum(&world, grace)?;
        assert_eq!((done.objects, done.files, done.dead_files()), (0, 0, 2), "all can be seen");
    }
    let mut files = data(&world)?;
    files.sort();
    assert_eq!(files, ["dropped", "live", "orphan", "removed"]);
    world.clock.advance(3 * DAY);
    let version = world.account.catalog().version();
    let done = vacuum(&world, DAY)?;
    assert_eq!((done.objects, done.files, done.dead_files()), (1, 3, 0));
    assert_eq!(data(&world)?, ["live"]);
    let other = world.other()?;
    assert_eq!((other.rows(table), other.account.catalog().version()), (1, version + 1));
    assert!(other.account.catalog().object(dropped).is_none());
    assert_eq!(other.access.list(path::LOG)?.len(), 1, "the log before the checkpoint is gone");
    Ok(())
}

#[test]
fn a_vacuum_that_is_stopped_is_gone_on_with_by_another_process() -> Result<()> {
    let world = vacuumed_world()?;
    let table = world.create("T")?;
    let names: Vec<String> = (0..10).map(|n| format!("p{n}")).collect();
    let gone: Vec<PartitionId> = names.iter().cloned().map(PartitionId).collect();
    world.commit("add", |t| {
        let files = names.iter().map(|name| written(&world, table, name));
        t.append(table, files.collect::<Result<_>>()?)
    })?;
    world.commit("remove", |t| t.replace_partitions(table, &gone, Vec::new()))?;
    vacuum(&world, DAY)?;
    world.clock.advance(3 * DAY);
    let left = std::cell::Cell::new(4);
    let go_on = || left.replace(left.get() - 1) > 0;
    let done = world.account.vacuum(DAY, &go_on)?;
    assert_eq!((done.finished, done.files), (false, 4));
    let other = world.other()?;
    assert!(other.account.vacuumed_nanos()? < world.clock.now_nanos());
    assert_eq!(vacuum(&other, DAY)?.files, 6);
    assert_eq!(other.account.vacuumed_nanos()?, world.clock.now_nanos());
    Ok(())
}

#[test]
fn files_of_a_clone_stay_as_long_as_it_can_be_seen() -> Result<()> {
    let world = vacuumed_world()?;
    let table = world.create("T")?;
    world.commit("add", |t| t.append(table, vec![written(&world, table, "shared")?]))?;
    let mut clone = world.table("C");
    clone.retention_days = Some(30);
    let clone_id = clone.id();
    world.commit("clone", |t| {
        let rows =
            t.catalog().rows_of(table)?.partitions()?.get(0).expect("a partition").as_ref().clone();
        t.apply(CatalogChange::create(clone))?;
        t.append(clone_id, vec![rows])
    })?;
    vacuum(&world, DAY)?;
    let gone = [PartitionId("shared".to_string())];
    world.commit("remove", |t| {
        t.replace_partitions(table, &gone, Vec::new())?;
        t.replace_partitions(clone_id, &gone, Vec::new())
    })?;
    for (days, files) in [(0, 0), (10, 0), (10, 0), (12, 1)] {
        world.clock.advance(days * DAY);
        assert_eq!(vacuum(&world, DAY)?.files, files, "after {days} more days");
    }
    Ok(())
}

#[test]
fn a_clone_of_the_past_brings_a_dead_file_back() -> Result<()> {
    let world = vacuumed_world()?;
    let mut table = world.table("T");
    table.retention_days = Some(5);
    let id = table.id();
    world.commit("create", |t| t.apply(CatalogChange::create(table)))?;
    world.commit("add", |t| t.append(id, vec![written(&world, id, "back")?]))?;
    let then = world.clock.now_nanos();
    let gone = [PartitionId("back".to_string())];
    world.commit("remove", |t| t.replace_partitions(id, &gone, Vec::new()))?;
    assert_eq!(vacuum(&world, DAY)?.dead_files(), 1);
    world.clock.advance(4 * DAY);
    world.commit("clone", |t| {
        let past = t.snapshot_at(id, &TimePoint::At(then))?;
        clone_table(&world, t, id, "C", past).map(|_| ())
    })?;
    world.clock.advance(10 * DAY);
    let done = vacuum(&world, DAY)?;
    assert_eq!((done.files, done.dead_files()), (0, 0));
    assert_eq!(data(&world)?, ["back"]);
    Ok(())
}

#[test]
fn checkpoints_that_rest_on_others_say_the_same() -> Result<()> {
    let world = World::new()?;
    let mut tables = Vec::new();
    for n in 0..300 {
        tables.push(world.create(&format!("T{n}"))?);
    }
    let mut full = 0;
    for n in 0..60 {
        let table = tables[n % tables.len()];
        world.append(table, &format!("p{n}"), 1)?;
        world.commit("more", |t| {
            t.apply(CatalogChange::Drop { id: tables[100 + n] })?;
            t.apply(CatalogChange::SetParameter {
                on: ACCOUNT,
                name: format!("P{}", n / 20),
                value: Some(n.to_string()),
            })
        })?;
        if n == 30 {
            world.commit("undrop", |t| t.apply(CatalogChange::Undrop { id: tables[105] }))?;
            world.commit("purge", |t| t.apply(CatalogChange::Purge { id: tables[107] }))?;
        }
        world.account.checkpoint()?;
        // A process that goes on from a checkpoint writes ones that rest on the same.
        let other = world.other()?;
        other.append(table, &format!("q{n}"), 1)?;
        other.account.checkpoint()?;
        world.account.refresh()?;
        let written = world.account.log().checkpoint(other.account.catalog().version())?;
        full += usize::from(written.base.is_none());
        let (mine, theirs) = (world.account.catalog(), world.other()?.account.catalog());
        let shown = |catalog: &Catalog| {
            let objects = catalog.all().map(|object| {
                let rows =
                    catalog.rows_of(object.id()).map_or(0, |rows| rows.rows().expect("known"));
                format!("{:?} {rows}", object.header())
            });
            let parameters = catalog.parameters(ACCOUNT).map(|(n, v)| format!("{n}={v}"));
            objects.chain(parameters).collect::<Vec<_>>()
        };
        assert_eq!(shown(&mine), shown(&theirs));
        assert_eq!(dropped(&mine), dropped(&theirs));
    }
    assert!(full < 5, "{full} of 60 checkpoints are full ones");
    // Without the one that it rests on a checkpoint says nothing; the log still does.
    for checkpoint in world.access.list(path::CHECKPOINTS)?.iter().rev().skip(1) {
        world.access.delete(&checkpoint.path)?;
    }
    assert_eq!(world.other()?.rows(tables[1]), world.rows(tables[1]));
    Ok(())
}

fn dropped(catalog: &Catalog) -> Vec<ObjectId> {
    catalog.dropped(Namespace::Relation, PUBLIC).into_iter().map(Object::id).collect()
}
