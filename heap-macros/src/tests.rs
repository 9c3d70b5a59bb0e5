//! The expansion, as a person reads it, and the sizes.
//!
//! What the compiler makes of it is tested in `ui-tests`, and what it does in `tests`.

use proc_macro2::TokenStream;
use quote::quote;

use crate::{entry, size};

/// The expansion, formatted.
pub(crate) fn expansion(arguments: &TokenStream, item: TokenStream) -> String {
    let expanded = entry::heap_tracked(arguments, item);
    prettyplease::unparse(&syn::parse2(expanded).expect("the expansion is Rust"))
}

/// The expansion of source text, whose lines and columns are known.
fn expansion_of(source: &str) -> String {
    let source: TokenStream = source.parse().expect("Rust");
    let first = source.clone().into_iter().next().expect("a function");
    let file = first.span().file();
    expansion(&TokenStream::new(), source).replace(&file, "tests/source.rs")
}

/// The messages in an expansion, and what stands behind them.
pub(crate) fn errors(arguments: &TokenStream, item: TokenStream) -> (Vec<String>, String) {
    let expanded = entry::heap_tracked(arguments, item);
    let mut file: syn::File = syn::parse2(expanded).expect("the expansion is Rust");
    let mut messages = Vec::new();
    file.items.retain(|item| match item {
        syn::Item::Macro(call) => {
            let message: syn::LitStr = call.mac.parse_body().expect("compile_error!(\"...\")");
            messages.push(message.value());
            false
        }
        _ => true,
    });
    (messages, prettyplease::unparse(&file))
}

#[test]
fn a_test_is_one_call() {
    insta::assert_snapshot!(expansion_of("\n\n#[test]\nfn works() { one(); }"));
}

#[test]
fn a_test_that_asks_for_something_is_a_function_inside_it() {
    insta::assert_snapshot!(expansion(
        &quote!(max_peak = "8 MiB"),
        quote! {
            #[test]
            #[should_panic]
            fn r#match() -> Result<(), String> { one() }
        }
    ));
    let never = expansion(
        &TokenStream::new(),
        quote!(
            #[test]
            fn never() -> ! {
                one()
            }
        ),
    );
    insta::assert_snapshot!(never);
    let termination = quote!(
        #[test]
        fn opaque() -> impl Termination {
            one()
        }
    );
    insta::assert_snapshot!(expansion(&TokenStream::new(), termination));
    let warm = quote!(
        #[test]
        fn warm() -> Result<(), String> {
            one()
        }
    );
    insta::assert_snapshot!(expansion(&quote!(warmup = 2), warm));
}

#[test]
fn the_other_attributes_stay() {
    insta::assert_snapshot!(expansion_of(
        r#"
        /// Documented.
        #[test]
        #[ignore = "it takes long"]
        #[cfg(unix)]
        pub(crate) fn works() { one(); }
        "#
    ));
}

