use heap_runtime::heap_tracked;

#[heap_tracked(max_peek = "8 MiB")]
#[test]
fn above_the_test_attribute() {}

fn main() {}
