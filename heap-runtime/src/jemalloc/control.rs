//! jemalloc's control interface, where it is linked: every `mallctl` of the crate is here, but those of
//! [`arenas`](super::arenas).
//!
//! Names are looked up once for each process and read by MIB from then on (14 ns against 70 ns by
//! name). A name that this jemalloc lacks is `None`, and whatever hangs on it is absent.

use std::alloc::{Layout, alloc, dealloc};
use std::ffi::{CStr, c_uint, c_void};
use std::hint::black_box;
use std::ptr::{NonNull, from_ref, null_mut};
use std::sync::OnceLock;
use std::sync::atomic::AtomicU64;

use heap_sidecar::Allocator;
use tikv_jemalloc_ctl::{arenas, epoch, epoch_mib, stats, thread};

use super::readings::Statistics;
use crate::fork;

/// Why there are no numbers where jemalloc is not the allocator, and how to mend it.
pub(crate) fn not_the_allocator() -> &'static str {
    static IS_DYNAMIC: OnceLock<bool> = OnceLock::new();
    if *IS_DYNAMIC.get_or_init(std_is_dynamic) {
        "jemalloc cannot be the allocator of this process, because the standard library is linked dynamically \
         (`-C prefer-dynamic`, as in the unit tests of a proc-macro crate): write such tests below `tests/`"
    } else {
        "jemalloc is not the allocator of this process: write `heap_runtime::use_jemalloc!();` once in the \
         test binary"
    }
}

/// Whether the standard library is a file of its own, by what is mapped. Linux alone says.
fn std_is_dynamic() -> bool {
    let maps = std::fs::read("/proc/self/maps").unwrap_or_default();
    String::from_utf8_lossy(&maps).contains("/libstd-")
}

/// The allocator, by whether an allocation moves jemalloc's counter.
pub(super) fn probe() -> Allocator {
    if moves_counter() {
        Allocator::Jemalloc
    } else {
        Allocator::Other
    }
}

/// Whether an allocation by Rust's global allocator moves jemalloc's counter for this thread.
fn moves_counter() -> bool {
    let Ok(counter) = thread::allocatedp::read() else {
        return false;
    };
    let before = counter.get();
    let layout = Layout::new::<[u64; 8]>();
    // SAFETY: the layout is not empty, and the block is given back at once, with the same layout.
    unsafe {
        // Unseen by the optimiser, which may leave out an allocation that nobody uses.
        let block = black_box(alloc(layout));
        if block.is_null() {
            return false;
        }
        dealloc(block, layout);
    }
    counter.get() != before
}

/// What serves C's `malloc`, by whether a block of it moves the same counter. Not by the addresses of the functions:
/// where another `malloc` is preloaded, jemalloc's own name is that one's.
pub(super) fn probe_c() -> Option<Allocator> {
    let counter = thread::allocatedp::read().ok()?;
    let before = counter.get();
    // SAFETY: any size may be asked for.
    let block = black_box(unsafe { libc::malloc(64) });
    if block.is_null() {
        return None;
    }
    // SAFETY: the block is given back to where it comes from, and not used.
    unsafe { libc::free(block) };
    Some(if counter.get() == before {
        Allocator::Other
    } else {
        Allocator::Jemalloc
    })
}

/// The MIBs of what `collect` reads.
struct StatisticsMibs {
    epoch: Option<epoch_mib>,
    active: Option<stats::active_mib>,
    allocated: Option<stats::allocated_mib>,
    resident: Option<stats::resident_mib>,
    mapped: Option<stats::mapped_mib>,
    narenas: Option<arenas::narenas_mib>,
}

fn statistics() -> &'static StatisticsMibs {
    static STATISTICS: OnceLock<StatisticsMibs> = OnceLock::new();
    fork::get_or_make(&STATISTICS, || StatisticsMibs {
        epoch: epoch::mib().ok(),
        active: stats::active::mib().ok(),
        allocated: stats::allocated::mib().ok(),
        resident: stats::resident::mib().ok(),
        mapped: stats::mapped::mib().ok(),
        narenas: arenas::narenas::mib().ok(),
    })
}

/// What jemalloc calls itself.
pub(crate) fn version() -> Option<String> {
    tikv_jemalloc_ctl::version::read().ok().map(str::to_owned)
}

