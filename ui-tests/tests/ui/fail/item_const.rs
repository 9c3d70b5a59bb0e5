use heap_runtime::heap_tracked;

#[heap_tracked]
const SLICE_NS: u64 = 3_000_000;

#[heap_tracked]
static CPUS: u32 = 2;

#[heap_tracked]
type Nanoseconds = u64;

#[heap_tracked]
use std::time::Duration;

fn main() {
    let slice: Nanoseconds = SLICE_NS;
    let _ = (Duration::from_nanos(slice), CPUS);
}
