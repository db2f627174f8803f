//! What a session keeps for itself: temporary tables, views, stages and file formats.

use std::sync::{Arc, Mutex, PoisonError};

use firn_storage::{ObjectAccess, path};
use firn_types::{ObjectId, Result};

use crate::catalog::{Catalog, CatalogOverlay};

/// A session's own objects. They never reach the log and are gone with the session.
#[derive(Debug)]
pub struct SessionSpace {
    session: u64,
    /// Below it lie the files of temporary tables.
    folder: String,
    overlay: Mutex<Arc<CatalogOverlay>>,
}

impl SessionSpace {
    /// An empty space of the session of this number.
    pub fn new(session: u64) -> Arc<SessionSpace> {
        // Sessions of two processes may have the same number.
        let folder = path::temporary(&uuid::Uuid::new_v4().to_string());
        Arc::new(SessionSpace { session, folder, overlay: Mutex::default() })
    }

    /// The session's number, as in `TableKind::Temporary`.
    pub fn session(&self) -> u64 {
        self.session
    }

    /// Forgets the objects and deletes their files: the session's end.
    ///
    /// # Errors
    /// `Storage` when a file cannot be deleted.
    pub fn close(&self, access: &ObjectAccess) -> Result<()> {
        let old = std::mem::take(&mut *self.overlay.lock().unwrap_or_else(PoisonError::into_inner));
        if old.is_empty() { Ok(()) } else { access.delete_folder(&self.folder) }
    }

    /// The folder of a temporary table's micro-partitions.
    pub(crate) fn data_folder(&self, table: ObjectId) -> String {
        format!("{}/{}", self.folder, table.0)
    }

    pub(crate) fn overlay(&self) -> Arc<CatalogOverlay> {
        Arc::clone(&self.overlay.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the objects at once, outside of any transaction.
    pub(crate) fn update(&self, change: impl FnOnce(&mut Catalog) -> Result<()>) -> Result<()> {
        let mut catalog = Catalog::new(0, Arc::default(), self.overlay());
        change(&mut catalog)?;
        self.replace(Arc::clone(catalog.session_overlay()));
        Ok(())
    }

    pub(crate) fn replace(&self, overlay: Arc<CatalogOverlay>) {
        *self.overlay.lock().unwrap_or_else(PoisonError::into_inner) = overlay;
    }
}
