//! What is asked of tokens again and again.

use proc_macro2::{Delimiter, TokenTree};

pub(super) fn is_mark(token: &TokenTree, mark: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == mark)
}

/// Behind the body or the semicolon of the item that has the token at this place.
pub(super) fn end_of_item(tokens: &[TokenTree], at: usize) -> usize {
    let ends = |token: &TokenTree| match token {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        token => is_mark(token, ';'),
    };
    let behind = tokens[at..].iter().position(ends);
    behind.map_or(tokens.len(), |behind| at + behind + 1)
}

/// Where the path begins whose last word is at this place.
pub(super) fn start_of_path(tokens: &[TokenTree], at: usize) -> usize {
    let mut start = at;
    while start >= 2 && is_mark(&tokens[start - 1], ':') && is_mark(&tokens[start - 2], ':') {
        start -= 2;
        if start > 0 && matches!(tokens[start - 1], TokenTree::Ident(_)) {
            start -= 1;
        }
    }
    start
}

/// The value of a literal without escapes.
pub(super) fn literal(text: &str) -> Option<String> {
    let value = text.trim().strip_prefix('"')?.strip_suffix('"')?;
    (!value.contains(['\\', '"'])).then(|| value.to_owned())
}
