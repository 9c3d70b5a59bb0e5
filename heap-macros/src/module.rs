//! A module, each test of which is tracked: the attribute again, on each of them.

use std::mem::take;

use proc_macro2::{Group, Ident, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{Attribute, Error, Meta, Path, parse_quote};

use crate::attr::{self, Argument};
use crate::expand;
use crate::inherit::Arguments;
use crate::place;
use crate::scan::{self, Item, Kind, Piece};
use crate::valid;

/// The expansion, where the item is a module.
pub(crate) fn expansion(arguments: &TokenStream, item: &TokenStream) -> Option<TokenStream> {
    if !is_module(item) {
        return None;
    }
    let module = scan::item(item.clone()).filter(|item| item.kind == Kind::Module)?;
    let mut errors = Vec::new();
    let options = valid::options(arguments.clone(), &mut errors);
    errors.extend(options.skip.map(valid::skips_nothing));
    let twice = module
        .attributes
        .iter()
        .filter(|attribute| is_ours(&attribute.meta));
    errors.extend(twice.map(valid::stands_twice));
    let mut walk = Walk {
        errors,
        runtime: expand::runtime(&options),
        found: false,
        adds: true,
    };
    let tracked = walk.module(&module, &Arguments::of(arguments));
    walk.errors.extend(why_nothing(&module, walk.found));
    if walk.errors.is_empty() {
        return Some(tracked);
    }
    // What only a tracked module understands would be a second, false error.
    walk.adds = false;
    let errors = take(&mut walk.errors);
    let untracked = walk.module(&module, &Arguments::none());
    Some(expand::with_errors(errors, untracked))
}

/// Whether the first word behind attributes and visibility is `mod`. It is looked for in every test that is not
/// as most are, so nothing is parsed.
fn is_module(item: &TokenStream) -> bool {
    let mut tokens = item.clone().into_iter();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Punct(mark) if mark.as_char() == '#' => drop(tokens.next()),
            TokenTree::Ident(word) if word == "pub" || word == "unsafe" => {}
            TokenTree::Ident(word) => return word == "mod",
            // What a `macro_rules!` has taken: the item, or its visibility.
            TokenTree::Group(group) if is_module(&group.stream()) => return true,
            TokenTree::Group(_) => {}
            TokenTree::Punct(_) | TokenTree::Literal(_) => return false,
        }
    }
    false
}

/// Why nothing in the module is tracked, if nothing is.
fn why_nothing(module: &Item, found: bool) -> Option<Error> {
    let message = if module.body().is_none() {
        "an attribute on this module sees its name alone, and not its file: write `#[heap_tracked]` on the tests in its \
         file, or the module here, as `mod name { .. }`"
    } else if found {
        return None;
    } else {
        "there is no test in this module that `#[heap_tracked]` can see: those that a macro makes need it in the \
         macro"
    };
    let is_keyword = |token: &&TokenTree| matches!(token, TokenTree::Ident(word) if word == "mod");
    Some(Error::new_spanned(
        module.tokens.iter().find(is_keyword),
        message,
    ))
}

/// A way through the module, and what has come of it so far.
struct Walk {
    errors: Vec<Error>,
    runtime: TokenStream,
    /// Whether there was any test.
    found: bool,
    /// Whether tests are given the attribute that do not have it.
    adds: bool,
}

