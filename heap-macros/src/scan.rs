//! The items of a module, told apart by their tokens.
//!
//! Not `syn::ItemMod`, for the reason that a function's body is not parsed (see `item.rs`): what is not looked
//! for stays the tokens that the user wrote, and a body that does not parse yet spoils no other.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::ToTokens;
use syn::Attribute;
use syn::parse::Parser;

/// What stands in a module.
pub(crate) enum Piece {
    /// An inner attribute, or what is no item.
    Tokens(Vec<TokenTree>),
    Item(Item),
}

/// An item: its attributes, and all else of it.
#[derive(Clone)]
pub(crate) struct Item {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) tokens: Vec<TokenTree>,
    pub(crate) kind: Kind,
}

/// What an item is, as far as it matters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    Function,
    Module,
    /// The call of a macro of this name.
    Call(String),
    /// One that goes on to its semicolon, whatever braces are in it.
    Terminated,
    Other,
}

impl Item {
    /// The last token, where that is the braces of a body, and what stands before it.
    pub(crate) fn body(&self) -> Option<(&[TokenTree], &Group)> {
        match self.tokens.split_last()? {
            (TokenTree::Group(body), head) if body.delimiter() == Delimiter::Brace => {
                Some((head, body))
            }
            _ => None,
        }
    }
}

impl ToTokens for Item {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        tokens.extend(self.attributes.iter().map(Attribute::to_token_stream));
        tokens.extend(self.tokens.iter().cloned());
    }
}

/// The pieces of what stands between the braces of a module.
pub(crate) fn pieces(contents: TokenStream) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest: Vec<TokenTree> = contents.into_iter().collect();
    while let Some(first) = rest.first() {
        // What a `macro_rules!` has taken as `$item:item` comes in a group of its own.
        if let TokenTree::Group(group) = first
            && is_item(group)
        {
            let group = group.stream();
            rest.splice(0..1, group);
            continue;
        }
        if let [hash, bang, TokenTree::Group(_), ..] = &*rest
            && is(hash, '#')
            && is(bang, '!')
        {
            pieces.push(Piece::Tokens(rest.drain(..3).collect()));
            continue;
        }
        let (attributes, length) = attributes(&rest);
        rest.drain(..length);
        let kind = kind(&rest);
        let end = end(&rest, &kind);
        let tokens = rest.drain(..end).collect();
        pieces.push(Piece::Item(Item {
            attributes,
            tokens,
            kind,
        }));
    }
    pieces
}

/// The one item that there is.
pub(crate) fn item(tokens: TokenStream) -> Option<Item> {
    match pieces(tokens).pop() {
        Some(Piece::Item(item)) => Some(item),
        _ => None,
    }
}

/// Whether a group without delimiters is an item, and not a visibility, a type or a body.
fn is_item(group: &Group) -> bool {
    let tokens: Vec<TokenTree> = group.stream().into_iter().collect();
    let ends = match tokens.last() {
        Some(TokenTree::Group(last)) => last.delimiter() == Delimiter::Brace,
        Some(last) => is(last, ';'),
        None => false,
    };
    group.delimiter() == Delimiter::None && tokens.len() > 1 && ends
}

fn is(token: &TokenTree, character: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == character)
}

/// The attributes that tokens begin with, and how many tokens those are.
fn attributes(tokens: &[TokenTree]) -> (Vec<Attribute>, usize) {
    let mut attributes = Vec::new();
    let mut length = 0;
    while let [hash, TokenTree::Group(_), ..] = &tokens[length..]
        && is(hash, '#')
    {
        let attribute: TokenStream = tokens[length..length + 2].iter().cloned().collect();
        match Attribute::parse_outer.parse2(attribute) {
            Ok(parsed) => attributes.extend(parsed),
            // The compiler has something to say of it.
            Err(_) => break,
        }
        length += 2;
    }
    (attributes, length)
}

fn kind(tokens: &[TokenTree]) -> Kind {
    let mut rest = without_visibility(tokens);
    loop {
        let (word, after) = match rest {
            [TokenTree::Ident(word), after @ ..] => (word.to_string(), after),
            // The name of an ABI.
            [TokenTree::Literal(_), after @ ..] => {
                rest = after;
                continue;
            }
            _ => return Kind::Other,
        };
        match &*word {
            "fn" => return Kind::Function,
            "mod" => return Kind::Module,
            "use" | "static" | "type" => return Kind::Terminated,
            "const" if !begins_function(after) => return Kind::Terminated,
            "const" | "async" | "unsafe" | "extern" | "safe" | "default" => rest = after,
            _ => return call(rest).map_or(Kind::Other, Kind::Call),
        }
    }
}

/// Without `pub` or `pub(..)`, which a `macro_rules!` may have taken as `$vis:vis`, and with it nothing at all.
fn without_visibility(tokens: &[TokenTree]) -> &[TokenTree] {
    match tokens {
        [TokenTree::Group(visibility), rest @ ..]
            if visibility.delimiter() == Delimiter::None && !is_item(visibility) =>
        {
            rest
        }
        [TokenTree::Ident(word), TokenTree::Group(place), rest @ ..]
            if word == "pub" && place.delimiter() == Delimiter::Parenthesis =>
        {
            rest
        }
        [TokenTree::Ident(word), rest @ ..] if word == "pub" => rest,
        _ => tokens,
    }
}

/// Whether a function follows on `const`.
fn begins_function(tokens: &[TokenTree]) -> bool {
    matches!(tokens.first(), Some(TokenTree::Ident(word))
        if ["fn", "async", "unsafe", "extern"].iter().any(|first| word == first))
}

/// The name of the macro that is called.
fn call(tokens: &[TokenTree]) -> Option<String> {
    let mut name = None;
    for token in tokens {
        match token {
            TokenTree::Ident(segment) => name = Some(segment.to_string()),
            token if is(token, ':') => {}
            token if is(token, '!') => return name,
            _ => return None,
        }
    }
    None
}

/// How many tokens an item has.
fn end(tokens: &[TokenTree], kind: &Kind) -> usize {
    for (at, token) in tokens.iter().enumerate() {
        let is_body = match token {
            TokenTree::Group(group) => is_braces(group),
            _ => false,
        };
        // A value in the arguments of a type is in braces too.
        let goes_on = || {
            let next = tokens.get(at + 1);
            next.is_some_and(|next| is(next, '>') || is(next, ','))
        };
        if is(token, ';') || (is_body && *kind != Kind::Terminated && !goes_on()) {
            return at + 1;
        }
    }
    tokens.len()
}

/// Whether it is braces, which a `macro_rules!` may have taken as `$body:block`.
fn is_braces(group: &Group) -> bool {
    match group.delimiter() {
        Delimiter::Brace => true,
        Delimiter::None => {
            let mut tokens = group.stream().into_iter();
            matches!((tokens.next(), tokens.next()), (Some(TokenTree::Group(inside)), None) if is_braces(&inside))
        }
        _ => false,
    }
}
