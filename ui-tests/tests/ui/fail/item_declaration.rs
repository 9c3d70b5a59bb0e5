use heap_runtime::heap_tracked;

trait Scenario {
    #[heap_tracked]
    fn run();
}

impl Scenario for () {
    fn run() {}
}

fn main() {
    <()>::run();
}
