//! The configuration file: named connections, variables and options, in TOML.
//!
//! ```toml
//! default_connection = "dev"
//!
//! [connections.dev]
//! account = "/data/dev"
//! database = "SALES"
//!
//! [variables]
//! region = "north"
//!
//! [options]
//! timing = false
//! ```

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{env, fs};

use serde::Deserialize;

/// What a configuration file says.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// The connection to use when none is named.
    pub(crate) default_connection: Option<String>,
    /// Connections by name.
    #[serde(default)]
    pub(crate) connections: BTreeMap<String, Connection>,
    /// Variables for `&name` substitution.
    #[serde(default)]
    variables: BTreeMap<String, toml::Value>,
    /// Options of the shell.
    #[serde(default)]
    options: BTreeMap<String, toml::Value>,
}

/// Where to connect to, and what to use there.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Connection {
    /// Folder, URL or `:memory:`; of a server any name.
    pub(crate) account: Option<String>,
    /// The server; none for an account that the shell opens itself.
    pub(crate) host: Option<String>,
    /// The server's port.
    pub(crate) port: Option<u16>,
    /// How the server speaks: `http` or `https`.
    pub(crate) protocol: Option<String>,
    /// The user's password, for a server.
    pub(crate) password: Option<String>,
    /// A programmatic access token, for a server.
    pub(crate) token: Option<String>,
    /// How the user logs in to a server, as Snowflake's clients name it.
    pub(crate) authenticator: Option<String>,
    /// The database in use.
    pub(crate) database: Option<String>,
    /// The schema in use.
    pub(crate) schema: Option<String>,
    /// The warehouse in use.
    pub(crate) warehouse: Option<String>,
    /// The role in use.
    pub(crate) role: Option<String>,
    /// The user's name.
    pub(crate) user: Option<String>,
}

/// Without what nobody else may know.
impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut out = f.debug_struct("Connection");
        out.field("account", &self.account).field("host", &self.host).field("user", &self.user);
        out.finish_non_exhaustive()
    }
}

impl Connection {
    /// Whether it is one to a server.
    pub(crate) fn is_remote(&self) -> bool {
        self.host.is_some()
    }

    /// A connection of Snowflake's clients, as far as the shell knows what it says.
    fn of_clients(table: &toml::Table) -> Connection {
        let text = |name: &str| table.get(name).map(plain);
        Connection {
            account: text("account"),
            host: text("host"),
            port: text("port").and_then(|port| port.parse().ok()),
            protocol: text("protocol"),
            password: text("password"),
            token: text("token"),
            authenticator: text("authenticator"),
            database: text("database"),
            schema: text("schema"),
            warehouse: text("warehouse"),
            role: text("role"),
            user: text("user"),
        }
    }
}

/// The connection of that name in the file of Snowflake's clients, if there is one: `connections.toml` in
/// `SNOWFLAKE_HOME`, by default `.snowflake` in the home folder, or else in `.config/snowflake`.
///
/// # Errors
/// A message when the file cannot be understood, or the connection is one to Snowflake itself.
fn of_clients(name: &str) -> Result<Option<Connection>, String> {
    let home = env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let own = env::var_os("SNOWFLAKE_HOME").map(PathBuf::from);
    let folders = [own.unwrap_or_else(|| home.join(".snowflake")), home.join(".config/snowflake")];
    let paths = folders.iter().map(|folder| folder.join("connections.toml"));
    let Some(path) = paths.into_iter().find(|path| path.exists()) else { return Ok(None) };
    let told = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let text = fs::read_to_string(&path).map_err(|error| told(&error))?;
    let file: toml::Table = toml::from_str(&text).map_err(|error| told(&error))?;
    let Some(toml::Value::Table(table)) = file.get(name) else { return Ok(None) };
    let connection = Connection::of_clients(table);
    if !connection.is_remote() {
        return Err(told(&format!(
            "'{name}' names no host; the shell connects to servers of firn"
        )));
    }
    Ok(Some(connection))
}

impl Config {
    /// Reads the file given, or the user's own if there is one.
    ///
    /// # Errors
    /// A message when the file cannot be read or understood.
    pub(crate) fn load(given: Option<&Path>) -> Result<Config, String> {
        let path = match given {
            Some(path) => path.to_path_buf(),
            None => match user_file("XDG_CONFIG_HOME", ".config", "config.toml") {
                Some(path) if path.exists() => path,
                _ => return Ok(Config::default()),
            },
        };
        let text = fs::read_to_string(&path)
            .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        Config::parse(&text).map_err(|error| format!("{}: {error}", path.display()))
    }

    fn parse(text: &str) -> Result<Config, String> {
        toml::from_str(text).map_err(|error| error.to_string())
    }

    /// The connection of that name, or the default one; an empty one when there is neither.
    ///
    /// # Errors
    /// A message when a named connection is missing.
    pub(crate) fn connection(&self, name: Option<&str>) -> Result<Connection, String> {
        match name.or(self.default_connection.as_deref()) {
            None => Ok(Connection::default()),
            Some(name) => match self.connections.get(name) {
                Some(known) => Ok(known.clone()),
                None => of_clients(name)?
                    .ok_or_else(|| format!("there is no connection '{name}' in the configuration")),
            },
        }
    }

    /// Variables as text.
    pub(crate) fn variables(&self) -> impl Iterator<Item = (&str, String)> {
        self.variables.iter().map(|(name, value)| (name.as_str(), plain(value)))
    }

    /// Options as text.
    pub(crate) fn options(&self) -> impl Iterator<Item = (&str, String)> {
        self.options.iter().map(|(name, value)| (name.as_str(), plain(value)))
    }
}

/// The file `name` in firn's own folder under the folder that `variable` names, by default `fallback` of
/// the home folder.
pub(crate) fn user_file(variable: &str, fallback: &str, name: &str) -> Option<PathBuf> {
    let base = match env::var_os(variable) {
        Some(folder) if !folder.is_empty() => PathBuf::from(folder),
        _ => Path::new(&env::var_os("HOME")?).join(fallback),
    };
    Some(base.join("firn").join(name))
}

fn plain(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => text.clone(),
        toml::Value::Integer(number) => number.to_string(),
        toml::Value::Float(number) => number.to_string(),
        toml::Value::Boolean(value) => value.to_string(),
        toml::Value::Datetime(time) => time.to_string(),
        // Options and variables are single values; these become a text that no option takes.
        other @ (toml::Value::Array(_) | toml::Value::Table(_)) => format!("{other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_names_connections_variables_and_options() {
        let text = "default_connection = 'dev'\n[connections.dev]\naccount = 'here'\n\
                    [variables]\nn = 3\n[options]\ntiming = false";
        let config = Config::parse(text).unwrap();
        assert_eq!(config.connection(None).unwrap().account.as_deref(), Some("here"));
        assert!(config.connection(Some("prod")).is_err());
        assert_eq!(config.variables().next(), Some(("n", "3".to_string())));
        assert_eq!(config.options().next(), Some(("timing", "false".to_string())));
        assert!(Config::parse("[conections.dev]").is_err());
    }
}
