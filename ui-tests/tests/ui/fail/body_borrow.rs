use heap_runtime::heap_tracked;

#[heap_tracked]
fn used_after_move(tasks: Vec<u32>) -> usize {
    drop(tasks);
    tasks.len()
}

#[heap_tracked]
fn assigned_without_mut() {
    let tasks = 3;
    tasks += 1;
    assert_eq!(tasks, 4);
}

#[heap_tracked]
fn unknown_name() {
    assert_eq!(takss, 3);
}

fn main() {
    used_after_move(Vec::new());
    assigned_without_mut();
    unknown_name();
}
