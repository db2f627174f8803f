//! List-append: processes that are killed at any time append to lists in several tables of one account, on a folder,
//! in a bucket, and in a bucket that loses answers. What all of them have seen must be one history: nothing that was
//! acknowledged is lost, nothing is there twice or in part, and no read goes back.
//!
//! `FIRN_KILLS=1000 cargo test -p firn-tests --test list_append` is the long run: so many kills at each place.
//! The test is its own process to be killed: with an account in its environment it answers statements.

mod history;
mod process;
mod work;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use firn_tests::S3Server;
use libtest_mimic::{Arguments, Failed, Trial};
use tempfile::TempDir;

use history::History;
use process::{Place, Processes};

/// Kills at each place, when none are asked for.
const KILLS: u64 = 6;
/// Kills until the next account, so that lists stay short.
const KILLS_A_ROUND: u64 = 25;
/// Writes of a thousand that fail in the bucket that loses answers.
const FAULTS: u64 = 40;
/// Processes that write, and are killed; one more only reads.
const WRITERS: usize = 3;
/// How long nobody is killed at most.
const PAUSE_MAX_MS: u64 = 900;

fn main() {
    if let Some(place) = Place::of_this_process() {
        process::answer(&place);
        return;
    }
    let mut trials = history::tests();
    trials.push(Trial::test("on_a_folder", || long(on_a_folder)));
    trials.push(Trial::test("in_a_bucket", || long(|seed, kills| in_a_bucket(seed, kills, 0))));
    let flaky = |seed, kills| in_a_bucket(seed, kills, FAULTS);
    trials.push(Trial::test("in_a_bucket_that_loses_answers", move || long(flaky)));
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

/// As many rounds as the kills that are asked for take.
fn long(round: impl Fn(u64, u64) -> Result<History, String>) -> Result<(), Failed> {
    let kills = std::env::var("FIRN_KILLS").ok().and_then(|kills| kills.parse().ok());
    let mut left: u64 = kills.unwrap_or(KILLS);
    let mut seed = 1;
    while left > 0 {
        let kills = left.min(KILLS_A_ROUND);
        let history = round(seed, kills)?;
        if !history.has_commits() {
            return Err(format!("seed {seed}: nothing was committed").into());
        }
        let faults = history.faults();
        if !faults.is_empty() {
            return Err(format!("seed {seed}:\n{}", faults.join("\n")).into());
        }
        eprintln!("seed {seed}, {kills} kills: {}", history.summary());
        left -= kills;
        seed += 1;
    }
    Ok(())
}

fn on_a_folder(seed: u64, kills: u64) -> Result<History, String> {
    let folder = TempDir::new().map_err(|error| error.to_string())?;
    let account = folder.path().join("account").to_string_lossy().into_owned();
    round(&Place::Folder { account }, seed, kills)
}

fn in_a_bucket(seed: u64, kills: u64, faults: u64) -> Result<History, String> {
    let server = S3Server::start().map_err(|error| error.to_string())?;
    let place = Place::Bucket { endpoint: server.endpoint().to_string(), faults, seed };
    round(&place, seed, kills)
}

/// Writers and a reader at work until so many of the writers have been killed, and what they have seen.
fn round(place: &Place, seed: u64, kills: u64) -> Result<History, String> {
    let safe = place.without_faults();
    work::make_tables(&mut process::Process::start(&safe)?)?;
    let (processes, over) = (Processes::new(WRITERS), AtomicBool::new(false));
    let (processes, over, start) = (&processes, &over, Instant::now());
    let histories = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|number| {
                let place = place.of_process(number as u64);
                scope.spawn(move || {
                    let mut writer = work::Worker::new(seed, number, start);
                    while !over.load(Ordering::SeqCst) {
                        writer.live(&mut processes.start(number, &place)?, over)?;
                    }
                    Ok::<History, String>(writer.history)
                })
            })
            .collect();
        let reader = scope.spawn(|| {
            let mut reader = work::Worker::new(seed, WRITERS, start);
            let mut process = process::Process::start(&safe)?;
            while !over.load(Ordering::SeqCst) {
                if !reader.read(&mut process)? {
                    return Err("the process that only reads has ended by itself".to_string());
                }
            }
            Ok(reader.history)
        });
        let mut random = work::Random(seed);
        for _ in 0..kills {
            std::thread::sleep(Duration::from_millis(random.below(PAUSE_MAX_MS)));
            processes.kill(random.below(WRITERS as u64) as usize);
            if writers.iter().any(std::thread::ScopedJoinHandle::is_finished) {
                break;
            }
        }
        over.store(true, Ordering::SeqCst);
        let all = writers.into_iter().chain([reader]).map(|worker| worker.join());
        all.map(|history| history.map_err(|_| "a worker panicked".to_string())?)
            .collect::<Result<Vec<History>, String>>()
    })?;
    let mut last = work::Worker::new(seed, WRITERS + 1, start);
    if !last.read(&mut process::Process::start(&safe)?)? {
        return Err("the process of the last read has ended by itself".to_string());
    }
    Ok(histories.into_iter().chain([last.history]).collect())
}
