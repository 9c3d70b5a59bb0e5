//! The place in a `running` record that is overwritten while the test runs.
//!
//! What a test has live grows from one moment to the next, and where it is killed nobody is left to
//! say how far it had come. So the record has a place of fixed width, [`LastSeen`], and the sampler
//! overwrites it, from inside the allocator. So does the end of a test whose finished record cannot be
//! written: to overwrite needs no room on the disk.
//!
//! - Each position of it holds a digit, a letter of the outcome, or always the same character. A reader that comes in the
//!   middle of a write sees whole JSON, whichever bytes are new already.
//! - It does not cross a page, so that a kill does not cut a write in two: the kernel looks for one
//!   between pages.
//! - The file is not kept open, as the test's descriptors are the test's. It is found by its path,
//!   and is taken for ours only where device, inode and the time of its last change are what they
//!   were: a record that replaces this one, or a file that anybody else has touched, is left alone.
//! - It is not mapped into memory: a file that is cut short, or a full disk, would then be a signal.

use std::ffi::CStr;
use std::path::{Path, PathBuf};

use rustix::fs::Stat;

use crate::pool::Lent;
use crate::sidecar::write::platform::is_same;
use crate::sidecar::{LastSeen, Outcome};

/// `{`, four members and `}`, as the pretty layout writes them at this depth.
const LENGTH: usize = 162;

/// What is overwritten, with its values.
#[cfg(any(target_os = "linux", test))]
type Text = [u8; LENGTH];

/// A page of the smallest size: those of other sizes begin at multiples of it, too.
const PAGE: usize = 4096;

/// Where the place is, in a file that is whole.
#[cfg_attr(
    not(target_os = "linux"),
    expect(dead_code, reason = "nothing is overwritten there")
)]
pub(crate) struct Slot {
    /// With a NUL at its end, and none before.
    path: Lent<PathBuf>,
    /// The process that may write: none of its forks.
    pid: u32,
    /// The file as it was left, and where in it the text starts.
    at: Option<(Stat, u64)>,
    seen: LastSeen,
}

impl Slot {
    /// In a file that will have this path, and that this process alone writes to.
    pub(crate) fn new(mut path: Lent<PathBuf>, pid: u32) -> Option<Self> {
        path.as_mut_os_string().push("\0");
        c_str(&path)?;
        Some(Self {
            path,
            pid,
            at: None,
            seen: LastSeen::default(),
        })
    }

    /// Says how the test ended whose finished record cannot be written.
    pub(crate) fn end(&mut self, outcome: Outcome) {
        let mut seen = self.seen;
        seen.outcome = Some(outcome);
        self.write(seen);
    }

    /// The file has been written, with the value of `heap.last_seen` at that place of it.
    pub(crate) fn is_in(&mut self, written: &Stat, last_seen_at: Option<usize>) {
        self.at = last_seen_at.and_then(|offset| {
            // Only after it got its name is it known when it was last changed.
            let now = rustix::fs::lstat(c_str(&self.path)?).ok()?;
            let is_it = is_same(&now, written) && now.st_nlink == 1;
            is_it.then_some((now, u64::try_from(offset).ok()?))
        });
    }
}

/// The path, where it ends in a NUL and has none before.
fn c_str(path: &Path) -> Option<&CStr> {
    CStr::from_bytes_with_nul(path.as_os_str().as_encoded_bytes()).ok()
}

/// Whether it is the same file, and nobody has touched it. The number of an inode is given again to
/// another file, but not with that time.
#[cfg(target_os = "linux")]
fn is_unchanged(now: &Stat, was: &Stat) -> bool {
    let changed = |file: &Stat| (file.st_ctime, file.st_ctime_nsec);
    is_same(now, was) && changed(now) == changed(was)
}

/// The place with values in it.
#[cfg(any(target_os = "linux", test))]
fn text(seen: LastSeen) -> Text {
    let [at_ns, live_bytes, error_bytes] =
        [seen.at_ns, seen.live_bytes, seen.error_bytes].map(LastSeen::digits);
    let parts: [&[u8]; 9] = [
        b"{\n      \"at_ns\": \"",
        &at_ns,
        b"\",\n      \"live_bytes\": \"",
        &live_bytes,
        b"\",\n      \"error_bytes\": \"",
        &error_bytes,
        b"\",\n      \"outcome\": \"",
        LastSeen::outcome_text(seen.outcome).as_bytes(),
        b"\"\n    }",
    ];
    let mut text = [0; LENGTH];
    for (to, from) in text.iter_mut().zip(parts.into_iter().flatten()) {
        *to = *from;
    }
    text
}

/// How many blanks move the place, if it begins here, to where it crosses no page.
pub(in crate::sidecar) fn blanks_before(start: usize) -> usize {
    let of_page = start % PAGE;
    if of_page + LENGTH > PAGE {
        PAGE - of_page
    } else {
        0
    }
}

