use heap_runtime::heap_tracked;

#[heap_tracked(threads = 4)]
fn works() {}

fn main() {
    works();
}
