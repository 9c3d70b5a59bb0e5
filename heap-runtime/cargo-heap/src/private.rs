//! What the program `cargo-heap` calls, and what the tests of its repository do. Not public API.

pub use crate::cli::init::{Additions, all};
pub use crate::cli::main;
