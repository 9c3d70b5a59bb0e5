//! Scheduling policies.

use std::io;
use std::time::Duration;

use rustix::process::{getpriority_process, setpriority_process};
use rustix::thread::Pid;

use super::refusal::{Allowed, Refusal, allowed};
use super::sys::{self, Attributes};

/// How a thread is scheduled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// `SCHED_OTHER` with this nice value.
    Nice(i32),
    /// `SCHED_IDLE`: only what the others leave.
    Idle,
    /// `SCHED_FIFO` with this priority.
    Fifo(u32),
    /// `SCHED_RR` with this priority.
    RoundRobin(u32),
    /// `SCHED_DEADLINE`: `runtime` in each `period`.
    Deadline {
        /// CPU time per period.
        runtime: Duration,
        /// The period, which is also the deadline.
        period: Duration,
    },
}

impl Policy {
    /// The policy that every thread of the suite begins with.
    pub const NORMAL: Self = Self::Nice(0);

    /// Schedules the thread this way.
    ///
    /// # Errors
    ///
    /// What the kernel answers, unless it is a refusal.
    pub fn apply(self, thread: Pid) -> Allowed<()> {
        let attributes = match self {
            // The oldest call does here, and no sandbox forbids it. On Linux it takes a thread, not a process.
            Self::Nice(nice) => {
                let set = setpriority_process(Some(thread), nice).map_err(io::Error::from);
                return allowed(&format!("setpriority to nice {nice}"), set);
            }
            Self::Idle => Attributes {
                policy: policy_number(libc::SCHED_IDLE),
                ..Attributes::default()
            },
            Self::Fifo(priority) => Attributes {
                policy: policy_number(libc::SCHED_FIFO),
                priority,
                ..Attributes::default()
            },
            Self::RoundRobin(priority) => Attributes {
                policy: policy_number(libc::SCHED_RR),
                priority,
                ..Attributes::default()
            },
            Self::Deadline { runtime, period } => Attributes {
                policy: policy_number(libc::SCHED_DEADLINE),
                runtime_ns: nanos(runtime)?,
                deadline_ns: nanos(period)?,
                period_ns: nanos(period)?,
                ..Attributes::default()
            },
        };
        allowed(
            &format!("sched_setattr to {self:?} (CAP_SYS_NICE?)"),
            sys::set_attributes(thread, attributes),
        )
    }

    /// Whether a thread of this process begins as [`NORMAL`](Self::NORMAL). Under `nice` or `chrt` it does not.
    ///
    /// # Errors
    ///
    /// What the kernel answers.
    pub fn inherited_is_normal() -> Allowed<()> {
        let policy = sys::policy_of_this_thread()?;
        let nice = getpriority_process(None)?;
        if policy == libc::SCHED_OTHER && nice == 0 {
            return Ok(Ok(()));
        }
        Ok(Err(Refusal::new(format!(
            "the suite was started with policy {policy} and nice {nice}, so its threads are not SCHED_OTHER with nice 0"
        ))))
    }

    /// Puts a thread back to `SCHED_OTHER` with nice 0, so that it ends soon. Without privilege some policies cannot be left:
    /// then the thread ends as slowly as it runs.
    pub fn forget(thread: Pid) {
        // Both answers are of no interest: this only makes the end come sooner.
        let _ = sys::set_attributes(thread, Attributes::default());
    }
}

fn policy_number(policy: libc::c_int) -> u32 {
    policy.cast_unsigned()
}

fn nanos(time: Duration) -> io::Result<u64> {
    time.as_nanos().try_into().map_err(io::Error::other)
}
