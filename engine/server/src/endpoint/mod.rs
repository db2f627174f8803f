//! What each path answers, a file for each group of them.

pub(crate) mod abort;
pub(crate) mod console;
pub(crate) mod health;
pub(crate) mod login;
pub(crate) mod monitoring;
pub(crate) mod own;
pub(crate) mod pipe;
pub(crate) mod query_request;
pub(crate) mod rest;
pub(crate) mod result;
pub(crate) mod session;
pub(crate) mod stage_file;
