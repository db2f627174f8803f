//! Load histories: read when a COPY asks, written once, no part of what a commit or a checkpoint costs.

use firn_storage::path;

use super::*;

const HOUR: i64 = 3_600 * SECOND;

fn load(world: &World, table: ObjectId, files: std::ops::Range<usize>) -> Result<u64> {
    let now = world.clock.now_nanos();
    world.commit(&format!("copy {}", files.start), |t| {
        t.record_loads(
            table,
            files.map(|n| LoadRecord::loaded(&format!("f{n}"), "e", now)).collect(),
        )
    })
}

/// An account with a table of which 1000 files in a checkpoint and one behind it are loaded.
fn account() -> Result<(World, ObjectId)> {
    let world = World::new()?;
    let table = world.create("T")?;
    load(&world, table, 0..1_000)?;
    world.account.checkpoint()?;
    load(&world, table, 1_000..1_001)?;
    Ok((world, table))
}

fn lists(world: &World, table: ObjectId) -> Result<Vec<String>> {
    let files = world.access.list(&path::table_meta(table))?;
    Ok(files.into_iter().map(|file| file.path).collect())
}

/// How many of the first so many files are loaded.
fn loaded(world: &World, table: ObjectId, files: usize) -> Result<usize> {
    let catalog = world.account.catalog();
    let loads = catalog.table(table).expect("the table").loads.read()?;
    Ok((0..files).filter(|n| loads.is_loaded(&format!("f{n}"), "e")).count())
}

#[test]
fn another_process_knows_what_was_loaded() -> Result<()> {
    let (world, table) = account()?;
    let other = world.other()?;
    assert!(!other.account.catalog().table(table).expect("it").loads.is_read());
    assert_eq!(loaded(&other, table, 2_000)?, 1_001);
    load(&other, table, 1_001..1_002)?;
    other.account.checkpoint()?;
    assert_eq!(loaded(&world.other()?, table, 2_000)?, 1_002);
    // Both load the same file: the second one is told, wherever the first one's is known from.
    let mut late = world.begin();
    late.record_loads(table, vec![LoadRecord::loaded("f2000", "e", 0)])?;
    load(&other, table, 2_000..2_001)?;
    let error = late.commit(&id("late")).expect_err("loaded twice");
    assert!(error.detail().contains("the same file was loaded"), "{error}");
    Ok(())
}

#[test]
fn a_checkpoint_costs_no_more_where_much_was_loaded() -> Result<()> {
    let world = World::new()?;
    let table = world.create("T")?;
    let mut sizes = Vec::new();
    for round in 0..20 {
        load(&world, table, round * 500..(round + 1) * 500)?;
        world.account.checkpoint()?;
        let checkpoints = world.access.list(path::CHECKPOINTS)?;
        sizes.push(checkpoints.last().expect("one").size);
    }
    let (first, last) = (sizes[0], sizes[19]);
    assert!(last < first + 4_000, "{first} bytes became {last}");
    assert_eq!(loaded(&world.other()?, table, 10_000)?, 10_000);
    Ok(())
}

#[test]
fn who_loads_nothing_needs_no_history() -> Result<()> {
    let (world, table) = account()?;
    let gone = lists(&world, table)?;
    assert_eq!(gone.len(), 1);
    world.access.delete(&gone[0])?;
    let other = world.other()?;
    other.append(table, "more", 1)?;
    assert_eq!(other.rows(table), 1);
    let error = loaded(&other, table, 1).expect_err("it is gone");
    assert_eq!(error.code(), ErrorCode::CorruptFile);
    assert!(error.detail().contains(&gone[0]), "{error}");
    // What forgets the history needs none.
    other.commit("truncate", |t| t.truncate(table))?;
    assert_eq!(loaded(&other, table, 1_001)?, 0);
    Ok(())
}

#[test]
fn old_files_are_written_anew_and_those_that_nobody_needs_are_deleted() -> Result<()> {
    let (world, table) = account()?;
    let sleeper = world.other()?;
    let old = lists(&world, table)?;
    for day in 0..6 {
        world.clock.advance(13 * HOUR);
        load(&world, table, 1_001 + day..1_002 + day)?;
        world.account.checkpoint()?;
        sleeper.account.refresh()?;
        world.account.vacuum(0, &|| true)?;
    }
    // Stores know the time of day, not the clock of this test.
    for list in &old {
        world.access.delete(list)?;
    }
    assert_eq!(loaded(&sleeper, table, 2_000)?, 1_007);
    assert_eq!(loaded(&world.other()?, table, 2_000)?, 1_007);
    Ok(())
}

#[test]
fn a_vacuum_keeps_the_files_of_the_newest_version_alone() -> Result<()> {
    let clock = Clock::fixed(Clock::system().now_nanos());
    let world = World::on(ObjectAccess::memory(), clock)?;
    let table = world.create("T")?;
    load(&world, table, 0..1_000)?;
    world.account.checkpoint()?;
    assert_eq!(lists(&world, table)?.len(), 1);
    world.account.vacuum(0, &|| true)?;
    world.clock.advance(10 * DAY);
    world.account.vacuum(0, &|| true)?;
    assert_eq!(loaded(&world.other()?, table, 1_000)?, 1_000);
    // The history begins anew; the list is dead, and waits until no checkpoint refers to it.
    world.commit("truncate", |t| t.truncate(table))?;
    world.account.checkpoint()?;
    world.account.vacuum(0, &|| true)?;
    assert_eq!(lists(&world, table)?.len(), 1);
    world.clock.advance(4 * DAY);
    world.account.vacuum(0, &|| true)?;
    assert!(lists(&world, table)?.is_empty());
    Ok(())
}
