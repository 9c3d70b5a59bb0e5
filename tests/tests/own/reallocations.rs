//! A block that is given another size was live once where it stayed in its place, and twice for a moment where it
//! moved: whatever jemalloc counts in between.

use std::hint::black_box;
use std::sync::Barrier;
use std::thread;

use heap_runtime::heap_tracked;
use heap_runtime::sidecar::PeakSource;
use heap_tests::resizes::{self, Global, Known, Sizes};

use crate::child::{Child, own, peaked_at};
use crate::class;

pub(crate) const SUBJECTS: &[crate::Subject] = &[
    ("resized", || {
        for sizes in resizes::KINDS {
            resized(*sizes);
        }
    }),
    ("resized_exactly", || {
        for sizes in resizes::KINDS {
            resized_exactly(*sizes);
        }
    }),
    ("resized_within", || {
        for sizes in resizes::KINDS {
            resized_around(*sizes);
        }
    }),
    ("boxed_str", boxed_str),
    ("shrinks_by_half", shrinks_by_half),
    ("boxed_slice", boxed_slice),
    ("shrink_together", shrink_together),
    ("grows_and_moves", grows_and_moves),
    ("by_hand", by_hand),
];

const MIB: usize = 1 << 20;

/// What a thread may have moved since it last looked.
const INTERVAL: u64 = 64 << 10;

#[heap_tracked]
fn resized(sizes: Sizes) {
    resizes::say(&resizes::through::<Global>(sizes, resizes::class));
}

#[heap_tracked(exact)]
fn resized_exactly(sizes: Sizes) {
    resizes::say(&resizes::through::<Global>(sizes, resizes::class));
}

/// Around a test that is looked at in another way.
#[heap_tracked]
fn resized_around(sizes: Sizes) {
    let known = resizes::through::<Global>(sizes, resizes::class);
    resized_exactly(sizes);
    resizes::say(&known);
}

#[test]
fn every_kind_of_reallocation_has_its_peak() {
    let ran = Child::of("resized").times(4).run();
    let mut in_place = 0;
    for sidecar in ran.of("resized") {
        let (own, known) = (own(sidecar), resizes::said(sidecar));
        assert_eq!(own.peak_source, Some(PeakSource::ThreadEvent));
        assert!(own.peak_error_bytes <= Some(INTERVAL), "{own:?}");
        assert!(peaked_at(own, known.peak), "{known:?} {own:?}");
        assert_eq!(own.retained_bytes, 0);
        in_place += known.in_place;
    }
    assert!(in_place > 4);
}

#[test]
fn every_kind_of_reallocation_has_its_peak_to_the_byte() {
    let ran = Child::of("resized_exactly").times(4).run();
    let mut in_place = 0;
    for sidecar in ran.of("resized_exactly") {
        let (own, known) = (own(sidecar), resizes::said(sidecar));
        assert_eq!(own.peak_source, Some(PeakSource::Exact));
        let peak = (own.peak_bytes, own.peak_error_bytes);
        assert_eq!(peak, (Some(known.peak), Some(0)), "{known:?}");
        assert_eq!(own.allocations, Some(known.times), "{known:?}");
        assert_eq!(own.retained_bytes, 0);
        in_place += known.in_place;
    }
    assert!(in_place > 4);
}

#[test]
fn an_exact_test_inside_disturbs_no_other() {
    let ran = Child::of("resized_within").times(5).run();
    for sidecar in ran.of("resized_around") {
        let (own, known) = (own(sidecar), resizes::said(sidecar));
        assert_eq!(own.peak_source, Some(PeakSource::ThreadEvent));
        // The same sizes, one after the other: a block need not stay in its place both times.
        let inner = ran.of("resized_exactly").into_iter();
        let inner = inner.map(|inner| resizes::said(inner).peak).max().unwrap();
        let peak = own.peak_bytes.unwrap();
        let error = own.peak_error_bytes.unwrap();
        assert!(error <= 2 * INTERVAL, "{own:?}");
        assert!(peak + error >= known.peak && peak <= inner.max(known.peak) + error);
    }
    for sidecar in ran.of("resized_exactly") {
        let known = resizes::said(sidecar);
        assert_eq!(own(sidecar).peak_bytes, Some(known.peak));
    }
}

#[heap_tracked(max_peak = "40 MiB")]
fn boxed_str() {
    let mut text = String::with_capacity(32 * MIB);
    for _ in 0..31 * MIB / 1024 {
        text.push_str(std::str::from_utf8(&[b'x'; 1024]).unwrap());
    }
    let before = text.as_ptr();
    let text = black_box(text.into_boxed_str());
    assert_eq!(text.as_ptr(), before);
}

