//! The objects themselves with their indexes; a catalog is two overlays, the session's above the account's.
//!
//! The maps are persistent: a changed copy shares all but a path from the root with its original, so that a
//! commit costs the same whatever else exists.

use std::collections::BTreeMap;
use std::sync::Arc;

use firn_types::ObjectId;
use rpds::RedBlackTreeMapSync as Map;

use super::{Grants, Namespace, Object};

/// Names of one namespace in one parent.
type Names<T> = Map<(Namespace, ObjectId), Map<String, T>>;

/// Objects by id and by name. Cloning shares what does not change.
#[derive(Clone, Debug, Default)]
pub(crate) struct CatalogOverlay {
    objects: Map<ObjectId, Object>,
    live: Names<ObjectId>,
    /// Dropped objects, the newest last.
    dropped: Names<Vec<ObjectId>>,
    grants: Arc<Grants>,
    /// Parameters set on an object, or on the account itself.
    parameters: Arc<BTreeMap<(ObjectId, String), String>>,
}

impl CatalogOverlay {
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
            let mut names = self.dropped.get(&key).cloned().unwrap_or_default();
            let mut ids = names.get(&header.name).cloned().unwrap_or_default();
            ids.push(header.id);
            names.insert_mut(header.name.clone(), ids);
            self.dropped.insert_mut(key, names);
        } else {
            let mut names = self.live.get(&key).cloned().unwrap_or_default();
            names.insert_mut(header.name.clone(), header.id);
            self.live.insert_mut(key, names);
        }
        self.objects.insert_mut(object.id(), object);
    }

    /// Overwrites an object whose name, parent and life have not changed.
    pub(crate) fn overwrite(&mut self, object: Object) {
        self.objects.insert_mut(object.id(), object);
    }

    /// Takes an object out for good.
    pub(crate) fn remove(&mut self, id: ObjectId) -> Option<Object> {
        let object = self.objects.get(&id)?.clone();
        self.objects.remove_mut(&id);
        let header = object.header();
        let key = (object.namespace(), header.parent);
        if header.dropped_nanos.is_some() {
            let mut names = self.dropped.get(&key).cloned().unwrap_or_default();
            let mut ids = names.get(&header.name).cloned().unwrap_or_default();
            ids.retain(|other| *other != id);
            match ids.is_empty() {
                true => _ = names.remove_mut(&header.name),
                false => names.insert_mut(header.name.clone(), ids),
            }
            put_names(&mut self.dropped, key, names);
        } else if let Some(names) = self.live.get(&key)
            && names.get(&header.name) == Some(&id)
        {
            let names = names.remove(&header.name);
            put_names(&mut self.live, key, names);
        }
        Some(object)
    }

    /// What differs from an earlier state: the objects that are new or changed, and the ids of those that are
    /// gone.
    pub(crate) fn since(&self, earlier: &CatalogOverlay) -> (Vec<&Object>, Vec<ObjectId>) {
        let (mut changed, mut gone) = (Vec::new(), Vec::new());
        let mut then = earlier.objects.iter().peekable();
        for (id, object) in &self.objects {
            while let Some((old, _)) = then.next_if(|(old, _)| *old < id) {
                gone.push(*old);
            }
            let same = then.next_if(|(old, _)| *old == id);
            if !same.is_some_and(|(_, old)| old.is_same(object)) {
                changed.push(object);
            }
        }
        gone.extend(then.map(|(id, _)| *id));
        (changed, gone)
    }

    /// How many objects there are.
    pub(crate) fn len(&self) -> usize {
        self.objects.size()
    }

    /// Whether grants and parameters are the very ones of another state.
    pub(crate) fn shares_settings(&self, other: &CatalogOverlay) -> bool {
        Arc::ptr_eq(&self.grants, &other.grants) && Arc::ptr_eq(&self.parameters, &other.parameters)
    }

    pub(crate) fn grants(&self) -> &Grants {
        &self.grants
    }

    pub(crate) fn shared_grants(&self) -> &Arc<Grants> {
        &self.grants
    }

    pub(crate) fn grants_mut(&mut self) -> &mut Grants {
        Arc::make_mut(&mut self.grants)
    }

    pub(crate) fn parameters(&self) -> &BTreeMap<(ObjectId, String), String> {
        &self.parameters
    }

    pub(crate) fn parameters_mut(&mut self) -> &mut BTreeMap<(ObjectId, String), String> {
        Arc::make_mut(&mut self.parameters)
    }
}

/// Puts the names of a parent back, unless none is left.
fn put_names<T>(all: &mut Names<T>, key: (Namespace, ObjectId), names: Map<String, T>) {
    match names.is_empty() {
        true => _ = all.remove_mut(&key),
        false => all.insert_mut(key, names),
    }
}
