use heap_runtime::heap_tracked;

#[heap_tracked(max_peak = true)]
fn truth() {}

#[heap_tracked(max_peak = 8.5)]
fn fraction() {}

#[heap_tracked(max_retained = -1)]
fn below_nothing() {}

#[heap_tracked(max_peak = 8 * 1024)]
fn product() {}

#[heap_tracked(max_peak = LIMIT)]
fn constant() {}

#[heap_tracked(max_peak = 8u64)]
fn suffix() {}

#[heap_tracked(max_allocations = "12")]
fn text() {}

#[heap_tracked(max_allocations = 12usize)]
fn count_with_suffix() {}

#[heap_tracked(exclusive = true)]
fn flag_with_value() {}

#[heap_tracked(exact())]
fn flag_with_list() {}

#[heap_tracked(warmup = "3")]
fn rounds_as_text() {}

#[heap_tracked(warmup = 0)]
fn no_rounds() {}

#[heap_tracked(warmup = 4294967296)]
fn too_many_rounds() {}

#[heap_tracked(crate = 7)]
fn no_path() {}

#[heap_tracked(crate = "not a path")]
fn no_path_in_text() {}

#[heap_tracked(crate)]
fn path_missing() {}

#[heap_tracked(max_cpu = 200)]
fn time_without_a_unit() {}

#[heap_tracked(max_run_delay = "200")]
fn text_without_a_unit() {}

fn main() {
    time_without_a_unit();
    text_without_a_unit();
    truth();
    fraction();
    below_nothing();
    product();
    constant();
    suffix();
    text();
    count_with_suffix();
    flag_with_value();
    flag_with_list();
    rounds_as_text();
    no_rounds();
    too_many_rounds();
    no_path();
    no_path_in_text();
    path_missing();
}
