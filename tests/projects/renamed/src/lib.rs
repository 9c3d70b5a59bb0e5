//! A test kit that hands the runtime on.

pub mod kit {
    pub use evidence as heap;
}
