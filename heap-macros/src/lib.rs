//! `#[heap_tracked]`: jemalloc heap evidence for every test.
//!
//! This crate is the compile-time half of `heap-runtime`, which re-exports the attribute and
//! documents it; depend on that crate, not on this one. The steps of an expansion are its modules:
//!
//! ```text
//! tokens ──attr──▶ arguments ──valid──▶ options ─┐
//! tokens ──item──▶ function  ──valid─────────────┴─expand──▶ the function, its body in one call
//!    ├────usual, where it is a test as most are──────────────▶ the same, compiled in half the time
//!    ├────place, where other attributes stand below──────────▶ the function, and this attribute last of them
//!    └────module, by scan and inherit────────────────────────▶ the module, with this attribute on its tests
//! ```
//!
//! What is wrong is said at the user's own token, several mistakes at once, and the item is
//! emitted all the same, so that no second error follows from the first.

mod arguments;
mod attr;
mod duration;
mod entry;
mod expand;
mod inherit;
mod item;
mod linkage;
mod module;
mod names;
mod place;
mod scan;
mod size;
mod usual;
mod valid;

#[cfg(test)]
mod module_tests;
#[cfg(test)]
mod name_tests;
#[cfg(test)]
mod tests;

use proc_macro::TokenStream;
use quote::quote;

/// Tracks the heap of a test. Documented where it is used: `heap_runtime::heap_tracked`.
#[proc_macro_attribute]
pub fn heap_tracked(arguments: TokenStream, item: TokenStream) -> TokenStream {
    entry::heap_tracked(&arguments.into(), item.into()).into()
}

/// The global allocator, of the type that is given, for `heap_runtime::use_jemalloc!`. Where the standard library
/// is linked dynamically it is none: half of the program would go on with another.
#[doc(hidden)]
#[proc_macro]
pub fn global_allocator(allocator: TokenStream) -> TokenStream {
    let allocator = proc_macro2::TokenStream::from(allocator);
    // A static C library goes with a static standard library, whatever is preferred.
    let unless_dynamic =
        linkage::prefers_dynamic().then(|| quote!(#[cfg(target_feature = "crt-static")]));
    quote! {
        #unless_dynamic
        #[global_allocator]
        static HEAP_RUNTIME_ALLOCATOR: #allocator = #allocator;
    }
    .into()
}

/// The parser of sizes such as `"8 MiB"` as a module body, for `heap-runtime`: a proc-macro crate
/// can hand out code, but no functions, and sizes must mean the same in an attribute and in the
/// environment.
#[doc(hidden)]
#[proc_macro]
pub fn size_parser(_: TokenStream) -> TokenStream {
    include_str!("size.rs").parse().expect("size.rs is Rust")
}

/// The same of durations such as `"200 ms"`.
#[doc(hidden)]
#[proc_macro]
pub fn duration_parser(_: TokenStream) -> TokenStream {
    include_str!("duration.rs")
        .parse()
        .expect("duration.rs is Rust")
}
