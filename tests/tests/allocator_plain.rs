//! jemalloc as tikv-jemallocator has it: what a reallocation is in the middle of, nobody is told. So the peak of a
//! block that was reallocated has an error as large as what may have been there twice, and no budget is broken by it.

use std::alloc::Layout;
use std::hint::black_box;
use std::sync::Barrier;
use std::thread;

use heap_runtime::sidecar::{OwnTier, PeakSource, Sidecar};
use heap_runtime::{Allocator, heap_tracked};
use heap_tests::rerun;
use heap_tests::resizes::{self, Global, Sizes};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const MIB: usize = 1 << 20;

#[heap_tracked]
fn resized(sizes: Sizes) {
    resizes::say(&resizes::through::<Global>(sizes, resizes::class));
}

#[heap_tracked(exact)]
fn resized_exactly(sizes: Sizes) {
    resizes::say(&resizes::through::<Global>(sizes, resizes::class));
}

/// It peaks before it is reallocated, and something is allocated while it does: then nothing is doubtful.
#[heap_tracked(max_peak = "40 MiB")]
fn holds(at_once: &Barrier) {
    let held = [(); 4].map(|()| Vec::<u8>::with_capacity(8 * MIB));
    drop(black_box(Box::new(0)));
    at_once.wait();
    drop(black_box(held));
}

/// Over its limit only if a block was there twice.
#[heap_tracked(max_peak = "40 MiB")]
fn boxed_str() {
    let mut text = String::with_capacity(32 * MIB);
    for _ in 0..31 * MIB / 1024 {
        text.push_str(std::str::from_utf8(&[b'x'; 1024]).unwrap());
    }
    black_box(text.into_boxed_str());
}

#[heap_tracked(max_peak = "40 MiB")]
fn over() {
    let held = [(); 6].map(|()| Vec::<u8>::with_capacity(8 * MIB));
    drop(black_box(Box::new(0)));
    drop(black_box(held));
}

/// Four threads at once, each its own block.
#[heap_tracked(max_peak = "33 MiB")]
fn shrink_together() {
    let at_once = Barrier::new(4);
    thread::scope(|scope| {
        let children = [(); 4].map(|()| {
            scope.spawn(|| {
                let mut held = black_box(Vec::<u8>::with_capacity(8 * MIB));
                at_once.wait();
                held.shrink_to(4 * MIB);
                at_once.wait();
                drop(held);
            })
        });
        for child in children {
            child.join().unwrap();
        }
    });
}

#[test]
#[ignore = "run by the test below, which reads its sidecars"]
fn subjects() {
    assert_eq!(heap_runtime::allocator(), Allocator::Jemalloc);
    for sizes in resizes::KINDS {
        resized(*sizes);
        resized_exactly(*sizes);
    }
    boxed_str();
    holds(&Barrier::new(1));
    assert!(std::panic::catch_unwind(over).is_err());
    for _ in 0..200 {
        shrink_together();
    }
}

fn own(sidecar: &Sidecar) -> OwnTier {
    sidecar.heap.own.expect("jemalloc counts")
}

fn peaked_at(own: &OwnTier, bytes: u64) -> bool {
    let (peak, error) = (own.peak_bytes.unwrap(), own.peak_error_bytes.unwrap());
    peak.abs_diff(bytes) <= error
}

#[test]
fn what_may_have_been_there_twice_is_in_the_error() {
    let run = rerun::ignored("subjects");
    let of = |name: &str| {
        let found = run.sidecars_of(name);
        assert!(!found.is_empty(), "{name}");
        found
    };
    for sidecar in of("resized") {
        let (own, known) = (own(sidecar), resizes::said(sidecar));
        assert!(peaked_at(&own, known.peak), "{known:?} {own:?}");
    }
    for sidecar in of("resized_exactly") {
        let (own, known) = (own(sidecar), resizes::said(sidecar));
        let peak = (own.peak_bytes, own.peak_error_bytes);
        assert_eq!(peak, (Some(known.peak), Some(0)), "{known:?}");
        assert_eq!(own.allocations, Some(known.times));
    }
    let class = |mib| resizes::class(Layout::from_size_align(mib * MIB, 1).unwrap());
    for sidecar in of("boxed_str") {
        let own = own(sidecar);
        assert_eq!(own.peak_source, Some(PeakSource::ThreadEvent));
        // The lower reading, and the higher within its error.
        assert_eq!(own.peak_bytes, Some(class(32)));
        assert!(own.peak_error_bytes >= Some(class(31)), "{own:?}");
        let budget = &sidecar.budgets[0];
        assert_eq!(budget.held, Some(true));
        assert!(budget.note.as_ref().unwrap().contains("exact"));
    }
    for (name, blocks, held) in [("holds", 4, true), ("over", 6, false)] {
        for sidecar in of(name) {
            let own = own(sidecar);
            assert!(peaked_at(&own, blocks * class(8)), "{name} {own:?}");
            assert!(own.peak_error_bytes <= Some(64 << 10), "{name} {own:?}");
            assert_eq!(sidecar.budgets[0].held, Some(held), "{name}");
        }
    }
    for sidecar in of("shrink_together") {
        let own = own(sidecar);
        assert!(peaked_at(&own, 4 * class(8)), "{own:?}");
        assert_eq!(sidecar.budgets[0].held, Some(true), "{own:?}");
    }
}
