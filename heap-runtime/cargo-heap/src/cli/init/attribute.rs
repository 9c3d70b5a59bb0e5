//! An attribute as tokens: what it is called, and whether it makes a test.

use std::ops::Range;

use proc_macro2::{TokenStream, TokenTree};

use super::tokens::{is_mark, literal};

/// An attribute that stands on an item.
#[derive(Debug)]
pub(super) struct Attribute {
    /// From `#` to `]`, in bytes of the text.
    pub(super) range: Range<usize>,
    /// From 1.
    pub(super) line: usize,
    /// What it says: one, or what a `cfg_attr` says under its condition.
    said: Vec<(String, TokenStream)>,
    is_conditional: bool,
}

impl Attribute {
    pub(super) fn of(meta: TokenStream, range: Range<usize>) -> Self {
        let line = meta.clone().into_iter().next();
        let line = line.map_or(1, |token| token.span().start().line);
        let is_conditional = name(&meta) == "cfg_attr";
        let said = if is_conditional {
            let inside = meta.into_iter().find_map(|token| match token {
                TokenTree::Group(group) => Some(group.stream()),
                _ => None,
            });
            let mut metas = parts(inside.unwrap_or_default());
            // The condition, and what is behind the last comma.
            metas.remove(0);
            metas.retain(|meta| !meta.is_empty());
            metas
        } else {
            vec![meta]
        };
        Self {
            range,
            line,
            said: said.into_iter().map(|meta| (name(&meta), meta)).collect(),
            is_conditional,
        }
    }

    pub(super) fn has(&self, is: impl Fn(&str, &TokenStream) -> bool) -> bool {
        self.said.iter().any(|(name, meta)| is(name, meta))
    }

    /// Whether it stands under the condition of a `cfg_attr`.
    pub(super) fn is_conditional(&self) -> bool {
        self.is_conditional
    }

    pub(super) fn is_ours(&self) -> bool {
        self.has(|name, _| name == "heap_tracked")
    }

    /// Whether it is ours and more.
    pub(super) fn has_others(&self) -> bool {
        self.said.len() > 1
    }

    /// Whether it makes a test, or more, of the function that it stands on: by its name, as for a module with the
    /// attribute in heap-macros.
    pub(super) fn makes_tests(&self) -> bool {
        self.has(|name, meta| match name {
            "rstest" | "gtest" | "quickcheck" | "proptest" | "parameterized" => true,
            // What it stands on is called by tests.
            "test_fuzz" => false,
            // rstest_reuse's takes a template, macro_rules_attribute's a macro, such as smol-macros' `test!`.
            "apply" => {
                let inside = meta.clone().into_iter().find_map(|token| match token {
                    TokenTree::Group(group) => Some(group.stream().to_string()),
                    _ => None,
                });
                inside.is_some_and(|inside| !inside.contains('!') || inside.contains("test"))
            }
            name => name.split('_').next() == Some("test") || name.ends_with("_test"),
        })
    }

    /// The files that it gives a module.
    pub(super) fn paths(&self) -> impl Iterator<Item = String> {
        let paths = self.said.iter().filter(|(name, _)| name == "path");
        paths.filter_map(|(_, meta)| literal(&meta.clone().into_iter().nth(2)?.to_string()))
    }
}

/// The last word of the path that an attribute begins with.
fn name(meta: &TokenStream) -> String {
    let mut name = String::new();
    for token in meta.clone() {
        match token {
            TokenTree::Ident(word) => name = word.to_string(),
            token if is_mark(&token, ':') => {}
            _ => break,
        }
    }
    name
}

/// What stands between the commas.
fn parts(tokens: TokenStream) -> Vec<TokenStream> {
    let mut parts = vec![TokenStream::new()];
    for token in tokens {
        if is_mark(&token, ',') {
            parts.push(TokenStream::new());
        } else if let Some(last) = parts.last_mut() {
            last.extend([token]);
        }
    }
    parts
}
