//! When a thread is asked what the kernel made it wait for, and whose that was.
//!
//! To ask takes some 6 µs. Where a thread only takes turns, at a pool's jobs or a future's polls, it is not asked more
//! often than is worth it ([`WORTH_ASKING_NS`]). What comes between two readings is then given to whoever is there at
//! the second, and may have been another's: that is the error.
//!
//! ```text
//!   asked        not asked     asked
//!  ───┼─── a test's ──┼── another's ──┼───▶
//!     │     missing    │     both are here
//! ```

use super::delays::{Delays, Portion};
use super::why::Why;

/// A reading is a fortieth of that.
const WORTH_ASKING_NS: u64 = 250_000;

/// Whether a thread is to be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ask {
    /// Nobody wants to know, or what is next is the same test's.
    Never,
    WhereWorthIt,
    Always,
}

/// What a thread was delayed by when it was last asked.
#[derive(Clone, Copy)]
pub(super) struct Delayed {
    last: Option<Result<Delays, Why>>,
    asked_ns: u64,
    /// Its time has gone from one to another since.
    is_mixed: bool,
}

impl Delayed {
    pub(super) const NEW: Self = Self {
        last: None,
        asked_ns: 0,
        is_mixed: false,
    };

    /// The thread begins now.
    #[cfg_attr(not(spawns), expect(dead_code, reason = "spawns use it"))]
    pub(super) fn spawns_at(now_ns: u64) -> Self {
        Self {
            last: Some(Ok(Delays::none())),
            asked_ns: now_ns,
            is_mixed: false,
        }
    }

    fn is_due(&self, ask: Ask, now_ns: u64) -> bool {
        ask == Ask::Always || now_ns.saturating_sub(self.asked_ns) >= WORTH_ASKING_NS
    }

    fn take(&mut self, last: Result<Delays, Why>, now_ns: u64) {
        *self = Self {
            last: Some(last),
            asked_ns: now_ns,
            is_mixed: false,
        };
    }

    /// From here on, the thread's time is somebody's. `read` proves that the kernel counts for it.
    pub(super) fn starts(
        &mut self,
        ask: Ask,
        now_ns: u64,
        read: impl FnOnce() -> Result<Delays, Why>,
    ) {
        match self.last {
            _ if ask == Ask::Never => {}
            // It never will.
            Some(Err(Why::Uncounted)) => {}
            Some(_) if !self.is_due(ask, now_ns) => self.is_mixed = true,
            _ => self.take(read(), now_ns),
        }
    }

