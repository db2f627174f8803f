//! COPY INTO a stage.

use firn_types::options::NamedOption;
use firn_types::{Result, SqlType};

use crate::bind::Binder;
use crate::bind::clause::Clause;
use crate::bind::context::Env;
use crate::bind::expr::{ExprBinder, Gathered, cast};
use crate::bind::query::{
    bind_query, file_format, output_of, plain_option, protected_scan, stage_format, stage_location,
    stage_path, stored_options,
};
use crate::bind::scope::{Relation, Scope};
use firn_account::catalog::Action;
use firn_parse::ast::{self, UnloadSource};
use firn_plan::statement::CopyIntoStage;

pub(super) fn bind_unload(
    binder: &Binder<'_>,
    copy: &ast::CopyIntoLocation,
    env: &Env<'_>,
) -> Result<CopyIntoStage> {
    let (location, stage) = stage_location(binder, &copy.location, env, Action::WriteFiles)?;
    let bound = match &copy.source {
        UnloadSource::Query(query) => bind_query(binder, query, env)?,
        UnloadSource::Table(name) => {
            let (table, path) = binder.target_table(name, env, "COPY", &[Action::Select])?;
            let snapshot = std::sync::Arc::clone(&table.snapshot);
            protected_scan(binder, (&table, snapshot), &path, None, env)?
        }
    };
    let partition_by = match &copy.partition_by {
        None => None,
        Some(expr) => {
            let relations = vec![Relation::new("", bound.columns.clone())];
            let scope = Scope { relations, outer: None };
            let mut gathered = Gathered::default();
            let bound = {
                ExprBinder::new(binder, env, &scope, Clause::Single, &mut gathered).bind(expr)?
            };
            Some(cast(bound, SqlType::TEXT))
        }
    };
    let stage = stage.as_deref();
    let mut format = stage.map_or(Ok(Vec::new()), |stage| stage_format(binder, stage, env))?;
    let mut options: Vec<NamedOption> =
        stage.map_or(Vec::new(), |stage| stored_options(&stage.copy_options));
    for option in &copy.options {
        if option.name == "FILE_FORMAT" {
            format = file_format(binder, &option.value, env).map_err(|e| e.at(option.span))?;
        } else {
            options.retain(|other| other.name != option.name);
            options.push(plain_option(option)?);
        }
    }
    let path = stage_path(&copy.location);
    Ok(CopyIntoStage { source: output_of(bound), location, path, partition_by, format, options })
}
