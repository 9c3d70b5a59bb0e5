//! Where a test's time went.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Where a test's time went: the own tier of time.
///
/// ```
/// let json = r#"{
///     "wall_ns": 2000000, "cpu_ns": 3000000, "run_delay_ns": 500000,
///     "test_thread": { "cpu_ns": 400000, "run_delay_ns": 100000, "blocked_ns": 1500000 },
///     "threads": 3, "threads_running": 0, "reason": { "delays": "kernel.task_delayacct is 0" }
/// }"#;
/// let time: heap_sidecar::Time = serde_json::from_str(json)?;
/// // Three threads have run for longer than the test took.
/// assert!(time.own.cpu_ns > time.wall_ns);
/// // The parts of the test's own thread add up to what the test took.
/// let thread = time.test_thread.expect("it was measured");
/// let parts = [thread.cpu_ns, thread.run_delay_ns, thread.blocked_ns];
/// assert_eq!(parts.into_iter().flatten().sum::<u64>(), 2_000_000);
/// assert_eq!(time.reason["delays"], "kernel.task_delayacct is 0");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Time {
    /// How long the body ran: [`Sidecar::duration_ns`](crate::Sidecar::duration_ns).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wall_ns: Option<u64>,
    /// All threads of the own tier together, so that it can be more than the test took. Its
    /// [`blocked_ns`](Spent::blocked_ns) is absent.
    #[serde(flatten)]
    pub own: Spent,
    /// The thread that ran the body, alone, while it did. Of an async test, whichever thread polled it, while
    /// it did; what lies between two polls is `blocked_ns`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_thread: Option<Spent>,
    /// The threads whose time this is, the test's own among them.
    pub threads: u32,
    /// Those of them that the test left running. They are counted up to its end.
    pub threads_running: u32,
    /// Why something is absent, by its key.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub reason: BTreeMap<String, String>,
}

/// What threads have spent their time on. What could not be read of one of them is absent.
///
/// ```
/// let mut spent = heap_sidecar::Spent::default();
/// (spent.user_ns, spent.system_ns) = (Some(300), Some(100));
/// let json = serde_json::to_string(&spent)?;
/// assert_eq!(json, r#"{"user_ns":300,"system_ns":100}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Spent {
    /// On a CPU, in nanoseconds, by the threads' own clocks (`CLOCK_THREAD_CPUTIME_ID`). What a hypervisor gave
    /// to others meanwhile is in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_ns: Option<u64>,
    /// Of that, outside the kernel, in nanoseconds; how the kernel divides it (`getrusage`). Of a thread that
    /// the test left running, to a hundredth of a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_ns: Option<u64>,
    /// The rest of it, in the kernel, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system_ns: Option<u64>,
    /// Ready to run, and waiting for a CPU, in nanoseconds (`/proc/thread-self/schedstat`). Of a thread that the
    /// test left running, without a wait that is not over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_delay_ns: Option<u64>,
    /// How far the true one may be from [`run_delay_ns`](Self::run_delay_ns), either way; absent where that is
    /// exact. A thread that was off the CPU for less than a quarter of a millisecond in all is not asked what it
    /// waited for, and that is in here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_delay_error_ns: Option<u64>,
    /// Neither on a CPU nor waiting for one, in nanoseconds: what is left of the time that the test took. Of the
    /// test's own thread alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocked_ns: Option<u64>,
    /// How often a thread was put on a CPU.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slices: Option<u64>,
    /// How often a thread went off the CPU to wait for something (`getrusage`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voluntary_switches: Option<u64>,
    /// How often a thread was taken off the CPU, for others to run (`getrusage`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub involuntary_switches: Option<u64>,
    /// Page faults that needed no device, such as the first touch of a page (`getrusage`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minor_faults: Option<u64>,
    /// Page faults for which something was read in from a device (`getrusage`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub major_faults: Option<u64>,
    /// What the kernel made them wait for, where it counts that and may be asked (`kernel.task_delayacct`,
    /// `CAP_NET_ADMIN`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delays: Option<Delays>,
}

/// What the kernel made threads wait for: its delay accounting, by taskstats. A kind that it does not count is absent.
///
/// One wait may be of two kinds: who waits for a page to come back from a disk waits for block I/O and thrashes, and who
/// reclaims memory does most of that on a CPU, so that it is in [`Spent::system_ns`] too. What heap-runtime itself waits for in the
/// middle of a test, such as for the file of a checkpoint, is in them.
///
/// ```
/// let json = r#"{ "reclaim": { "count": 11924, "ns": 875000000 }, "swap_in": { "count": 0, "ns": 0 } }"#;
/// let delays: heap_sidecar::Delays = serde_json::from_str(json)?;
/// assert_eq!(delays.reclaim.map(|reclaim| reclaim.ns), Some(875_000_000));
/// // An older kernel, which does not count it.
/// assert_eq!(delays.irq, None);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Delays {
    /// Off the CPU, until a device has read or written what was asked of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block_io: Option<Delay>,
    /// For a page that had been swapped out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub swap_in: Option<Delay>,
    /// In direct reclaim: freeing memory for others, before it got any itself. Since Linux 2.6.28.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reclaim: Option<Delay>,
    /// For a page of a file that had been dropped for want of memory a short while before. Since Linux 4.20.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thrashing: Option<Delay>,
    /// Moving pages together for a larger one. Since Linux 5.17.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compaction: Option<Delay>,
    /// Copying pages that were written to and shared until then. Since Linux 6.0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub write_protect_copy: Option<Delay>,
    /// On a CPU that served interrupts meanwhile. Since Linux 6.4, where it was built with `CONFIG_IRQ_TIME_ACCOUNTING`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub irq: Option<Delay>,
    /// How much of all this may be somebody else's, or may be missing; absent where there is nothing of the kind.
    /// A thread that works for several tests in turns is asked four times in a millisecond at the most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_ns: Option<u64>,
}

/// Waits of one kind.
///
/// ```
/// let delay = heap_sidecar::Delay::new(3, 1_500_000);
/// assert_eq!(delay.ns / delay.count, 500_000);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Delay {
    /// How many there were.
    pub count: u64,
    /// How long they took together, in nanoseconds.
    pub ns: u64,
}

impl Delay {
    /// So many, of so many nanoseconds together.
    ///
    /// ```
    /// assert_eq!(heap_sidecar::Delay::new(0, 0), heap_sidecar::Delay::default());
    /// ```
    #[must_use]
    pub fn new(count: u64, ns: u64) -> Self {
        Self { count, ns }
    }
}
