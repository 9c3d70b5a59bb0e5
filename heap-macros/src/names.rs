//! What a tracked function and its test are called, and where that stands.

use proc_macro2::{Ident, Span};

/// Whether a name is written with `r#`.
pub(crate) fn is_raw(name: &Ident) -> bool {
    name.to_string().starts_with("r#")
}

/// The package, and what parts it from the path.
pub(crate) fn package() -> String {
    // As it is where the test is compiled. Without cargo there is no package.
    let mut package = std::env::var("CARGO_PKG_NAME").unwrap_or_default();
    package.push(' ');
    package
}

/// What stands behind the module in the path of a function.
pub(crate) fn path(function: &Ident) -> String {
    let function = function.to_string();
    // What ktstr's attribute calls the function that has the body, and the user's attributes.
    let name = function.strip_prefix("__ktstr_inner_").unwrap_or(&function);
    format!("::{name}")
}

/// The name of a function inside the function, in our hygiene. That is also our edition, in which it may be
/// a keyword that it is not in the user's: so it is raw, but for those that cannot be.
pub(crate) fn inner_name(function: &Ident) -> Ident {
    let name = function.to_string();
    let place = at(function.span());
    match name.as_str() {
        "_" | "Self" | "crate" | "self" | "super" => Ident::new(&name, place),
        name => Ident::new_raw(name.strip_prefix("r#").unwrap_or(name), place),
    }
}

/// Our hygiene at a place of the user's.
pub(crate) fn at(place: Span) -> Span {
    Span::call_site().located_at(place)
}
