//! What the kernel counts of a thread.

use std::ffi::CStr;
use std::io;
use std::sync::atomic::{AtomicI32, Ordering};

use rustix::fs::{CWD, Mode, OFlags};

use super::amounts::{Amounts, Count};
use super::text::{self, Path, Schedstat};
use crate::descriptor::Descriptor;
use crate::kernel;

/// Of another thread than the calling one.
pub(super) struct OfAnother {
    pub(super) now: Amounts,
    pub(super) run_delay_ns: Option<u64>,
}

pub(super) const WHY_NO_CPU: &str = "the clock of a thread (CLOCK_THREAD_CPUTIME_ID) was refused";
pub(super) const WHY_NO_USAGE: &str = "getrusage(RUSAGE_THREAD) was refused: user and system time, slices, switches, \
     and faults are not known";

/// Why a file with run delays could not be read: the last number of an error; below 0, it had no number.
static REFUSED: AtomicI32 = AtomicI32::new(0);
const NOT_COUNTED: i32 = -1;

pub(super) fn why_no_run_delay() -> String {
    let file = "/proc/thread-self/schedstat";
    match REFUSED.load(Ordering::Relaxed) {
        NOT_COUNTED => format!("{file}: this kernel does not count it"),
        0 => format!("{file} was not read"),
        number => format!("{file}: {}", io::Error::from_raw_os_error(number)),
    }
}

pub(super) fn now_ns() -> u64 {
    kernel::monotonic_ns().unwrap_or(0)
}

/// What the calling thread has come to since it was born, but for its run delay. The clock is first: to ask it
/// makes the kernel bring up to date what the others go by.
pub(super) fn of_this_thread() -> Amounts {
    let mut now = Amounts::NONE;
    now.set(Count::Cpu, kernel::thread_cpu_ns(None));
    let usage = kernel::thread_usage();
    now.set(Count::User, usage.map(|usage| usage.user_ns));
    now.set(Count::System, usage.map(|usage| usage.system_ns));
    now.set(
        Count::Voluntary,
        usage.map(|usage| usage.voluntary_switches),
    );
    now.set(
        Count::Involuntary,
        usage.map(|usage| usage.involuntary_switches),
    );
    // It is on a CPU now, and has been put there once more than it was taken off.
    let switches = usage.map(|usage| usage.voluntary_switches + usage.involuntary_switches);
    now.set(Count::Slices, switches.map(|switches| switches + 1));
    now.set(Count::MinorFaults, usage.map(|usage| usage.minor_faults));
    now.set(Count::MajorFaults, usage.map(|usage| usage.major_faults));
    now.set(Count::Wall, kernel::monotonic_ns());
    now
}

/// How long the calling thread has waited for a CPU since it was born. `now` is what it has come to just before.
///
/// The file is looked for by the thread's number alone, which is the same file (proc(5)). Where a thread other than the
/// main one is looked up below its process, as `/proc/thread-self` does, whoever waits for the end of the process was
/// seen to take 1.3 to 2.4 ms longer for it (Linux 6.18), and so is nextest's part of each test.
pub(super) fn run_delay_of_this_thread(now: &Amounts) -> Option<u64> {
    if kernel::is_confined() {
        REFUSED.store(libc::EPERM, Ordering::Relaxed);
        return None;
    }
    by_number(now)
        .or_else(|| run_delay(c"/proc/thread-self/schedstat").map(|counted| counted.waited_ns))
}

/// Nothing where that is another thread's, as where `/proc` is of another namespace of numbers: it has run for just as
/// long as this one's clock says.
fn by_number(now: &Amounts) -> Option<u64> {
    let path = Path::of_thread(kernel::thread_id().unsigned_abs(), "schedstat");
    let counted = run_delay(path.as_c_str()?)?;
    let ran = now.get(Count::Cpu)?..=kernel::thread_cpu_ns(None)?;
    ran.contains(&counted.ran_ns).then_some(counted.waited_ns)
}

/// What another thread of this process has come to. None where it is no more.
pub(super) fn of_another(thread: u32) -> Option<OfAnother> {
    let mut now = Amounts::NONE;
    let cpu_ns = kernel::thread_cpu_ns(Some(i32::try_from(thread).ok()?))?;
    now.set(Count::Cpu, Some(cpu_ns));
    let counted = run_delay(Path::of(thread, "schedstat").as_c_str()?);
    let run_delay_ns = counted.map(|counted| counted.waited_ns);
    now.set(Count::Slices, counted.map(|counted| counted.slices));
    let mut room = [0; 4096];
    let stat = read(Path::of(thread, "stat").as_c_str()?, &mut room);
    let stat = stat.ok().and_then(text::stat);
    now.set(Count::System, stat.map(|stat| stat.system_ns.min(cpu_ns)));
    now.set(
        Count::User,
        stat.map(|stat| cpu_ns.saturating_sub(stat.system_ns)),
    );
    now.set(Count::MinorFaults, stat.map(|stat| stat.minor_faults));
    now.set(Count::MajorFaults, stat.map(|stat| stat.major_faults));
    let status = read(Path::of(thread, "status").as_c_str()?, &mut room);
    let switches = status.ok().and_then(text::switches);
    now.set(Count::Voluntary, switches.map(|[voluntary, _]| voluntary));
    now.set(
        Count::Involuntary,
        switches.map(|[_, involuntary]| involuntary),
    );
    now.set(Count::Wall, kernel::monotonic_ns());
    Some(OfAnother { now, run_delay_ns })
}

