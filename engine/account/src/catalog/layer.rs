//! The objects themselves with their indexes; a catalog is two layers, the account's and the session's.

use std::collections::BTreeMap;
use std::sync::Arc;

use firn_types::ObjectId;

use super::{Grant, Namespace, Object};

/// Names of one namespace in one parent.
type Names<T> = BTreeMap<(Namespace, ObjectId), Arc<BTreeMap<String, T>>>;

/// Objects by id and by name. Cloning shares what does not change.
#[derive(Clone, Debug, Default)]
pub(crate) struct Layer {
    objects: BTreeMap<ObjectId, Object>,
    live: Names<ObjectId>,
    /// Dropped objects, the newest last.
    dropped: Names<Vec<ObjectId>>,
    grants: Arc<Vec<Grant>>,
    /// Parameters set on an object, or on the account itself.
    parameters: Arc<BTreeMap<(ObjectId, String), String>>,
}

impl Layer {
    pub(crate) fn get(&self, id: ObjectId) -> Option<&Object> {
        self.objects.get(&id)
    }

    pub(crate) fn find(
        &self,
        namespace: Namespace,
        parent: ObjectId,
        name: &str,
    ) -> Option<&Object> {
        self.objects.get(self.live.get(&(namespace, parent))?.get(name)?)
    }

    /// Live objects of a namespace in a parent, by name.
    pub(crate) fn children(
        &self,
        namespace: Namespace,
        parent: ObjectId,
    ) -> impl Iterator<Item = &Object> {
        let ids = self.live.get(&(namespace, parent)).into_iter().flat_map(|names| names.values());
        ids.filter_map(|id| self.objects.get(id))
    }

    /// Dropped objects of a namespace in a parent, by name and then the newest first.
    pub(crate) fn dropped_children(
        &self,
        namespace: Namespace,
        parent: ObjectId,
    ) -> impl Iterator<Item = &Object> {
        let ids = self.dropped.get(&(namespace, parent)).into_iter().flat_map(|n| n.values());
        ids.flat_map(|ids| ids.iter().rev()).filter_map(|id| self.objects.get(id))
    }

    /// All objects, dropped ones too, by id.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Object> {
        self.objects.values()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// Adds or overwrites an object under its id, and files it under its name.
    pub(crate) fn put(&mut self, object: Object) {
        self.remove(object.id());
        let header = object.header();
        let key = (object.namespace(), header.parent);
        if header.dropped_nanos.is_some() {
            let names = Arc::make_mut(self.dropped.entry(key).or_default());
            names.entry(header.name.clone()).or_default().push(header.id);
        } else {
            let names = Arc::make_mut(self.live.entry(key).or_default());
            names.insert(header.name.clone(), header.id);
        }
        self.objects.insert(object.id(), object);
    }

    /// Overwrites an object whose name, parent and life have not changed.
    pub(crate) fn overwrite(&mut self, object: Object) {
        self.objects.insert(object.id(), object);
    }

    /// Takes an object out for good.
    pub(crate) fn remove(&mut self, id: ObjectId) -> Option<Object> {
        let object = self.objects.remove(&id)?;
        let header = object.header();
        let key = (object.namespace(), header.parent);
        if header.dropped_nanos.is_some() {
            if let Some(names) = self.dropped.get_mut(&key) {
                let names = Arc::make_mut(names);
                if let Some(ids) = names.get_mut(&header.name) {
                    ids.retain(|other| *other != id);
                    if ids.is_empty() {
                        names.remove(&header.name);
                    }
                }
            }
        } else if let Some(names) = self.live.get_mut(&key) {
            let names = Arc::make_mut(names);
            if names.get(&header.name) == Some(&id) {
                names.remove(&header.name);
            }
        }
        Some(object)
    }

    pub(crate) fn grants(&self) -> &[Grant] {
        &self.grants
    }

    pub(crate) fn grants_mut(&mut self) -> &mut Vec<Grant> {
        Arc::make_mut(&mut self.grants)
    }

    pub(crate) fn parameters(&self) -> &BTreeMap<(ObjectId, String), String> {
        &self.parameters
    }

    pub(crate) fn parameters_mut(&mut self) -> &mut BTreeMap<(ObjectId, String), String> {
        Arc::make_mut(&mut self.parameters)
    }
}
