use heap_runtime::heap_tracked;

#[heap_tracked(max_paek = "8 MiB")]
fn swapped() {}

#[heap_tracked(max_retain = "0 B")]
fn cut_short() {}

#[heap_tracked(label(scheduler = "eevdf"))]
fn singular() {}

#[heap_tracked(Exclusive)]
fn capital() {}

#[heap_tracked(max_allocation = 3)]
fn ambiguous() {}

#[heap_tracked(warm_up = 3)]
fn two_words() {}

#[heap_tracked(max-peak = "8 MiB")]
fn dashed() {}

fn main() {
    swapped();
    cut_short();
    singular();
    capital();
    ambiguous();
    two_words();
    dashed();
}
