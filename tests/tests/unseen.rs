//! Memory that is not the allocator's: what has become resident all the same is said, with amounts that are known
//! beforehand. Each subject is run in a process of its own, one test at a time.

#![cfg(target_os = "linux")]

use std::fs::File;
use std::hint::black_box;
use std::io;
use std::os::fd::AsRawFd;
use std::panic::catch_unwind;
use std::ptr::{null_mut, write_volatile};
use std::sync::{Barrier, Mutex};
use std::thread;

use heap_runtime::heap_tracked;
use heap_runtime::sidecar::Outcome;
use heap_sidecar::{Sidecar, Unseen, UnseenKind};
use heap_tests::project::Run;
use heap_tests::rerun;
use libc::{MAP_ANONYMOUS, MAP_PRIVATE, MAP_SHARED, PROT_READ, PROT_WRITE};

heap_runtime::use_jemalloc!();

const MIB: usize = 1 << 20;
const PAGE: usize = 4096;

/// A mapping, for as long as this lives.
struct Mapped {
    start: *mut u8,
    bytes: usize,
}

impl Mapped {
    fn new(bytes: usize, flags: i32, file: Option<&File>) -> Self {
        let file = file.map_or(-1, AsRawFd::as_raw_fd);
        let access = PROT_READ | if file < 0 { PROT_WRITE } else { 0 };
        // SAFETY: it maps where nothing is.
        let start = unsafe { libc::mmap(null_mut(), bytes, access, flags, file, 0) };
        assert_ne!(start, libc::MAP_FAILED, "{}", io::Error::last_os_error());
        Self {
            start: start.cast(),
            bytes,
        }
    }

    fn anonymous(bytes: usize) -> Self {
        Self::new(bytes, MAP_PRIVATE | MAP_ANONYMOUS, None)
    }

    fn written(self) -> Self {
        touch(self.start, self.bytes);
        self
    }

    fn read(self) -> Self {
        for at in (0..self.bytes).step_by(PAGE) {
            // SAFETY: it is within the mapping.
            black_box(unsafe { self.start.add(at).read_volatile() });
        }
        self
    }

    fn kept(self) {
        std::mem::forget(self);
    }
}

impl Drop for Mapped {
    fn drop(&mut self) {
        // SAFETY: nobody has it any more.
        assert_eq!(unsafe { libc::munmap(self.start.cast(), self.bytes) }, 0);
    }
}

fn touch(start: *mut u8, bytes: usize) {
    for at in (0..bytes).step_by(PAGE) {
        // SAFETY: the caller has so many bytes.
        unsafe { write_volatile(start.add(at), 1) };
    }
}

fn touched_vec(bytes: usize) -> Vec<u8> {
    let mut held = Vec::with_capacity(bytes);
    touch(held.as_mut_ptr(), bytes);
    held
}

/// Each with the smallest of budgets, which it holds.
macro_rules! subjects {
    ($($name:ident: $body:expr;)*) => {$(
        #[heap_tracked(max_peak = "64 KiB", max_retained = "4 KiB")]
        #[test]
        #[ignore = "run by the tests below, which read its sidecar"]
        fn $name() {
            $body
        }
    )*};
}

