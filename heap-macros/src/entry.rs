//! Which of the expansions an item has.

use proc_macro2::TokenStream;
use quote::ToTokens as _;

use crate::expand::{runtime, tracked, with_errors};
use crate::{item, module, place, usual, valid};

/// The whole expansion.
pub(crate) fn heap_tracked(arguments: &TokenStream, item: TokenStream) -> TokenStream {
    // What needs no parser comes first: most tests end here, and macros are compiled without optimisation.
    if arguments.is_empty()
        && let Some(expansion) = usual::expansion(&item)
    {
        return expansion;
    }
    // Before the arguments are judged: a module only hands them on, and its tests may override them.
    if let Some(expansion) = module::expansion(arguments, &item) {
        return expansion;
    }
    let mut errors = Vec::new();
    let options = valid::options(arguments.clone(), &mut errors);
    errors.extend(options.skip.map(valid::skips_nothing));
    let mut function = match item::parse(item.clone()) {
        Ok(function) => function,
        Err(error) => {
            errors.push(error);
            return with_errors(errors, item);
        }
    };
    // Not with mistakes, which the attribute would report again from where it is moved to.
    if errors.is_empty()
        && let Some(moved) = place::moved(&function, &runtime(&options), arguments)
    {
        return moved;
    }
    let should_panic = valid::function(&function, &options, &mut errors);
    // A second one would report the same mistakes again.
    function
        .attributes
        .retain(|attribute| !valid::is_heap_tracked(attribute.path()));
    if errors.is_empty() {
        tracked(&function, &options, &should_panic)
    } else {
        with_errors(errors, function.into_token_stream())
    }
}
