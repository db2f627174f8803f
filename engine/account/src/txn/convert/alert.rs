//! Alerts.

use firn_storage::format::v1;

use super::object::{header_from, header_to};
use crate::catalog::{Alert, AlertProgress};

pub(super) fn alert_to(alert: &Alert) -> v1::Alert {
    v1::Alert {
        header: header_to(&alert.header),
        warehouse: alert.warehouse.clone(),
        schedule: alert.schedule.clone(),
        condition: alert.condition.clone(),
        action: alert.action.clone(),
        started: alert.started,
        resumed_nanos: alert.resumed_nanos,
        progress: progress_to(&alert.progress),
    }
}

pub(super) fn alert_from(alert: v1::Alert) -> Alert {
    Alert {
        header: header_from(alert.header),
        warehouse: alert.warehouse,
        schedule: alert.schedule,
        condition: alert.condition,
        action: alert.action,
        started: alert.started,
        resumed_nanos: alert.resumed_nanos,
        progress: progress_from(&alert.progress),
    }
}

pub(super) fn progress_to(progress: &AlertProgress) -> v1::AlertProgress {
    v1::AlertProgress {
        scheduled_nanos: progress.scheduled_nanos,
        requested: progress.requested,
        running: progress.running,
        succeeded: progress.succeeded,
    }
}

pub(super) fn progress_from(progress: &v1::AlertProgress) -> AlertProgress {
    AlertProgress {
        scheduled_nanos: progress.scheduled_nanos,
        requested: progress.requested,
        running: progress.running,
        succeeded: progress.succeeded,
    }
}
