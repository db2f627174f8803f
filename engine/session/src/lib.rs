//! firn's facade: an [`Engine`] on an account, and the [`Session`]s that run statements on it.
//!
//! Reading order: [`Engine`] opens an account; [`Session::start`] takes one statement's text and
//! gives a [`Statement`]; `lifecycle` shows its whole road; `command` holds the statements without a plan, a file per kind of
//! object; `introspect` turns descriptions into rows.

mod access;
mod admission;
mod archive;
mod at_rest;
mod clustering;
mod command;
mod compute;
mod current;
mod description;
mod dynamic_table;
mod engine;
mod failure;
mod find;
mod foreign;
mod function_host;
mod history;
mod imports;
mod ingest;
mod introspect;
mod keys;
mod keywords;
mod lifecycle;
mod login;
mod maintenance;
mod pipe;
mod planning;
mod query_type;
mod reach;
mod result;
mod results;
mod roles;
mod script;
mod session;
mod session_state;
mod settings;
mod settings_table;
mod stages;
mod statement;
mod statement_threads;
mod task;
mod tls;
mod transact;
mod transaction_slot;
mod transfer;
mod warehouse;

pub use at_rest::{KeySource, change_key, make_key};
pub use description::StatementDescription;
pub use engine::{Engine, EngineOptions};
pub use failure::Failure;
pub use firn_execute::spool::{BatchSize, Next};
pub use firn_loader::stage::{SharedStage, Stage, StageWriter, StagedFile};
pub use firn_parse::blot_secrets;
pub use firn_parse::split;
pub use firn_python::InterpreterChoice;
pub use firn_query::bind::{Binds, TypedValue};
pub use firn_query::optimize::RULES;
pub use firn_service::{Housekeeping, JobReport, Service};
pub use firn_storage::ObjectAccess;
pub use firn_types::monitor::{Monitor, SoFar};
pub use firn_types::{Field, SqlType, Value};
pub use ingest::{IngestedFile, PipeReport};
pub use introspect::complete::Completer;
pub use keys::SecretKeys;
pub use keywords::KEYWORDS;
pub use login::{ClientFacts, Credential, Login};
pub use reach::{Allowed, Reach};
pub use result::{Cell, StatementResult};
pub use session::{InUse, Session, SessionOptions};
pub use settings::ParameterValue;
pub use statement::{Statement, StatementOptions};
pub use tls::install_provider;
pub use transfer::{Direction, Transfer};
