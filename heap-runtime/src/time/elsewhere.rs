//! Where the kernel is not asked about threads.

use super::amounts::{Amounts, Count};

/// Of another thread than the calling one: nobody's.
pub(super) struct OfAnother {
    pub(super) now: Amounts,
    pub(super) run_delay_ns: Option<u64>,
}

pub(super) const WHY_NO_CPU: &str = "where a thread's time goes is known on Linux alone";
pub(super) const WHY_NO_USAGE: &str = WHY_NO_CPU;

pub(super) fn why_no_run_delay() -> String {
    WHY_NO_CPU.into()
}

/// Nobody is asked, so that it does not matter when.
pub(super) fn now_ns() -> u64 {
    0
}

pub(super) fn of_this_thread() -> Amounts {
    let mut now = Amounts::NONE;
    for count in [
        Count::Wall,
        Count::Cpu,
        Count::User,
        Count::System,
        Count::Slices,
        Count::Voluntary,
        Count::Involuntary,
        Count::MinorFaults,
        Count::MajorFaults,
    ] {
        now.set(count, None);
    }
    now
}

pub(super) fn run_delay_of_this_thread(_: &Amounts) -> Option<u64> {
    None
}

pub(super) fn cpu_of_another(_: u32) -> Option<Amounts> {
    None
}

pub(super) fn run_delay_of_another(_: u32) -> Option<u64> {
    None
}

pub(super) fn of_another(_: u32) -> Option<OfAnother> {
    None
}
