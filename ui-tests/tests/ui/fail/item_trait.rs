use heap_runtime::heap_tracked;

#[heap_tracked]
pub trait Scheduler {
    fn pick(&self) {}
}

impl Scheduler for () {}

fn main() {
    ().pick();
}
