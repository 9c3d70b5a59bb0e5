use heap_runtime::heap_tracked;

#[heap_tracked]
pub enum Policy {
    Fifo,
    Idle,
}

fn main() {
    let _ = [Policy::Fifo, Policy::Idle];
}
