//! Where in a source text tests are, which of them have `#[heap_tracked]`, and what else of ours is there.
//!
//! The text is read as tokens, so that tests in the bodies of a `macro_rules!` are found too. Where a macro is
//! called, its rules decide what may stand there: only of those that are known it is certain.

use std::ops::Range;
use std::str::FromStr as _;

use proc_macro2::{Delimiter, Group, LexError, TokenStream, TokenTree};

use super::attribute::Attribute;
use super::tokens::{end_of_item, is_mark, literal, start_of_path};

/// What of interest a text has.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Tests that have the attribute, or stand in a module that has it.
    pub(super) tracked: usize,
    /// Where it goes for each test that has not, the first in the text first.
    pub(super) untracked: Vec<Place>,
    /// Attributes of ours, as bytes of the text.
    pub(super) ours: Vec<Range<usize>>,
    /// A `use heap_runtime::heap_tracked`, and `use_jemalloc!()`.
    pub(super) beside: Vec<Range<usize>>,
    /// What is not certain enough to be touched.
    pub(super) uncertain: Vec<Uncertain>,
    pub(super) allocator: Option<Allocator>,
    /// Modules that are files of their own.
    pub(super) modules: Vec<Module>,
    /// What an `include!` names.
    pub(super) includes: Vec<String>,
}

/// Where an attribute goes, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Behind the attribute that makes the test. A `#[test]` in `src` need not be in a `#[cfg(test)]`: where the
    /// library itself is built, it takes the function away, and with it an attribute of a crate that is not there then.
    Behind(usize),
    /// Before a function that a macro makes a test of.
    Before(usize),
}

impl Place {
    /// Where in the text, on whichever side of what.
    pub(super) fn at(self) -> usize {
        let (Self::Behind(at) | Self::Before(at)) = self;
        at
    }
}

/// What cannot be touched, and why.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Uncertain {
    /// From 1.
    pub(super) line: usize,
    pub(super) why: String,
    pub(super) of: Of,
}

/// What it is that cannot be touched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    /// A test without the attribute.
    Test,
    /// Something of ours.
    Ours,
}

/// What the global allocator of a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Allocator {
    /// By `use_jemalloc!()`.
    Jemalloc,
    /// A `#[global_allocator]` of its own.
    Own,
}

/// A `mod name;`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Module {
    pub(super) name: String,
    /// The modules of this text that it is in.
    pub(super) within: Vec<String>,
    /// Values of `#[path]`, also of one with a condition.
    pub(super) paths: Vec<String>,
}

/// Looks through a text.
///
/// # Errors
///
/// Where it is not Rust.
pub(super) fn scan(text: &str) -> Result<Found, LexError> {
    let before = before_code(text);
    let mut scan = Scan {
        found: Found::default(),
        bytes: before.len(),
        lines: before.matches('\n').count(),
    };
    let tokens = TokenStream::from_str(&text[before.len()..])?;
    scan.items(tokens, &Around::default());
    scan.found
        .untracked
        .sort_unstable_by_key(|place| place.at());
    Ok(scan.found)
}

/// What stands before Rust begins: a byte order mark, and a line for a shell.
fn before_code(text: &str) -> &str {
    let code = text.strip_prefix('\u{feff}').unwrap_or(text);
    let is_for_shell = code.starts_with("#!") && !code[2..].trim_start().starts_with('[');
    let line = code.find('\n').filter(|_| is_for_shell);
    let end = text.len() - code.len() + line.map_or(0, |end| end + 1);
    &text[..end]
}

/// What items stand in.
#[derive(Debug, Clone, Default)]
struct Around {
    modules: Vec<String>,
    /// A module that has the attribute, which is that of its tests.
    is_tracked: bool,
    /// Each function is a test, as in a `quickcheck!`.
    all_are_tests: bool,
    /// Braces may hold items: what a macro writes out, and `cfg_if!`.
    in_braces: bool,
}

struct Scan {
    found: Found,
    /// What is before the tokens.
    bytes: usize,
    lines: usize,
}

