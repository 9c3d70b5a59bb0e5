//! Not even the tests have `std`.

#![no_std]

extern crate alloc;

pub mod list;

#[test]
fn beside_the_library() {
    core::mem::forget(list::hundred());
}
