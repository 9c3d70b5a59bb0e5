//! The time, as sidecars and the records beside them have it.

use std::time::SystemTime;

use heap_sidecar::timestamp::Rfc3339;

pub(super) fn now() -> String {
    Rfc3339(SystemTime::now()).to_string()
}
