//! Blocks and bodies in which words were lost, doubled and exchanged: each runs, or is refused, and none meets a fault
//! of firn's own.

use std::path::Path;

use firn_tests::Numbers;
use firn_tests::{CONFIGURATIONS, EngineUnderTest, Place, files_below};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// Mutations of each block.
const ROUNDS: usize = 4;
/// Words that are put into blocks.
const WORDS: &[&str] = &[
    "BEGIN",
    "END",
    "DECLARE",
    "LET",
    "IF",
    "THEN",
    "FOR",
    "IN",
    "DO",
    "LOOP",
    "RETURN",
    "TABLE",
    "CALL",
    "ASYNC",
    "AWAIT",
    "CANCEL",
    "ALL",
    "CURSOR",
    "RESULTSET",
    "PROCEDURE",
    "EXCEPTION",
    "WHEN",
    "OTHER",
    "RAISE",
    "NULL",
    ":=",
    ";",
    "(",
    ")",
    ",",
    "'",
    "$$",
    ":x",
    "?",
    "1",
    "x",
];

/// The statements of the tests that hold blocks.
fn blocks() -> Outcome<Vec<String>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("slt");
    let mut found = Vec::new();
    for part in ["script", "user_function", "procedure"] {
        for file in files_below(&folder.join(part), "slt")? {
            let text = std::fs::read_to_string(file)?;
            for record in text.split("\n\n") {
                let lines = record.lines().skip_while(|line| {
                    line.starts_with('#')
                        || line.starts_with("statement")
                        || line.starts_with("query")
                });
                let lines: Vec<&str> = lines.take_while(|line| *line != "----").collect();
                let sql = lines.join("\n");
                let waits = ["SYSTEM$WAIT", "endless"].iter().any(|word| sql.contains(word));
                if sql.contains("BEGIN") && !waits {
                    found.push(sql);
                }
            }
        }
    }
    Ok(found)
}

/// The text with some of its words lost, doubled, exchanged or replaced.
fn mutated(text: &str, numbers: &mut Numbers) -> String {
    let mut words: Vec<&str> = text.split_inclusive([' ', '\n', ';', '(', ')']).collect();
    for _ in 0..=numbers.below(2) {
        let at = numbers.below(words.len());
        match numbers.below(4) {
            0 => drop(words.remove(at)),
            1 => words.insert(at, words[at]),
            2 => {
                let other = numbers.below(words.len());
                words.swap(at, other);
            }
            _ => words.insert(at, WORDS[numbers.below(WORDS.len())]),
        }
        if words.is_empty() {
            break;
        }
    }
    words.join(" ")
}

#[test]
fn blocks_with_words_out_of_place_are_run_or_refused() -> Outcome<()> {
    let blocks = blocks()?;
    assert!(blocks.len() > 100, "only {} blocks", blocks.len());
    let configuration = CONFIGURATIONS.iter().find(|one| one.place == Place::Memory);
    let engine = EngineUnderTest::new(*configuration.ok_or("no configuration in memory")?)?;
    let mut connection = engine.connect()?;
    connection.execute("ALTER SESSION SET STATEMENT_TIMEOUT_IN_SECONDS = 1")?;
    let mut numbers = Numbers(42);
    let (mut ran, mut refused) = (0, 0);
    for block in &blocks {
        for _ in 0..ROUNDS {
            let sql = mutated(block, &mut numbers);
            match connection.execute(&sql) {
                Ok(_) => ran += 1,
                Err(failure) => {
                    let text = failure.to_string();
                    assert!(!text.contains("met a fault"), "{sql}\n{text}");
                    refused += 1;
                }
            }
        }
    }
    assert!(ran > 0 && refused > 0, "{ran} ran, {refused} were refused");
    Ok(())
}
