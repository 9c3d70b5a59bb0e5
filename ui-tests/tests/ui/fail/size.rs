use heap_runtime::heap_tracked;

#[heap_tracked(max_peak = "8 parsecs")]
fn no_unit() {}

#[heap_tracked(max_peak = "eight MiB")]
fn no_number() {}

#[heap_tracked(max_peak = "")]
fn nothing() {}

#[heap_tracked(max_peak = "-8 MiB")]
fn below_nothing() {}

#[heap_tracked(max_peak = "0.3 KiB")]
fn part_of_a_byte() {}

#[heap_tracked(max_peak = "1.2.3 MiB")]
fn two_points() {}

#[heap_tracked(max_peak = "8 MiB 4 KiB")]
fn two_sizes() {}

fn main() {
    no_unit();
    no_number();
    nothing();
    below_nothing();
    part_of_a_byte();
    two_points();
    two_sizes();
}
