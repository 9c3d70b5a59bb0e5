//! The item that the attribute stands on.

use std::mem::take;

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::parse::{ParseStream, Parser};
use syn::spanned::Spanned;
use syn::{Attribute, Block, Error, Expr, Item, Result, Signature, Stmt, Token, Visibility};

use crate::names::{inner_name, is_raw};

/// A function whose body is kept as the tokens that the user wrote.
///
/// Not `syn::ItemFn`: a body that is parsed and printed loses spans that line numbers, lints and
/// completion live on, and a body that does not parse yet (somebody is typing) loses them all. Nor is
/// it even looked through, which for a long one takes long.
pub(crate) struct Function {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    pub(crate) signature: Signature,
    /// All of these as they were written.
    pub(crate) head: TokenStream,
    pub(crate) body: Group,
}

impl Function {
    fn parse(item: TokenStream) -> Result<Self> {
        let (head, body) = split(item)?;
        let parts = |input: ParseStream| {
            Ok((
                input.call(Attribute::parse_outer)?,
                input.parse()?,
                input.parse()?,
            ))
        };
        let (named, name) = with_raw_name(head.clone());
        let (attributes, visibility, mut signature): (_, _, Signature) = parts.parse2(named)?;
        if let Some(name) = name {
            signature.ident = name;
        }
        Ok(Self {
            attributes,
            visibility,
            signature,
            head,
            body,
        })
    }
}

/// The head of a function with a raw name, and the name as it was: `async`, `dyn` and `try` are keywords to syn, and
/// names in the edition of 2015. What is one in the user's edition, the compiler does not let come here.
fn with_raw_name(head: TokenStream) -> (TokenStream, Option<Ident>) {
    let mut name = None;
    let mut follows_fn = false;
    let named = head.into_iter().map(|token| match token {
        TokenTree::Ident(ident) if take(&mut follows_fn) && name.is_none() && !is_raw(&ident) => {
            let raw = inner_name(&ident);
            name = Some(ident);
            raw.into()
        }
        token => {
            follows_fn = matches!(&token, TokenTree::Ident(word) if word == "fn");
            token
        }
    });
    (named.collect(), name)
}

/// What stands before a body, and the body. What a `macro_rules!` has taken as `$item:item` or
/// `$body:block` comes in a group of its own, without delimiters.
fn split(tokens: TokenStream) -> Result<(TokenStream, Group)> {
    let mut head: Vec<TokenTree> = tokens.into_iter().collect();
    match head.pop() {
        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
            Ok((head.into_iter().collect(), group))
        }
        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::None => {
            let (inside, body) = split(group.stream())?;
            head.extend(inside);
            Ok((head.into_iter().collect(), body))
        }
        last => {
            let span = last.map_or_else(Span::call_site, |last| last.span());
            Err(Error::new(span, "expected the body of a function"))
        }
    }
}

impl ToTokens for Function {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let Self {
            attributes,
            visibility,
            signature,
            head: _,
            body,
        } = self;
        tokens.extend(quote!(#(#attributes)* #visibility #signature #body));
    }
}

/// Reads the item, or says why the attribute cannot stand on it.
pub(crate) fn parse(item: TokenStream) -> Result<Function> {
    Function::parse(item.clone()).map_err(|error| match foreign(item) {
        Some((what, span)) => Error::new(
            span,
            format!(
                "`#[heap_tracked]` tracks a test function; this is {what}: \
                 put the attribute on the function that runs the test"
            ),
        ),
        None => error,
    })
}

/// What the item is, where it is no function, and the token that says so.
fn foreign(item: TokenStream) -> Option<(&'static str, Span)> {
    if item.is_empty() {
        return None;
    }
    let bodyless = |input: ParseStream| {
        input.call(Attribute::parse_outer)?;
        input.parse::<Visibility>()?;
        input.parse::<Signature>()?;
        input.parse::<Token![;]>()
    };
    if let Ok(semicolon) = bodyless.parse2(item.clone()) {
        return Some(("a declaration without a body", semicolon.span()));
    }
    let Ok(parsed) = syn::parse2(item.clone()) else {
        return statement(item);
    };
    Some(match parsed {
        Item::Const(item) => ("a constant", item.const_token.span()),
        Item::Enum(item) => ("an enum", item.enum_token.span()),
        Item::ExternCrate(item) => ("an extern crate", item.extern_token.span()),
        Item::ForeignMod(item) => ("a block of foreign items", item.abi.span()),
        Item::Impl(item) => ("an impl block", item.impl_token.span()),
        Item::Macro(item) => ("a macro call", item.mac.path.span()),
        Item::Mod(item) => ("a module", item.mod_token.span()),
        Item::Static(item) => ("a static", item.static_token.span()),
        Item::Struct(item) => ("a struct", item.struct_token.span()),
        Item::Trait(item) => ("a trait", item.trait_token.span()),
        Item::TraitAlias(item) => ("a trait alias", item.trait_token.span()),
        Item::Type(item) => ("a type alias", item.type_token.span()),
        Item::Union(item) => ("a union", item.union_token.span()),
        Item::Use(item) => ("a use declaration", item.use_token.span()),
        _ => return None,
    })
}

/// What the statement or expression is, where the item is one. Only a nightly compiler lets an
/// attribute stand there; a stable one has its own error, and this one says what to do instead.
fn statement(item: TokenStream) -> Option<(&'static str, Span)> {
    let statements = Block::parse_within.parse2(item).ok()?;
    let [statement] = statements.as_slice() else {
        return None;
    };
    let of_expression = |expression: &Expr| match expression {
        Expr::Closure(closure) => ("a closure", closure.span()),
        other => ("an expression", other.span()),
    };
    Some(match statement {
        Stmt::Expr(expression, _) => of_expression(expression),
        Stmt::Local(local) => match &local.init {
            Some(init) if matches!(*init.expr, Expr::Closure(_)) => of_expression(&init.expr),
            _ => ("a statement", local.let_token.span()),
        },
        Stmt::Item(_) | Stmt::Macro(_) => return None,
    })
}

/// Whether the item stands where an expression must, so that nothing may be put before it.
pub(crate) fn is_expression(item: &TokenStream) -> bool {
    syn::parse2::<Item>(item.clone()).is_err() && syn::parse2::<Expr>(item.clone()).is_ok()
}
