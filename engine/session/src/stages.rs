//! From a stage's name to its files.

use std::sync::Arc;

use firn_account::Account;
use firn_account::catalog::{
    ACCOUNT, Integration, Namespace, Object, Stage, StageCredentials, StageLocation as Where,
    VisibleCatalog,
};
use firn_execute::dml::OpenStage;
use firn_execute::operator::Source;
use firn_execute::profile::OperatorId;
use firn_execute::{StageFiles, StageSource};
use firn_loader::options::{self, FormatDefinition};
use firn_loader::stage::{self, MonitoredStage, ObjectStage, SharedStage, open_url};
use firn_parse::ast::StatementOption;
use firn_plan::{StageLocation, StageScan};
use firn_storage::path;
use firn_types::options::{NamedOption, OptionValue};
use firn_types::{Error, Monitor, ObjectId, Result};

use crate::keys::KeyRing;
use crate::lifecycle::StatementContext;
use crate::reach::{Place, Reach};
use crate::session_state::SessionState;

/// The id under which the files of user stages lie.
const USER_STAGES: u64 = 1;

/// Whose stages are opened.
#[derive(Clone, Debug)]
pub(crate) struct StageUser {
    /// The user's name.
    pub(crate) name: String,
    /// What they reach.
    pub(crate) reach: Arc<Reach>,
    /// What opens the credentials of stages.
    pub(crate) keys: Arc<KeyRing>,
}

impl StageUser {
    /// The user of a session.
    pub(crate) fn of(session: &SessionState) -> StageUser {
        let (name, reach) = (session.user.clone(), Arc::clone(&session.reach));
        StageUser { name, reach, keys: Arc::clone(&session.shared.keys) }
    }
}

/// The files of a stage, which the running statement's monitor counts.
///
/// # Errors
/// When the stage is gone, or the place of an external one cannot be reached.
pub(crate) fn open(
    account: &Account,
    catalog: &VisibleCatalog,
    user: &StageUser,
    location: &StageLocation,
    monitor: &Monitor,
) -> Result<SharedStage> {
    let stage = unwatched(account, catalog, user, location)?;
    Ok(Arc::new(MonitoredStage::new(stage, monitor.clone())))
}

fn unwatched(
    account: &Account,
    catalog: &VisibleCatalog,
    user: &StageUser,
    location: &StageLocation,
) -> Result<SharedStage> {
    let internal = |folder: String, shown: String| -> SharedStage {
        Arc::new(ObjectStage::new(account.access().store(), folder, shown))
    };
    match location {
        StageLocation::User => {
            let folder =
                format!("{}/{}", path::stage(ObjectId(USER_STAGES)), user.name.to_lowercase());
            Ok(internal(folder, String::new()))
        }
        StageLocation::Table(id) => Ok(internal(path::stage(*id), String::new())),
        StageLocation::Url(url) => {
            let access = user.reach.access(&Place::of_url(url))?;
            open_url(url, &stage::StageCredentials::default(), access)
        }
        StageLocation::Named(id) => {
            let Some(Object::Stage(stage)) = catalog.object(*id) else {
                return Err(Error::internal("a stage that is gone"));
            };
            of_stage(account, catalog, user, stage)
        }
    }
}

