//! Kinds of objects that Snowflake has and firn does not even know: statements about them are refused by name, since
//! only what Snowflake would not read is an error of syntax.

use firn_types::{Error, Result};

use super::super::reader::Reader;

/// Their words, in the singular.
const KINDS: [&str; 72] = [
    "AGENT",
    "APPLICATION",
    "APPLICATION PACKAGE",
    "APPLICATION ROLE",
    "ARTIFACT REPOSITORY",
    "AUTHENTICATION POLICY",
    "BACKUP POLICY",
    "BACKUP SET",
    "CATALOG",
    "CLASS",
    "COMPUTE POOL",
    "CONNECTION",
    "CONTACT",
    "CORTEX AGENT",
    "CORTEX SEARCH SERVICE",
    "DATA EXCHANGE",
    "DATA METRIC FUNCTION",
    "DATASET",
    "DBT PROJECT",
    "DCM PROJECT",
    "DYNAMIC ICEBERG TABLE",
    "EVENT TABLE",
    "EXPERIMENT",
    "EXTERNAL VOLUME",
    "FAILOVER GROUP",
    "FEATURE POLICY",
    "GATEWAY",
    "GIT BRANCH",
    "GIT REPOSITORY",
    "GIT TAG",
    "HYBRID TABLE",
    "ICEBERG TABLE",
    "IMAGE",
    "IMAGE REPOSITORY",
    "INDEX",
    "INTERACTIVE TABLE",
    "INTERACTIVE WAREHOUSE",
    "JOB SERVICE",
    "JOIN POLICY",
    "LISTING",
    "MAINTENANCE POLICY",
    "MANAGED ACCOUNT",
    "MCP SERVER",
    "MODEL",
    "MODEL MONITOR",
    "NOTEBOOK",
    "NOTEBOOK PROJECT",
    "OFFER",
    "ONLINE FEATURE TABLE",
    "ORGANIZATION ACCOUNT",
    "ORGANIZATION LISTING",
    "ORGANIZATION PROFILE",
    "ORGANIZATION USER",
    "ORGANIZATION USER GROUP",
    "PACKAGES POLICY",
    "POSTGRES INSTANCE",
    "PRICING PLAN",
    "PRIVACY POLICY",
    "PROVISIONED THROUGHPUT",
    "RELEASE CHANNEL",
    "REPLICATION DATABASE",
    "REPLICATION GROUP",
    "SEMANTIC VIEW",
    "SERVICE",
    "SNAPSHOT",
    "SNAPSHOT POLICY",
    "SNAPSHOT SET",
    "STORAGE LIFECYCLE POLICY",
    "STREAMLIT",
    "TYPE",
    "WORKLOAD POLICY",
    "WORKSPACE",
];

/// Words that only some kinds have in SHOW.
const SHOWN: [&str; 19] = [
    "AVAILABLE LISTINGS",
    "AVAILABLE ORGANIZATION PROFILES",
    "CHANNELS",
    "CLASSES",
    "DELEGATED AUTHORIZATIONS",
    "DEPLOYMENTS",
    "ENDPOINTS",
    "ENTITIES",
    "GLOBAL ACCOUNTS",
    "MAILING LISTS",
    "ORGANIZATION ACCOUNTS",
    "PRIVILEGES",
    "REGIONS",
    "RELEASE DIRECTIVES",
    "REPLICATION ACCOUNTS",
    "RUNS",
    "SEMANTIC DIMENSIONS",
    "SEMANTIC METRICS",
    "VERSIONS",
];

/// Words between CREATE and the kind.
const MODIFIERS: [&str; 9] =
    ["OR", "REPLACE", "ALTER", "PUBLIC", "PRIVATE", "SECURE", "TRANSIENT", "TEMPORARY", "TEMP"];

impl Reader<'_> {
    /// Refuses a statement about a kind of objects that firn does not know.
    pub(super) fn refuse_foreign(&self) -> Result<()> {
        let Some(verb) = self.peek_upper(0) else { return Ok(()) };
        let found = match verb.as_str() {
            "CREATE" => {
                let is_modifier = |ahead| MODIFIERS.iter().any(|word| self.is_word(ahead, word));
                let skip = (1..).take_while(|ahead| is_modifier(*ahead)).count();
                self.foreign(1 + skip, false)
            }
            "ALTER" | "DROP" | "UNDROP" | "DESCRIBE" | "DESC" => self.foreign(1, false),
            "SHOW" => {
                let at = 1 + usize::from(self.is_word(1, "TERSE"));
                self.foreign(at, true).or_else(|| self.among(at, &SHOWN).map(str::to_string))
            }
            "GRANT" | "REVOKE" | "COMMENT" => {
                let on = (1..).take_while(|ahead| self.peek(*ahead).is_some());
                let on = on.into_iter().find(|ahead| self.is_word(*ahead, "ON"));
                on.and_then(|on| self.foreign(on + 1, false))
            }
            _ => None,
        };
        match found {
            Some(kind) => {
                let verb = if verb == "DESC" { "DESCRIBE" } else { &verb };
                Err(Error::not_supported(format!("{verb} {kind}")).at(self.here()))
            }
            None => Ok(()),
        }
    }

    /// The kind whose words come after `ahead` lexemes, with a name behind them, or in the plural.
    fn foreign(&self, ahead: usize, plural: bool) -> Option<String> {
        let all: Vec<String> = KINDS.iter().map(|words| written(words, plural)).collect();
        let words: Vec<&str> = all.iter().map(String::as_str).collect();
        let found = self.among(ahead, &words)?;
        let behind = ahead + found.split(' ').count();
        let named = self.peek(behind).is_some()
            && [";", ".", "(", "->>"].iter().all(|symbol| !self.is_symbol(behind, symbol));
        let ends = ["TO", "FROM", "IS"].iter().any(|word| self.is_word(behind, word));
        (plural || (named && !ends)).then(|| found.to_string())
    }

    /// The longest of these words that come after `ahead` lexemes.
    fn among<'w>(&self, ahead: usize, all: &[&'w str]) -> Option<&'w str> {
        let comes = |words: &&&str| {
            words.split(' ').enumerate().all(|(at, word)| self.is_word(ahead + at, word))
        };
        all.iter().filter(comes).max_by_key(|words| words.len()).copied()
    }
}

/// A kind's words, in the singular or in the plural.
fn written(words: &str, plural: bool) -> String {
    match words.strip_suffix('Y') {
        _ if !plural => words.to_string(),
        Some(stem) => format!("{stem}IES"),
        None if words.ends_with('S') || words.ends_with('X') => format!("{words}ES"),
        None => format!("{words}S"),
    }
}