impl Walk {
    /// The module with the attribute on its tests. Without a body, as it is.
    fn module(&mut self, module: &Item, around: &Arguments) -> TokenStream {
        let Some((head, body)) = module.body() else {
            return module.to_token_stream();
        };
        let attributes = module
            .attributes
            .iter()
            .filter(|attribute| !is_ours(&attribute.meta));
        let inside = self.group(body, around, false);
        quote!(#(#attributes)* #(#head)* #inside)
    }

    /// What stands in braces. All functions are tests where a macro makes them so.
    fn group(&mut self, group: &Group, around: &Arguments, all: bool) -> Group {
        let mut tracked = TokenStream::new();
        for piece in scan::pieces(group.stream()) {
            match piece {
                Piece::Tokens(tokens) => tracked.extend(tokens),
                Piece::Item(item) => tracked.extend(self.item(item, around, all)),
            }
        }
        let mut tracked = Group::new(group.delimiter(), tracked);
        // The user's braces: lints and the compiler's messages are about these.
        tracked.set_span(group.span());
        tracked
    }

    fn item(&mut self, item: Item, around: &Arguments, all: bool) -> TokenStream {
        match &item.kind {
            Kind::Function => self.function(item, around, all),
            Kind::Module => self.module_inside(&item, around),
            // Whose functions are tests, and keep their attributes.
            Kind::Call(name) if name == "proptest" || name == "quickcheck" => {
                let all = name == "quickcheck";
                let mut tokens = TokenStream::new();
                for token in &item.tokens {
                    tokens.extend([match token {
                        TokenTree::Group(group) => self.group(group, around, all).into(),
                        token => token.clone(),
                    }]);
                }
                let attributes = &item.attributes;
                quote!(#(#attributes)* #tokens)
            }
            Kind::Call(_) | Kind::Terminated | Kind::Other => item.into_token_stream(),
        }
    }

    fn module_inside(&mut self, module: &Item, around: &Arguments) -> TokenStream {
        let own = module
            .attributes
            .iter()
            .find(|attribute| is_ours(&attribute.meta));
        match own.map(|own| Own::of(&own.meta)) {
            None => self.module(module, around),
            Some(Own::Skips) => {
                self.found = true;
                let mut module = module.clone();
                module
                    .attributes
                    .retain(|attribute| !is_ours(&attribute.meta));
                module.into_token_stream()
            }
            Some(Own::Tracks(own)) => {
                // Those of the modules around are judged already.
                let own_alone = Arguments::none().within(own.clone(), |_| true);
                valid::options(own_alone.list(), &mut self.errors);
                self.module(module, &around.within(own, |_| true))
            }
            Some(Own::Wrong) => {
                self.say_what_is_wrong(own);
                self.module(module, around)
            }
        }
    }

    fn say_what_is_wrong(&mut self, own: Option<&Attribute>) {
        match own.map(|own| &own.meta) {
            Some(Meta::List(list)) => drop(valid::options(list.tokens.clone(), &mut self.errors)),
            other => self.errors.push(Error::new_spanned(
                other,
                "expected arguments in parentheses: write `#[heap_tracked(exact)]`",
            )),
        }
    }

    fn function(&mut self, mut item: Item, around: &Arguments, all: bool) -> TokenStream {
        let runtime = &self.runtime;
        let when = |is: fn(&Meta) -> bool| -> Vec<TokenStream> {
            let parts = item
                .attributes
                .iter()
                .map(|attribute| place::parts(&attribute.meta));
            let wanted = parts.filter(|(_, metas)| metas.iter().any(is));
            wanted.map(|(condition, _)| condition).collect()
        };
        let (tests, owns) = (when(makes_tests), when(is_ours));
        let should_panic = !when(|meta| meta.path().is_ident("should_panic")).is_empty();
        let is_test = all || !tests.is_empty();
        self.found |= is_test;
        // A test that should panic has no second round. What is no test, and tracked, is so by its own arguments;
        // but the runtime is where it is.
        let inherits =
            |name: &Ident| name == "crate" || (is_test && !(should_panic && name == "warmup"));
        let merged = |own| around.within(own, inherits);
        item.attributes = item
            .attributes
            .into_iter()
            .filter_map(|attribute| with_arguments(attribute, &merged))
            .collect();
        let arguments = merged(Vec::new());
        let ours = quote!(#runtime::heap_tracked #arguments);
        let is_always = |conditions: &[TokenStream]| conditions.iter().any(TokenStream::is_empty);
        let default = if !is_test || !self.adds || is_always(&owns) {
            None
        } else if owns.is_empty() && (all || is_always(&tests)) {
            Some(quote!(#[#ours]))
        } else {
            let tests = (!all && !is_always(&tests)).then(|| quote!(any(#(#tests),*),));
            Some(quote!(#[cfg_attr(all(#tests not(any(#(#owns),*))), #ours)]))
        };
        quote!(#default #item)
    }
}

/// The attribute with the arguments that are made of its own, where it is this one, or a `cfg_attr` with it.
/// None where that says to skip, and nothing else.
fn with_arguments(
    mut attribute: Attribute,
    merged: &impl Fn(Vec<Argument>) -> Arguments,
) -> Option<Attribute> {
    let (condition, metas) = place::parts(&attribute.meta);
    if !metas.iter().any(is_ours) {
        return Some(attribute);
    }
    let metas: Vec<TokenStream> = metas
        .into_iter()
        .filter_map(|meta| match is_ours(&meta).then(|| Own::of(&meta)) {
            Some(Own::Skips) => None,
            Some(Own::Tracks(own)) => {
                let (path, arguments) = (meta.path(), merged(own));
                Some(quote!(#path #arguments))
            }
            Some(Own::Wrong) | None => Some(meta.into_token_stream()),
        })
        .collect();
    if metas.is_empty() {
        return None;
    }
    attribute.meta = if condition.is_empty() {
        parse_quote!(#(#metas)*)
    } else {
        parse_quote!(cfg_attr(#condition, #(#metas),*))
    };
    Some(attribute)
}

/// What this attribute says where it stands.
enum Own {
    Skips,
    Tracks(Vec<Argument>),
    /// Something wrong, which is said where it is expanded.
    Wrong,
}

impl Own {
    fn of(meta: &Meta) -> Self {
        let arguments = match meta {
            Meta::Path(_) => TokenStream::new(),
            Meta::List(list) => list.tokens.clone(),
            Meta::NameValue(_) => return Self::Wrong,
        };
        match attr::parse(arguments, attr::Kind::Argument) {
            (_, errors) if !errors.is_empty() => Self::Wrong,
            (arguments, _) if matches!(&*arguments, [only] if only.name == "skip") => Self::Skips,
            (arguments, _) => Self::Tracks(arguments),
        }
    }
}

fn is_ours(meta: &Meta) -> bool {
    valid::is_heap_tracked(meta.path())
}

/// Whether an attribute makes a test, or more, of the function that it stands on. By its name: whoever has
/// another one writes this attribute on the function.
fn makes_tests(attribute: &Meta) -> bool {
    let Some(last) = attribute.path().segments.last() else {
        return false;
    };
    let name = last.ident.to_string();
    match name.as_str() {
        "rstest" | "gtest" | "quickcheck" | "proptest" | "parameterized" => true,
        // What it stands on is called by tests.
        "test_fuzz" => false,
        // rstest_reuse's takes a template, macro_rules_attribute's a macro, such as smol-macros' `test!`.
        "apply" => attribute.require_list().is_ok_and(|list| {
            let is_template = list.parse_args::<Path>().is_ok();
            is_template || list.tokens.to_string().contains("test")
        }),
        name => name.split('_').next() == Some("test") || name.ends_with("_test"),
    }
}
