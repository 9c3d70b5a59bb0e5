//! What files of the kernel said a moment ago, told from one process of a run to the next.
//!
//! Tests of one process that are over in less than a reading is good for share it ([`Recent`](crate::host::Recent)).
//! nextest starts a process for each test, which reads some thirty files before an empty test as before any other. So
//! what a file said is told to the processes that come after, with when that was: for as long as the reading is good,
//! a file is not opened but taken to say so still. What is made of it is made by the same code.
//!
//! ```text
//! process A: reads files at 0 ms, tells them at its end ─▶ .host.tmp ─▶ process B, at 4 ms: as they were at 0 ms
//!                                                                       process C, at 12 ms: reads them itself
//! ```
//!
//! Files about a process itself are not among them. Of a file there is a hash of its path alone, as that may have names of
//! users and hosts in it. Only who has been told what another process found out notes what it reads.

mod key;

use std::cell::Cell;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use rustix::path::Arg;

use key::Key;

/// Files that are read together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::host) enum Group {
    Changing,
    Incidents,
    Settings,
}

impl Group {
    const ALL: [Self; 3] = [Self::Changing, Self::Incidents, Self::Settings];
}

/// What this thread does with the files that it reads now.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Plain,
    Replay(Group),
    Note(Group),
}

thread_local! {
    static MODE: Cell<Mode> = const { Cell::new(Mode::Plain) };
}

/// What another process had read.
static TOLD: OnceLock<Told> = OnceLock::new();

/// What this one has, of each group.
static NOTED: [Mutex<Noted>; 3] = [const { Mutex::new(Noted::NOTHING) }; 3];

static IS_NOTING: AtomicBool = AtomicBool::new(false);

struct Told {
    text: String,
    groups: [Option<Readings>; 3],
}

/// The readings of a group in a text.
struct Readings {
    /// By the clock that all processes have in common.
    taken_ns: u64,
    start: usize,
    end: usize,
    /// Where the next file is expected: they are read in the same order each time.
    next: AtomicUsize,
}

struct Noted {
    /// Nothing while they are being read.
    taken_ns: Option<u64>,
    text: String,
}

impl Noted {
    const NOTHING: Self = Self {
        taken_ns: None,
        text: String::new(),
    };

    fn of(group: Group) -> MutexGuard<'static, Self> {
        let [changing, incidents, settings] = &NOTED;
        let noted = match group {
            Group::Changing => changing,
            Group::Incidents => incidents,
            Group::Settings => settings,
        };
        noted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads files, or takes them to say what they said where that is younger than `fresh`; and when they did.
pub(in crate::host) fn taken<T>(
    group: Group,
    fresh: Duration,
    read: impl FnOnce() -> T,
) -> (Instant, T) {
    let now = Instant::now();
    let told_at = TOLD.get().and_then(|told| {
        let age = told.of(group)?.age().filter(|age| *age < fresh)?;
        now.checked_sub(age)
    });
    if let Some(at) = told_at {
        return (at, during(Mode::Replay(group), read));
    }
    let taken_ns = monotonic_ns().filter(|_| IS_NOTING.load(Ordering::Relaxed));
    let Some(taken_ns) = taken_ns else {
        return (now, read());
    };
    {
        let mut noted = Noted::of(group);
        noted.taken_ns = None;
        noted.text.clear();
        noted.text.reserve(4096);
    }
    let value = during(Mode::Note(group), read);
    Noted::of(group).taken_ns = Some(taken_ns);
    (now, value)
}

fn during<T>(mode: Mode, read: impl FnOnce() -> T) -> T {
    /// Also where it panics.
    struct Back(Mode);
    impl Drop for Back {
        fn drop(&mut self) {
            MODE.set(self.0);
        }
    }
    let _back = Back(MODE.replace(mode));
    read()
}

/// What came of reading a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Said<T> {
    This(T),
    /// It is not there, or may not be read.
    Nothing,
}

impl<T> Said<T> {
    pub(super) fn this(self) -> Option<T> {
        match self {
            Self::This(content) => Some(content),
            Self::Nothing => None,
        }
    }
}

