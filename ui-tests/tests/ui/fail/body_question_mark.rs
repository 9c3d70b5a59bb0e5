use heap_runtime::heap_tracked;

#[heap_tracked]
fn returns_nothing() {
    let tasks: u32 = "3".parse()?;
    assert_eq!(tasks, 3);
}

#[heap_tracked]
fn returns_another_error() -> Result<(), std::fmt::Error> {
    let tasks: u32 = "3".parse()?;
    assert_eq!(tasks, 3);
    Ok(())
}

#[heap_tracked]
async fn async_and_returns_nothing() {
    let tasks: u32 = "3".parse()?;
    assert_eq!(tasks, 3);
}

fn main() {
    returns_nothing();
    let _ = returns_another_error();
    let _ = async_and_returns_nothing();
}