/// How long another thread of this process has been on a CPU, and nothing else. None where it is no more.
pub(super) fn cpu_of_another(thread: u32) -> Option<Amounts> {
    let cpu_ns = kernel::thread_cpu_ns(Some(i32::try_from(thread).ok()?))?;
    let mut now = Amounts::NONE;
    now.set(Count::Cpu, Some(cpu_ns));
    now.set(Count::Wall, kernel::monotonic_ns());
    Some(now)
}

/// How long another thread of this process has waited for a CPU.
pub(super) fn run_delay_of_another(thread: u32) -> Option<u64> {
    run_delay(Path::of(thread, "schedstat").as_c_str()?).map(|counted| counted.waited_ns)
}

fn run_delay(path: &CStr) -> Option<Schedstat> {
    let mut room = [0; 128];
    let read = match read(path, &mut room) {
        Ok(read) => read,
        Err(error) => {
            REFUSED.store(error.raw_os_error(), Ordering::Relaxed);
            return None;
        }
    };
    let counted = text::schedstat(read);
    if counted.is_none() {
        REFUSED.store(NOT_COUNTED, Ordering::Relaxed);
    }
    counted
}

/// What the first read(2) of a file gives: all of it, of these.
fn read<'r>(path: &CStr, room: &'r mut [u8]) -> rustix::io::Result<&'r [u8]> {
    let flags = OFlags::RDONLY | OFlags::NOCTTY;
    let file = Descriptor::open(CWD, path, flags, Mode::empty())?;
    let length = file.read_once(room)?;
    Ok(room.get(..length).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::thread;

    use super::*;

    /// The kernel's own other counters, at the same moment.
    #[test]
    fn one_thread_read_by_itself_and_by_another_is_the_same() {
        let (say, said) = channel();
        let (end, ended) = channel::<()>();
        let thread = thread::spawn(move || {
            for _ in 0..50 {
                thread::yield_now();
            }
            let number = kernel::thread_id().unsigned_abs();
            let now = of_this_thread();
            say.send((number, now, run_delay_of_this_thread(&now)))
                .unwrap();
            let _ = ended.recv();
        });
        let (number, own, run_delay_ns) = said.recv().unwrap();
        // Until it sleeps, and so counts no more.
        let other = loop {
            let other = of_another(number).unwrap();
            if other.now.get(Count::Voluntary) > own.get(Count::Voluntary) {
                break other;
            }
            thread::yield_now();
        };
        for count in [
            Count::Cpu,
            Count::MinorFaults,
            Count::Involuntary,
            Count::Slices,
        ] {
            assert!(other.now.get(count) >= own.get(count), "{count:?}");
        }
        assert!(other.run_delay_ns >= run_delay_ns && run_delay_ns.is_some());
        let parts = [Count::User, Count::System].map(|count| other.now.get(count).unwrap());
        assert_eq!(Some(parts.iter().sum::<u64>()), other.now.get(Count::Cpu));
        end.send(()).unwrap();
        thread.join().unwrap();
        assert!(of_another(number).is_none());
    }

    /// That they can be told from the switches.
    #[test]
    fn slices_are_those_of_the_kernel() {
        for _ in 0..100 {
            let before = of_this_thread().get(Count::Slices);
            let kernels = run_delay(c"/proc/thread-self/schedstat").unwrap().slices;
            let after = of_this_thread().get(Count::Slices);
            // Unless it was taken off the CPU in between.
            if before == after {
                assert_eq!(before, Some(kernels));
                return;
            }
        }
        panic!("it is taken off the CPU each time");
    }

    /// Where the two are of one namespace, as they are where tests run.
    #[test]
    fn a_thread_is_found_by_its_number_and_no_other_is_taken_for_it() {
        let by_process = || run_delay(c"/proc/thread-self/schedstat").unwrap().waited_ns;
        let before = by_process();
        let own = by_number(&of_this_thread()).expect("it is this thread's");
        assert!((before..=by_process()).contains(&own));
        // One that has run longer than it can have by now, as another's may.
        let mut other = of_this_thread();
        let cpu_ns = other.get(Count::Cpu).unwrap();
        other.set(Count::Cpu, Some(cpu_ns + 3_600_000_000_000));
        assert_eq!(by_number(&other), None);
        // It is found all the same.
        assert!(run_delay_of_this_thread(&other) >= Some(before));
    }

    #[test]
    fn user_and_system_time_are_all_there_is() {
        let now = of_this_thread();
        let parts = [Count::User, Count::System].map(|count| now.get(count).unwrap());
        let cpu = now.get(Count::Cpu).unwrap();
        // The kernel gives each in whole microseconds, and the thread has run on between the two.
        assert!(
            parts.iter().sum::<u64>().abs_diff(cpu) < 20_000_000,
            "{parts:?} {cpu}"
        );
    }
}
