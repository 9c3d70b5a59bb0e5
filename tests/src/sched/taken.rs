//! CPU time that went to somebody of whom the scheduler does not know.

use std::time::Duration;

use super::clock::thread_cpu_time;

/// More CPU time than one round of a loop takes that only looks at clocks, also where each instruction is emulated.
const ROUND: Duration = Duration::from_millis(1);

/// CPU time that the kernel counted for threads that could not use it: a hypervisor had the CPU, or interrupts.
///
/// It shows as a round of a thread's loop that took far more of the thread's CPU time than a round takes. To be switched
/// out does not show, because then a thread's CPU time stands still. While a CPU is taken it has no timer tick and
/// switches to nobody, so whoever had it keeps it, and is in debt afterwards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// All of it.
    pub total: Duration,
    /// The longest stretch.
    pub longest: Duration,
}

/// What was taken in a round of this much CPU time.
#[must_use]
pub fn beyond_a_round(round: Duration) -> Duration {
    round.saturating_sub(ROUND)
}

impl Taken {
    fn judge(&mut self, round: Duration) {
        let beyond = beyond_a_round(round);
        self.total += beyond;
        self.longest = self.longest.max(beyond);
    }
}

/// The calling thread's CPU time from here on, and what of it was taken.
#[derive(Debug)]
pub struct Spinning {
    base: Duration,
    last: Duration,
    taken: Taken,
}

impl Spinning {
    /// From now on.
    #[must_use]
    pub fn begin() -> Self {
        let base = thread_cpu_time();
        Self {
            base,
            last: base,
            taken: Taken::default(),
        }
    }

    /// Ends a round of the loop: the CPU time since the beginning.
    pub fn round(&mut self) -> Duration {
        let time = thread_cpu_time();
        self.taken.judge(time.saturating_sub(self.last));
        self.last = time;
        time.saturating_sub(self.base)
    }

    /// What was taken of it.
    #[must_use]
    pub fn taken(&self) -> Taken {
        self.taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_is_not_taken_but_what_is_beyond_it() {
        let mut taken = Taken::default();
        taken.judge(ROUND);
        assert_eq!(taken, Taken::default());
        taken.judge(ROUND * 4);
        taken.judge(ROUND * 3);
        assert_eq!(taken.total, ROUND * 5);
        assert_eq!(taken.longest, ROUND * 3);
    }
}
