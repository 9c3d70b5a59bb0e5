//! What of an item is public, and how it is written.

use quote::ToTokens;
use syn::{Attribute, Item, Meta, Visibility};

pub(super) fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

/// Whether there is a `#[doc(hidden)]`, and not a documentation that has the word.
pub(super) fn is_hidden(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|at| match &at.meta {
        Meta::List(list) if list.path.is_ident("doc") => {
            let mut words = list.tokens.clone().into_iter();
            words.any(|word| word.to_string() == "hidden")
        }
        _ => false,
    })
}

#[test]
fn what_is_hidden_is_said_by_an_attribute_and_not_by_a_word() {
    let hidden = |text: &str| is_hidden(attributes_of(&syn::parse_str(text).unwrap()));
    assert!(hidden("#[doc(hidden)] pub fn f() {}"));
    assert!(hidden("#[doc(inline, hidden)] pub fn f() {}"));
    assert!(!hidden("/// What is hidden.\npub fn f() {}"));
    assert!(!hidden("#[doc = \"hidden\"] pub fn f() {}"));
    assert!(!hidden("#[doc(alias = \"hidden\")] pub fn f() {}"));
}

/// The name of an item that is public and shown.
pub(super) fn public_name(item: &Item) -> Option<String> {
    let (visibility, ident) = match item {
        Item::Const(item) => (&item.vis, &item.ident),
        Item::Enum(item) => (&item.vis, &item.ident),
        Item::Fn(item) => (&item.vis, &item.sig.ident),
        Item::Static(item) => (&item.vis, &item.ident),
        Item::Struct(item) => (&item.vis, &item.ident),
        Item::Trait(item) => (&item.vis, &item.ident),
        Item::Type(item) => (&item.vis, &item.ident),
        _ => return None,
    };
    (is_public(visibility) && !is_hidden(attributes_of(item))).then(|| ident.to_string())
}

/// The attributes of an item of a kind that can be public.
pub(super) fn attributes_of(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        _ => &[],
    }
}

/// The attributes that are promises, as they stand in front of a line.
pub(super) fn promised(attribute: &Attribute) -> Option<String> {
    let path = attribute.path();
    ["derive", "must_use", "non_exhaustive"]
        .iter()
        .find(|name| path.is_ident(name))
        .map(|name| match *name {
            "derive" => format!("#[{}] ", text(&attribute.meta)),
            name => format!("#[{name}] "),
        })
}

/// Rust on one line, with the spaces that people write.
pub(super) fn text(tokens: &impl ToTokens) -> String {
    let mut text = tokens.to_token_stream().to_string();
    for (from, to) in [
        (" :: ", "::"),
        (" <", "<"),
        ("< ", "<"),
        (" >", ">"),
        (" ,", ","),
        (" (", "("),
        ("( ", "("),
        (" )", ")"),
        ("& ", "&"),
        (" :", ":"),
        ("' ", "'"),
        ("# [", "#["),
    ] {
        text = text.replace(from, to);
    }
    // What documentation says is no promise in this sense.
    while let Some(start) = text.find("#[doc") {
        let end = text[start..]
            .find("\"]")
            .map_or(text.len(), |end| start + end + 2);
        text.replace_range(start..end, "");
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
