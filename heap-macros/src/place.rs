//! Where the attribute has to stand among the others of its function.
//!
//! Attributes expand from the top down, so the lowest one gets what all above it have made. Of another crate's
//! attribute, nothing is known but that it makes something of the function: its tests, a case each; a runtime
//! and its threads, with the body as their future; a set-up before the body and a teardown behind it; a judge
//! of more than what the body returns; a lock that it waits for. What was tracked above it would be the body
//! alone, whose name, outcome and memory are not the test's: a budget would hold because nobody looked.
//!
//! So this attribute moves below all that are not the language's own, and every order means the same. It takes
//! no list of those crates.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::{Attribute, Meta, Token};

use crate::item::Function;
use crate::valid;

/// The language's own attributes of functions. One that is not here is only moved below, which takes the
/// compiler a moment, and means the same.
const LANGUAGE: [&str; 25] = [
    "allow",
    "automatically_derived",
    "bench",
    "cfg",
    "cold",
    "coverage",
    "deny",
    "deprecated",
    "doc",
    "expect",
    "export_name",
    "forbid",
    "ignore",
    "inline",
    "instruction_set",
    "link_section",
    "must_use",
    "no_mangle",
    "optimize",
    "should_panic",
    "target_feature",
    "test",
    "track_caller",
    "unsafe",
    "warn",
];

/// Tools whose attributes the compiler passes over: `#[rustfmt::skip]`.
const TOOLS: [&str; 5] = ["clippy", "diagnostic", "miri", "rust_analyzer", "rustfmt"];

/// The function with this attribute where it has to stand, if that is not here: behind the last attribute that
/// is not the language's. That is behind the cases of rstest too, which gives what stands before a case to that
/// case alone.
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
    let is_async = signature.asyncness.is_some();
    let last = attributes
        .iter()
        .rposition(|attribute| !leaves_the_function(&attribute.meta, is_async))?;
    let (above, below) = attributes.split_at(last + 1);
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

/// Whether an attribute leaves the function that it stands on as it is, and this attribute may stand above it.
fn leaves_the_function(attribute: &Meta, is_async: bool) -> bool {
    let path = attribute.path();
    let Some(name) = path.get_ident() else {
        let first = path.segments.first();
        return first.is_some_and(|first| TOOLS.iter().any(|tool| first.ident == tool));
    };
    match name.to_string().as_str() {
        "cfg_attr" => hides_nothing(attribute, is_async),
        // The language's takes no `async fn`: it is a runtime's, imported.
        "test" | "bench" => !is_async,
        name => LANGUAGE.contains(&name),
    }
}

/// Whether a `cfg_attr` comes to nothing that this attribute has to know of. Not even the compiler knows that
/// before it comes to it.
fn hides_nothing(attribute: &Meta, is_async: bool) -> bool {
    parts(attribute)
        .1
        .iter()
        .all(|meta| !meta.path().is_ident("should_panic") && leaves_the_function(meta, is_async))
}

/// The condition of a `cfg_attr`, and the attributes that it comes to; of any other, none and itself.
pub(crate) fn parts(attribute: &Meta) -> (TokenStream, Vec<Meta>) {
    if !attribute.path().is_ident("cfg_attr") {
        return (TokenStream::new(), vec![attribute.clone()]);
    }
    let metas = Punctuated::<Meta, Token![,]>::parse_terminated;
    let list = attribute.require_list();
    let metas = list.and_then(|list| metas.parse2(list.tokens.clone()));
    // One that is malformed is the compiler's to report.
    let mut metas = metas.into_iter().flatten();
    let condition = metas.next().to_token_stream();
    (condition, metas.collect())
}
