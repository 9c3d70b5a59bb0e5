use heap_runtime::heap_tracked;

#[heap_tracked]
mod elsewhere;

fn main() {}
