//! Names of the user's that are also names in the expansion.

#![no_implicit_prelude]
#![expect(dead_code, non_camel_case_types, reason = "their names are all they are for")]

use ::heap_runtime::heap_tracked;

mod core {}
mod std {}
struct Test;
struct Option;
struct Result;
struct Some;
struct None;
struct u32;
struct str;
fn run() {}
fn verdict() {}

#[heap_tracked(labels(a = "b"))]
#[should_panic(expected = "it should")]
fn returned() {
    ::std::panic!("as it should");
}

#[heap_tracked]
fn body() -> ::std::string::String {
    let returned = 3;
    ::std::format!("{returned}")
}

fn main() {
    ::std::assert_eq!(body(), "3");
    ::std::panic::catch_unwind(returned).unwrap_err();
}