#[test]
fn labels_and_another_runtime() {
    insta::assert_snapshot!(expansion(
        &quote!(
            crate = evidence::heap,
            labels(scheduler = "eevdf", r#type = "fair",),
        ),
        quote! {
            fn works() {}
        }
    ));
}

/// Whatever another crate's attribute makes of the function, this one goes below it, with its arguments.
#[test]
fn it_moves_below_the_attributes_of_others() {
    insta::assert_snapshot!(expansion(
        &quote!(max_peak = "8 MiB", crate = evidence::heap),
        quote! {
            #[doc = "Documented."]
            #[rstest]
            #[case(1)]
            #[should_panic]
            #[case::named(2)]
            #[ignore]
            fn works(#[case] number: u32) {}
        }
    ));
    let synchronous = quote!(
        fn works() {}
    );
    let asynchronous = quote!(
        async fn works() {}
    );
    for (other, function) in [
        (quote!(#[test_case(1)]), &synchronous),
        (quote!(#[test_case::test_matrix([1, 2])]), &synchronous),
        (quote!(#[googletest::test]), &synchronous),
        (quote!(#[property_test(config = config())]), &synchronous),
        (quote!(#[serial_test::serial]), &synchronous),
        (quote!(#[test_context(Database)]), &synchronous),
        (quote!(#[apply(template)]), &synchronous),
        (quote!(#[timeout(SECOND)]), &synchronous),
        (quote!(#[test_log::test]), &synchronous),
        (quote!(#[nobody::has_heard(of = "it")]), &synchronous),
        (quote!(#[cfg_attr(unix, rstest)]), &synchronous),
        (
            quote!(#[cfg_attr(unix, inline, should_panic)]),
            &synchronous,
        ),
        (
            quote!(#[cfg_attr(unix, cfg_attr(test, rstest))]),
            &synchronous,
        ),
        (
            quote!(#[tokio::test(flavor = "multi_thread")]),
            &asynchronous,
        ),
        (quote!(#[apply(test!)]), &asynchronous),
        // The language's is for no `async fn`, so this is another.
        (quote!(#[test]), &asynchronous),
        (quote!(#[cfg_attr(unix, test)]), &asynchronous),
    ] {
        let item = quote!(#[inline] #other #[should_panic] #function);
        let expected = quote! {
            #[inline] #other #[::heap_runtime::heap_tracked] #[should_panic] #function
        };
        let moved = entry::heap_tracked(&TokenStream::new(), item);
        assert_eq!(moved.to_string(), expected.to_string());
    }
    // These leave the function as it is.
    for other in [
        quote!(#[test]),
        quote!(#[cfg(unix)]),
        quote!(#[unsafe(no_mangle)]),
        quote!(#[rustfmt::skip]),
        quote!(#[cfg_attr(unix, ignore, cfg_attr(miri, ignore))]),
    ] {
        let expanded = entry::heap_tracked(&TokenStream::new(), quote!(#other fn works() {}));
        assert!(expanded.to_string().contains("__private"), "{expanded}");
    }
}

#[test]
fn should_panic_in_its_three_forms() {
    insta::assert_snapshot!(expansion(
        &TokenStream::new(),
        quote! {
            #[should_panic]
            fn any() {}
        }
    ));
    let expected = expansion(
        &TokenStream::new(),
        quote! {
            #[should_panic(expected = "overflow")]
            fn some() {}
        },
    );
    insta::assert_snapshot!(expected);
    let short = expansion(
        &TokenStream::new(),
        quote! {
            #[should_panic = "overflow"]
            fn some() {}
        },
    );
    let call = |text: &str| text.split_once('{').expect("a body").1.to_owned();
    assert_eq!(call(&short), call(&expected));
}

#[test]
fn a_result_is_declared_for_the_closure_too() {
    insta::assert_snapshot!(expansion(
        &TokenStream::new(),
        quote! {
            fn works<'a, T: Clone>(text: &'a str, mut more: T) -> Result<&'a str, Error>
            where
                T: Into<u64>,
            {
                #![allow(unused_mut)]
                let more = more.into()?;
                Ok(text)
            }
        }
    ));
}

#[test]
fn opaque_types_are_left_to_be_inferred() {
    insta::assert_snapshot!(expansion(
        &TokenStream::new(),
        quote! {
            fn works(many: impl Iterator<Item = u32>) -> Box<impl Display> { Box::new(3) }
        }
    ));
}

#[test]
fn an_opaque_termination_is_reported_by_the_runtime() {
    insta::assert_snapshot!(expansion(
        &TokenStream::new(),
        quote! {
            fn works() -> impl std::process::Termination { Report }
        }
    ));
}

#[test]
fn never_is_matched_upon() {
    insta::assert_snapshot!(expansion(
        &TokenStream::new(),
        quote! {
            unsafe fn works() -> ! { panic!() }
        }
    ));
}

#[test]
fn async_functions() {
    insta::assert_snapshot!(expansion(
        &TokenStream::new(),
        quote! {
            async fn works() -> Result<(), Error> { later().await }
        }
    ));
    insta::assert_snapshot!(expansion(
        &TokenStream::new(),
        quote! {
            async fn works() -> impl Termination { later().await }
        }
    ));
    insta::assert_snapshot!(expansion(
        &TokenStream::new(),
        quote! {
            async fn works() -> ! { later().await }
        }
    ));
}

#[test]
fn an_async_function_that_should_panic() {
    insta::assert_snapshot!(expansion(
        &TokenStream::new(),
        quote! {
            #[should_panic]
            async fn works() { later().await }
        }
    ));
}

#[test]
fn a_body_that_does_not_parse_is_kept_as_it_is() {
    // Somebody is typing: completion works on what is there.
    let expanded = entry::heap_tracked(
        &TokenStream::new(),
        quote! {
            fn works() { let x = value. ; }
        },
    );
    assert!(expanded.to_string().contains("let x = value . ;"));
}

#[test]
fn the_item_stands_behind_its_errors() {
    let item = quote! {
        #[heap_tracked]
        const unsafe extern fn works(&self) {}
    };
    let (messages, rest) = errors(&quote!(labels(), colour = "red"), item);
    assert_eq!(
        messages,
        [
            "`labels()` is empty: write `labels(key = \"value\")`, or remove it",
            "there is no argument `colour`; the arguments are `max_peak`, `max_retained`, \
             `max_allocated`, `max_allocations`, `max_cpu`, `max_run_delay`, `exact`, `exclusive`, `warmup`, \
             `labels`, `crate`, `skip`",
            "a `const fn` cannot be tracked, because tracking runs code that is not const: remove \
             `const`",
            "a panic cannot leave an `extern \"C\"` function, so a failing test would abort the \
             process: remove the ABI, or write `extern \"C-unwind\"`",
            "a method cannot be tracked, only a free function: move the test out of the impl block",
            "`#[heap_tracked]` is here twice: remove this one",
        ]
    );
    // Without the second attribute, which would say all that again.
    assert_eq!(rest, "const unsafe extern fn works(&self) {}\n");
}

#[test]
fn what_is_no_function_says_what_it_is() {
    let kinds = [
        ("const A: u32 = 1;", "a constant"),
        ("enum A {}", "an enum"),
        ("extern crate core;", "an extern crate"),
        ("extern \"C\" {}", "a block of foreign items"),
        ("impl A {}", "an impl block"),
        ("a! {}", "a macro call"),
        ("static A: u32 = 1;", "a static"),
        ("struct A;", "a struct"),
        ("trait A {}", "a trait"),
        ("type A = u32;", "a type alias"),
        ("union A { a: u32 }", "a union"),
        ("use a::b;", "a use declaration"),
        (
            "pub(crate) fn a(b: u32) -> u32;",
            "a declaration without a body",
        ),
        ("let a = |b| b;", "a closure"),
        ("let a = 3;", "a statement"),
        ("|a| a;", "a closure"),
    ];
    for (item, what) in kinds {
        let expanded = entry::heap_tracked(&TokenStream::new(), item.parse().expect("tokens"));
        let message = format!(
            "`#[heap_tracked]` tracks a test function; this is {what}: put the attribute on the \
             function that runs the test"
        );
        let text = expanded.to_string();
        assert_eq!(text.matches("compile_error").count(), 1, "{text}");
        assert!(text.contains(&message), "{text}");
    }
}

#[test]
fn an_expression_stays_one() {
    let expanded = entry::heap_tracked(&TokenStream::new(), quote!(|a: u32| a + 1));
    let block: syn::ExprBlock = syn::parse2(expanded).expect("a block");
    assert!(matches!(
        block.block.stmts.last(),
        Some(syn::Stmt::Expr(syn::Expr::Closure(_), None))
    ));
}

#[test]
fn a_size_is_a_number_and_a_unit() {
    let sizes = [
        ("0", 0),
        ("0 B", 0),
        ("4096", 4096),
        ("1_000", 1000),
        (" 8 MiB ", 8 << 20),
        ("8MiB", 8 << 20),
        ("8 mib", 8 << 20),
        ("500kB", 500_000),
        ("1.5 KiB", 1536),
        ("1.50 KiB", 1536),
        ("0.5 KiB", 512),
        ("1.5 GB", 1_500_000_000),
        ("1 byte", 1),
        ("2 bytes", 2),
        ("2 TB", 2_000_000_000_000),
        ("2 TiB", 2 << 40),
        ("16383 PiB", 16383 << 50),
        ("18446744073709551615", u64::MAX),
    ];
    for (text, bytes) in sizes {
        assert_eq!(size::parse(text), Ok(bytes), "{text}");
    }
}

#[test]
fn what_is_no_size_is_refused() {
    let no_size = "is not a size: write a number of bytes or a number with a unit, such as \
                   `\"8 MiB\"`";
    let no_unit = "is not a unit of size: write B, kB, MB, GB, TB, KiB, MiB, GiB, TiB or PiB";
    let not_whole = "is not a whole number of bytes: write a number that is, or a smaller unit";
    let too_large =
        "is more than 18446744073709551615 bytes, the largest size: write a smaller one";
    let texts = [
        ("", format!("an empty text {no_size}")),
        ("   ", format!("an empty text {no_size}")),
        ("MiB", format!("`MiB` {no_size}")),
        (".5 MiB", format!("`.5 MiB` {no_size}")),
        ("5. MiB", format!("`5. MiB` {no_size}")),
        ("1.2.3 MiB", format!("`1.2.3 MiB` {no_size}")),
        ("-1", format!("`-1` {no_size}")),
        ("+1", format!("`+1` {no_size}")),
        ("_", format!("`_` {no_size}")),
        ("0x10", format!("`x10` {no_unit}")),
        ("1e6", format!("`e6` {no_unit}")),
        ("1,5 MiB", format!("`,5 MiB` {no_unit}")),
        ("8 parsecs", format!("`parsecs` {no_unit}")),
        ("8 \u{b5}B", format!("`\u{b5}B` {no_unit}")),
        ("0.3 KiB", format!("`0.3 KiB` {not_whole}")),
        ("0.5", format!("`0.5` {not_whole}")),
        ("16384 PiB", format!("`16384 PiB` {too_large}")),
        (
            "18446744073709551616",
            format!("`18446744073709551616` {too_large}"),
        ),
        (
            "1_8446744073709551616",
            format!("`1_8446744073709551616` {too_large}"),
        ),
    ];
    for (text, message) in texts {
        assert_eq!(size::parse(text), Err(message), "{text}");
    }
}