    /// What came since it was last asked. Nothing where it is not to be asked.
    pub(super) fn goes_on(
        &mut self,
        ask: Ask,
        now_ns: u64,
        read: impl FnOnce() -> Result<Delays, Why>,
    ) -> Option<Portion> {
        if ask == Ask::Never {
            return None;
        }
        let before = match self.last.unwrap_or(Err(Why::Unread)) {
            // That it was counted is known as soon as there is any.
            Err(Why::Unproved) => Delays::none(),
            Err(why) => {
                return Some(Portion {
                    delays: Err(why),
                    error_ns: 0,
                });
            }
            Ok(before) => before,
        };
        if !self.is_due(ask, now_ns) {
            self.is_mixed = true;
            return Some(Portion {
                delays: Ok(Delays::none()),
                error_ns: now_ns.saturating_sub(self.asked_ns),
            });
        }
        let was_proved = self.last != Some(Err(Why::Unproved));
        let now = match read() {
            Ok(now) if !was_proved && !now.is_any() => Err(Why::Unproved),
            now => now,
        };
        let since = now.map(|now| now.since(&before));
        let total = since.map_or(0, |since| since.total_ns());
        let error_ns = if self.is_mixed { total } else { 0 };
        self.take(now, now_ns);
        Some(Portion {
            delays: since,
            error_ns,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::delays::{KINDS, Kind};
    use super::*;
    use crate::sidecar::Delay;

    const MS: u64 = 1_000_000;

    fn so_far(count: u64, ns: u64) -> Delays {
        let mut kinds = [Some(Delay::default()); KINDS];
        kinds[Kind::BlockIo as usize] = Some(Delay::new(count, ns));
        Delays::of(kinds)
    }

    fn not_asked() -> Result<Delays, Why> {
        panic!("it is not worth it")
    }

    #[test]
    fn a_thread_that_spawns_at_has_waited_for_nothing_before() {
        let mut thread = Delayed::spawns_at(5);
        let portion = thread.goes_on(Ask::Always, 6, || Ok(so_far(1, 7))).unwrap();
        assert_eq!(portion.delays, Ok(so_far(1, 7)));
        assert_eq!(portion.error_ns, 0);
    }

    #[test]
    fn what_was_before_is_in_no_portion() {
        let mut thread = Delayed::NEW;
        thread.starts(Ask::Always, 5, || Ok(so_far(4, 400)));
        let portion = thread.goes_on(Ask::Always, 6, || Ok(so_far(5, 407)));
        assert_eq!(portion.unwrap().delays, Ok(so_far(1, 7)));
    }

    #[test]
    fn turns_that_are_too_short_to_ask_are_the_error() {
        let mut thread = Delayed::NEW;
        thread.starts(Ask::WhereWorthIt, 0, || Ok(so_far(0, 0)));
        let portion = thread
            .goes_on(Ask::WhereWorthIt, 90_000, not_asked)
            .unwrap();
        assert_eq!(portion.delays, Ok(Delays::none()));
        assert_eq!(portion.error_ns, 90_000);
        thread.starts(Ask::WhereWorthIt, 100_000, not_asked);
        // What is another's may be in it.
        let portion = thread.goes_on(Ask::WhereWorthIt, MS, || Ok(so_far(2, 60_000)));
        let portion = portion.unwrap();
        assert_eq!(portion.delays, Ok(so_far(2, 60_000)));
        assert_eq!(portion.error_ns, 60_000);
        // And after that reading, nothing is mixed any more.
        thread.starts(Ask::WhereWorthIt, 2 * MS, || Ok(so_far(2, 60_000)));
        let portion = thread.goes_on(Ask::WhereWorthIt, 3 * MS, || Ok(so_far(3, 60_001)));
        assert_eq!(portion.unwrap().error_ns, 0);
    }

    #[test]
    fn a_thread_that_the_kernel_does_not_count_is_no_zero() {
        let mut thread = Delayed::NEW;
        thread.starts(Ask::Always, 0, || Err(Why::Uncounted));
        thread.starts(Ask::Always, MS, not_asked);
        let portion = thread.goes_on(Ask::Always, 2 * MS, not_asked).unwrap();
        assert_eq!(portion.delays, Err(Why::Uncounted));
    }

    #[test]
    fn where_it_cannot_be_proved_the_first_delay_proves_it() {
        let mut thread = Delayed::NEW;
        thread.starts(Ask::Always, 0, || Err(Why::Unproved));
        let portion = thread.goes_on(Ask::Always, MS, || Ok(so_far(0, 0)));
        assert_eq!(portion.unwrap().delays, Err(Why::Unproved));
        let portion = thread.goes_on(Ask::Always, 2 * MS, || Ok(so_far(1, 9)));
        assert_eq!(portion.unwrap().delays, Ok(so_far(1, 9)));
    }

    #[test]
    fn who_does_not_want_to_know_is_told_nothing() {
        let mut thread = Delayed::spawns_at(0);
        thread.starts(Ask::Never, MS, not_asked);
        assert_eq!(thread.goes_on(Ask::Never, MS, not_asked), None);
        // A pause of the same test's: what came meanwhile is still to come.
        let portion = thread.goes_on(Ask::Always, 2 * MS, || Ok(so_far(1, 9)));
        assert_eq!(portion.unwrap().delays, Ok(so_far(1, 9)));
    }
}
