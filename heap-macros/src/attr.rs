//! The arguments of the attribute, as they are written: nothing is judged here but their form.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Error, Ident, Result, Token};

/// `name`, `name = value` or `name(list)`.
#[derive(Clone)]
pub(crate) struct Argument {
    pub(crate) name: Ident,
    pub(crate) value: Value,
}

/// What follows the name of an argument.
#[derive(Clone)]
pub(crate) enum Value {
    /// Nothing.
    None,
    /// The tokens after `=`; there is at least one.
    Assigned(TokenStream),
    /// The tokens in the parentheses.
    List(TokenStream),
}

/// What a list is of, for messages.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Argument,
    Label,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Argument => "an argument",
            Self::Label => "a label",
        }
    }

    fn example(self) -> &'static str {
        match self {
            Self::Argument => "`max_peak = \"8 MiB\"` or `labels(key = \"value\")`",
            Self::Label => "`scheduler = \"eevdf\"`",
        }
    }
}

impl Argument {
    fn parse(input: ParseStream, kind: Kind) -> Result<Self> {
        let name = input.call(Ident::parse_any).map_err(|error| {
            let (what, example) = (kind.name(), kind.example());
            Error::new(error.span(), format!("expected {what} such as {example}"))
        })?;
        one_word(&name, input)?;
        let value = if input.is_empty() {
            Value::None
        } else if input.peek(Token![=]) {
            let equals: Token![=] = input.parse()?;
            if input.is_empty() {
                return Err(Error::new(
                    equals.span,
                    format!("`{name} =` is missing its value"),
                ));
            }
            Value::Assigned(input.parse()?)
        } else {
            match input.parse()? {
                TokenTree::Group(group) if group.delimiter() == Delimiter::Parenthesis => {
                    if !input.is_empty() {
                        let message = format!("expected a comma after `{name}(...)`");
                        return Err(Error::new(input.span(), message));
                    }
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

impl ToTokens for Argument {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let name = &self.name;
        tokens.extend(match &self.value {
            Value::None => quote!(#name),
            Value::Assigned(value) => quote!(#name = #value),
            Value::List(list) => quote!(#name(#list)),
        });
    }
}

/// Refuses names with dashes or dots in them, and says how to write them.
fn one_word(name: &Ident, input: ParseStream) -> Result<()> {
    let (mut word, mut more) = (name.to_string(), TokenStream::new());
    while input.peek(Token![-]) || input.peek(Token![.]) {
        let mut joint = || {
            let separator: TokenTree = input.parse()?;
            let next = input.call(Ident::parse_any)?;
            word.extend([separator.to_string(), next.to_string()]);
            more.extend([separator, next.into()]);
            Ok::<(), Error>(())
        };
        // Not a name then, and reported as whatever else it is.
        if joint().is_err() {
            break;
        }
    }
    if more.is_empty() {
        return Ok(());
    }
    let mend = word.replace(['-', '.'], "_");
    Err(Error::new_spanned(
        quote!(#name #more),
        format!("`{word}` is not a name: write `{mend}`"),
    ))
}

/// Reads a list of arguments or labels, every one of them: a mistake in one does not hide the
/// others.
pub(crate) fn parse(tokens: TokenStream, kind: Kind) -> (Vec<Argument>, Vec<Error>) {
    let mut arguments = Vec::new();
    let mut errors = Vec::new();
    for part in split_at_commas(tokens, kind) {
        let read = |input: ParseStream| Argument::parse(input, kind);
        match part.and_then(|tokens| read.parse2(tokens)) {
            Ok(argument) => arguments.push(argument),
            Err(error) => errors.push(error),
        }
    }
    (arguments, errors)
}

/// The parts between commas; a comma may follow the last.
fn split_at_commas(tokens: TokenStream, kind: Kind) -> Vec<Result<TokenStream>> {
    let mut parts = Vec::new();
    let mut part = Vec::new();
    for token in tokens {
        match token {
            TokenTree::Punct(comma) if comma.as_char() == ',' => {
                parts.push(if part.is_empty() {
                    Err(Error::new(
                        comma.span(),
                        format!("expected {} before this comma: remove it", kind.name()),
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
