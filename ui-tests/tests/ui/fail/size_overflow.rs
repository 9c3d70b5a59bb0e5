use heap_runtime::heap_tracked;

#[heap_tracked(max_peak = "16384 PiB")]
fn with_a_unit() {}

#[heap_tracked(max_retained = "99999999999999999999")]
fn without_a_unit() {}

#[heap_tracked(max_allocated = 18446744073709551616)]
fn as_a_number() {}

#[heap_tracked(max_allocations = 18446744073709551616)]
fn as_a_count() {}

fn main() {
    with_a_unit();
    without_a_unit();
    as_a_number();
    as_a_count();
}
