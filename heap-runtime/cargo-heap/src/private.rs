//! What the program `cargo-heap` calls. Not public API.

pub use crate::cli::main;
