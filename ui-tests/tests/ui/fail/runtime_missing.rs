#[heap_runtime::heap_tracked(crate = somewhere::heap_runtime)]
fn works() {}

fn main() {
    works();
}
