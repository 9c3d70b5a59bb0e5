//! Where the attribute has to stand among the others of its function.
//!
//! Attributes expand from the top down, so the lowest one gets what all above it have made. Some
//! make other functions of the one that they stand on, which are the tests: a case each, or one that
//! runs the body many times, that judges what the body leaves, or that waits for its turn. What was
//! tracked above such an attribute would be the body, whose outcome and name are not the test's. So
//! this attribute moves below it, and both orders mean the same.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::quote;
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::{Attribute, Meta, Path, Token};

use crate::item::Function;
use crate::valid;

/// The function with this attribute where it has to stand, if that is not here: behind the attribute
/// that makes the tests, and behind its cases, because rstest gives what stands before a case to
/// that case alone.
pub(crate) fn moved(
    function: &Function,
    runtime: &TokenStream,
    arguments: &TokenStream,
) -> Option<TokenStream> {
    let Function {
        attributes,
        visibility,
        signature,
        head: _,
        body,
    } = function;
    let twice = |attribute: &Attribute| valid::is_heap_tracked(attribute.path());
    if attributes.iter().any(twice) {
        return None;
    }
    let maker = attributes
        .iter()
        .position(|attribute| makes_tests(&attribute.meta))
        .or_else(|| attributes.iter().rposition(hides))?;
    let last_case = attributes.iter().rposition(is_case);
    let place = last_case.map_or(maker, |case| case.max(maker));
    let (above, below) = attributes.split_at(place + 1);
    // As one token with the user's place, so that what is wrong is still said there.
    let arguments = (!arguments.is_empty())
        .then(|| TokenTree::Group(Group::new(Delimiter::Parenthesis, arguments.clone())));
    Some(quote! {
        #(#above)*
        #[#runtime::heap_tracked #arguments]
        #(#below)*
        #visibility #signature #body
    })
}

/// Whether an attribute makes the tests of the function that it stands on, or judges it by more
/// than what it returns. They are known by name: whoever has another one puts it above this.
fn makes_tests(attribute: &Meta) -> bool {
    let path = attribute.path();
    let Some(last) = path.segments.last() else {
        return false;
    };
    match last.ident.to_string().as_str() {
        // rstest; test-case and its other name; quickcheck; googletest; proptest; ntest.
        "rstest" | "test_case" | "test_matrix" | "case" | "quickcheck" | "gtest"
        | "property_test" | "timeout"
        // serial_test. Below, this test's turn is always taken before that lock: two tests that took
        // them in different orders might wait for each other for ever.
        | "serial" | "parallel" | "file_serial" | "file_parallel" => true,
        "test" => is_of("googletest", path),
        // rstest_reuse's, not macro_rules_attribute's.
        "apply" => attribute
            .require_list()
            .is_ok_and(|arguments| arguments.parse_args::<Path>().is_ok()),
        _ => false,
    }
}

/// `#[case(..)]` or `#[case::name(..)]`.
fn is_case(attribute: &Attribute) -> bool {
    let first = attribute.path().segments.first();
    first.is_some_and(|first| first.ident == "case")
}

/// Whether it is a `cfg_attr` that may come to something this attribute has to know of: not even
/// the compiler knows before it comes to it.
fn hides(attribute: &Attribute) -> bool {
    let Meta::List(list) = &attribute.meta else {
        return false;
    };
    let metas = Punctuated::<Meta, Token![,]>::parse_terminated;
    list.path.is_ident("cfg_attr")
        && metas.parse2(list.tokens.clone()).is_ok_and(|metas| {
            // The first one is the condition.
            let mut hidden = metas.iter().skip(1);
            hidden.any(|meta| meta.path().is_ident("should_panic") || makes_tests(meta))
        })
}

/// Whether a path begins with that crate.
fn is_of(name: &str, path: &Path) -> bool {
    path.segments.len() > 1
        && path
            .segments
            .first()
            .is_some_and(|first| first.ident == name)
}
