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
mod quantity;
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

/// The parsers that are named, each a module: `size`, of texts such as `"8 MiB"`, and `duration`, of those such as
/// `"200 ms"`. A proc-macro crate can hand out code, but no functions, and both must mean the same in an attribute,
/// in the environment and on the command line.
#[doc(hidden)]
#[proc_macro]
pub fn parsers(wanted: TokenStream) -> TokenStream {
    let module = |name: &str, text: &str| format!("mod {name} {{ {text}\n }}");
    let mut modules = module("quantity", include_str!("quantity.rs"));
    for name in wanted {
        let text = match &*name.to_string() {
            "size" => include_str!("size.rs"),
            "duration" => include_str!("duration.rs"),
            other => panic!("there is no parser `{other}`"),
        };
        modules.push_str(&module(&name.to_string(), text));
    }
    modules.parse().expect("the files are Rust")
}
