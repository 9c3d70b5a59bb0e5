//! The schedulers of `tests/vm/schedulers`, and which test tells each bad one.

/// A bad scheduler.
#[derive(Clone, Copy, Debug)]
pub struct Bad {
    /// What it is loaded by.
    pub scheduler: &'static str,
    /// What it is declared to honour, and does not.
    pub honours: &'static str,
    /// The test of the suite that must fail under it.
    pub caught_by: &'static str,
}

/// Every bad one. `README.md` beside them has the same as a table.
pub const BAD: [Bad; 12] = [
    Bad {
        scheduler: "slices_of_a_second",
        honours: "",
        caught_by: "progress::no_runnable_thread_starves",
    },
    Bad {
        scheduler: "starves_one",
        honours: "",
        caught_by: "progress::no_runnable_thread_starves",
    },
    Bad {
        scheduler: "last_in_first_out",
        honours: "",
        caught_by: "progress::no_runnable_thread_starves",
    },
    Bad {
        scheduler: "stalls",
        honours: "",
        caught_by: "progress::threads_that_come_and_go_are_all_served",
    },
    Bad {
        scheduler: "favours_the_odd",
        honours: "",
        caught_by: "progress::equal_threads_get_equal_time",
    },
    Bad {
        scheduler: "all_on_one_cpu",
        honours: "",
        caught_by: "progress::no_cpu_idles_while_threads_wait",
    },
    Bad {
        scheduler: "never_wakes_an_idle_cpu",
        honours: "",
        caught_by: "idle_cpu::a_wake_up_finds_an_idle_cpu",
    },
    Bad {
        scheduler: "wakes_late",
        honours: "",
        caught_by: "idle_cpu::a_wake_up_finds_an_idle_cpu",
    },
    Bad {
        scheduler: "forgets_who_was_moved",
        honours: "",
        caught_by: "affinity::affinity_is_obeyed_while_it_changes",
    },
    Bad {
        scheduler: "ignores_yields",
        honours: "yield",
        caught_by: "fairness::yield_passes_the_cpu",
    },
    // Good as long as it promises nothing.
    Bad {
        scheduler: "good_fifo",
        honours: "nice",
        caught_by: "fairness::nice_5_gets_335_parts_to_1024",
    },
    Bad {
        scheduler: "good_fifo",
        honours: "cpu.max",
        caught_by: "bandwidth::a_quota_throttles_its_cgroup",
    },
];

/// The good ones, and what each honours.
pub const GOOD: [(&str, &str); 2] = [("good_fifo", ""), ("good_vtime", "nice")];

impl Bad {
    /// The name of its case.
    #[must_use]
    pub fn case(&self) -> String {
        format!("bad/{}-{}", self.scheduler, self.honours)
    }
}

/// The name of the case of a good one.
#[must_use]
pub fn good_case(scheduler: &str) -> String {
    format!("good/{scheduler}")
}
