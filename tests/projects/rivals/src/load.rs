//! The loads of the allocation path.

use std::hint::black_box;
use std::sync::mpsc::sync_channel;
use std::thread;

const THREADS: usize = 4;

/// A load by its name: its argument is how many allocations it makes, or steps it takes.
pub fn named(name: &str) -> fn(usize) {
    match name {
        "churn" => churn,
        "growth" => growth,
        "threads" => on_threads,
        "handover" => handover,
        _ => panic!("there is no load `{name}`"),
    }
}

/// 64 bytes, allocated and freed at once.
fn churn(count: usize) {
    rivals_load_churn(count);
}

/// Vectors that grow from nothing to 4,096 numbers.
fn growth(count: usize) {
    rivals_load_growth(count);
}

/// [`churn`] on several threads at the same time.
fn on_threads(count: usize) {
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| rivals_load_churn(count / THREADS));
        }
    });
}

/// One thread allocates and another frees.
fn handover(count: usize) {
    const BATCH: usize = 1000;
    let (filled, full) = sync_channel::<Vec<Box<[u8; 64]>>>(4);
    thread::scope(|scope| {
        scope.spawn(move || {
            for batch in full {
                rivals_load_free(batch);
            }
        });
        for _ in 0..count / BATCH {
            filled.send(rivals_load_allocate(BATCH)).unwrap();
        }
        drop(filled);
    });
}

// Names that callgrind can be told: it counts inside them.

#[inline(never)]
#[unsafe(no_mangle)]
fn rivals_load_churn(count: usize) {
    for _ in 0..count {
        drop(black_box(Vec::<u8>::with_capacity(black_box(64))));
    }
}

#[inline(never)]
#[unsafe(no_mangle)]
fn rivals_load_growth(count: usize) {
    for _ in 0..count / 4096 {
        let mut numbers = Vec::new();
        for number in 0..4096_u64 {
            numbers.push(black_box(number));
        }
        black_box(&numbers);
    }
}

#[inline(never)]
#[unsafe(no_mangle)]
fn rivals_load_allocate(count: usize) -> Vec<Box<[u8; 64]>> {
    (0..count).map(|_| black_box(Box::new([0; 64]))).collect()
}

#[inline(never)]
#[unsafe(no_mangle)]
fn rivals_load_free(batch: Vec<Box<[u8; 64]>>) {
    drop(batch);
}
