//! A program with a dash in its name.

#[cfg(test)]
heap_runtime::use_jemalloc!();

fn main() {}

#[heap_runtime::heap_tracked]
#[test]
fn of_the_tool() {
    std::mem::forget(all_kinds::kept());
}
