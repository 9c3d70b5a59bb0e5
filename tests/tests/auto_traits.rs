//! What of the public types may go to other threads, be pinned nowhere, and be seen after a panic:
//! no declaration says it, so that a private field could take it away unseen.

use std::collections::BTreeSet;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::path::Path;

use cargo_heap::report::diagnosis::{Cause, CauseKind, Confidence, Scope};
use cargo_heap::report::{
    Across, Association, Baseline, Change, Column, Comparison, Context, Diagnosis, Difference,
    DifferentAllocators, End, Ended, Finding, Grown, Host, Interrupted, Kind, Measured, Moved,
    Number, Order, Row, Run, RunFolder, RunPressure, RunnerVerdict, Shift, Side, Spread, Spreads,
    State, Tolerance, Totals, Verdict,
};
use heap_runtime::{EnteredHandle, Handle, Instrumented, Test};
use heap_sidecar::frame::{Collected, Collector, Line, Lines, Operation, Torn};
use heap_sidecar::process::{Mark, Stat};
use heap_sidecar::size::{Human, Signed};
use heap_sidecar::timestamp::Rfc3339;
use heap_sidecar::{
    Allocator, Better, Budget, Build, CgroupCpu, CgroupLevel, CgroupMemory, CgroupMemoryEvents,
    CgroupPressure, Checkpoint, CpuTime, Delay, Delays, Description, Failure, FailureKind,
    FolderError, Heap, HeapDelta, HostContext, HostHeapState, LastSeen, Limit, Note, Outcome,
    OwnTier, PanicToll, Parent, PeakSource, Pressure, Process, ProcessTier, Quantiles, ReadError,
    Redaction, Resident, ResidentSet, RunRecord, Runner, Said, Samples, SchedExt, SharedThreads,
    SharedWith, Sidecar, Source, Spent, Stall, Status, TaskDelayAcct, TaskXacct, Time, Timeline,
    Unreadable, Unseen, UnseenKind, Workspace,
};

/// Nothing that a thread, a pin or a panic could make wrong.
const fn is_plain<T: Send + Sync + Unpin + UnwindSafe + RefUnwindSafe>() {}

/// The same, but for panics: there is an [`std::io::Error`] in it, which says nothing of them, or somebody else's value.
const fn is_shared<T: Send + Sync + Unpin>() {}

/// Resolves to one function where `T` is not `Send`, and is ambiguous where it is.
trait NotSend<Which> {
    fn assert() {}
}
impl<T: ?Sized> NotSend<()> for T {}
impl<T: ?Sized + Send> NotSend<u8> for T {}

/// Checks each type, and gives their names.
macro_rules! all {
    ($($check:ident: $($type:ident $(<$lifetime:lifetime>)?)*;)*) => {{
        $($($check::<$type $(<$lifetime>)?>();)*)*
        [$($(stringify!($type)),*),*]
    }};
}

#[test]
fn every_public_type_is_as_free_as_it_can_be() {
    let checked = all! {
        is_plain:
            Across Allocator Association Baseline Better Budget Build Cause CauseKind CgroupCpu CgroupLevel CgroupMemory
            CgroupMemoryEvents CgroupPressure Change Checkpoint Collected Collector Column Comparison Confidence Context<'static> CpuTime
            Delay Delays Description Diagnosis Difference DifferentAllocators End Ended Failure FailureKind Finding Grown Handle Heap HeapDelta Host HostContext
            HostHeapState Human Interrupted Kind LastSeen Limit Line Lines<'static> Mark Measured Moved Note Number Operation Order Outcome OwnTier Parent
            PanicToll PeakSource Pressure Process ProcessTier Quantiles Redaction Resident ResidentSet Rfc3339 Row RunFolder RunPressure RunRecord Runner RunnerVerdict Samples SchedExt Scope SharedThreads SharedWith Shift Side Sidecar Signed
            Source Spent Spread Spreads Stall Stat State Status TaskDelayAcct TaskXacct Test<'static> Time Timeline Tolerance Torn Totals
            Unseen UnseenKind Verdict Workspace;
        is_shared: FolderError ReadError Run Said<'static> Unreadable;
    };
    // It is about the thread that has entered.
    <EnteredHandle<'_> as NotSend<_>>::assert();

    is_plain::<Instrumented<()>>();

    let mut checked = BTreeSet::from(checked);
    checked.extend(["EnteredHandle", "Instrumented"]);
    let runtime = Path::new(env!("CARGO_MANIFEST_DIR")).join("../heap-runtime");
    let listing: String = ["", "cargo-heap", "sidecar"]
        .map(|package| runtime.join(package).join("public-api.txt"))
        .map(|listing| std::fs::read_to_string(listing).expect("the listing is there"))
        .concat();
    // `derives path::Name: struct`, or `enum`; the row is made by a macro.
    let listed: BTreeSet<&str> = listing
        .lines()
        .filter_map(|line| {
            let (path, what) = line.rsplit_once(": ")?;
            let what = what.split('<').next()?;
            matches!(what, "struct" | "enum").then(|| path.rsplit("::").next())?
        })
        .chain(["Row"])
        .collect();
    assert_eq!(checked, listed);
}

#[test]
fn a_tracked_future_goes_where_its_body_may_go() {
    fn is_send(future: impl Future<Output = ()> + Send) {
        drop(future);
    }
    is_send(heap_runtime::track_async("plain", async {}));
    let with_budget = Test::new("with a budget").max_peak(0);
    is_send(async move { with_budget.run_async(async {}).await });
}
