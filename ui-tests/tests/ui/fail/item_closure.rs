use heap_runtime::heap_tracked;

fn main() {
    #[heap_tracked]
    let work = || 1;
    assert_eq!(work(), 1);
}
