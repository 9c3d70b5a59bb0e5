use heap_runtime::heap_tracked;

#[heap_tracked]
#[heap_tracked]
fn works() {}

#[heap_tracked(labels(first = "1"))]
#[heap_runtime::heap_tracked(labels(second = "2"))]
fn works_by_path() {}

fn main() {
    works();
    works_by_path();
}