/// What the file is taken to say, in `room`, and how long that is. Nothing where it is to be read.
pub(super) fn told(path: impl Arg + Copy, room: &mut [u8]) -> Option<Said<usize>> {
    let Mode::Replay(group) = MODE.get() else {
        return None;
    };
    let key = Key::of(path)?;
    let told = TOLD.get()?;
    let content = told.of(group)?.find(&told.text, key.as_str())?;
    let Said::This(content) = content else {
        return Some(Said::Nothing);
    };
    room.get_mut(..content.len())?
        .copy_from_slice(content.as_bytes());
    Some(Said::This(content.len()))
}

/// Notes what a file said, or that it could not be read.
pub(super) fn note(path: impl Arg + Copy, content: Option<&[u8]>) {
    let Mode::Note(group) = MODE.get() else {
        return;
    };
    let Some(key) = Key::of(path) else { return };
    let mut noted = Noted::of(group);
    match content.map(str::from_utf8) {
        Some(Ok(content)) => put(&mut noted.text, key.as_str(), Some(content)),
        None => put(&mut noted.text, key.as_str(), None),
        // What is no text is read by everybody.
        Some(Err(_)) => {}
    }
}

/// `KEY LENGTH` and, on the next line, the content; `KEY -` where there is none.
fn put(text: &mut String, key: &str, content: Option<&str>) {
    text.push_str(key);
    match content {
        Some(content) => {
            write!(text, " {}\n{content}\n", content.len()).expect("a String takes all");
        }
        None => text.push_str(" -\n"),
    }
}

impl Told {
    fn of(&self, group: Group) -> Option<&Readings> {
        let [changing, incidents, settings] = &self.groups;
        match group {
            Group::Changing => changing.as_ref(),
            Group::Incidents => incidents.as_ref(),
            Group::Settings => settings.as_ref(),
        }
    }

    /// As [`put_recent`] has put it. Nothing of a group that is cut.
    fn parse(text: String) -> Self {
        let mut groups = [None, None, None];
        let mut at = 0;
        for group in &mut groups {
            let Some((readings, end)) = Readings::parse(&text, at) else {
                break;
            };
            *group = readings;
            at = end;
        }
        Self { text, groups }
    }
}

impl Readings {
    /// `NANOSECONDS LENGTH` and the readings; 0 where there are none. And where they end.
    fn parse(text: &str, at: usize) -> Option<(Option<Self>, usize)> {
        let (head, _) = text.get(at..)?.split_once('\n')?;
        let (taken_ns, length) = head.split_once(' ')?;
        let (taken_ns, length): (u64, usize) = (taken_ns.parse().ok()?, length.parse().ok()?);
        let start = at + head.len() + 1;
        let end = start.checked_add(length)?;
        text.get(start..end)?;
        let readings = (taken_ns > 0).then(|| Self {
            taken_ns,
            start,
            end,
            next: AtomicUsize::new(start),
        });
        Some((readings, end))
    }

    fn age(&self) -> Option<Duration> {
        // Nothing where it is still to come, as by the clock of another namespace.
        let age = monotonic_ns()?.checked_sub(self.taken_ns)?;
        Some(Duration::from_nanos(age))
    }

    /// What a file said, or that it could not be read; nothing where it is not among them.
    fn find<'t>(&self, text: &'t str, key: &str) -> Option<Said<&'t str>> {
        let next = self.next.load(Ordering::Relaxed);
        let found = self.find_from(next, text, key);
        let (content, end) = found.or_else(|| self.find_from(self.start, text, key))?;
        self.next.store(end, Ordering::Relaxed);
        Some(content)
    }

    fn find_from<'t>(
        &self,
        mut at: usize,
        text: &'t str,
        key: &str,
    ) -> Option<(Said<&'t str>, usize)> {
        loop {
            let (head, rest) = text.get(at..self.end)?.split_once('\n')?;
            let (name, length) = head.split_once(' ')?;
            at += head.len() + 1;
            let content = match length {
                "-" => Said::Nothing,
                length => {
                    let content = rest.get(..length.parse().ok()?)?;
                    at += content.len() + 1;
                    Said::This(content)
                }
            };
            if name == key {
                return Some((content, at));
            }
        }
    }
}

/// Takes what another process has told. From now on, this one notes what it reads.
pub(in crate::host) fn remember(text: &str) {
    let _ = TOLD.set(Told::parse(text.to_owned()));
    IS_NOTING.store(true, Ordering::Relaxed);
}

