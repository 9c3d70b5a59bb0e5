use heap_runtime::heap_tracked;

struct Queue;

#[heap_tracked(warmup = 3)]
fn exclusive_reference(tasks: &mut Vec<u32>) {
    tasks.push(1);
}

#[heap_tracked(warmup = 3)]
fn not_clone(queue: Queue) {
    drop(queue);
}

fn main() {
    exclusive_reference(&mut Vec::new());
    not_clone(Queue);
}
