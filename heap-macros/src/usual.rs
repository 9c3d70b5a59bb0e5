//! A test as most are: it takes nothing, returns nothing and asks for nothing.
//!
//! It is told by its tokens and made of them, without syn and without a closure. Macros are compiled without
//! optimisation, so that to parse takes long; and a closure takes the compiler nearly twice as long as a
//! function (`cargo bench -p heap-tests -- building`).

use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};
use quote::quote_spanned;

use crate::names::{at, inner_name, is_raw, package, path};

/// Attributes that leave a function what it is. `test` among them says that it is one, and so stands in
/// no `impl`: the body of a function inside it has no `Self`.
const PLAIN: [&str; 9] = [
    "allow", "cfg", "deny", "doc", "expect", "ignore", "inline", "test", "warn",
];

/// `fn name() { .. }`, and whatever stands before it.
struct Usual {
    keyword: Ident,
    name: Ident,
    parentheses: Group,
    body: Group,
}

/// The expansion, where the item is such a test.
pub(crate) fn expansion(item: &TokenStream) -> Option<TokenStream> {
    let mut head: Vec<TokenTree> = item.clone().into_iter().collect();
    // From its end: what has no body is given up before anything is looked at.
    let Some(TokenTree::Group(body)) = head.pop() else {
        return None;
    };
    let Usual {
        keyword,
        name,
        parentheses,
        body,
    } = usual(&head, body)?;
    let place = name.span();
    let (package, path) = (package(), path(&name));
    // All of it is the user's but the name, of which the user has heard already.
    let inner = inner_name(&name);
    // Its lines are those of the function inside.
    let end = body.span_close();
    // In our edition: in that of 2015, `core` is no crate that a path may begin with.
    let name = quote_spanned!(at(place)=> ::core::concat!(#package, ::core::module_path!(), #path));
    // At once: to put streams together takes longer than to make them. And without a semicolon, as a
    // statement takes longer than a value.
    let statements = quote_spanned! {place=>
        #keyword #inner #parentheses #body
        ::heap_runtime::__private::run_plain(#name, #inner)
    };
    let mut block = Group::new(Delimiter::Brace, statements);
    block.set_span(end);
    head.push(TokenTree::Group(block));
    Some(head.into_iter().collect())
}

fn usual(head: &[TokenTree], body: Group) -> Option<Usual> {
    let mut rest = head;
    let mut is_test = false;
    while let [
        TokenTree::Punct(mark),
        TokenTree::Group(attribute),
        after @ ..,
    ] = rest
    {
        let name = attribute_name(attribute).filter(|_| mark.as_char() == '#')?;
        // Any other may be a test framework's, which ours has to stand below, or `should_panic`: that takes syn.
        if !PLAIN.contains(&name.as_str()) {
            return None;
        }
        is_test |= name == "test";
        rest = after;
    }
    match rest {
        [TokenTree::Ident(public), TokenTree::Group(_), after @ ..]
        | [TokenTree::Ident(public), after @ ..]
            if public == "pub" =>
        {
            rest = after;
        }
        _ => {}
    }
    match rest {
        [
            TokenTree::Ident(keyword),
            TokenTree::Ident(name),
            TokenTree::Group(parentheses),
        ] if is_test
            && !is_raw(name)
            && keyword == "fn"
            && parentheses.delimiter() == Delimiter::Parenthesis
            && parentheses.stream().is_empty()
            && body.delimiter() == Delimiter::Brace =>
        {
            Some(Usual {
                keyword: keyword.clone(),
                name: name.clone(),
                parentheses: parentheses.clone(),
                body,
            })
        }
        _ => None,
    }
}

/// What an attribute is called, unless it is one of another crate's.
fn attribute_name(attribute: &Group) -> Option<String> {
    let mut tokens = attribute.stream().into_iter();
    match (tokens.next()?, tokens.next()) {
        (TokenTree::Ident(name), None | Some(TokenTree::Group(_))) => Some(name.to_string()),
        (TokenTree::Ident(name), Some(TokenTree::Punct(equals))) if equals.as_char() == '=' => {
            Some(name.to_string())
        }
        _ => None,
    }
}
