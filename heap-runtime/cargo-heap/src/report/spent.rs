//! Where a test's time went, in a row.

use super::row::Row;
use heap_sidecar::Time;

impl Row {
    pub(super) fn set_time(&mut self, time: Option<Time>) {
        let Some(time) = time else { return };
        let (own, body) = (time.own, time.test_thread.unwrap_or_default());
        self.own_cpu_ns = own.cpu_ns;
        self.own_user_ns = own.user_ns;
        self.own_system_ns = own.system_ns;
        self.own_run_delay_ns = own.run_delay_ns;
        self.own_run_delay_error_ns = own.run_delay_ns.and(own.run_delay_error_ns.or(Some(0)));
        self.own_slices = own.slices;
        self.own_voluntary_switches = own.voluntary_switches;
        self.own_involuntary_switches = own.involuntary_switches;
        self.own_minor_faults = own.minor_faults;
        self.own_major_faults = own.major_faults;
        self.body_cpu_ns = body.cpu_ns;
        self.body_run_delay_ns = body.run_delay_ns;
        self.body_blocked_ns = body.blocked_ns;
        let reasons = time.reason.into_iter();
        let reasons: Vec<String> = reasons.map(|(key, why)| format!("{key}: {why}")).collect();
        self.time_reason = (!reasons.is_empty()).then(|| reasons.join("; "));
    }

    /// What the time of the test's own thread went into, each part with its name: they add up to its duration.
    /// Empty where that was not measured.
    pub(crate) fn time_parts(&self) -> Vec<(&'static str, u64)> {
        let parts = [
            ("running", self.body_cpu_ns),
            ("waiting for a CPU", self.body_run_delay_ns),
            ("blocked", self.body_blocked_ns),
        ];
        let parts = parts.into_iter().map(|(name, ns)| Some((name, ns?)));
        parts.collect::<Option<Vec<_>>>().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{calm, full};

    #[test]
    fn parts_are_all_or_none() {
        let names: Vec<&str> = full().time_parts().iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["running", "waiting for a CPU", "blocked"]);
        assert!(calm("t").time_parts().is_empty());
        let mut without = full();
        without.body_run_delay_ns = None;
        assert!(without.time_parts().is_empty());
    }
}
