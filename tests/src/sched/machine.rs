//! What the CPUs of the machine did, as the kernel counts it.

use std::fs;
use std::io;
use std::time::Duration;

/// The unit of `/proc/stat` towards programs, `USER_HZ`: one hundredth of a second on every architecture that there is.
const USER_TICK: Duration = Duration::from_millis(10);

/// Since boot, for some CPUs together or for one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Use {
    /// Nobody wanted to run there, as far as the scheduler knew.
    pub idle: Duration,
    /// Somebody ran there.
    pub busy: Duration,
}

impl Use {
    /// What came about since an earlier reading.
    #[must_use]
    pub fn since(self, earlier: Self) -> Self {
        Self {
            idle: self.idle.saturating_sub(earlier.idle),
            busy: self.busy.saturating_sub(earlier.busy),
        }
    }
}

/// The use of each of these CPUs, in units of 10 ms.
///
/// # Errors
///
/// If the kernel does not show it.
pub fn use_of(cpus: &[usize]) -> io::Result<Vec<Use>> {
    let stat = fs::read_to_string("/proc/stat")?;
    cpus.iter()
        .map(|&cpu| {
            use_in(&stat, cpu)
                .ok_or_else(|| io::Error::other(format!("/proc/stat has no line of cpu{cpu}")))
        })
        .collect()
}

/// Whether others had so much of these CPUs that the suite's threads may have waited for them and not for each other:
/// more than a quarter of what the suite's own threads had, beyond what the unit hides.
#[must_use]
pub fn others_were_busy(outside: Duration, own: Duration) -> bool {
    outside > own / 4 + USER_TICK * 5
}

fn use_in(stat: &str, cpu: usize) -> Option<Use> {
    let name = format!("cpu{cpu}");
    // `cpu0 user nice system idle iowait irq softirq steal guest guest_nice`; a guest's time is in user and nice.
    let line = stat
        .lines()
        .find(|line| line.split(' ').next() == Some(&name))?;
    let ticks: Vec<u32> = line
        .split_whitespace()
        .skip(1)
        .map(str::parse)
        .collect::<Result<_, _>>()
        .ok()?;
    let [
        user,
        nice,
        system,
        idle,
        waiting,
        interrupts,
        soft,
        stolen,
        ..,
    ] = ticks[..]
    else {
        return None;
    };
    Some(Use {
        idle: USER_TICK * (idle + waiting),
        busy: USER_TICK * (user + nice + system + interrupts + soft + stolen),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_and_busy_are_told_apart() {
        let stat =
            "cpu  1 1 1 1 1 1 1 1 0 0\ncpu0 1 2 3 40 5 6 7 8 1 1\ncpu10 9 0 0 0 0 0 0 0 0 0\n";
        let of_zero = use_in(stat, 0).unwrap();
        assert_eq!(of_zero.idle, Duration::from_millis(450));
        assert_eq!(of_zero.busy, Duration::from_millis(270));
        assert_eq!(use_in(stat, 10).unwrap().busy, Duration::from_millis(90));
        assert_eq!(use_in(stat, 1), None);
    }
}