#[heap_tracked]
fn shrinks_by_half() {
    let mut bytes = Vec::<u8>::with_capacity(100 * MIB);
    let before = bytes.as_ptr();
    bytes.shrink_to(50 * MIB);
    assert_eq!(black_box(&bytes).as_ptr(), before);
}

#[heap_tracked(exact)]
fn boxed_slice() {
    let mut bytes = Vec::<u8>::with_capacity(10 * MIB);
    let before = bytes.as_ptr();
    bytes.resize(9 * MIB, 1);
    let bytes = black_box(bytes.into_boxed_slice());
    assert_eq!(bytes.as_ptr(), before);
}

#[test]
fn what_shrinks_in_its_place_was_never_there_twice() {
    for (name, peak, error) in [
        ("boxed_str", 33_554_432, INTERVAL),
        ("shrinks_by_half", 104_857_600, INTERVAL),
        ("boxed_slice", 10_485_760, 0),
    ] {
        let ran = Child::of(name).times(4).run();
        for sidecar in ran.of(name) {
            let own = own(sidecar);
            assert_eq!(own.peak_bytes, Some(peak), "{name}");
            assert!(own.peak_error_bytes <= Some(error), "{name} {own:?}");
            for budget in &sidecar.budgets {
                assert_eq!((budget.held, &budget.note), (Some(true), &None));
            }
        }
    }
}

/// Four threads at once, each its own block.
#[heap_tracked]
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
fn threads_that_shrink_at_once_have_each_block_once() {
    let ran = Child::of("shrink_together").times(200).run();
    for sidecar in ran.of("shrink_together") {
        let own = own(sidecar);
        // What std has for four threads is below a page.
        let most = 4 * class(8 * MIB) + 4096;
        assert!(peaked_at(own, 4 * class(8 * MIB)), "{own:?}");
        assert!(own.peak_error_bytes <= Some(5 * (INTERVAL + INTERVAL / 64)));
        assert!(own.peak_bytes <= Some(most), "{own:?}");
    }
}

/// Something stands after it, so that it has to move.
#[heap_tracked(exact)]
fn grows_and_moves() {
    let mut known = Known::default();
    let mut held: Vec<Vec<u8>> = Vec::with_capacity(64);
    let mut live = class(64 * size_of::<Vec<u8>>());
    for _ in 0..32 {
        held.push(Vec::with_capacity(MIB));
        live += class(MIB);
    }
    let before = held[7].as_ptr();
    held[7].reserve_exact(3 * MIB);
    assert_ne!(black_box(held[7].as_ptr()), before);
    known.live(live + class(3 * MIB));
    resizes::say(&known);
}

#[test]
fn what_moves_is_there_twice() {
    let ran = Child::of("grows_and_moves").run();
    let known = resizes::said(ran.only("grows_and_moves"));
    let own = ran.own("grows_and_moves");
    assert_eq!(own.peak_bytes, Some(known.peak));
}

/// jemalloc's own functions, which Rust's allocator has no part in.
#[heap_tracked(exact)]
fn by_hand() {
    use tikv_jemalloc_sys as ffi;
    let align = ffi::MALLOCX_ALIGN(4096);
    // SAFETY: each block is given back once, and used no more after that.
    unsafe {
        let block = ffi::mallocx(8 * MIB, align);
        assert_eq!(ffi::rallocx(block, 4 * MIB, align), block);
        // In its place or not at all. The second leaves it as it is, and is no allocation.
        assert_eq!(ffi::xallocx(block, 2 * MIB, 0, align), 2 * MIB);
        assert_eq!(ffi::xallocx(block, 2 * MIB, 0, align), 2 * MIB);
        ffi::dallocx(block, align);
        // What is made, resized and freed by names of C's.
        let block = ffi::realloc(std::ptr::null_mut(), 6 * MIB);
        assert_eq!(ffi::realloc(block, 5 * MIB), block);
        assert!(ffi::realloc(block, 0).is_null());
        let block = ffi::calloc(3, MIB);
        let block = ffi::realloc(black_box(block), 100);
        ffi::free(block);
        // No memory is no allocation.
        assert!(ffi::malloc(isize::MAX.unsigned_abs()).is_null());
    }
}

#[test]
fn exact_sees_all_of_jemallocs_functions() {
    let own = *Child::of("by_hand").run().own("by_hand");
    assert_eq!(own.peak_bytes, Some(8 << 20));
    assert_eq!(own.retained_bytes, 0);
    // mallocx, rallocx, xallocx, realloc three times, calloc: `realloc` to nothing frees.
    assert_eq!(own.allocations, Some(7));
}
