//! The house's rules that a compiler does not check: lengths, words, docs, and who may know whom.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use firn_tests::files_below;

/// No source file is longer.
const LINES_MAX: usize = 800;

/// Words that no file of the project holds; each is written here in two parts.
const BANNED: &[(&str, &str)] = &[
    ("/wo", "rk/"),
    ("/ho", "me/"),
    ("/ro", "ot/"),
    ("sha", "red/snowflake"),
    ("HELP", "ERS.md"),
    ("Clau", "de"),
    ("Anth", "ropic"),
    ("Chat", "GPT"),
    ("co-auth", "ored"),
    ("work", "tree"),
];

/// What each crate may use of the others.
const FENCES: &[(&str, &[&str])] = &[
    ("engine/types", &[]),
    ("engine/column", &["types"]),
    ("engine/functions", &["column", "types"]),
    ("engine/javascript", &["functions", "column", "types"]),
    ("engine/python", &["functions", "column", "types"]),
    ("engine/expression", &["functions", "column", "types"]),
    ("engine/storage", &["column", "types"]),
    ("engine/account", &["storage", "column", "types"]),
    ("engine/service", &["account", "storage", "types"]),
    ("loader", &["column", "types"]),
    ("engine/parse", &["types"]),
    ("engine/plan", &["account", "storage", "expression", "functions", "types"]),
    (
        "engine/query",
        &["parse", "plan", "account", "storage", "expression", "functions", "column", "types"],
    ),
    (
        "engine/execute",
        &["plan", "expression", "functions", "storage", "account", "loader", "column", "types"],
    ),
    (
        "engine/session",
        &[
            "execute",
            "query",
            "plan",
            "parse",
            "expression",
            "functions",
            "javascript",
            "python",
            "service",
            "storage",
            "account",
            "loader",
            "column",
            "types",
        ],
    ),
    ("engine/server", &["engine", "column", "types"]),
    ("engine/allocator", &[]),
    ("shell", &["engine", "server", "allocator", "loader", "types"]),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("tests/ lies in the workspace")
        .to_path_buf()
}

/// Every source file of the workspace, with its path in it.
fn sources() -> Vec<(String, String)> {
    let root = root();
    let folders = ["engine", "loader", "shell", "tests"];
    let files =
        folders.iter().flat_map(|folder| files_below(&root.join(folder), "rs").expect("readable"));
    files.map(|file| (short(&root, &file), fs::read_to_string(&file).expect("UTF-8"))).collect()
}

fn short(root: &Path, file: &Path) -> String {
    file.strip_prefix(root).unwrap_or(file).to_string_lossy().replace('\\', "/")
}

fn none(what: &str, found: Vec<String>) {
    assert!(found.is_empty(), "{what}:\n  {}", found.join("\n  "));
}

#[test]
fn no_file_is_too_long() {
    let long = sources().into_iter().filter(|(_, text)| text.lines().count() > LINES_MAX);
    none("files of more than 800 lines", long.map(|(file, _)| file).collect());
}

#[test]
fn every_file_begins_with_its_doc() {
    let bare = sources().into_iter().filter(|(_, text)| !text.starts_with("//!"));
    none("files without a module doc", bare.map(|(file, _)| file).collect());
}

#[test]
fn the_project_speaks_of_itself_alone() {
    let root = root();
    let mut texts = sources();
    for extension in ["md", "sql", "slt", "toml", "csv", "json"] {
        for folder in ["engine", "loader", "shell", "tests", "docs", "sample_data"] {
            for file in files_below(&root.join(folder), extension).unwrap_or_default() {
                texts.push((short(&root, &file), fs::read_to_string(&file).unwrap_or_default()));
            }
        }
    }
    for file in ["README.md", "ARCHITECTURE.md", "Cargo.toml", ".ci/run"] {
        texts.push((file.to_string(), fs::read_to_string(root.join(file)).unwrap_or_default()));
    }
    let mut found = Vec::new();
    for (file, text) in texts {
        for (one, two) in BANNED {
            let word = format!("{one}{two}").to_lowercase();
            for (index, line) in text.lines().enumerate() {
                if line.to_lowercase().contains(&word) {
                    found.push(format!("{file}:{}: {word}", index + 1));
                }
            }
        }
    }
    none("words that do not belong here", found);
}

#[test]
fn crates_keep_to_their_floor() {
    let root = root();
    let mut found = Vec::new();
    for (folder, may_use) in FENCES {
        let manifest =
            fs::read_to_string(root.join(folder).join("Cargo.toml")).expect("a manifest");
        let used = manifest.lines().skip_while(|line| *line != "[dependencies]").skip(1);
        for line in used.take_while(|line| !line.starts_with('[')) {
            let name =
                line.strip_prefix("firn-").and_then(|rest| rest.split([' ', '.', '=']).next());
            if let Some(name) = name
                && !may_use.contains(&name)
            {
                found.push(format!("{folder} uses firn-{name}"));
            }
        }
    }
    none("dependencies that go up", found);
}

