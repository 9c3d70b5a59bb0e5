//! An example whose tests are run.

#[cfg(test)]
heap_runtime::use_jemalloc!();

fn main() {}

#[heap_runtime::heap_tracked]
#[test]
fn of_the_example() {
    std::mem::forget(all_kinds::kept());
}
