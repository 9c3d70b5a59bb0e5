use heap_runtime::heap_tracked;

fn main() {
    let work = #[heap_tracked]
    || 1;
    assert_eq!(work(), 1);
}
