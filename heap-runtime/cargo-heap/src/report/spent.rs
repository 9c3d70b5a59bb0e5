//! Where a test's time went, in a row.

use super::row::Row;
use heap_sidecar::{Delay, Spent, Time};

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
        self.own_delays = own.delays;
        if let Some(of_delays) = OfDelays::of(&body) {
            self.body_reclaiming_ns = Some(of_delays.reclaiming);
            self.body_memory_wait_ns = Some(of_delays.memory_wait);
            self.body_block_io_ns = Some(of_delays.block_io);
        }
        let reasons = time.reason.into_iter();
        let reasons: Vec<String> = reasons.map(|(key, why)| format!("{key}: {why}")).collect();
        self.time_reason = (!reasons.is_empty()).then(|| reasons.join("; "));
    }

    /// What the time of the test's own thread went into, each part with its name: they add up to its duration.
    /// Empty where that was not measured; what it was blocked by is one part where its delays were not.
    pub(crate) fn time_parts(&self) -> Vec<(&'static str, u64)> {
        let fine = self.delay_parts();
        if fine.is_empty() {
            self.cpu_parts()
        } else {
            fine
        }
    }

    /// The same in three parts, of any test whose time was measured.
    pub(super) fn cpu_parts(&self) -> Vec<(&'static str, u64)> {
        let parts = [
            ("running", self.body_cpu_ns),
            ("waiting for a CPU", self.body_run_delay_ns),
            ("blocked", self.body_blocked_ns),
        ];
        let parts = parts.into_iter().map(|(name, ns)| Some((name, ns?)));
        parts.collect::<Option<Vec<_>>>().unwrap_or_default()
    }

    /// The same in five parts, of a test whose delays were counted.
    pub(super) fn delay_parts(&self) -> Vec<(&'static str, u64)> {
        let reclaiming = self.body_reclaiming_ns;
        let (waited, io) = (self.body_memory_wait_ns, self.body_block_io_ns);
        let less = |all: Option<u64>, part: Option<u64>| Some(all?.saturating_sub(part?));
        let parts = [
            ("running", less(self.body_cpu_ns, reclaiming)),
            ("waiting for a CPU", self.body_run_delay_ns),
            (
                "reclaim, swap-in, thrashing",
                reclaiming
                    .zip(waited)
                    .map(|(on, off)| on.saturating_add(off)),
            ),
            ("block I/O", io),
            (
                "otherwise blocked",
                less(less(self.body_blocked_ns, waited), io),
            ),
        ];
        let parts = parts.into_iter().map(|(name, ns)| Some((name, ns?)));
        parts.collect::<Option<Vec<_>>>().unwrap_or_default()
    }
}

/// A thread's delays as parts of its time on a CPU and off it, in which nothing is twice: kinds of delays overlap.
struct OfDelays {
    reclaiming: u64,
    memory_wait: u64,
    block_io: u64,
}

impl OfDelays {
    fn of(spent: &Spent) -> Option<Self> {
        let delays = spent.delays?;
        let (system, blocked) = (spent.system_ns?, spent.blocked_ns?);
        // A kind that the kernel does not count is not told from the rest.
        let ns = |kinds: [Option<Delay>; 2]| {
            let ns = kinds.into_iter().flatten().map(|delay| delay.ns);
            ns.fold(0, u64::saturating_add)
        };
        // To free memory, and to move pages together, is work of the kernel's on a CPU, but for what it waits for.
        let freeing = ns([delays.reclaim, delays.compaction]);
        let reclaiming = freeing.min(system).min(spent.cpu_ns?);
        // A page is waited for off the CPU; the device that it comes from is waited for at the same time.
        let for_pages = ns([delays.swap_in, delays.thrashing]);
        let memory_wait = for_pages.saturating_add(freeing - reclaiming).min(blocked);
        let block_io = ns([delays.block_io, None]).saturating_sub(for_pages);
        Some(Self {
            reclaiming,
            memory_wait,
            block_io: block_io.min(blocked - memory_wait),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{calm, full};
    use super::*;
    use heap_sidecar::Delays;

    const MS: u64 = 1_000_000;

    /// 100 ms on a CPU, 60 of them in the kernel, 20 waiting for one, 80 blocked.
    fn delayed(kinds: impl FnOnce(&mut Delays)) -> Row {
        let mut delays = Delays::default();
        kinds(&mut delays);
        let mut body = Spent::default();
        body.cpu_ns = Some(100 * MS);
        body.system_ns = Some(60 * MS);
        body.run_delay_ns = Some(20 * MS);
        body.blocked_ns = Some(80 * MS);
        body.delays = Some(delays);
        let mut time = Time::default();
        time.test_thread = Some(body);
        let mut row = calm("t");
        row.set_time(Some(time));
        row
    }

    fn parts(row: &Row) -> Vec<u64> {
        let parts = row.time_parts();
        let parts: Vec<u64> = parts.iter().map(|(_, ns)| ns / MS).collect();
        assert_eq!(parts.iter().sum::<u64>(), 200, "{parts:?}");
        parts
    }

    #[test]
    fn delays_are_parts_of_what_there_is_and_nothing_is_twice() {
        let ms = |ms: u64| Some(Delay::new(1, ms * MS));
        assert_eq!(parts(&delayed(|_| {})), [100, 20, 0, 0, 80]);
        // Reclaim runs on a CPU, and what is more than that has waited.
        let row = delayed(|delays| delays.reclaim = ms(50));
        assert_eq!(parts(&row), [50, 20, 50, 0, 80]);
        let row = delayed(|delays| delays.reclaim = ms(75));
        assert_eq!(parts(&row), [40, 20, 75, 0, 65]);
        // Who waits for a page waits for the device that has it.
        let row = delayed(|delays| (delays.thrashing, delays.block_io) = (ms(30), ms(45)));
        assert_eq!(parts(&row), [100, 20, 30, 15, 35]);
        // No more than the thread was blocked, whatever the clocks say.
        let row = delayed(|delays| (delays.swap_in, delays.block_io) = (ms(90), ms(400)));
        assert_eq!(parts(&row), [100, 20, 80, 0, 0]);
        let row = delayed(|delays| delays.block_io = ms(400));
        assert_eq!(parts(&row), [100, 20, 0, 80, 0]);
    }

    #[test]
    fn parts_are_all_or_none() {
        let names: Vec<&str> = full().time_parts().iter().map(|(name, _)| *name).collect();
        assert_eq!(
            names,
            [
                "running",
                "waiting for a CPU",
                "reclaim, swap-in, thrashing",
                "block I/O",
                "otherwise blocked"
            ]
        );
        let mut uncounted = full();
        uncounted.body_block_io_ns = None;
        let names: Vec<&str> = uncounted
            .time_parts()
            .iter()
            .map(|(name, _)| *name)
            .collect();
        assert_eq!(names, ["running", "waiting for a CPU", "blocked"]);
        assert!(calm("t").time_parts().is_empty());
        let mut without = full();
        without.body_run_delay_ns = None;
        assert!(without.time_parts().is_empty());
    }
}
