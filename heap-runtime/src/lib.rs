//! jemalloc heap evidence for every test.
//!
//! A test fails, or gets slower. Was it the code, or was the machine that ran it out of memory,
//! perhaps because of the test runner itself? Under `#[heap_tracked]` every test leaves one small
//! JSON file, its *sidecar*, that answers the question. It contains the host, the process's jemalloc heap
//! before and after, what the test itself allocated, retained and peaked at, how short memory was
//! meanwhile, and how the test ended.
//!
//! ```standalone_crate
//! heap_runtime::use_jemalloc!(); // one line per test binary
//!
//! # mod tests {
//! use heap_runtime::heap_tracked;
//!
//! #[heap_tracked(max_peak = "8 MiB", max_retained = "0 B", labels(scheduler = "eevdf"))]
//! #[test]
//! fn two_spinners_share_one_cpu() {
//!     // ...
//! }
//! # }
//! ```
//!
//! The [`guide`] begins with a first test, and goes on to budgets, CI and tests that were killed.
//!
//! # Two tiers
//!
//! | tier | whose memory | how exact |
//! |---|---|---|
//! | process: [`HostHeapState`] before and after, [`sidecar::ProcessTier`] | every thread of the process; in `cargo test` that includes other tests | jemalloc's statistics; what other threads hold in their caches counts as allocated |
//! | own: [`sidecar::OwnTier`] | the thread that runs the test, and every thread started inside it, at any depth | totals to the byte, in jemalloc's size classes; peak within a stated error, or to the byte with `exact` |
//!
//! Beside them, [`sidecar::Time`] says where the time of the own tier's threads went: on a CPU, waiting for one, blocked.
//!
//! Memory counts for the test that allocates it and for the test that frees it: a test that frees memory of
//! another one has negative retained bytes. The harness keeps what a test prints until the test ends, so it
//! counts as retained.
//!
//! # What it costs
//!
//! The allocator is not wrapped, and nothing is added to the allocation path but a call-back of jemalloc
//! for each 64 KiB that a thread allocates or frees. A test pays for one small file and for two readings of
//! the host, which short tests share: they are at most 10 ms old, those of tunables, limits and the host's
//! count of out-of-memory kills at most 20 ms.
//!
//! # Where the sidecars go
//!
//! `HEAP_SIDECAR_DIR`, if it is set; else `<target>/heap/<run_id>/`, where all test binaries of one
//! `cargo test` or `cargo nextest run` share a run. [heap-sidecar](heap_sidecar)
//! reads them, and `cargo heap` of the package `cargo-heap` reports and compares them.
//!
//! The run is the one that `HEAP_RUN_ID` names, or else nextest's, or else that of the nearest cargo among
//! the parent processes, which is recognised by the file that it executes, whatever its name. A test binary
//! without such a parent, as in a debugger or in some editors, is a run of its own.
//!
//! Processes that a tracked test starts are not tests of the run, whether it runs itself again, the tests of
//! another binary or a whole `cargo test`. On Linux they are recognised by their parent processes. If their
//! sidecars go to the same place, they name the test's process ([`parent`](sidecar::Sidecar::parent)), and reports
//! count them separately. A `HEAP_RUN_ID` or `HEAP_SIDECAR_DIR` of its own makes such a process a run of its own.
//!
//! # Environment
//!
//! | variable | meaning |
//! |---|---|
//! | `HEAP_SIDECAR_DIR` | write the sidecars into this folder, which is relative to the workspace's root |
//! | `HEAP_RUN_ID` | the name of the run, in letters, digits, `-` and `_`: everything with the same name is one run, also from several commands, machines and shards |
//! | `HEAP_SHARD` | which part of the run this is, such as `3/20`; nextest's `--partition` is recognised without it |
//! | `HEAP_TRACK` | `0`: tests run as if the attribute were not there |
//! | `HEAP_REQUIRE` | `1`: a test that would pass fails if there is no own tier, mostly for lack of jemalloc, or if the sidecar cannot be written |
//! | `HEAP_LAST_SEEN` | `0`: the live bytes are not written while a test runs, so that allocating never makes a system call of ours |
//! | `HEAP_PROCESS` | `0`: no process tier, which saves jemalloc's epochs: the own tier alone |
//! | `HEAP_TIME` | `0`: where the time of the test's threads went is not measured, so that no system call is made for it at their ends |
//! | `HEAP_SAMPLE_BYTES` | how many bytes a thread allocates or frees between two samples, for peak and timeline |
//! | `HEAP_MAX_PEAK`, `HEAP_MAX_RETAINED`, `HEAP_MAX_ALLOCATED` | budgets for every tracked test that declares none of that kind itself |
//! | `HEAP_MAX_CPU` | the same of CPU time, such as `200 ms` |
//! | `HEAP_REDACT` | keys to omit, with commas between them, and `*` for any text: those of `host`, `failure`, `failure.message`, `skip_reason`, `labels`, `labels.KEY`, `metrics`, `metrics.NAME`, `samples`, `samples.NAME`, `checkpoints`, `process` |
//!
//! An invalid value, or a variable that begins with `HEAP_` and is almost one of these, fails every
//! tracked test with a message that names it: whoever sets a variable wants it to take effect.
//!
//! # Where it runs
//!
//! Wherever it compiles, tracked tests run and end as they would without the attribute. The target
//! decides what is measured:
//!
//! | target | numbers | host | what is absent |
//! |---|---|---|---|
//! | Linux with glibc | both tiers | all of it | nothing |
//! | Linux with musl, Linux with glibc linked statically (`crt-static`) | both tiers; a thread that the test starts is the test's only where it enters [`current`]'s handle | all of it | |
//! | macOS, BSDs, Android | both tiers, threads as with musl | nothing but [`heap_state`](HostContext::heap_state) | [`last_seen`](sidecar::Heap::last_seen). The run is told by the process that started the test, and [`runner`](sidecar::Sidecar::runner) is `other` without nextest; a test that still runs is reported as killed, and `cargo heap test` needs `--nextest` |
//! | any of 32 bits | none: [`use_jemalloc!`] makes nothing, [`allocator`] is `absent`, and [`reason`](sidecar::Heap::reason) says why | as above | both tiers |
//! | Windows, WASI | none, likewise | nothing | both tiers; else as on macOS, but that without nextest each test binary is a run of its own |
//! | other WebAssembly, Miri | none | nothing | the sidecar: the attribute is a plain call, and one line on stderr says so |
//!
//! The first row is what all tests of this crate run on. Of the others, CI compiles musl, macOS and
//! WebAssembly, and runs tracked tests on Windows. For FreeBSD and Android the library type-checks,
//! and nobody has tried more; nor anything on the other BSDs.
//!
//! # What is promised
//!
//! - **The items of this crate** follow [semantic versioning](https://semver.org). `__private`,
//!   whatever else is hidden in this documentation, and what `#[heap_tracked]` expands to are not part of
//!   it. heap-macros is no crate to depend on: it is released together with this one, under the same
//!   version, and neither works with another version of the other.
//! - **A sidecar** says its [`format_version`](sidecar::FORMAT_VERSION). Within one, keys are only
//!   added, and readers ignore those that they do not know. A key that goes, changes its meaning, or
//!   takes a value that older readers would refuse, raises it. A reader takes every version up to its
//!   own, and refuses a newer one with a message that says so.
//! - **Text for people**, such as messages, may change in any release.
//! - **Rust**: a newer version than 1.88 is asked for in a minor release at the earliest. Of `cargo-heap`, which
//!   tests do not depend on, the stable version of the day.
//!
//! # Features
//!
//! `jemalloc`, which is on by default, is what the numbers come from. It is C, and takes longer to build than
//! all the rest. Without it, `heap-runtime = { version = "0.1", default-features = false }`, no C compiler is
//! asked for anything, and a sidecar has all but the numbers: how the test ended, also if it was killed, the
//! host before and after, labels, metrics, samples and checkpoints. Its `heap.allocator` is `absent`, with the reason,
//! and budgets are not checked.
//!
//! A package that has features of its own can hand it on, and take the numbers where somebody looks at them:
//!
//! ```toml
//! [dev-dependencies]
//! heap-runtime = { version = "0.1", default-features = false }
//!
//! [features]
//! heap-numbers = ["heap-runtime/jemalloc"]
//! ```
//!
//! `unprefixed-malloc` has jemalloc serve C's `malloc` too, in the whole program, so that what C code allocates is in
//! both tiers and held to budgets: for tests of bindings, and of whatever links a C library. It turns
//! tikv-jemalloc-sys's `unprefixed_malloc_on_supported_platforms` on, so it does nothing on Android, Dragonfly BSD and
//! Apple's systems. What came of it is in each sidecar, [`heap.c_allocator`](sidecar::Heap::c_allocator). A sampled peak allows for
//! reallocations by C that it does not see; with `exact`, it is right to the byte.
//!
//! # Other packages
//!
//! | package | what it is |
//! |---|---|
//! | [heap-sidecar](heap_sidecar) | the format of a sidecar and its reader, for programs that link no tracker; its types are re-exported here, in [`sidecar`] and at the root |
//! | `cargo-heap` | the command line, `cargo heap`, and its analysis as a library |

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;
mod backtrace;
mod budget;
#[cfg(posix)]
mod descriptor;
mod env;
mod execution;
mod fork;
mod formatted;
#[cfg(jemalloc)]
mod global_allocator;
#[cfg(any(doc, doctest))]
pub mod guide;
mod jemalloc;
#[cfg(posix)]
mod kernel;
#[cfg(not(posix))]
mod kernel {
    /// No filter of system calls can be put on a thread.
    pub(crate) fn is_confined() -> bool {
        false
    }
}
mod notes;
mod outcome;
mod own;
mod panics;
mod pool;
mod process;
mod record;
#[cfg_attr(not(proc_fs), path = "resident_elsewhere.rs")]
mod resident;
mod run;
mod sampled;
mod scope;
pub mod sidecar;
mod size;
mod snapshot;
mod step;
mod test;
mod time;
mod token;
mod toll;
mod track;
mod turn;
mod warning;

