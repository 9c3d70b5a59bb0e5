use heap_runtime::heap_tracked;

#[heap_tracked]
fn half_written() {
    let tasks = ;
    assert_eq!(tasks, 3);
}

fn main() {
    half_written();
}
