use heap_runtime::heap_tracked;

#[heap_tracked(warmup = 3)]
async fn of_an_async_function() {}

#[heap_tracked(warmup = 3)]
#[should_panic]
fn of_a_panic() {
    panic!("in the first round");
}

fn main() {
    let _ = of_an_async_function();
    of_a_panic();
}
