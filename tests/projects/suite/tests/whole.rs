//! Has another test binary's file among its modules.

mod part;

#[test]
#[should_panic(expected = "on purpose")]
fn panics() {
    panic!("on purpose");
}

#[test]
fn fails() -> Result<(), plain::list::Never> {
    Err(plain::list::Never)
}
