//! What a test says of itself, from any of its threads, and that none of it is in its numbers.

use std::hint::black_box;
use std::sync::LazyLock;
use std::thread;

use heap_runtime::sidecar::Better;
use heap_runtime::{checkpoint, describe, heap_tracked, label, metric, samples, skip};

use crate::child::{Child, own};

pub(crate) const SUBJECTS: &[crate::Subject] = &[
    ("notes", || {
        outside();
        notes();
        outside();
        quiet();
    }),
    ("warmed", warmed),
    ("cold", cold),
    ("skips", skips),
];

fn leak(bytes: usize) {
    std::mem::forget(black_box(Vec::<u8>::with_capacity(bytes)));
}

/// Nothing is there to take it.
fn outside() {
    label("outside", "yes");
    metric("outside", 1.0);
    samples("outside", 1.0);
    describe("outside", "s", Better::Lower);
    checkpoint("outside");
    skip("outside");
}

#[heap_tracked(labels(attribute = "kept", changed = "by nobody"))]
fn notes() {
    label("changed", "by the test");
    metric("finite", 1.0);
    metric("finite", 2.0);
    for not_finite in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        metric("finite", not_finite);
        metric("not_finite", not_finite);
    }
    for value in 1..=100 {
        samples("waits_us", f64::from(value));
    }
    samples("waits_us", f64::NAN);
    describe("waits_us", "us", Better::Lower);
    checkpoint("start");
    leak(4096);
    thread::spawn(|| {
        thread::spawn(|| {
            label("level", "2");
            metric("level", 2.0);
            samples("waits_us", 1000.0);
            leak(8192);
            checkpoint("below");
        })
        .join()
        .unwrap();
    })
    .join()
    .unwrap();
    inner();
    checkpoint("end");
    // What the test has allocated for a note, it frees.
    label(black_box(String::from("owned")), black_box("x".repeat(100)));
}

#[heap_tracked]
fn inner() {
    label("inner", "only");
    checkpoint("inner");
}

#[heap_tracked]
fn quiet() {
    thread::spawn(|| {}).join().unwrap();
}

#[test]
fn notes_come_from_every_thread_and_are_not_in_the_numbers() {
    let ran = Child::of("notes").times(50).run();
    for sidecar in ran.of("notes") {
        assert_eq!(own(sidecar).retained_bytes, 4096 + 8192);
        let labels = serde_json::to_value(&sidecar.labels).unwrap();
        assert_eq!(
            labels,
            serde_json::json!({
                "attribute": "kept",
                "changed": "by the test",
                "level": "2",
                "owned": "x".repeat(100),
            })
        );
        let metrics = serde_json::to_value(&sidecar.metrics).unwrap();
        assert_eq!(metrics, serde_json::json!({ "finite": 2.0, "level": 2.0 }));
        let waits = &sidecar.samples["waits_us"];
        assert_eq!((waits.count, waits.not_finite), (101, 1));
        assert_eq!((waits.min, waits.max), (Some(1.0), Some(1000.0)));
        let quantiles = waits.quantiles.unwrap();
        assert!((quantiles.p50 - 51.0).abs() <= 51.0 / 64.0, "{quantiles:?}");
        assert!(
            (quantiles.p999 - 1000.0).abs() <= 1000.0 / 64.0,
            "{quantiles:?}"
        );
        assert_eq!(sidecar.descriptions["waits_us"].better, Better::Lower);
        let checkpoints = &sidecar.heap.checkpoints;
        let labels: Vec<_> = checkpoints.iter().map(|point| &*point.label).collect();
        assert_eq!(labels, ["start", "below", "end"]);
        assert!(checkpoints.is_sorted_by_key(|point| point.at_ns));
        let at = checkpoints.iter().map(|point| point.own.as_ref().unwrap());
        let at: Vec<_> = at.collect();
        assert_eq!((at[0].allocated_bytes, at[0].threads_running), (0, 1));
        assert_eq!((at[1].threads, at[1].threads_running), (3, 3));
        assert!(at[1].retained_bytes >= 4096 + 8192);
        assert_eq!(
            (at[2].retained_bytes, at[2].threads_running),
            (4096 + 8192, 1)
        );
    }
    for sidecar in ran.of("inner") {
        assert_eq!(sidecar.labels.len(), 1);
        assert_eq!(own(sidecar).allocated_bytes, 0);
    }
    for sidecar in ran.of("quiet") {
        assert!(sidecar.labels.is_empty() && sidecar.metrics.is_empty());
        assert!(sidecar.samples.is_empty() && sidecar.descriptions.is_empty());
        assert!(sidecar.heap.checkpoints.is_empty() && sidecar.skip_reason.is_none());
    }
}

static MADE_ONCE: LazyLock<Vec<u8>> = LazyLock::new(|| Vec::with_capacity(1 << 16));
static MADE_COLD: LazyLock<Vec<u8>> = LazyLock::new(|| Vec::with_capacity(1 << 16));

#[heap_tracked(warmup = 2)]
fn warmed() {
    skip("this body does nothing");
    checkpoint("once");
    black_box(&*MADE_ONCE);
    leak(64);
}

#[heap_tracked]
fn cold() {
    black_box(&*MADE_COLD);
    leak(64);
}

#[test]
fn what_is_made_once_is_made_in_the_warm_up() {
    let ran = Child::of("warmed").run();
    let sidecar = ran.only("warmed");
    assert_eq!(own(sidecar).retained_bytes, 64);
    assert_eq!(sidecar.heap.checkpoints.len(), 1);
    assert_eq!(
        Child::of("cold").run().own("cold").retained_bytes,
        64 + (1 << 16)
    );
}

#[heap_tracked]
fn skips() {
    thread::spawn(|| skip("of a thread")).join().unwrap();
    skip("too late");
}

#[test]
fn a_thread_of_the_test_may_skip_it() {
    let ran = Child::of("skips").run();
    let reason = ran.only("skips").skip_reason.as_deref();
    assert_eq!(reason, Some("of a thread"));
}