/// Tracks a test: takes the heap before and after it, measures what it allocates itself, and leaves
/// a sidecar however it ends.
///
/// It goes on any test function, above or below `#[test]`, `#[should_panic]`, `#[ignore]` and the attributes of
/// other crates: it moves below those, so that in every order the whole test is tracked, including the threads of a
/// runtime and a teardown. The test passes or fails as it would without the attribute, unless it breaks a budget that
/// it declares here. Functions that are not tests can be tracked too: one that is called inside a tracked test has a
/// sidecar of its own, and is included in its caller's numbers.
///
/// | argument | effect |
/// |---|---|
/// | `max_peak = "8 MiB"`, `max_retained = "0 B"`, `max_allocated = 4096` | budgets on the own tier, in bytes or as a size: a test that would pass fails if it exceeds one. A `max_peak` below 1 MiB (16 times `HEAP_SAMPLE_BYTES`) implies `exact` |
/// | `max_allocations = 100` | a budget on the number of allocations; implies `exact` |
/// | `max_cpu = "200 ms"`, `max_run_delay = "200 ms"` | budgets on the time of the test's threads, all together: on a CPU; ready to run and waiting for one. In ns, us, ms or s |
/// | `exact` | counts allocations and takes the peak to the byte; while it runs, each allocation and each free of this process costs some 30 to 80 ns more |
/// | `exclusive` | no other tracked test of the process runs at the same time, so that the process tier is this test's too. Where that cannot be, as on a thread that is neither the main thread nor named like the test, a test that passes fails, and says why |
/// | `warmup = 1` | runs the body that many times first, unmeasured, so that what is made lazily and kept does not look like a leak. If a round fails, the test ends there and fails |
/// | `labels(scheduler = "eevdf")` | is recorded in the sidecar |
/// | `crate = path::to::heap_runtime` | where this crate is, if not at `::heap_runtime` |
/// | `skip` | stands alone, in a tracked module: this test, or module, is not tracked |
///
/// ```standalone_crate
/// heap_runtime::use_jemalloc!();
///
/// # mod tests {
/// #[heap_runtime::heap_tracked(exact, max_allocations = 1, labels(kind = "smoke"))]
/// #[test]
/// fn one_vector_is_one_allocation() -> Result<(), std::num::ParseIntError> {
///     let mut numbers = Vec::with_capacity(2);
///     numbers.push("1".parse::<i32>()?);
///     numbers.push("2".parse::<i32>()?);
///     assert_eq!(numbers.iter().sum::<i32>(), 3);
///     Ok(())
/// }
/// # }
/// ```
///
/// # On a module
///
/// On an inline module it tracks each test in it, and in the modules inside: every function with an attribute that makes
/// tests, by its name (`test`, `tokio::test`, `rstest`, `test_case` and the like), and those of `proptest!` and
/// `quickcheck!`. Tests that another macro makes need the attribute inside that macro; a module in a file of its own needs
/// it on its tests. Functions that are not tests stay as they are.
///
/// The arguments are defaults. Those of a test, or of a module inside, override them; labels are combined by their keys;
/// `warmup = 0`, `exact = false` and `exclusive = false` undo what the module sets. Tests that should panic do not inherit
/// `warmup`.
///
/// ```standalone_crate
/// heap_runtime::use_jemalloc!();
///
/// #[heap_runtime::heap_tracked(max_retained = "0 B", labels(area = "queue"))]
/// mod tests {
///     use heap_runtime::heap_tracked;
///
///     fn queue_of(length: u32) -> Vec<u32> {
///         (0..length).collect()
///     }
///
///     #[test]
///     fn is_drained() {
///         assert_eq!(queue_of(100).drain(..).count(), 100);
///     }
///
///     #[heap_tracked(max_peak = "64 KiB", labels(size = "large"))]
///     #[test]
///     fn stays_small() {
///         assert_eq!(queue_of(1000).len(), 1000);
///     }
///
///     #[heap_tracked(skip)]
///     #[test]
///     fn is_not_about_memory() {}
/// }
/// ```
pub use heap_macros::heap_tracked;
#[doc(inline)]
pub use heap_sidecar::{
    Allocator, CgroupLevel, CgroupMemory, CgroupMemoryEvents, HeapDelta, HostContext,
    HostHeapState, Pressure, Runner, Stall, TaskDelayAcct, TaskXacct,
};
pub use jemalloc::allocator;
pub use notes::{checkpoint, describe, label, metric, samples, skip};
pub use own::{EnteredHandle, Handle, Instrumented, current, nobody};
pub use snapshot::collect;
pub use test::Test;
pub use track::{TestResult, track, track_async};

