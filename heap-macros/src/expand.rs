//! The function again, its body handed to the runtime in one call.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::parse::{ParseStream, Parser};
use syn::spanned::Spanned;
use syn::{Attribute, Path, ReturnType, Signature, Type, TypeParamBound};

use crate::item::{self, Function};
use crate::names::{at, inner_name, is_raw, package, path};
use crate::valid::{self, Bound, Options, ShouldPanic};

/// The path of the runtime.
pub(crate) fn runtime(options: &Options) -> TokenStream {
    options
        .runtime
        .as_ref()
        .map_or_else(|| quote!(::heap_runtime), Path::to_token_stream)
}

/// The item as it was, behind the errors: whoever uses it does not get a second, false error.
pub(crate) fn with_errors(errors: Vec<syn::Error>, item: TokenStream) -> TokenStream {
    let is_expression = item::is_expression(&item);
    let mut tokens =
        valid::combined(errors).map_or_else(TokenStream::new, |error| error.to_compile_error());
    tokens.extend(item);
    if is_expression {
        quote!({ #tokens })
    } else {
        tokens
    }
}

/// The function, its body in the call that runs it.
pub(crate) fn tracked(
    function: &Function,
    options: &Options,
    should_panic: &ShouldPanic,
) -> TokenStream {
    let runtime = runtime(options);
    let call = Call {
        function,
        options,
        should_panic,
    };
    let (inner, body) = inner_attributes(&function.body);
    let tokens = call.tokens(&body);
    // The runtime's path stands here once, so that a wrong one is one error.
    let statements = quote! {
        #(#inner)*
        use #runtime::__private as __heap;
        #tokens
    };
    // In the user's braces, the function is the user's to the lints that ask. A function inside it has its
    // lines.
    let mut block = Group::new(Delimiter::Brace, statements);
    block.set_span(if call.has_function() {
        body.span_close()
    } else {
        body.span()
    });
    let head = &function.head;
    quote!(#head #block)
}

/// The call that runs the body, and what it is made of.
struct Call<'a> {
    function: &'a Function,
    options: &'a Options,
    should_panic: &'a ShouldPanic,
}

impl Call<'_> {
    fn signature(&self) -> &Signature {
        &self.function.signature
    }

    // Whatever the compiler has to say about the closure is about the function, not the attribute;
    // and it is the user's to the lints that pass over what a macro has made.
    fn at_name(&self) -> Span {
        self.signature().ident.span()
    }

    fn panics(&self) -> bool {
        !matches!(self.should_panic, ShouldPanic::No)
    }

    /// A closure that is handed to the runtime captures nothing, and so is a function.
    fn is_function(&self) -> bool {
        self.options.warmup.is_none() && self.signature().inputs.is_empty()
    }

    /// The body is better a function inside this one than a closure, which takes the compiler twice as
    /// long. But it has no `Self` there: only `#[test]` says that there is none.
    fn has_function(&self) -> bool {
        let signature = self.signature();
        let is_test = |attribute: &Attribute| attribute.path().is_ident("test");
        self.is_function()
            && self.function.attributes.iter().any(is_test)
            && signature.asyncness.is_none()
            && signature.generics.params.is_empty()
            && !matches!(&signature.output, ReturnType::Type(_, ty) if matches!(**ty, Type::Never(_)))
    }

    /// What stands before the call, and the body as the call takes it: the name of a function that stands
    /// there, or a closure that returns that, where it can be said of one.
    fn body(&self, output: Option<&TokenStream>, body: &Group) -> (TokenStream, TokenStream) {
        let (signature, at_name) = (self.signature(), self.at_name());
        if !self.has_function() {
            let output = output.map(|output| quote!(-> #output));
            let closure = quote_spanned!(at_name=> move || #output #body);
            return (TokenStream::new(), closure);
        }
        let (keyword, output) = (&signature.fn_token, &signature.output);
        // All of it is the user's but the name, of which the user has heard already.
        let name = inner_name(&signature.ident);
        let item = quote_spanned!(at_name=> #keyword #name() #output #body);
        (item, name.into_token_stream())
    }

    /// The call.
    fn tokens(&self, body: &Group) -> TokenStream {
        let (signature, at_name) = (self.signature(), self.at_name());
        let test = self.test();
        let at_output = match &signature.output {
            ReturnType::Default => at(at_name),
            ReturnType::Type(_, ty) => at(ty.span()),
        };
        let never = quote!(::core::convert::Infallible);
        let output = output(&signature.output, at_name);
        let output_is_nothing = output.is_nothing();
        let should_panic = self.panics() && output_is_nothing;
        let verdict = if output_is_nothing {
            quote!(__heap::verdict::to_return_is_to_pass)
        } else {
            quote_spanned!(at_output=> |returned| __heap::verdict!(returned))
        };
        if signature.asyncness.is_some() {
            let run = |output: &TokenStream, block: TokenStream| quote!(__heap::run_async::<#output, _, _>(#test, #block, #verdict).await);
            let declared = |output: &TokenStream| {
                let body = returning(output, at_output, body);
                run(output, quote_spanned!(at_name=> async move #body))
            };
            return match output {
                Output::Named(nothing) if should_panic => {
                    let body = returning(&nothing, at_output, body);
                    let block = quote_spanned!(at_name=> async move #body);
                    quote!(__heap::run_async_should_panic(#test, #block).await)
                }
                Output::Named(output) => declared(&output),
                Output::Opaque => run(&quote!(_), quote!(async move #body)),
                Output::Termination => run(
                    &quote!(_),
                    quote!(async move { __heap::Termination::report(async move #body.await) }),
                ),
                Output::Never => {
                    let run = declared(&never);
                    quote!(match #run {})
                }
            };
        }
        let kind = if self.options.warmup.is_some() {
            quote!(__heap::warmed)
        } else if self.is_function() {
            quote!(__heap::once_fn)
        } else {
            quote!(__heap::once)
        };
        let run = |output: Option<&TokenStream>| {
            let (item, body) = self.body(output, body);
            if self.is_function() {
                return quote_spanned!(at_name=> #item __heap::run_fn(#test, #body, #verdict));
            }
            quote_spanned!(at_name=> __heap::run(#test, #kind(#body), #verdict))
        };
        match output {
            Output::Named(nothing) if should_panic => {
                let (item, body) = self.body(Some(&nothing), body);
                quote!(#item __heap::run_should_panic(#test, #kind(#body)))
            }
            Output::Named(named) => {
                let run = run(Some(&named));
                // As clippy would have it of the user's own call.
                let semicolon = output_is_nothing.then(|| quote!(;));
                quote!(#run #semicolon)
            }
            Output::Opaque => run(None),
            Output::Termination => {
                let (item, body) = self.body(None, body);
                quote_spanned!(at_name=> #item __heap::run_termination(#test, #kind(#body)))
            }
            Output::Never => {
                let run = run(Some(&never));
                quote!(match #run {})
            }
        }
    }

    /// The description of the test, made at compile time.
    fn test(&self) -> TokenStream {
        let options = self.options;
        let should_panic = match self.should_panic {
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
            let setter = Ident::new(&name.to_string(), Span::call_site());
            let limit = match limit {
                Bound::Number(number) => quote!(#number),
                Bound::Nanoseconds(ns) => quote!(::core::time::Duration::from_nanos(#ns)),
            };
            quote!(.#setter(#limit))
        });
        let exact = options.exact.then(|| quote!(.exact()));
        let exclusive = options.exclusive.then(|| quote!(.exclusive()));
        let warmup = options.warmup.map(|(rounds, _)| quote!(.warmup(#rounds)));
        let name = name(&self.signature().ident);
        let test = quote_spanned! {self.at_name()=> __heap::TrackedTest::of_function(#name) };
        quote! {
            &#test
                #should_panic #labels #(#budgets)* #exact #exclusive #warmup
        }
    }
}

/// What a test is known by, `package crate::module::function`. It is one text, as each constant is something to
/// compile. The call that is given it stands where the function does: `file!()` and `line!()` would be those of
/// the attribute.
fn name(function: &Ident) -> TokenStream {
    let package = package();
    if !is_raw(function) {
        let path = path(function);
        return quote!(::core::concat!(#package, ::core::module_path!(), #path));
    }
    // The harness prints `r#` where the name is a keyword, which it may be in this edition and not in another.
    // Only the compiler knows, and says so of a module of that name.
    quote!({
        mod #function {
            pub(super) const NAME: &::core::primitive::str =
                ::core::concat!(#package, ::core::module_path!());
        }
        #function::NAME
    })
}

/// The body of an `async` block that is known to return `output`: a block cannot declare it, but
/// takes it from its first `return`.
fn returning(output: &TokenStream, at_output: Span, body: &Group) -> Group {
    let statements = body.stream();
    let declared = quote_spanned! {at_output=>
        if false {
            return __heap::never_called::<#output>();
        }
    };
    let mut block = Group::new(body.delimiter(), quote!(#declared #statements));
    block.set_span(body.span());
    block
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

impl Output {
    /// Whether it is `()`, so that to return is to pass.
    fn is_nothing(&self) -> bool {
        matches!(self, Self::Named(output) if output.to_string() == "()")
    }
}

fn output(output: &ReturnType, at_name: Span) -> Output {
    match output {
        ReturnType::Default => Output::Named(quote_spanned!(at_name=> ())),
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
    let nothing = || (Vec::new(), body.clone());
    let is = |token: Option<TokenTree>, character| matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == character);
    let mut tokens = body.stream().into_iter();
    if !(is(tokens.next(), '#') && is(tokens.next(), '!')) {
        return nothing();
    }
    let split = |input: ParseStream| {
        Ok((
            input.call(Attribute::parse_inner)?,
            input.parse::<TokenStream>()?,
        ))
    };
    match split.parse2(body.stream()) {
        Ok((inner, rest)) => {
            let mut group = Group::new(body.delimiter(), rest);
            group.set_span(body.span());
            (inner, group)
        }
        Err(_) => nothing(),
    }
}