/// Brings the statistics up to date, once, and reads them.
///
/// The calling thread's cache is flushed first: what it holds counts as allocated although it is
/// free, 1,632 bytes after one 24-byte box.
pub(crate) fn read_statistics() -> Statistics {
    let mibs = statistics();
    flush_thread_cache();
    let advanced = mibs.epoch.is_some_and(|mib| mib.advance().is_ok());
    if !advanced {
        return Statistics::default();
    }
    Statistics {
        active: mibs.active.and_then(|mib| mib.read().ok()),
        allocated: mibs.allocated.and_then(|mib| mib.read().ok()),
        resident: mibs.resident.and_then(|mib| mib.read().ok()),
        mapped: mibs.mapped.and_then(|mib| mib.read().ok()),
        narenas: mibs
            .narenas
            .and_then(|mib| mib.read().ok())
            .and_then(|count| usize::try_from(count).ok()),
    }
}

/// Gives the calling thread's cached free blocks back to its arena.
pub(crate) fn flush_thread_cache() {
    static FLUSH: OnceLock<Option<Command<3>>> = OnceLock::new();
    if let Some(command) = fork::get_or_make(&FLUSH, || Command::find(c"thread.tcache.flush")) {
        // Refused where the thread has no cache; then there is nothing to flush.
        command.run();
    }
}

/// A mallctl that takes no value and gives none, which the typed interface cannot express.
struct Command<const N: usize> {
    mib: [usize; N],
}

impl<const N: usize> Command<N> {
    fn find(name: &'static CStr) -> Option<Self> {
        let mut mib = [0; N];
        let mut length = N;
        // SAFETY: the name ends in a nul, and `mib` has room for `length` components.
        let code = unsafe {
            tikv_jemalloc_sys::mallctlnametomib(name.as_ptr(), mib.as_mut_ptr(), &raw mut length)
        };
        (code == 0 && length == N).then_some(Self { mib })
    }

    fn run(&self) -> bool {
        // SAFETY: the MIB is one that jemalloc gave, and no buffer is passed in either direction.
        let code = unsafe {
            tikv_jemalloc_sys::mallctlbymib(
                self.mib.as_ptr(),
                N,
                null_mut(),
                null_mut(),
                null_mut(),
                0,
            )
        };
        code == 0
    }
}

/// This thread's counters of bytes allocated and of bytes freed, where jemalloc counts for it.
///
/// They are exact, cost a load to read, and die with the thread: what is returned must not be read
/// after its end. Other threads may read them meanwhile.
pub(crate) fn thread_counters() -> Option<(&'static AtomicU64, &'static AtomicU64)> {
    static MIBS: OnceLock<Option<[[usize; 2]; 2]>> = OnceLock::new();
    let mib = |name: &[u8]| {
        let mut mib = [0; 2];
        tikv_jemalloc_ctl::raw::name_to_mib(name, &mut mib).ok()?;
        Some(mib)
    };
    let [allocated, deallocated] = (*MIBS
        .get_or_init(|| Some([mib(b"thread.allocatedp\0")?, mib(b"thread.deallocatedp\0")?])))?;
    let counter = |mib: [usize; 2]| {
        // SAFETY: both give a pointer to a u64.
        let pointer: *mut u64 = unsafe { tikv_jemalloc_ctl::raw::read_mib(&mib) }.ok()?;
        if pointer.is_null() {
            return None;
        }
        // SAFETY: the counter is aligned, as the target has 64 bits (see `mod.rs`), and lives as
        // long as its thread, which the caller keeps to. jemalloc writes it from that thread alone, in
        // single 64-bit stores; reading it from another gives the value before or after one of them.
        Some(unsafe { AtomicU64::from_ptr(pointer) })
    };
    Some((counter(allocated)?, counter(deallocated)?))
}

/// A call-back by jemalloc each so many bytes that a thread has allocated, or freed: the layout of
/// jemalloc 5.3's `user_hook_object_t`.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct ThreadEvent {
    /// Whether it is for an allocation; bytes that the thread has allocated and freed so far.
    call_back: extern "C" fn(bool, u64, u64),
    interval: u64,
    is_alloc_only: bool,
}

impl ThreadEvent {
    pub(crate) fn new(call_back: extern "C" fn(bool, u64, u64), interval: u64) -> Self {
        Self {
            call_back,
            interval,
            is_alloc_only: false,
        }
    }
}

/// Registers a call-back for all threads and for good. Says whether jemalloc took it: it has four
/// places for them, and the interface is experimental.
pub(crate) fn call_back(event: ThreadEvent) -> bool {
    // SAFETY: the layout is that of the jemalloc that is linked, whose version this crate fixes.
    unsafe { tikv_jemalloc_ctl::raw::write(b"experimental.hooks.thread_event\0", event) }.is_ok()
}

