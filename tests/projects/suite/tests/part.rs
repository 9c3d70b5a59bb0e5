//! A test binary, and a module of another.

#[test]
fn keeps() {
    std::mem::forget(plain::list::hundred());
}
