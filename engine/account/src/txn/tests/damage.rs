//! A log with holes, forks and damaged files: named, never taken for what it is not.

use firn_storage::{MasterKey, path};
use firn_types::{Error, ErrorCode, Result};

use super::*;

/// An account with `count` rows, each by a commit of its own.
fn account(count: u64) -> Result<(World, ObjectId)> {
    let world = World::new()?;
    let table = world.create("T")?;
    for n in 0..count {
        world.append(table, &format!("p{n}"), 1)?;
    }
    Ok((world, table))
}

/// The error of opening the account again.
fn refused(world: &World) -> Error {
    let error = world.other().err().expect("a damaged account");
    assert_eq!(error.code(), ErrorCode::CorruptFile, "{error}");
    error
}

#[test]
fn a_missing_commit_is_named_and_not_filled() -> Result<()> {
    for checkpoint in [false, true] {
        let (world, table) = account(4)?;
        if checkpoint {
            world.account.checkpoint()?;
        }
        world.append(table, "later", 1)?;
        world.append(table, "last", 1)?;
        let version = world.account.catalog().version();
        world.access.delete(&path::log_object(version - 1))?;
        let error = refused(&world);
        assert!(error.detail().contains(&path::log_object(version - 1)), "{error}");
        assert!(error.detail().contains("missing"), "{error}");
    }
    Ok(())
}

#[test]
fn a_hole_that_appears_while_a_process_runs_is_not_filled() -> Result<()> {
    for encrypted in [false, true] {
        let folder = std::env::temp_dir().join(format!("firn-hole-{}", uuid::Uuid::new_v4()));
        let plain = ObjectAccess::folder(&folder)?;
        let access = match encrypted {
            true => plain.sealed(&MasterKey::new([7; 32]), 1)?,
            false => plain,
        };
        let world = World::on(access, Clock::system())?;
        let table = world.create("T")?;
        let slow = world.other()?;
        world.append(table, "one", 1)?;
        let hole = world.append(table, "two", 1)? - 1;
        world.access.delete(&path::log_object(hole))?;
        let error = slow.append(table, "three", 1).expect_err("a hole");
        assert_eq!(error.code(), ErrorCode::CorruptFile);
        assert!(error.detail().contains(&path::log_object(hole)), "{error}");
        assert!(world.access.head(&path::log_object(hole))?.is_none(), "it was filled");
        std::fs::remove_dir_all(folder).map_err(|e| Error::internal(e.to_string()))?;
    }
    Ok(())
}

#[test]
fn a_process_that_slept_finds_the_hole() -> Result<()> {
    let (world, table) = account(1)?;
    let sleeper = world.other()?;
    let first = world.append(table, "one", 1)?;
    world.append(table, "two", 1)?;
    world.access.delete(&path::log_object(first))?;
    world.clock.advance(DAY);
    let error = sleeper.account.refresh().expect_err("a hole");
    assert!(error.detail().contains(&path::log_object(first)), "{error}");
    Ok(())
}

#[test]
fn a_commit_of_another_history_is_refused() -> Result<()> {
    let (world, table) = account(2)?;
    let version = world.account.catalog().version();
    // The same account as it went on elsewhere.
    let elsewhere = ObjectAccess::memory();
    for object in world.access.list("")? {
        elsewhere.put(&object.path, world.access.get(&object.path)?)?;
    }
    let copy = World::on(elsewhere, world.clock.clone())?;
    copy.append(table, "theirs", 1)?;
    copy.append(table, "theirs too", 1)?;
    world.append(table, "ours", 1)?;
    let next = path::log_object(version + 2);
    world.access.put(&next, copy.access.get(&next)?)?;
    let error = refused(&world);
    assert!(error.detail().contains(&next), "{error}");
    let error = world.account.refresh().expect_err("a fork");
    assert!(error.detail().contains(&next), "{error}");
    Ok(())
}

#[test]
fn a_checkpoint_of_another_history_is_refused() -> Result<()> {
    let (world, table) = account(2)?;
    let copy = World::on(ObjectAccess::memory(), world.clock.clone())?;
    let other = copy.create("T")?;
    (0..2).try_for_each(|n| copy.append(other, &format!("q{n}"), 1).map(|_| ()))?;
    copy.account.checkpoint()?;
    world.append(table, "later", 1)?;
    let name = path::checkpoint(copy.account.catalog().version());
    world.access.put(&name, copy.access.get(&name)?)?;
    refused(&world);
    Ok(())
}

#[test]
fn objects_that_changed_places_are_refused() -> Result<()> {
    let (world, _) = account(3)?;
    let (a, b) = (path::log_object(2), path::log_object(3));
    let (first, second) = (world.access.get(&a)?, world.access.get(&b)?);
    world.access.put(&a, second)?;
    world.access.put(&b, first)?;
    assert!(refused(&world).detail().contains(&a));
    Ok(())
}

#[test]
fn an_unreadable_checkpoint_is_passed_over() -> Result<()> {
    let (world, table) = account(3)?;
    world.account.checkpoint()?;
    world.append(table, "later", 1)?;
    world.account.checkpoint()?;
    world.append(table, "last", 1)?;
    let checkpoints = world.access.list(path::CHECKPOINTS)?;
    assert_eq!(checkpoints.len(), 2);
    for damaged in checkpoints.iter().rev() {
        world.access.put(&damaged.path, "no checkpoint".into())?;
        let other = world.other()?;
        assert_eq!(other.rows(table), 5);
        assert_eq!(other.rows_at(table, TimePoint::AtStatement(id("p1")))?, 2);
    }
    // Without the log nothing says what it said.
    world.access.delete(&path::log_object(2))?;
    let error = refused(&world);
    assert!(error.detail().contains(&checkpoints[1].path), "{error}");
    Ok(())
}

#[test]
fn damage_inside_of_a_commit_is_named() -> Result<()> {
    let (world, table) = account(2)?;
    let rows = world.account.catalog().rows_of(table)?.clone();
    let before = rows.partitions()?.get(0).expect("a partition").id.clone();
    let version = world.commit("delete", |t| t.delete_rows(table, &before, bits(&[0])))?;
    let name = path::log_object(version);
    let text = world.access.get(&name)?;
    for at in 0..text.len() {
        let mut flipped = text.to_vec();
        flipped[at] ^= 0x04;
        world.access.put(&name, flipped.into())?;
        assert!(refused(&world).detail().contains(&name));
    }
    world.access.put(&name, text)?;
    assert_eq!(world.other()?.rows(table), 1);
    Ok(())
}
