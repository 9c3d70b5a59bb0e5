use heap_runtime::heap_tracked;

#[heap_tracked(labels(scheduler = "eevdf"), labels(cpus = "2"))]
fn works() {}

#[heap_tracked(labels(cpus = "2", kernel = "6.6", cpus = "4"))]
fn label_twice() {}

fn main() {
    works();
    label_twice();
}