/// Whether this process was told something, and has read nothing since that it could tell in turn.
pub(in crate::host) fn is_all_told() -> bool {
    TOLD.get().is_some()
        && Group::ALL
            .iter()
            .all(|group| Noted::of(*group).taken_ns.is_none())
}

/// The last readings, of this process or of the one that has told it.
pub(in crate::host) fn put_recent(text: &mut String) {
    for group in Group::ALL {
        let noted = Noted::of(group);
        let told = TOLD.get();
        let readings = match (noted.taken_ns, told.and_then(|told| told.of(group))) {
            (Some(taken_ns), _) => Some((taken_ns, noted.text.as_str())),
            (None, Some(readings)) => told
                .and_then(|told| told.text.get(readings.start..readings.end))
                .map(|text| (readings.taken_ns, text)),
            (None, None) => None,
        };
        let (taken_ns, readings) = readings.unwrap_or_default();
        write!(text, "{taken_ns} {}\n{readings}", readings.len()).expect("a String takes all");
    }
}

/// By the clock that is never set, and is the same in all processes since the start of the system.
fn monotonic_ns() -> Option<u64> {
    let mut now = std::mem::MaybeUninit::<libc::timespec>::uninit();
    // SAFETY: there is room for the time.
    if unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, now.as_mut_ptr()) } != 0 {
        return None;
    }
    // SAFETY: filled in, as there was an answer.
    let now = unsafe { now.assume_init() };
    let (seconds, ns) = (
        u64::try_from(now.tv_sec).ok()?,
        u64::try_from(now.tv_nsec).ok()?,
    );
    seconds.checked_mul(1_000_000_000)?.checked_add(ns)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILES: [(&str, Option<&str>); 4] = [
        ("/proc/meminfo", Some("MemTotal: 1 kB\nMemFree: 1 kB\n")),
        ("/sys/kernel/sched_ext/state", None),
        ("/proc/pressure/cpu", Some("")),
        ("/sys/fs/cgroup/a/memory.max", Some("max \u{e4}\n")),
    ];

    fn key(path: &str) -> String {
        Key::of(path)
            .expect("it is none of the process")
            .as_str()
            .to_owned()
    }

    fn said(content: Option<&str>) -> Said<&str> {
        content.map_or(Said::Nothing, Said::This)
    }

    /// What is told of the changing files and of the settings, by a process that has not read the others.
    fn text() -> String {
        let mut readings = String::new();
        for (path, content) in FILES {
            put(&mut readings, &key(path), content);
        }
        format!(
            "17 {}\n{readings}0 0\n18 {}\n{readings}",
            readings.len(),
            readings.len()
        )
    }

    #[test]
    fn files_are_found_in_any_order_as_they_were_put() {
        let told = Told::parse(text());
        assert!(told.of(Group::Incidents).is_none());
        for (group, taken_ns) in [(Group::Changing, 17), (Group::Settings, 18)] {
            let readings = told.of(group).expect("they were put");
            assert_eq!(readings.taken_ns, taken_ns);
            let all = FILES.iter().chain(FILES.iter().rev()).chain(&FILES[2..]);
            for (path, content) in all {
                assert_eq!(
                    readings.find(&told.text, &key(path)),
                    Some(said(*content)),
                    "{path}"
                );
            }
            assert_eq!(readings.find(&told.text, &key("/proc/stat")), None);
        }
    }

    #[test]
    fn readings_that_are_cut_are_none() {
        let text = text();
        for length in (0..text.len()).filter(|length| text.is_char_boundary(*length)) {
            let told = Told::parse(text[..length].to_owned());
            assert!(told.of(Group::Settings).is_none(), "{length}");
            if let Some(readings) = told.of(Group::Changing) {
                for (path, content) in FILES {
                    assert_eq!(readings.find(&told.text, &key(path)), Some(said(content)));
                }
            }
        }
    }

    #[test]
    fn what_is_read_now_is_young_and_what_is_still_to_come_has_no_age() {
        let at = |taken_ns| Readings {
            taken_ns,
            start: 0,
            end: 0,
            next: AtomicUsize::new(0),
        };
        let now = monotonic_ns().unwrap();
        let age = at(now).age().expect("it has begun");
        assert!(age <= Duration::from_nanos(monotonic_ns().unwrap() - now));
        assert!(at(now - 1_000_000_000).age() >= Some(Duration::from_secs(1)));
        assert_eq!(at(now + 3_600_000_000_000).age(), None);
    }
}