/// Makes jemalloc the global allocator of this binary: write it once in each test binary, at the
/// top level of any module.
///
/// A binary that has jemalloc already, by `#[global_allocator]` with or without a wrapper, or in
/// place of `malloc`, does not need it. Without jemalloc the tests run and leave sidecars, in which
/// `heap.allocator` is `other` and the numbers are absent.
///
/// Without the feature `jemalloc`, and where it cannot be built, as on Windows, it makes nothing, and
/// `heap.allocator` is `absent`. Nor does it make anything where the standard library is
/// linked dynamically (`-C prefer-dynamic`, which cargo passes for the unit tests of a proc-macro crate): what is
/// compiled in that library allocates from the system, whatever the program says, and the program would
/// free it elsewhere. Write such tests below `tests/`.
///
/// ```standalone_crate
/// heap_runtime::use_jemalloc!();
///
/// assert_eq!(heap_runtime::allocator(), heap_runtime::Allocator::Jemalloc);
/// ```
#[cfg(jemalloc)]
#[macro_export]
macro_rules! use_jemalloc {
    () => {
        $crate::__private::global_allocator!($crate::__private::Jemalloc);
    };
}

/// Makes nothing: there is no jemalloc, by the features or by the target.
#[cfg(not(jemalloc))]
#[macro_export]
macro_rules! use_jemalloc {
    () => {};
}
