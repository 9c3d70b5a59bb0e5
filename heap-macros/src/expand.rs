//! The function again, its body handed to the runtime in one call.

use proc_macro2::{Group, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, Path, ReturnType, Type, TypeParamBound};

use crate::item::{self, Function};
use crate::valid::{self, Options, ShouldPanic};

/// The whole expansion.
pub(crate) fn heap_tracked(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Vec::new();
    let options = valid::options(arguments, &mut errors);
    let mut function = match item::parse(item.clone()) {
        Ok(function) => function,
        Err(error) => {
            errors.push(error);
            return with_errors(errors, item);
        }
    };
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

/// The item as it was, behind the errors: whoever uses it does not get a second, false error.
fn with_errors(errors: Vec<syn::Error>, item: TokenStream) -> TokenStream {
    let mut tokens =
        valid::combined(errors).map_or_else(TokenStream::new, |error| error.to_compile_error());
    tokens.extend(item);
    tokens
}

/// The call that runs the body.
fn tracked(function: &Function, options: &Options, should_panic: &ShouldPanic) -> TokenStream {
    let Function {
        attributes,
        visibility,
        signature,
        body,
    } = function;
    let private = private(options);
    let test = test(function, options, should_panic);
    let (inner, body) = inner_attributes(body);
    let output = output(&signature.output);
    let panics = !matches!(should_panic, ShouldPanic::No);
    let kind = if options.warmup.is_some() {
        quote!(#private::Warmed)
    } else {
        quote!(#private::Once)
    };
    let call = if signature.asyncness.is_some() {
        let output = match output {
            Output::Named(output) => output,
            Output::Opaque | Output::Termination => quote!(_),
            Output::Never => quote!(::core::convert::Infallible),
        };
        if panics && output.to_string() == "()" {
            quote!(#private::run_async_should_panic(#test, async move #body).await)
        } else {
            quote! {
                #private::run_async::<#output, _, _>(
                    #test,
                    async move #body,
                    |returned| #private::verdict!(returned),
                )
                .await
            }
        }
    } else {
        match output {
            Output::Named(output) if panics && output.to_string() == "()" => quote! {
                #private::run_should_panic(#test, #kind(move || -> #output #body))
            },
            Output::Named(output) => quote! {
                #private::run(#test, #kind(move || -> #output #body), |returned| #private::verdict!(returned))
            },
            Output::Opaque => quote! {
                #private::run(#test, #kind(move || #body), |returned| #private::verdict!(returned))
            },
            Output::Termination => quote!(#private::run_termination(#test, #kind(move || #body))),
            Output::Never => quote! {
                match #private::run(
                    #test,
                    #kind(move || -> ::core::convert::Infallible #body),
                    |returned| #private::verdict!(returned),
                ) {}
            },
        }
    };
    quote! {
        #(#attributes)*
        #visibility #signature {
            #(#inner)*
            #call
        }
    }
}

fn private(options: &Options) -> TokenStream {
    let runtime = options
        .runtime
        .as_ref()
        .map_or_else(|| quote!(::heap_runtime), Path::to_token_stream);
    quote!(#runtime::__private)
}

/// The description of the test, made at compile time.
fn test(function: &Function, options: &Options, should_panic: &ShouldPanic) -> TokenStream {
    let private = private(options);
    let ident = &function.signature.ident;
    let name = ident.unraw().to_string();
    // `line!()` would give the line of the attribute.
    let line = u32::try_from(ident.span().start().line).unwrap_or(0);
    let should_panic = match should_panic {
        ShouldPanic::No => None,
        ShouldPanic::Yes => Some(quote!(.should_panic(::core::option::Option::None))),
        ShouldPanic::WithMessage(text) => {
            Some(quote!(.should_panic(::core::option::Option::Some(#text))))
        }
    };
    let labels = (!options.labels.is_empty()).then(|| {
        let pairs = options
            .labels
            .iter()
            .map(|(key, value)| quote!((#key, #value)));
        quote!(.labels(&[#(#pairs),*]))
    });
    let budgets = options.budgets.iter().map(|(name, limit)| {
        // The setter is called after the argument, in our hygiene.
        let setter = syn::Ident::new(&name.to_string(), Span::call_site());
        quote!(.#setter(#limit))
    });
    let exact = options.exact.then(|| quote!(.exact()));
    let exclusive = options.exclusive.then(|| quote!(.exclusive()));
    let warmup = options.warmup.map(|(rounds, _)| quote!(.warmup(#rounds)));
    quote! {
        &const {
            #private::Test::new(
                #name,
                ::core::module_path!(),
                ::core::file!(),
                #line,
                ::core::option_env!("CARGO_PKG_NAME"),
                ::core::option_env!("CARGO_CRATE_NAME"),
            )
            #should_panic #labels #(#budgets)* #exact #exclusive #warmup
        }
    }
}

/// What a return type means for the closure that takes over the body.
enum Output {
    /// The closure declares it too, so that a mismatch is reported where the user wrote it.
    Named(TokenStream),
    /// `impl Trait` cannot be written on a closure.
    Opaque,
    /// `impl Termination`: the one opaque type whose value can be taken apart, by reporting it.
    Termination,
    /// `!` can be no type argument.
    Never,
}

fn output(output: &ReturnType) -> Output {
    match output {
        ReturnType::Default => Output::Named(quote!(())),
        ReturnType::Type(_, ty) => match &**ty {
            Type::Never(_) => Output::Never,
            Type::ImplTrait(opaque) if opaque.bounds.iter().any(is_termination) => {
                Output::Termination
            }
            ty if mentions_impl(ty.to_token_stream()) => Output::Opaque,
            ty => Output::Named(ty.to_token_stream()),
        },
    }
}

fn is_termination(bound: &TypeParamBound) -> bool {
    matches!(bound, TypeParamBound::Trait(bound)
        if bound.path.segments.last().is_some_and(|last| last.ident == "Termination"))
}

fn mentions_impl(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == "impl",
        TokenTree::Group(group) => mentions_impl(group.stream()),
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}

/// The inner attributes of the body, which a closure cannot carry, and the body without them.
fn inner_attributes(body: &Group) -> (Vec<Attribute>, Group) {
    let split = |input: ParseStream| {
        Ok((
            input.call(Attribute::parse_inner)?,
            input.parse::<TokenStream>()?,
        ))
    };
    match split.parse2(body.stream()) {
        Ok((inner, rest)) if !inner.is_empty() => {
            let mut group = Group::new(body.delimiter(), rest);
            group.set_span(body.span());
            (inner, group)
        }
        _ => (Vec::new(), body.clone()),
    }
}
