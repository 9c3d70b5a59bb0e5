//! `#[heap_tracked]` put into source text that knows nothing of it.
//!
//! The text is read as tokens, so that tests in the body of a `macro_rules!` are found too, and
//! only ever added to, on the line that is there: whatever line a test or a message names stays
//! right.

use std::str::FromStr as _;

use proc_macro2::{TokenStream, TokenTree};

/// Our attribute by its absolute path, which needs no `use`.
const ATTRIBUTE: &str = " #[::heap_runtime::heap_tracked]";

/// Source text with the attribute on all its tests.
#[derive(Debug, PartialEq, Eq)]
pub struct Tracked {
    /// The text.
    pub text: String,
    /// How many attributes were put in.
    pub attributes: usize,
    /// Whether it makes something the global allocator, so that it cannot be jemalloc as well.
    pub has_allocator: bool,
    /// The modules that are files of their own.
    pub modules: Vec<String>,
}

/// Puts the attribute behind each `#[test]`, and on each function in a `quickcheck!`, which makes a
/// test of it and hands on its attributes.
///
/// Behind, because a `#[test]` in `src` need not be in a `#[cfg(test)]`: where the library itself is
/// built, `#[test]` takes the function away, and with it the attribute of a crate that is not
/// there then.
///
/// # Errors
///
/// Where the text is no Rust.
pub fn tracked(source: &str) -> Result<Tracked, proc_macro2::LexError> {
    let mut found = Found::default();
    found.search(TokenStream::from_str(source)?, Place::Elsewhere);
    let mut text = String::with_capacity(source.len() + found.places.len() * ATTRIBUTE.len());
    let mut rest = 0;
    found.places.sort_unstable();
    for place in &found.places {
        text.push_str(&source[rest..*place]);
        text.push_str(ATTRIBUTE);
        rest = *place;
    }
    text.push_str(&source[rest..]);
    Ok(Tracked {
        text,
        attributes: found.places.len(),
        has_allocator: found.has_allocator,
        modules: found.modules,
    })
}

#[derive(Debug, Default)]
struct Found {
    /// Where attributes go, in bytes.
    places: Vec<usize>,
    has_allocator: bool,
    modules: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Directly in the braces of a `quickcheck!`.
    Properties,
    Elsewhere,
}

impl Found {
    fn search(&mut self, tokens: TokenStream, place: Place) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        for (index, token) in tokens.iter().enumerate() {
            match token {
                TokenTree::Group(group) => {
                    let is_attribute = index > 0 && is_punct(&tokens[index - 1], '#');
                    if is_attribute && is_word(group.stream(), "test") {
                        self.places.push(token.span().byte_range().end);
                    } else if is_attribute && is_word(group.stream(), "global_allocator") {
                        self.has_allocator = true;
                    }
                    let is_call = index > 1
                        && is_punct(&tokens[index - 1], '!')
                        && matches!(&tokens[index - 2], TokenTree::Ident(name) if name == "quickcheck");
                    let inside = if is_call {
                        Place::Properties
                    } else {
                        Place::Elsewhere
                    };
                    self.search(group.stream(), inside);
                }
                TokenTree::Ident(name) if place == Place::Properties && name == "fn" => {
                    // One that a `macro_rules!` writes out has its `#[test]`.
                    let of_macro = tokens.first().is_some_and(|first| is_punct(first, '@'));
                    if !of_macro {
                        self.places.push(token.span().byte_range().start);
                    }
                }
                TokenTree::Ident(name) if name == "mod" => {
                    if let [_, TokenTree::Ident(module), end, ..] = &tokens[index..]
                        && is_punct(end, ';')
                    {
                        self.modules.push(module.to_string());
                    }
                }
                _ => {}
            }
        }
    }
}

fn is_punct(token: &TokenTree, c: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == c)
}

/// Whether an attribute is this one word, and no path or list with it at its end.
fn is_word(attribute: TokenStream, word: &str) -> bool {
    let mut tokens = attribute.into_iter();
    matches!((tokens.next(), tokens.next()), (Some(TokenTree::Ident(name)), None) if name == word)
}

/// The line that makes jemalloc the allocator of a test binary, to go behind all else.
pub const USE_JEMALLOC: &str = "\n#[cfg(test)]\n::heap_runtime::use_jemalloc!();\n";

#[cfg(test)]
mod tests {
    use super::*;

    fn is_now(source: &str, expected: &str) {
        let tracked = tracked(source).unwrap();
        let expected = expected.replace(" @T", ATTRIBUTE);
        assert_eq!(tracked.text, expected);
        assert_eq!(tracked.attributes, expected.matches(ATTRIBUTE).count());
        assert_eq!(tracked.text.lines().count(), source.lines().count());
    }

    #[test]
    fn every_test_has_the_attribute_on_its_own_line() {
        is_now(
            "/// A test: `#[test]`.\n#[test]\n#[ignore]\nfn größe() { \"#[test]\"; }\n",
            "/// A test: `#[test]`.\n#[test] @T\n#[ignore]\nfn größe() { \"#[test]\"; }\n",
        );
        is_now(
            "mod ä { #[should_panic] # [ test ] fn a() {} } // #[test]",
            "mod ä { #[should_panic] # [ test ] @T fn a() {} } // #[test]",
        );
        is_now(
            "macro_rules! t { ($n:ident) => { #[test] fn $n() {} } }\nt!(a);",
            "macro_rules! t { ($n:ident) => { #[test] @T fn $n() {} } }\nt!(a);",
        );
    }

    #[test]
    fn properties_are_tests() {
        is_now(
            "quickcheck! {\n #[ignore]\n fn p(a: u8) -> bool { fn inner() {} true }\n fn q() {}\n}",
            "quickcheck! {\n #[ignore]\n  @Tfn p(a: u8) -> bool { fn inner() {} true }\n  @Tfn q() {}\n}",
        );
        is_now(
            "quickcheck! { @as_items $(#[test] fn $p() {})* }",
            "quickcheck! { @as_items $(#[test] @T fn $p() {})* }",
        );
    }

    #[test]
    fn what_is_no_test_stays() {
        for source in [
            "#[cfg(test)] mod tests {}",
            "#![test] fn a() {}",
            "#[tokio::test] async fn a() {}",
            "#[test_case(1)] fn a(_: u8) {}",
            "fn test() { test!(test); x[test] }",
        ] {
            is_now(source, source);
        }
    }

    #[test]
    fn an_allocator_is_seen() {
        let has = |source| tracked(source).unwrap().has_allocator;
        assert!(has("mod a { #[global_allocator] static A: X = X; }"));
        assert!(!has("// #[global_allocator]\nfn global_allocator() {}"));
        assert!(tracked("fn (").is_err());
        let modules = tracked("mod a; mod b {} #[cfg(x)] pub mod c;")
            .unwrap()
            .modules;
        assert_eq!(modules, ["a", "c"]);
    }
}
