//! Lists of micro-partitions: read when they are asked for, written as far as they changed.

use firn_storage::path;

use super::*;

const HOUR: i64 = 3_600 * SECOND;

/// An account with a table of 700 micro-partitions and another one, both in a checkpoint.
fn account() -> Result<(World, ObjectId, ObjectId)> {
    let world = World::new()?;
    let (long, short) = (world.create("LONG")?, world.create("SHORT")?);
    world.commit("load", |t| {
        t.append(long, (0..700).map(|n| partition(&format!("l{n}"), 2)).collect())
    })?;
    world.append(short, "s", 5)?;
    world.account.checkpoint()?;
    Ok((world, long, short))
}

fn lists(world: &World, table: ObjectId) -> Result<Vec<String>> {
    let files = world.access.list(&path::table_meta(table))?;
    Ok(files.into_iter().map(|file| file.path).collect())
}

#[test]
fn an_account_opens_without_its_lists_and_names_one_that_is_missing() -> Result<()> {
    let (world, long, short) = account()?;
    world.append(long, "more", 1)?;
    let gone = lists(&world, long)?;
    gone.iter().try_for_each(|list| world.access.delete(list))?;
    let other = world.other()?;
    assert_eq!((other.rows(long), other.rows(short)), (1_401, 5));
    let catalog = other.account.catalog();
    let error = catalog.rows_of(long)?.partitions().expect_err("its list is gone");
    assert_eq!(error.code(), ErrorCode::CorruptFile);
    assert!(gone.iter().any(|list| error.detail().contains(list)), "{error}");
    assert_eq!(catalog.rows_of(short)?.partitions()?.len(), 1);
    // Who does not need it goes on.
    other.append(short, "t", 1)?;
    other.append(long, "u", 1)?;
    assert_eq!((other.rows(long), other.rows(short)), (1_402, 6));
    Ok(())
}

#[test]
fn a_checkpoint_writes_what_has_changed_of_a_list() -> Result<()> {
    let (world, long, _) = account()?;
    let first = lists(&world, long)?.len();
    for n in 0..10 {
        world.append(long, &format!("m{n}"), 1)?;
        world.account.checkpoint()?;
    }
    let other = world.other()?;
    for n in 10..20 {
        other.append(long, &format!("m{n}"), 1)?;
        other.account.checkpoint()?;
    }
    let all = lists(&world, long)?.len();
    assert!(all <= first + 20 + 2, "{first} lists became {all}");
    let other = world.other()?;
    assert_eq!(other.account.catalog().rows_of(long)?.partitions()?.len(), 720);
    Ok(())
}

#[test]
fn an_old_list_is_written_anew_and_one_that_nobody_read_is_found_again() -> Result<()> {
    let (world, long, _) = account()?;
    let sleeper = world.other()?;
    let old = lists(&world, long)?;
    for day in 0..6 {
        // Each of them refers only to young lists, so that the vacuum can tell when nobody needs the others.
        world.clock.advance(13 * HOUR);
        world.append(long, &format!("d{day}"), 1)?;
        world.account.checkpoint()?;
        sleeper.account.refresh()?;
        world.account.vacuum(0, &|| true)?;
    }
    // Stores know the time of day, not the clock of this test.
    for list in &old {
        world.access.delete(list)?;
    }
    assert_eq!(sleeper.account.catalog().rows_of(long)?.partitions()?.len(), 706);
    assert_eq!(world.other()?.account.catalog().rows_of(long)?.partitions()?.len(), 706);
    Ok(())
}
