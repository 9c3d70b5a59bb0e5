//! Code of our own inside a measured body.

use std::cell::Cell;
use std::time::{Duration, Instant};

use super::member::Member;
use super::this_thread::{MEMBER, REGISTRY};
use super::{sampler, spending};
use crate::time::Ask;

/// Runs code of our own inside a measured body: what it allocates and frees is nobody's.
pub(crate) fn unmeasured<T>(run: impl FnOnce() -> T) -> T {
    struct Resume(&'static Member, Instant);
    impl Drop for Resume {
        fn drop(&mut self) {
            REGISTRY.resume(self.0);
            sampler::start_thread_peak();
            UNMEASURED.set(UNMEASURED.get().saturating_add(self.1.elapsed()));
            spending::starts(self.0, Ask::Never);
        }
    }
    let paused = MEMBER.get().filter(|member| !member.is_paused());
    let Some(member) = paused else {
        return run();
    };
    spending::stops(member, Ask::Never);
    let start = Instant::now();
    sampler::take_thread_peak(member);
    REGISTRY.pause(member);
    let _resume = Resume(member, start);
    run()
}

thread_local! {
    static UNMEASURED: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// How long the calling thread has run code of our own inside measured bodies: that is no time of a test's.
pub(crate) fn time_unmeasured() -> Duration {
    UNMEASURED.get()
}