subjects! {
    c_keeps: {
        // SAFETY: it has so many bytes.
        touch(unsafe { libc::malloc(64 * MIB) }.cast(), 64 * MIB);
    };
    c_frees: {
        // SAFETY: any size may be asked for.
        let block = unsafe { libc::malloc(64 * MIB) };
        touch(block.cast(), 64 * MIB);
        // SAFETY: it is used no more.
        unsafe { libc::free(block) };
    };
    maps: Mapped::anonymous(256 * MIB).written().kept();
    maps_and_unmaps: drop(Mapped::anonymous(256 * MIB).written());
    maps_and_leaves_alone: Mapped::anonymous(256 * MIB).kept();
    maps_a_file: {
        let file = tempfile::tempfile().unwrap();
        file.set_len(64 << 20).unwrap();
        Mapped::new(64 * MIB, MAP_SHARED, Some(&file)).read().kept();
    };
    shares: Mapped::new(64 * MIB, MAP_SHARED | MAP_ANONYMOUS, None).written().kept();
    recurses: {
        /// Down to so many bytes below the start, whatever a frame takes.
        fn deeper(start: usize, bytes: usize) -> u8 {
            let page = black_box([1_u8; PAGE]);
            let here = page.as_ptr().addr();
            if start.abs_diff(here) > bytes {
                return page[0];
            }
            deeper(start, bytes).wrapping_add(page[here % PAGE])
        }
        let thread = thread::Builder::new().stack_size(128 * MIB);
        let thread = thread.spawn(|| {
            let start = 0_u8;
            black_box(deeper((&raw const start).addr(), 32 * MIB))
        }).unwrap();
        thread.join().unwrap();
    };
    is_empty: {};
}

/// What the allocator knows is no news, whatever becomes of it.
#[heap_tracked(max_peak = "300 MiB")]
#[test]
#[ignore = "run by a test below"]
fn allocates() {
    let kept = touched_vec(64 * MIB);
    drop(touched_vec(64 * MIB));
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| drop(black_box(touched_vec(16 * MIB))));
        }
    });
    // Small ones too, on many pages.
    let many: Vec<Box<[u8; 1000]>> = (0..20_000).map(|_| Box::new([1; 1000])).collect();
    drop(black_box(many));
    std::mem::forget(kept);
}

/// What one test has allocated, and another touches first.
#[test]
#[ignore = "run by a test below"]
fn touches_what_was_allocated() {
    static HELD: Mutex<Vec<u8>> = Mutex::new(Vec::new());
    heap_runtime::track("allocates_only", || {
        *HELD.lock().unwrap() = Vec::with_capacity(64 * MIB);
    });
    heap_runtime::Test::new("touches")
        .max_peak(64 << 10)
        .run(|| {
            let mut held = HELD.lock().unwrap();
            touch(held.as_mut_ptr(), 64 * MIB);
        });
}

/// One that maps, and one that does nothing, at once.
#[test]
#[ignore = "run by a test below"]
fn beside() {
    let barrier = Barrier::new(2);
    let test = |name: &str, bytes: usize| {
        heap_runtime::Test::new(name).max_peak(64 << 10).run(|| {
            barrier.wait();
            if bytes > 0 {
                Mapped::anonymous(bytes).written().kept();
            }
            barrier.wait();
        });
    };
    thread::scope(|scope| {
        scope.spawn(|| test("one_that_maps", 64 * MIB));
        scope.spawn(|| test("one_that_waits", 0));
    });
}

/// Each maps, and has its budget.
#[test]
#[ignore = "run by a test below"]
fn many() {
    for name in ["first", "second", "third"] {
        heap_runtime::Test::new(name).max_peak(64 << 10).run(|| {
            Mapped::anonymous(32 * MIB).written().kept();
        });
    }
    let over = catch_unwind(|| {
        heap_runtime::Test::new("over").max_peak(64 << 10).run(|| {
            Mapped::anonymous(32 * MIB).written().kept();
            drop(black_box(Vec::<u8>::with_capacity(1 << 20)));
        });
    });
    assert!(over.is_err());
}

const SAID: &str = "its budget held, but the process's resident set grew by ";

fn notes(sidecar: &Sidecar) -> Vec<&str> {
    let budgets = sidecar.budgets.iter();
    budgets
        .filter_map(|budget| budget.note.as_deref())
        .collect()
}

/// What there was, within a MiB for what the process does besides.
fn unseen(run: &Run, name: &str) -> (u64, Unseen) {
    let sidecar = run.sidecar(name);
    assert_eq!(sidecar.outcome, Some(Outcome::Passed), "{name}");
    let own = sidecar.heap.own.expect("jemalloc counts");
    assert!(own.peak_bytes <= Some(64 << 10), "{name}: {own:?}");
    let process = &sidecar.heap.process;
    let unseen = sidecar.unseen();
    let unseen = unseen.unwrap_or_else(|| panic!("{name} is not seen: {process:?}"));
    let mib = (unseen.bytes + (512 << 10)) >> 20;
    (mib, unseen)
}

