use heap_runtime::heap_tracked;

#[heap_tracked(max_peek = "8 MiB", labels())]
fn in_the_arguments() {}

#[heap_tracked(max_peak = "8 parsecs")]
const fn in_the_argument_and_in_the_function() {}

#[heap_tracked(colour = "red")]
struct InTheArgumentAndTheItem;

fn main() {
    in_the_arguments();
    in_the_argument_and_in_the_function();
    let _ = InTheArgumentAndTheItem;
}