/// The files of a named stage.
///
/// # Errors
/// When the place of an external one cannot be reached.
pub(crate) fn of_stage(
    account: &Account,
    catalog: &VisibleCatalog,
    user: &StageUser,
    stage: &Stage,
) -> Result<SharedStage> {
    match &stage.location {
        Where::Internal => {
            let shown = format!("{}/", stage.header.name.to_lowercase());
            let folder = path::stage(stage.header.id);
            Ok(Arc::new(ObjectStage::new(account.access().store(), folder, shown)))
        }
        Where::External { url, endpoint, credentials, integration } => {
            let opened = match credentials {
                StageCredentials::Plain(pairs) => pairs.clone(),
                StageCredentials::Sealed(sealed) => {
                    user.keys.open(sealed, &format!("stage {}", stage.header.name))?
                }
            };
            let find = |name: &str| {
                let found = opened.iter().find(|(key, _)| key == name);
                found.map(|(_, value)| value.clone())
            };
            let credentials = stage::StageCredentials {
                key_id: find("AWS_KEY_ID"),
                secret_key: find("AWS_SECRET_KEY"),
                token: find("AWS_TOKEN"),
                region: find("REGION"),
                endpoint: endpoint.clone(),
            };
            let integration = integration.as_deref();
            let integration = integration.and_then(|name| integration_of(catalog, name));
            let access = user.reach.access(&Place {
                url,
                endpoint: endpoint.as_deref(),
                has_credentials: credentials.key_id.is_some() && credentials.secret_key.is_some(),
                integration: integration.as_deref(),
            })?;
            open_url(url, &credentials, access)
        }
    }
}

/// The integration of a stage, whoever uses the stage.
fn integration_of(catalog: &VisibleCatalog, name: &str) -> Option<Arc<Integration>> {
    match catalog.as_engine().find(Namespace::Integration, ACCOUNT, name) {
        Some(Object::Integration(integration)) => Some(Arc::clone(integration)),
        _ => None,
    }
}

/// The file format that options of the catalog describe.
///
/// # Errors
/// When they are none that this version knows.
pub(crate) fn stored_format(
    format_type: &str,
    options: &[(String, String)],
) -> Result<FormatDefinition> {
    let stored = |name: &str, value: &str| NamedOption {
        name: name.to_string(),
        value: OptionValue::Stored(value.to_string()),
    };
    let kind = (!format_type.is_empty()).then(|| stored("TYPE", format_type));
    let options = options.iter().map(|(name, value)| stored(name, value));
    let all: Vec<NamedOption> = kind.into_iter().chain(options).collect();
    FormatDefinition::parse(&options::from_plan(&all)?)
}

/// The file format that written options describe.
///
/// # Errors
/// Unknown options, and values that they do not take.
pub(crate) fn format(written: &[StatementOption]) -> Result<FormatDefinition> {
    let plain = written
        .iter()
        .filter(|option| option.name != "COMMENT")
        .map(firn_query::bind::plain_option)
        .collect::<Result<Vec<_>>>()?;
    FormatDefinition::parse(&options::from_plan(&plain)?)
}

/// The stages as a statement sees them.
pub(crate) struct Stages {
    account: Account,
    catalog: VisibleCatalog,
    user: StageUser,
    start_nanos: i64,
    monitor: Monitor,
}

impl Stages {
    /// The stages as a statement sees them now.
    pub(crate) fn of(running: &StatementContext) -> Stages {
        let session = &running.session;
        Stages {
            account: session.shared.account.clone(),
            catalog: session.catalog(),
            user: StageUser::of(session),
            start_nanos: running.start_nanos,
            monitor: running.monitor.clone(),
        }
    }

    /// A stage whose files are to be loaded or written.
    ///
    /// # Errors
    /// As [`open`].
    pub(crate) fn open(&self, location: &StageLocation) -> Result<OpenStage> {
        let stage = open(&self.account, &self.catalog, &self.user, location, &self.monitor)?;
        let internal = |folder: String| Some(format!("{folder}/"));
        let key = match location {
            StageLocation::User => internal(format!("user/{}", self.user.name)),
            StageLocation::Table(id) => internal(path::stage(*id)),
            StageLocation::Url(_) => None,
            StageLocation::Named(id) => match self.catalog.object(*id) {
                Some(Object::Stage(stage)) if stage.location == Where::Internal => {
                    internal(path::stage(*id))
                }
                _ => None,
            },
        };
        Ok(OpenStage { stage, key })
    }
}

impl StageFiles for Stages {
    fn open(&self, scan: &StageScan, id: OperatorId) -> Result<Arc<dyn Source>> {
        let stage = Stages::open(self, &scan.location)?.stage;
        Ok(Arc::new(StageSource::new(stage, scan, id, self.start_nanos)?))
    }
}
