//! What makes a table a dynamic one.

use firn_storage::format::v1;
use firn_types::ObjectId;

use super::object::{stars_from, stars_to};
use crate::catalog::{Dynamic, DynamicState, RefreshMode};

pub(super) fn dynamic_to(dynamic: &Dynamic) -> v1::Dynamic {
    let state = dynamic.state.as_ref();
    v1::Dynamic {
        text: dynamic.text.clone(),
        query: dynamic.query.clone(),
        stars: stars_to(&dynamic.stars),
        tables: dynamic.tables.iter().map(|id| id.0).collect(),
        target_lag: dynamic.target_lag.clone(),
        warehouse: dynamic.warehouse.clone(),
        incremental: dynamic.mode == RefreshMode::Incremental,
        mode_asked: dynamic.mode_asked.clone(),
        mode_reason: dynamic.mode_reason.clone(),
        suspended: dynamic.suspended,
        suspended_nanos: dynamic.suspended_nanos,
        reflects: state.map(|state| (state.version, state.data_nanos)),
        read: state.map_or_else(Vec::new, |state| {
            state.read.iter().map(|(id, version)| (id.0, *version)).collect()
        }),
        fingerprint: state.and_then(|state| state.fingerprint),
    }
}

pub(super) fn dynamic_from(dynamic: v1::Dynamic) -> Dynamic {
    let read = dynamic.read.into_iter().map(|(id, version)| (ObjectId(id), version)).collect();
    let fingerprint = dynamic.fingerprint;
    let state = |(version, data_nanos)| DynamicState { version, data_nanos, read, fingerprint };
    Dynamic {
        text: dynamic.text,
        query: dynamic.query,
        stars: stars_from(dynamic.stars),
        tables: dynamic.tables.into_iter().map(ObjectId).collect(),
        target_lag: dynamic.target_lag,
        warehouse: dynamic.warehouse,
        mode: if dynamic.incremental { RefreshMode::Incremental } else { RefreshMode::Full },
        mode_asked: dynamic.mode_asked,
        mode_reason: dynamic.mode_reason,
        suspended: dynamic.suspended,
        suspended_nanos: dynamic.suspended_nanos,
        state: dynamic.reflects.map(state),
    }
}
