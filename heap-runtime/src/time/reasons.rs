//! Why something is not known of a thread's time.

use std::collections::BTreeMap;

use super::amounts::{Amounts, Count};
use super::reading::{WHY_NO_CPU, WHY_NO_USAGE, why_no_run_delay};

impl Amounts {
    /// Says why something is not known, by the keys of a sidecar.
    pub(crate) fn put_reasons(&self, reasons: &mut BTreeMap<String, String>) {
        let mut why = |count, key: &str, reason: &dyn Fn() -> String| {
            if self.get(count).is_none() && !reasons.contains_key(key) {
                reasons.insert(key.into(), reason());
            }
        };
        why(Count::Cpu, "cpu_ns", &|| WHY_NO_CPU.into());
        why(Count::User, "user_ns", &|| WHY_NO_USAGE.into());
        why(Count::RunDelay, "run_delay_ns", &why_no_run_delay);
    }
}
