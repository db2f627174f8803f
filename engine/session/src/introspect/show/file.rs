//! SHOW STAGES and SHOW FILE FORMATS.

use firn_account::catalog::{Namespace, Object, Stage, StageLocation};
use firn_types::Result;

use super::ShowContext;
use crate::introspect::listing::{Listing, text, y_n};

const STAGES: &str = "created_on:time, name, database_name, schema_name, url, has_credentials, \
                      has_encryption_key, owner, comment, region, type, cloud, \
                      notification_channel, storage_integration, endpoint, owner_role_type, \
                      directory_enabled";

const FILE_FORMATS: &str = "created_on:time, name, database_name, schema_name, type, owner, comment, \
                            format_options, owner_role_type";

impl ShowContext<'_> {
    /// SHOW STAGES.
    pub(in crate::introspect) fn stages(&self) -> Result<Listing> {
        let mut listing = self.listing(STAGES);
        for found in self.scoped_objects(Namespace::Stage)? {
            let Object::Stage(stage) = &found.object else { continue };
            let mut cells = self.located(&stage.header, &found.place);
            let (url, integration, endpoint, credentials) = match &stage.location {
                StageLocation::Internal => ("", None, None, false),
                StageLocation::External { url, integration, endpoint, credentials } => {
                    (url.as_str(), integration.clone(), endpoint.clone(), !credentials.is_empty())
                }
            };
            cells.extend([
                ("kind", text("STAGE")),
                ("url", text(url)),
                ("has_credentials", y_n(credentials)),
                ("has_encryption_key", y_n(false)),
                ("type", text(stage_type(stage))),
                ("cloud", text(if url.starts_with("s3") { "AWS" } else { "" })),
                ("storage_integration", text(integration.unwrap_or_default())),
                ("endpoint", text(endpoint.unwrap_or_default())),
                ("directory_enabled", y_n(stage.directory.is_some())),
            ]);
            self.add(&mut listing, &stage.header.name, &cells);
        }
        Ok(listing)
    }

    /// SHOW FILE FORMATS.
    pub(in crate::introspect) fn file_formats(&self) -> Result<Listing> {
        let mut listing = self.listing(FILE_FORMATS);
        for found in self.scoped_objects(Namespace::FileFormat)? {
            let Object::FileFormat(format) = &found.object else { continue };
            let options = crate::stages::stored_format(&format.format_type, &format.options)?;
            let mut cells = self.located(&format.header, &found.place);
            cells.extend([
                ("kind", text("FILE FORMAT")),
                ("type", text(format.format_type.as_str())),
                ("format_options", text(options.to_json())),
            ]);
            self.add(&mut listing, &format.header.name, &cells);
        }
        Ok(listing)
    }
}

/// `INTERNAL`, `EXTERNAL TEMPORARY` and the like.
fn stage_type(stage: &Stage) -> &'static str {
    let internal = matches!(stage.location, StageLocation::Internal);
    match (internal, stage.temporary) {
        (true, false) => "INTERNAL",
        (true, true) => "INTERNAL TEMPORARY",
        (false, false) => "EXTERNAL",
        (false, true) => "EXTERNAL TEMPORARY",
    }
}