/// What jemalloc calls with each block: the layout of jemalloc 5.3's `hooks_t`. Of its arguments, those that
/// have a use here; what they are called with is in jemalloc's `hook.h`.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Hooks {
    /// After a block was allocated; it is null where there was no memory.
    pub(crate) alloc: unsafe extern "C" fn(
        extra: *mut c_void,
        kind: c_uint,
        block: *mut c_void,
        raw: usize,
        arguments: *const usize,
    ),
    /// Before a block is freed.
    pub(crate) dalloc: unsafe extern "C" fn(
        extra: *mut c_void,
        kind: c_uint,
        block: *mut c_void,
        arguments: *const usize,
    ),
    /// After a block got another size in its place, or the same one again.
    pub(crate) expand: unsafe extern "C" fn(
        extra: *mut c_void,
        kind: c_uint,
        block: *mut c_void,
        old_size: usize,
        new_size: usize,
        raw: usize,
        arguments: *const usize,
    ),
    pub(crate) extra: *mut c_void,
}

/// The kind of an expansion that is `xallocx`'s: the only one that is told after the counters have moved.
pub(crate) const EXPANDED_BY_XALLOCX: c_uint = 2;

/// Hooks that jemalloc has taken.
pub(crate) struct Installed(NonNull<c_void>);

// SAFETY: it is a name for jemalloc, which takes it back from any thread.
unsafe impl Send for Installed {}

impl Hooks {
    /// Has jemalloc call these, from the next call of it on that any thread makes. None where it does not:
    /// it has four places for them, and the interface is experimental.
    pub(crate) fn install(&self) -> Option<Installed> {
        let mut handle: *mut c_void = null_mut();
        let mut length = size_of_val(&handle);
        // SAFETY: the name ends in a nul. What is written has the layout of the jemalloc that is linked, whose
        // version this crate fixes, and is copied; what is read is a pointer of the length that is given.
        let code = unsafe {
            tikv_jemalloc_sys::mallctl(
                c"experimental.hooks.install".as_ptr(),
                (&raw mut handle).cast(),
                &raw mut length,
                from_ref(self).cast_mut().cast(),
                size_of::<Self>(),
            )
        };
        NonNull::new(handle).filter(|_| code == 0).map(Installed)
    }
}

impl Installed {
    /// Has jemalloc call them no more. A call that has begun on another thread goes on.
    pub(crate) fn remove(self) {
        // SAFETY: the name gives nothing and takes a pointer, which is one that jemalloc gave and has not had back.
        let removed = unsafe {
            tikv_jemalloc_ctl::raw::write(b"experimental.hooks.remove\0", self.0.as_ptr())
        };
        debug_assert!(removed.is_ok(), "jemalloc does not know its own hooks");
    }
}

/// What a live block takes.
///
/// # Safety
///
/// The block is one of jemalloc's, and not freed.
pub(crate) unsafe fn usable_size(block: *const c_void) -> u64 {
    // SAFETY: as the caller has promised.
    unsafe { tikv_jemalloc_sys::sallocx(block, 0) as u64 }
}

/// Allocates and frees as much as makes jemalloc look at its events on this thread, of which each
/// 64 KiB there is one. In small blocks, of which the thread's cache has some: a block of that size
/// would be cut from an arena, and takes ten times as long.
pub(crate) fn provoke_event() {
    const BLOCKS: usize = 128;
    let layout = Layout::new::<[u8; 1024]>();
    for _ in 0..BLOCKS {
        // SAFETY: the layout is not empty, and the block is given back at once, with that layout.
        unsafe {
            let block = black_box(alloc(layout));
            if !block.is_null() {
                dealloc(block, layout);
            }
        }
    }
}

/// The bytes that a request of so many is served with.
pub(crate) fn size_class(bytes: usize) -> usize {
    match bytes {
        // Rust asks the allocator for nothing then.
        0 => 0,
        // SAFETY: it computes, and touches nothing.
        bytes => unsafe { tikv_jemalloc_sys::nallocx(bytes, 0) },
    }
}

/// Starts this thread's `thread.peak` anew.
pub(crate) fn reset_thread_peak() {
    static RESET: OnceLock<Option<Command<3>>> = OnceLock::new();
    if let Some(command) = RESET.get_or_init(|| Command::find(c"thread.peak.reset")) {
        command.run();
    }
}

/// The most live bytes of this thread above its last reset.
pub(crate) fn thread_peak() -> Option<u64> {
    // SAFETY: the name gives a u64.
    unsafe { tikv_jemalloc_ctl::raw::read(b"thread.peak.read\0") }.ok()
}