#[test]
fn what_the_allocator_does_not_know_is_said() {
    use UnseenKind::{Anonymous, Any, File, Shared};
    for (name, mib, kind) in [
        ("c_keeps", 64, Anonymous),
        ("c_frees", 64, Any),
        ("maps", 256, Anonymous),
        ("maps_and_unmaps", 256, Any),
        ("maps_a_file", 64, File),
        ("shares", 64, Shared),
        ("recurses", 32, Any),
    ] {
        let run = rerun::ignored(name);
        let (found, unseen) = unseen(&run, name);
        assert!((mib..=mib + 1).contains(&found), "{name}: {found} MiB");
        assert_eq!(unseen.kind, kind, "{name}");
        assert_eq!(unseen.was_given_back, kind == Any, "{name}");
        assert!(!unseen.may_be_older, "{name}");
        let sidecar = run.sidecar(name);
        let words = unseen.words(sidecar.heap.c_allocator);
        // What was given back is not retained.
        let count = if unseen.was_given_back { 1 } else { 2 };
        assert_eq!(notes(sidecar), vec![&*words; count], "{name}");
        assert!(
            run.stderr.contains(&format!("{name}: {SAID}")),
            "{}",
            run.stderr
        );
    }
}

#[test]
fn what_the_allocator_knows_and_what_nobody_touched_is_no_news() {
    for name in ["is_empty", "maps_and_leaves_alone", "allocates"] {
        let run = rerun::ignored(name);
        let sidecar = run.sidecar(name);
        assert_eq!(sidecar.unseen(), None, "{name}: {:?}", sidecar.heap.process);
        assert!(!run.stderr.contains(SAID), "{}", run.stderr);
    }
    let run = rerun::ignored("is_empty");
    let process = run
        .sidecar("is_empty")
        .heap
        .process
        .expect("jemalloc counts");
    assert_eq!(process.panics, None);
}

#[test]
fn a_block_of_before_may_be_touched_now() {
    let run = rerun::ignored("touches_what_was_allocated");
    assert_eq!(run.sidecar("allocates_only").unseen(), None);
    let (mib, unseen) = unseen(&run, "touches");
    assert!(
        (64..=65).contains(&mib) && unseen.may_be_older,
        "{unseen:?}"
    );
}

/// It may be the other's: that is no ground to doubt a budget.
#[test]
fn beside_another_test_it_is_of_both_and_of_no_budget() {
    let run = rerun::ignored("beside");
    for name in ["one_that_maps", "one_that_waits"] {
        let sidecar = run.sidecar(name);
        assert_eq!(sidecar.heap.overlap, Some(1));
        assert!(notes(sidecar).is_empty(), "{name}");
    }
    assert!(!run.stderr.contains(SAID), "{}", run.stderr);
}

#[test]
fn one_line_is_said_for_all_and_none_of_a_budget_that_broke() {
    let run = rerun::ignored("many");
    for name in ["first", "second", "third"] {
        assert_eq!(unseen(&run, name).0, 32);
        assert_eq!(notes(run.sidecar(name)).len(), 1);
    }
    let over = run.sidecar("over");
    assert_eq!(over.budgets[0].held, Some(false));
    assert!(over.unseen().is_some() && notes(over).is_empty());
    assert_eq!(run.stderr.matches(SAID).count(), 1, "{}", run.stderr);
}

/// Who leaves it out of the host's part wants it nowhere.
#[test]
fn what_is_redacted_is_not_said_another_way() {
    let run = rerun::passing("maps", &[("HEAP_REDACT", "rss_bytes")]);
    let process = run.sidecar("maps").heap.process.expect("jemalloc counts");
    assert_eq!(process.resident, None);
    assert!(!run.stderr.contains(SAID), "{}", run.stderr);
}