impl Scan {
    fn items(&mut self, tokens: TokenStream, around: &Around) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        // Those of the item that comes.
        let mut attributes: Vec<Attribute> = Vec::new();
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            if let Some((attribute, end)) = self.attribute(&tokens, at) {
                attributes.extend(attribute);
                at = end;
                continue;
            }
            let end = match token {
                TokenTree::Ident(word) => match word.to_string().as_str() {
                    "fn" => self.function(&tokens, at, &attributes, around),
                    "mod" => self.module(&tokens, at, &attributes, around),
                    "use" => Some(self.import(&tokens, at, &attributes)),
                    _ => self.call(&tokens, at, &attributes, around),
                },
                TokenTree::Punct(mark) if mark.as_char() == ';' => {
                    self.without_function(&attributes);
                    Some(at + 1)
                }
                TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => {
                    self.without_function(&attributes);
                    if around.in_braces {
                        self.items(group.stream(), around);
                    }
                    Some(at + 1)
                }
                // `$(..)*` of a macro, which may be items, or attributes of the item that comes.
                TokenTree::Group(group) if at > 0 && is_mark(&tokens[at - 1], '$') => {
                    self.items(group.stream(), around);
                    None
                }
                _ => None,
            };
            if let Some(end) = end {
                attributes.clear();
                at = end;
            } else {
                at += 1;
            }
        }
        self.without_function(&attributes);
    }

    /// An attribute, and where it ends. One of the module that it stands in is passed over.
    fn attribute(&mut self, tokens: &[TokenTree], at: usize) -> Option<(Option<Attribute>, usize)> {
        if !is_mark(tokens.get(at)?, '#') {
            return None;
        }
        match tokens.get(at + 1)? {
            TokenTree::Group(group) => {
                let start = self.range(&tokens[at]).start;
                let attribute =
                    Attribute::of(group.stream(), start..self.range(&tokens[at + 1]).end);
                if attribute.has(|name, _| name == "global_allocator") {
                    self.found.allocator = Some(Allocator::Own);
                }
                Some((Some(attribute), at + 2))
            }
            mark if is_mark(mark, '!') => Some((None, at + 3)),
            _ => None,
        }
    }

    fn function(
        &mut self,
        tokens: &[TokenTree],
        at: usize,
        attributes: &[Attribute],
        around: &Around,
    ) -> Option<usize> {
        // A type, as in `static F: fn() = f;`.
        let is_item = matches!(tokens.get(at + 1), Some(TokenTree::Ident(_)))
            || tokens.get(at + 1).is_some_and(|next| is_mark(next, '$'));
        // What a macro takes for itself, as in `quickcheck!(@fn $name ..)`.
        let is_marked = at > 0 && is_mark(&tokens[at - 1], '@');
        if !is_item || is_marked {
            return None;
        }
        let maker = attributes.iter().rfind(|attribute| attribute.makes_tests());
        let is_ours = self.take_ours(attributes);
        match maker {
            None if !around.all_are_tests => {}
            _ if is_ours || around.is_tracked => self.found.tracked += 1,
            None => {
                let start = self.range(&tokens[at]).start;
                self.found.untracked.push(Place::Before(start));
            }
            Some(maker) if maker.is_conditional() => self.uncertain(
                &tokens[at],
                "a `cfg_attr` makes this function a test",
                Of::Test,
            ),
            Some(maker) => self.found.untracked.push(Place::Behind(maker.range.end)),
        }
        Some(end_of_item(tokens, at))
    }

    fn module(
        &mut self,
        tokens: &[TokenTree],
        at: usize,
        attributes: &[Attribute],
        around: &Around,
    ) -> Option<usize> {
        let end = end_of_item(tokens, at);
        let is_ours = self.take_ours(attributes);
        let paths = || attributes.iter().flat_map(Attribute::paths);
        let name = tokens[at + 1..end].iter().find_map(|token| match token {
            TokenTree::Ident(name) => Some(name.to_string().trim_start_matches("r#").to_owned()),
            _ => None,
        })?;
        match &tokens[end - 1] {
            TokenTree::Group(body) => {
                let mut inside = around.clone();
                inside.modules.push(paths().next().unwrap_or(name));
                inside.is_tracked |= is_ours;
                self.items(body.stream(), &inside);
            }
            _ => self.found.modules.push(Module {
                name,
                within: around.modules.clone(),
                paths: paths().collect(),
            }),
        }
        Some(end)
    }

    fn import(&mut self, tokens: &[TokenTree], at: usize, attributes: &[Attribute]) -> usize {
        let end = end_of_item(tokens, at);
        // A `pub` stands before it.
        let is_public =
            at > 0 && matches!(&tokens[at - 1], TokenTree::Ident(word) if word == "pub");
        let text: String = tokens[at + 1..end]
            .iter()
            .map(ToString::to_string)
            .collect();
        match text.trim_start_matches(':') {
            "heap_runtime::heap_tracked;" if !is_public => {
                let item = self.item(tokens, at..end, attributes);
                self.found.beside.push(item);
            }
            text if text.contains("heap_tracked") => self.uncertain(
                &tokens[at],
                "the attribute is imported together with something else, or under another name",
                Of::Ours,
            ),
            _ => {}
        }
        end
    }

    /// The call of a macro, or the definition of one.
    fn call(
        &mut self,
        tokens: &[TokenTree],
        at: usize,
        attributes: &[Attribute],
        around: &Around,
    ) -> Option<usize> {
        let name = tokens[at].to_string();
        if !tokens.get(at + 1).is_some_and(|next| is_mark(next, '!')) {
            return None;
        }
        if let (Some(TokenTree::Ident(_)), Some(TokenTree::Group(rules))) =
            (tokens.get(at + 2), tokens.get(at + 3))
        {
            self.rules(rules, around);
            return Some(at + 4);
        }
        let Some(TokenTree::Group(input)) = tokens.get(at + 2) else {
            return None;
        };
        if name != "use_jemalloc" {
            self.without_function(attributes);
        }
        match name.as_str() {
            "use_jemalloc" => {
                self.found.allocator = Some(Allocator::Jemalloc);
                let start = start_of_path(tokens, at);
                let end = end_of_item(tokens, at);
                let item = self.item(tokens, start..end, attributes);
                self.found.beside.push(item);
            }
            "include" => {
                let file = input.stream().to_string();
                if let Some(file) = literal(&file) {
                    self.found.includes.push(file);
                }
            }
            // Whose functions keep their attributes.
            "proptest" | "quickcheck" | "cfg_if" => {
                let mut inside = around.clone();
                inside.all_are_tests = name == "quickcheck";
                inside.in_braces |= name == "cfg_if";
                self.items(input.stream(), &inside);
            }
            _ => self.unknown_call(&name, input),
        }
        Some(at + 3)
    }

    /// What the rules of a `macro_rules!` write out. What they take is not touched.
    fn rules(&mut self, rules: &Group, around: &Around) {
        let tokens: Vec<TokenTree> = rules.stream().into_iter().collect();
        let inside = Around {
            in_braces: true,
            ..around.clone()
        };
        for arrow in tokens.windows(3) {
            if let [equals, greater, TokenTree::Group(body)] = arrow
                && is_mark(equals, '=')
                && is_mark(greater, '>')
            {
                self.items(body.stream(), &inside);
            }
        }
    }

    fn unknown_call(&mut self, name: &str, input: &Group) {
        let tokens: Vec<TokenTree> = input.stream().into_iter().collect();
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            if let Some((attribute, end)) = self.attribute(&tokens, at) {
                let of = match attribute {
                    Some(attribute) if attribute.is_ours() => Some(Of::Ours),
                    Some(attribute) if attribute.makes_tests() => Some(Of::Test),
                    _ => None,
                };
                if let Some(of) = of {
                    let why =
                        format!("only the rules of `{name}!` tell whether it takes the attribute");
                    self.uncertain(&tokens[at], &why, of);
                }
                at = end;
                continue;
            }
            if let TokenTree::Group(group) = token {
                self.unknown_call(name, group);
            }
            at += 1;
        }
    }

    /// What is ours among the attributes of an item. Whether anything is.
    fn take_ours(&mut self, attributes: &[Attribute]) -> bool {
        let mut any = false;
        for attribute in attributes.iter().filter(|attribute| attribute.is_ours()) {
            any = true;
            if attribute.has_others() {
                self.found.uncertain.push(Uncertain {
                    line: self.lines + attribute.line,
                    why: "the attribute is in a `cfg_attr` with others".into(),
                    of: Of::Ours,
                });
            } else {
                self.found.ours.push(attribute.range.clone());
            }
        }
        any
    }

    /// Attributes that stand on no function: what makes a test is none of those that are known then.
    fn without_function(&mut self, attributes: &[Attribute]) {
        self.take_ours(attributes);
        if let Some(maker) = attributes.iter().find(|attribute| attribute.makes_tests()) {
            self.found.uncertain.push(Uncertain {
                line: self.lines + maker.line,
                why: "no function follows the attribute that makes a test".into(),
                of: Of::Test,
            });
        }
    }

    fn uncertain(&mut self, token: &TokenTree, why: &str, of: Of) {
        self.found.uncertain.push(Uncertain {
            line: self.lines + token.span().start().line,
            why: why.into(),
            of,
        });
    }

    /// An item with its attributes, in bytes.
    fn item(
        &self,
        tokens: &[TokenTree],
        item: Range<usize>,
        attributes: &[Attribute],
    ) -> Range<usize> {
        let start = attributes.first().map(|first| first.range.start);
        let start = start.unwrap_or_else(|| self.range(&tokens[item.start]).start);
        start..self.range(&tokens[item.end - 1]).end
    }

    /// Where a token is in the text.
    fn range(&self, token: &TokenTree) -> Range<usize> {
        let range = token.span().byte_range();
        range.start + self.bytes..range.end + self.bytes
    }
}
