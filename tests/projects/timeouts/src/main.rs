//! A program that panics in a tracked function, built with `panic = "abort"`.

use heap_runtime::heap_tracked;

heap_runtime::use_jemalloc!();

#[heap_tracked]
fn panics() {
    heap_runtime::checkpoint("before the end");
    panic!("there is nothing that unwinds");
}

#[heap_tracked]
fn passes() {}

fn main() {
    passes();
    panics();
}