#[cfg(target_os = "linux")]
mod overwrite {
    use std::ffi::CStr;

    use rustix::fs::{CWD, Mode, OFlags, Stat, fstat};
    use rustix::io::pwrite;

    use super::{LENGTH, LastSeen, Slot, c_str, is_unchanged, text};
    use crate::descriptor::Descriptor;
    use crate::kernel;
    use crate::process::process_id;

    impl Slot {
        /// Overwrites the place, unless the file is not what it was.
        ///
        /// This runs inside the allocator, on any thread of the test. It allocates nothing, takes
        /// no lock and cannot panic. Its system calls leave `errno` alone, and none of them is a point of
        /// cancellation: what is, is done by rustix, past the C library.
        pub(crate) fn write(&mut self, seen: LastSeen) {
            self.seen = seen;
            if let Some((file, offset)) = self.at
                && process_id() == self.pid
                && let Some(path) = c_str(&self.path)
                && let Some(file) = overwrite(path, &file, offset, seen)
            {
                self.at = Some((file, offset));
            }
        }
    }

    /// Gives what the file is afterwards.
    fn overwrite(path: &CStr, was: &Stat, offset: u64, seen: LastSeen) -> Option<Stat> {
        // Where a test allows no larger files, to write one is answered with a signal that kills.
        if offset + LENGTH as u64 > kernel::file_size_limit()? {
            return None;
        }
        // At first only looked at: what else may have that name by now is not to be opened. And
        // while it is held, the one to write to is nobody's standard output, which a test may have
        // closed and print to all the same.
        let name = open(path, OFlags::PATH)?;
        if !name.is_above_standard() || !is_still(&name, was) {
            return None;
        }
        let file = open(path, OFlags::WRONLY | OFlags::NONBLOCK | OFlags::NOCTTY)?;
        if !file.is_above_standard() || !is_still(&file, was) {
            return None;
        }
        // In one call within one page, which a kill does not cut: a reader has the old text or the new one.
        pwrite(&file, &text(seen), offset).ok()?;
        // This has changed its time, by which the next write knows the file again.
        fstat(&file).ok()
    }

    fn open(path: &CStr, flags: OFlags) -> Option<Descriptor> {
        Descriptor::open(CWD, path, flags | OFlags::NOFOLLOW, Mode::empty()).ok()
    }

    fn is_still(file: &Descriptor, was: &Stat) -> bool {
        fstat(file).is_ok_and(|now| is_unchanged(&now, was) && now.st_nlink == 1)
    }
}

