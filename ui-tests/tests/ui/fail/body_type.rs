use heap_runtime::heap_tracked;

#[heap_tracked]
fn value_in_a_function_that_returns_none() {
    let tasks = 3;
    tasks + 1
}

#[heap_tracked]
fn value_returned_early() {
    if std::process::id() == 0 {
        return 3;
    }
}

#[heap_tracked]
fn wrong_value() -> Result<(), String> {
    3
}

#[heap_tracked]
fn no_value() -> Result<(), String> {
    let _tasks = 3;
}

#[heap_tracked]
async fn value_in_an_async_function() {
    let tasks = 3;
    tasks + 1
}

fn main() {
    value_in_a_function_that_returns_none();
    value_returned_early();
    let _ = wrong_value();
    let _ = no_value();
    let _ = value_in_an_async_function();
}
