//! The arguments of the attribute, as they are written: nothing is judged here but their form.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::{Error, Ident, Result, Token};

/// `name`, `name = value` or `name(list)`.
pub(crate) struct Argument {
    pub(crate) name: Ident,
    pub(crate) value: Value,
}

/// What follows the name of an argument.
pub(crate) enum Value {
    /// Nothing.
    None,
    /// The tokens after `=`; there is at least one.
    Assigned(TokenStream),
    /// The tokens in the parentheses.
    List(TokenStream),
}

impl Parse for Argument {
    fn parse(input: ParseStream) -> Result<Self> {
        let name = input.call(Ident::parse_any).map_err(|error| {
            Error::new(
                error.span(),
                "expected an argument such as `max_peak = \"8 MiB\"` or `labels(key = \"value\")`",
            )
        })?;
        let value = if input.is_empty() {
            Value::None
        } else if input.peek(Token![=]) {
            let equals: Token![=] = input.parse()?;
            if input.is_empty() {
                return Err(Error::new(
                    equals.span,
                    format!("`{name} =` lacks its value"),
                ));
            }
            Value::Assigned(input.parse()?)
        } else {
            match input.parse()? {
                TokenTree::Group(group)
                    if group.delimiter() == Delimiter::Parenthesis && input.is_empty() =>
                {
                    Value::List(group.stream())
                }
                other => {
                    return Err(Error::new(
                        other.span(),
                        format!("expected a comma, or `= value` right after `{name}`"),
                    ));
                }
            }
        };
        Ok(Self { name, value })
    }
}

/// Reads a list of arguments, every one of them: a mistake in one does not hide the others.
pub(crate) fn parse(tokens: TokenStream) -> (Vec<Argument>, Vec<Error>) {
    let mut arguments = Vec::new();
    let mut errors = Vec::new();
    for part in split_at_commas(tokens) {
        match part.and_then(|tokens| Argument::parse.parse2(tokens)) {
            Ok(argument) => arguments.push(argument),
            Err(error) => errors.push(error),
        }
    }
    (arguments, errors)
}

/// The parts between commas; a comma may follow the last.
fn split_at_commas(tokens: TokenStream) -> Vec<Result<TokenStream>> {
    let mut parts = Vec::new();
    let mut part = Vec::new();
    for token in tokens {
        match token {
            TokenTree::Punct(comma) if comma.as_char() == ',' => {
                parts.push(if part.is_empty() {
                    Err(Error::new(
                        comma.span(),
                        "expected an argument before the comma",
                    ))
                } else {
                    Ok(part.drain(..).collect())
                });
            }
            token => part.push(token),
        }
    }
    if !part.is_empty() {
        parts.push(Ok(part.into_iter().collect()));
    }
    parts
}