#[cfg(not(target_os = "linux"))]
impl Slot {
    /// Remembers it, that is all.
    pub(crate) fn write(&mut self, seen: LastSeen) {
        self.seen = seen;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sidecar::{HostMembers, Outcome, Sidecar, to_json};
    use serde_json::{Value, json};

    fn seen() -> LastSeen {
        let mut seen = LastSeen::default();
        seen.at_ns = 3_100_000_000;
        seen.live_bytes = u64::MAX;
        seen.error_bytes = 65_536;
        seen.outcome = Some(Outcome::Passed);
        seen
    }

    fn running(label: &str) -> Sidecar {
        serde_json::from_value(json!({
            "format_version": 1, "status": "running", "test_name": "t", "package": "p",
            "binary": "b", "source": { "file": "f.rs", "line": 1 }, "run_id": "r",
            "runner": "other", "attempt": 1, "iteration": 0, "pid": 1, "started_at": "",
            // As like the place as a text can be.
            "labels": { "last_seen": label, "l": "\n    \"last_seen\": {" },
            "host": { "kernel_cmdline": "\n    \"last_seen\": {" }, "host_before": {},
            "heap": {
                "allocator": "jemalloc",
                "last_seen": { "at_ns": "0", "live_bytes": "0", "error_bytes": "0" }
            }
        }))
        .unwrap()
    }

    /// The text of a record, and where the place is in it.
    fn contents(sidecar: &Sidecar) -> (Vec<u8>, usize) {
        let nothing = HostMembers::default();
        let mut text = Vec::new();
        let start = to_json(sidecar, &[], &nothing, &mut text).last_seen_at;
        (text, start.expect("it has the place"))
    }

    #[test]
    fn the_place_is_found_and_is_what_serde_writes() {
        let mut sidecar = running("");
        let (mut before, start) = contents(&sidecar);
        before[start..start + LENGTH].copy_from_slice(&text(seen()));
        let read: Sidecar = serde_json::from_slice(&before).unwrap();
        assert_eq!(read.heap.last_seen, Some(seen()));
        sidecar.heap.last_seen = Some(seen());
        assert_eq!((before, start), contents(&sidecar));
    }

    #[test]
    fn the_place_crosses_no_page() {
        let mut moved = 0;
        for length in 0..PAGE {
            let sidecar = running(&"x".repeat(length));
            let (contents, start) = contents(&sidecar);
            assert_eq!(start / PAGE, (start + LENGTH - 1) / PAGE, "{length}");
            moved += usize::from(contents[start - 2] == b' ');
            if length % 64 == 0 || contents[start - 2] == b' ' {
                assert_eq!(
                    serde_json::from_slice::<Sidecar>(&contents).unwrap(),
                    sidecar
                );
            }
        }
        // A page's end was met at every position inside.
        assert_eq!(moved, LENGTH - 1);
    }

    #[test]
    fn a_reader_in_the_middle_of_a_write_sees_whole_json() {
        let old = text(LastSeen::default());
        for outcome in [Outcome::Passed, Outcome::Failed, Outcome::Skipped] {
            let outcome = Some(outcome);
            let mut seen = seen();
            seen.outcome = outcome;
            let new = text(seen);
            for cut in 0..=LENGTH {
                for [first, second] in [[&old, &new], [&new, &old]] {
                    let mixed = [&first[..cut], &second[cut..]].concat();
                    let value: Value = serde_json::from_slice(&mixed).unwrap();
                    let read = serde_json::from_value::<LastSeen>(value).unwrap();
                    assert!([None, outcome].contains(&read.outcome), "{read:?}");
                }
            }
        }
    }

    #[cfg(target_os = "linux")]
    mod files {
        use super::*;
        use crate::sidecar::Place;
        use std::fs;
        use std::os::unix::fs::symlink;

        struct Kept {
            folder: tempfile::TempDir,
            slot: Slot,
        }

        impl Kept {
            fn new() -> Self {
                let folder = tempfile::tempdir().unwrap();
                let place = Place {
                    base: folder.path().to_owned(),
                    below: Vec::new(),
                };
                let slot = Slot::new(place.lend_path_of("record"), std::process::id()).unwrap();
                let mut kept = Self { folder, slot };
                fs::write(kept.path(), contents(&running("")).0).unwrap();
                kept.settle();
                kept
            }

            fn path(&self) -> PathBuf {
                self.folder.path().join("record")
            }

            fn settle(&mut self) {
                let written = rustix::fs::lstat(self.path()).unwrap();
                let (_, start) = contents(&running(""));
                self.slot.is_in(&written, Some(start));
            }

            /// What a write leaves at a path.
            fn left(&mut self, path: &Path) -> LastSeen {
                self.slot.write(seen());
                let read: Sidecar = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
                read.heap.last_seen.unwrap()
            }
        }

        #[test]
        fn it_is_written_again_and_again() {
            let mut kept = Kept::new();
            let path = kept.path();
            assert_eq!(kept.left(&path), seen());
            let mut later = seen();
            later.at_ns = 1;
            kept.slot.write(later);
            let read: Sidecar = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
            assert_eq!(read.heap.last_seen, Some(later));
        }

        #[test]
        fn what_is_not_the_file_as_it_was_left_is_not_written_to() {
            type Fault = fn(&Kept) -> PathBuf;
            let faults: [(&str, Fault); 5] = [
                ("another file of the same contents", |kept| {
                    let other = kept.folder.path().join("other");
                    fs::copy(kept.path(), &other).unwrap();
                    fs::rename(&other, kept.path()).unwrap();
                    kept.path()
                }),
                ("a link to it", |kept| {
                    let other = kept.folder.path().join("other");
                    fs::rename(kept.path(), &other).unwrap();
                    symlink(&other, kept.path()).unwrap();
                    other
                }),
                ("one that somebody has changed", |kept| {
                    let same = fs::read(kept.path()).unwrap();
                    let changed = || rustix::fs::lstat(kept.path()).unwrap();
                    let was = changed();
                    // Until the clock has moved on.
                    while is_unchanged(&changed(), &was) {
                        fs::write(kept.path(), &same).unwrap();
                    }
                    kept.path()
                }),
                ("one that has another name too", |kept| {
                    let other = kept.folder.path().join("other");
                    fs::hard_link(kept.path(), &other).unwrap();
                    other
                }),
                ("a pipe", |kept| {
                    let other = kept.folder.path().join("other");
                    fs::rename(kept.path(), &other).unwrap();
                    rustix::fs::mknodat(
                        rustix::fs::CWD,
                        kept.path(),
                        rustix::fs::FileType::Fifo,
                        rustix::fs::Mode::RWXU,
                        0,
                    )
                    .unwrap();
                    other
                }),
            ];
            for (what, fault) in faults {
                let mut kept = Kept::new();
                let path = fault(&kept);
                assert_eq!(kept.left(&path), LastSeen::default(), "{what}");
            }
        }

        #[test]
        fn a_file_that_got_another_name_before_it_was_looked_at_is_none_of_ours() {
            let mut kept = Kept::new();
            fs::hard_link(kept.path(), kept.folder.path().join("other")).unwrap();
            kept.settle();
            let path = kept.path();
            assert_eq!(kept.left(&path), LastSeen::default());
        }
    }
}
