use heap_runtime::heap_tracked;

struct Queue;

#[heap_tracked]
impl Queue {
    fn push(&self) {}
}

fn main() {
    Queue.push();
}
