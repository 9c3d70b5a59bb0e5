//! What a test is called.

use proc_macro2::TokenStream;
use quote::quote;

use crate::entry;

/// ktstr's attribute gives ours to a function of its own.
#[test]
fn a_test_is_known_by_the_name_that_it_has() {
    let item = quote!(
        fn __ktstr_inner_works(context: &Ctx) {}
    );
    let expanded = entry::heap_tracked(&TokenStream::new(), item).to_string();
    assert!(expanded.contains(r#""::works""#), "{expanded}");
}

/// To syn they are keywords. The compiler lets them come here where the edition is that of 2015, and are names.
#[test]
fn keywords_of_later_editions_are_names() {
    for name in ["async", "await", "dyn", "gen", "try"] {
        let source = format!("#[test] fn {name}() -> Result<(), String> {{ one() }}");
        let expanded = entry::heap_tracked(&quote!(exact), source.parse().expect("tokens"));
        let expanded = expanded.to_string();
        assert!(!expanded.contains("compile_error"), "{expanded}");
        for part in [format!("fn {name} ()"), format!("\"::{name}\"")] {
            assert!(expanded.contains(&part), "{expanded}");
        }
    }
}
