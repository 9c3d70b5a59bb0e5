//! A module in a file of its own.

#[heap_runtime::heap_tracked]
#[test]
fn integration() -> Result<(), std::num::ParseIntError> {
    std::mem::forget(all_kinds::kept());
    "1".parse::<u8>()?;
    Ok(())
}

#[heap_runtime::heap_tracked]
#[test]
#[should_panic(expected = "on purpose")]
fn panics() {
    panic!("on purpose");
}
