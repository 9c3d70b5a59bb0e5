//! A proc-macro crate with unit tests.

use proc_macro::TokenStream;

/// Gives what it gets.
#[proc_macro]
pub fn same(tokens: TokenStream) -> TokenStream {
    tokens
}

#[cfg(test)]
mod tests {
    heap_runtime::use_jemalloc!();

    #[heap_runtime::heap_tracked(max_peak = "1 KiB")]
    #[test]
    fn allocates() {
        // Grown by code that is generic, and by code of the standard library.
        let lines: Vec<String> = (0..1000).map(|line| format!("{line}\n")).collect();
        assert_eq!(lines.concat().lines().count(), 1000);
    }
}
