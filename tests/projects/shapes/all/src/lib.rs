//! A library with a program of the same name beside it.
//!
//! ```
//! heap_runtime::use_jemalloc!();
//!
//! #[heap_runtime::heap_tracked]
//! fn of_the_module() {
//!     assert_eq!(all_kinds::kept().len(), 100);
//! }
//! of_the_module();
//! ```

#[cfg(test)]
heap_runtime::use_jemalloc!();

/// A hundred bytes.
///
/// ```
/// #[heap_runtime::heap_tracked]
/// fn without_an_allocator_line() {
///     drop(all_kinds::kept());
/// }
/// without_an_allocator_line();
/// ```
///
/// ```should_panic
/// #[heap_runtime::heap_tracked]
/// fn that_panics() {
///     assert!(all_kinds::kept().is_empty());
/// }
/// that_panics();
/// ```
pub fn kept() -> Vec<u8> {
    vec![0; 100]
}

mod deep {
    // In no `#[cfg(test)]`: `#[test]` takes it out of the library.
    #[test]
    #[heap_runtime::heap_tracked]
    fn unit() {
        assert_eq!(crate::kept().len(), 100);
    }
}

#[cfg(test)]
mod tests {
    use heap_runtime::heap_tracked;

    #[heap_tracked]
    #[test]
    fn unit() {
        std::mem::forget(super::kept());
    }

    #[heap_tracked]
    #[test]
    #[ignore = "not now"]
    fn ignored() {}
}