#[test]
fn planning_knows_no_storage() {
    let below = |file: &str| {
        ["engine/plan/src", "engine/query/src"].iter().any(|room| file.starts_with(room))
    };
    let mut found = Vec::new();
    for (file, text) in sources() {
        for line in text.lines().filter(|line| line.trim_start().starts_with("use ")) {
            let imports = |library: &str| line.contains(&format!("use {library}::"));
            if below(&file)
                && ["arrow", "parquet", "object_store", "rayon"].into_iter().any(imports)
            {
                found.push(format!("{file}: {line}"));
            }
            if imports("sqlparser") && !file.starts_with("engine/parse/src") {
                found.push(format!("{file}: {line}"));
            }
        }
    }
    none("imports over a fence", found);
}

#[test]
fn paths_in_the_architecture_exist() {
    let root = root();
    let text = fs::read_to_string(root.join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    let quoted = text.split('`').skip(1).step_by(2);
    let paths = quoted.filter(|word| {
        ["engine/", "loader/", "shell/", "tests/", "docs/", "sample_data/"]
            .iter()
            .any(|top| word.starts_with(top))
            && !word.contains([' ', '*', '{'])
    });
    let missing = paths.filter(|path| !root.join(path).exists()).map(str::to_string).collect();
    none("paths that ARCHITECTURE.md names and that do not exist", missing);
}

/// Whether a word of `docs/guarantees.md` is a file or a folder, or a test: a function, or a trial of that name.
fn is_test(word: &str, files: &[PathBuf], code: &str) -> bool {
    let name = word.strip_suffix("..").unwrap_or(word);
    [root(), root().join("tests")].iter().any(|folder| folder.join(name).exists())
        || files.iter().any(|file| file.ends_with(name))
        || [format!("fn {name}"), format!("(\"{name}"), format!("(format!(\"{name}")]
            .iter()
            .any(|test| code.contains(test))
}

#[test]
fn promises_name_tests_that_exist() {
    let text = fs::read_to_string(root().join("docs/guarantees.md")).expect("guarantees.md");
    let promises = text.lines().filter(|line| line.starts_with("| ") && line.contains('`'));
    let tests = promises.filter_map(|line| line.trim_end_matches(" |").rsplit(" | ").next());
    let words: Vec<&str> = tests.flat_map(|tests| tests.split('`').skip(1).step_by(2)).collect();
    assert!(words.len() > 50, "the promises are not found");
    let sources = sources();
    let mut files = files_below(&root().join("tests/slt"), "slt").expect("readable");
    files.extend(sources.iter().map(|(file, _)| PathBuf::from(file)));
    let code: String = sources.into_iter().map(|(_, text)| text).collect();
    let missing = words.iter().filter(|word| !is_test(word, &files, &code));
    none("tests that docs/guarantees.md names", missing.map(ToString::to_string).collect());
}

/// The folders of a crate's `src`.
fn rooms(crate_folder: &str) -> BTreeSet<String> {
    let entries =
        fs::read_dir(root().join(crate_folder).join("src")).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.path().is_dir());
    folders.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

/// Of the folders of a crate, those that each one's files name.
fn uses_of_rooms(crate_folder: &str) -> BTreeMap<String, BTreeSet<String>> {
    let rooms = rooms(crate_folder);
    let mut uses: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let tested = |file: &str| !file.contains("/tests/") && !file.ends_with("/tests.rs");
    for (file, text) in sources().into_iter().filter(|(file, _)| tested(file)) {
        let inside = file.strip_prefix(&format!("{crate_folder}/src/"));
        let Some((own, _)) = inside.and_then(|path| path.split_once('/')) else { continue };
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let code = code.lines().filter(|line| !line.trim_start().starts_with("//"));
        let named = code.flat_map(|line| line.split("crate::").skip(1)).map(|rest| {
            rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default()
        });
        let others = named.filter(|name| *name != own && rooms.contains(*name));
        uses.entry(own.to_string()).or_default().extend(others.map(str::to_string));
    }
    uses
}

/// The folders of a crate stand on each other like its floors: none is used by one that it uses.
#[test]
fn rooms_of_a_crate_have_an_order() {
    let mut circles = Vec::new();
    for (crate_folder, _) in FENCES {
        let mut left = uses_of_rooms(crate_folder);
        // Whoever uses none of those that are left stands below them.
        while let Some(lowest) = left
            .iter()
            .find(|(_, used)| !used.iter().any(|used| left.contains_key(used)))
            .map(|(room, _)| room.clone())
        {
            left.remove(&lowest);
        }
        if !left.is_empty() {
            circles.push(format!("{crate_folder}: {left:?}"));
        }
    }
    none("rooms use each other", circles);
}
