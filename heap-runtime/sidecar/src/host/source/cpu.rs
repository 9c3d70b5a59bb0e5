//! Processors: what they are, how many there are and how their frequency is governed.

use super::{Source, Text, file};
use crate::CpuTime;
use std::collections::BTreeMap;
use std::io::ErrorKind;

/// CPUs whose frequency is set together.
pub(super) struct Policy {
    governor: String,
    cpus: Vec<usize>,
}

impl Policy {
    pub(super) fn put(&self, text: &mut Text) {
        let cpus: Vec<String> = self.cpus.iter().map(ToString::to_string).collect();
        text.put(
            "policy",
            format_args!("{} {}", cpus.join(","), self.governor),
        );
    }

    /// As it was put.
    pub(super) fn of(text: &str) -> Option<Self> {
        let (cpus, governor) = text.split_once(' ')?;
        let cpus = cpus.split(',').filter(|cpu| !cpu.is_empty());
        Some(Self {
            cpus: cpus.map(|cpu| cpu.parse().ok()).collect::<Option<_>>()?,
            governor: governor.to_owned(),
        })
    }
}

impl Source {
    /// Model and vendor of the first CPU.
    pub(super) fn first_cpu(&self) -> (Option<String>, Option<String>) {
        let mut buffer = file::buffer();
        let Some(bytes) = file::start(&*self.path("/proc/cpuinfo"), &mut buffer) else {
            return (None, None);
        };
        // Only the first block: parsing those of 256 CPUs takes milliseconds.
        let text = String::from_utf8_lossy(bytes);
        let block = text.split_once("\n\n").map_or(&*text, |(first, _)| first);
        let value = |key: &str| {
            let mut fields = block.lines().filter_map(|line| line.split_once(':'));
            let value = fields.find_map(|(name, value)| (name.trim_end() == key).then_some(value));
            value.map(str::trim).filter(|value| !value.is_empty())
        };
        let field = |keys: [&str; 2]| keys.into_iter().find_map(value).map(str::to_owned);
        (
            field(["model name", "CPU part"]),
            field(["vendor_id", "CPU implementer"]),
        )
    }

    /// Time that the CPUs did not work although there was work.
    pub(super) fn cpu_time(&self) -> Option<CpuTime> {
        let mut buffer = file::buffer();
        // The kernel makes all of it, however little is taken.
        let line = file::first_line(&*self.path("/proc/stat"), &mut buffer)?;
        let line = str::from_utf8(line).ok()?.strip_prefix("cpu ")?;
        // user nice system idle iowait irq softirq steal
        let mut ticks = line.split_ascii_whitespace().skip(4);
        let iowait = ticks.next().and_then(in_us);
        let steal = ticks.nth(2).and_then(in_us);
        iowait.or(steal)?;
        Some(CpuTime {
            iowait_us: iowait,
            steal_us: steal,
        })
    }

    pub(super) fn online_cpus(&self) -> Option<usize> {
        self.listed("/sys/devices/system/cpu/online")
    }

    pub(super) fn numa_nodes(&self) -> Option<usize> {
        self.listed("/sys/devices/system/node/online")
    }

    fn listed(&self, absolute: &str) -> Option<usize> {
        let mut buffer = file::buffer();
        count(file::value(&*self.path(absolute), &mut buffer)?)
    }

    /// The governor of each CPU that has one.
    pub(super) fn cpufreq_governor(&self) -> BTreeMap<usize, String> {
        let mut governors = BTreeMap::new();
        let mut buffer = file::buffer();
        for policy in self.policies() {
            if let Some(governor) = file::value(policy.governor.as_str(), &mut buffer) {
                governors.extend(policy.cpus.iter().map(|&cpu| (cpu, governor.to_owned())));
            }
        }
        governors
    }

    /// The policies, looked up once: they come with the driver, not with a setting.
    fn policies(&self) -> &[Policy] {
        if let Some(policies) = self.policies.get() {
            return policies;
        }
        let directory = self.path("/sys/devices/system/cpu/cpufreq");
        let names = match file::names(&directory, "policy") {
            Ok(names) => names,
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            // Out of file descriptors, for one: the next reading may have more luck.
            Err(_) => return &[],
        };
        let mut buffer = file::buffer();
        let policies = names.into_iter().filter_map(|name| {
            let cpus = format!("{directory}/{name}/related_cpus");
            Some(Policy {
                cpus: file::value(cpus.as_str(), &mut buffer)?
                    .split_ascii_whitespace()
                    .map_while(|cpu| cpu.parse().ok())
                    .collect(),
                governor: format!("{directory}/{name}/scaling_governor"),
            })
        });
        let policies = policies.collect();
        self.policies.get_or_init(|| policies)
    }
}

/// Ticks as microseconds.
///
/// Not by rustix, which looks for the answer in the program's own image and crashes where it is not what it
/// takes it for, as under valgrind.
fn in_us(ticks: &str) -> Option<u64> {
    let ticks: u64 = ticks.parse().ok()?;
    // SAFETY: it takes a number, and touches nothing.
    let per_second = unsafe { libc::sysconf(libc::_SC_CLK_TCK) };
    ticks
        .checked_mul(1_000_000)?
        .checked_div(u64::try_from(per_second).ok()?)
}

/// How many numbers a list such as `0-3,8` holds.
fn count(numbers: &str) -> Option<usize> {
    numbers.split(',').try_fold(0_usize, |sum, range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last): (usize, usize) = (first.parse().ok()?, last.parse().ok()?);
        sum.checked_add(last.checked_sub(first)?.checked_add(1)?)
    })
}

#[cfg(test)]
mod tests {
    use super::count;

    #[test]
    fn lists_of_numbers() {
        assert_eq!(count("0"), Some(1));
        assert_eq!(count("0-127"), Some(128));
        assert_eq!(count("0-3,8,10-11"), Some(7));
        for wrong in ["", "x", "3-1", "0-", "-", "0,,1", "0-18446744073709551615"] {
            assert_eq!(count(wrong), None, "{wrong:?}");
        }
    }
}
