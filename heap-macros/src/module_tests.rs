//! What becomes of a module.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};

use crate::entry;
use crate::tests::{errors, expansion};

/// The attributes of what is in a module with this in it, without blanks.
fn attributes(arguments: &TokenStream, inside: &TokenStream) -> Vec<String> {
    fn of(items: &[syn::Item], found: &mut Vec<String>) {
        for item in items {
            let attributes = match item {
                syn::Item::Fn(function) => &function.attrs,
                syn::Item::Mod(module) => {
                    of(&module.content.as_ref().expect("it has one").1, found);
                    continue;
                }
                _ => continue,
            };
            found.extend(
                attributes
                    .iter()
                    .map(|attribute| tight(&attribute.to_token_stream().to_string())),
            );
        }
    }
    let expanded = entry::heap_tracked(arguments, quote!(mod tests { #inside }));
    let file: syn::File = syn::parse2(expanded).expect("the expansion is Rust");
    let mut found = Vec::new();
    of(&file.items, &mut found);
    found
}

fn tight(text: &str) -> String {
    text.split_whitespace().collect()
}

#[test]
fn each_test_of_it_has_the_attribute() {
    insta::assert_snapshot!(expansion(
        &quote!(max_peak = "8 MiB"),
        quote! {
            #[cfg(test)]
            pub(crate) mod tests {
                #![allow(unused)]
                use super::*;

                const SIZES: [usize; 2] = { [1, 2] };
                static HELD: Held<{ 3 }> = Held {};

                #[derive(Debug)]
                struct Held<const N: usize> {}

                impl Held<{ 3 }> {
                    #[test_fuzz]
                    fn method(&self) {}
                }

                #[fixture]
                fn helper() -> [u8; { 3 }] {}

                /// Documented.
                #[test]
                fn plain() -> Result<(), Held<{ 3 }>> {}

                #[rstest]
                #[case(1)]
                async fn cases(#[case] number: u32) {}

                #[heap_tracked(skip)]
                #[test]
                fn left_out() {}

                mod inner {
                    #[tokio::test]
                    async fn deeper() {}
                }

                #[heap_runtime::heap_tracked(skip)]
                mod left_out_too {
                    #[test]
                    fn plain() {}
                }

                macro_rules! made {
                    ($name:ident) => { #[test] fn $name() {} };
                }
                made!(by_a_macro);

                proptest! {
                    #![proptest_config(config())]
                    #[test]
                    fn property(number in 0..3) {}
                }
                quickcheck! {
                    fn other_property(number: u32) -> bool { true }
                }
            }
        }
    ));
}

#[test]
fn a_test_is_known_by_its_attribute() {
    let tracked = |other: &TokenStream| {
        let inside = quote!(#[test] fn a() {} #other fn works() {});
        attributes(&TokenStream::new(), &inside)
            .iter()
            .filter(|line| line.contains("heap_tracked"))
            .count()
            == 2
    };
    for test in [
        quote!(#[test]),
        quote!(#[::core::prelude::v1::test]),
        quote!(#[tokio::test(flavor = "multi_thread")]),
        quote!(#[test_log::test]),
        quote!(#[rstest]),
        quote!(#[test_case(1; "one")]),
        quote!(#[test_matrix([1], [2])]),
        quote!(#[googletest::gtest]),
        quote!(#[quickcheck]),
        quote!(#[property_test(config = config())]),
        quote!(#[test_strategy::proptest]),
        quote!(#[wasm_bindgen_test]),
        quote!(#[ktstr_test(host_only)]),
        quote!(#[apply(template)]),
        quote!(#[apply(test!)]),
        quote!(#[yare::parameterized(one = { 1 })]),
    ] {
        assert!(tracked(&test), "{test}");
    }
    for helper in [
        quote!(),
        quote!(#[cfg(test)]),
        quote!(#[fixture]),
        quote!(#[template]),
        quote!(#[test_fuzz::test_fuzz]),
        quote!(#[apply(logged!)]),
        quote!(#[instrument]),
        quote!(pub(crate) const unsafe),
    ] {
        assert!(!tracked(&helper), "{helper}");
    }
}

#[test]
fn a_tests_own_arguments_come_before_its_modules() {
    let module = quote!(
        max_peak = "8 MiB",
        exact,
        warmup = 2,
        labels(area = "queue", kind = "smoke")
    );
    for (own, both) in [
        (
            quote!(),
            r#"max_peak = "8 MiB", exact, warmup = 2, labels(area = "queue", kind = "smoke")"#,
        ),
        (
            quote!((max_peak = 64, max_retained = 0)),
            r#"max_peak = 64, max_retained = 0, exact, warmup = 2, labels(area = "queue", kind = "smoke")"#,
        ),
        (
            quote!((
                labels(kind = "slow", size = "big"),
                exact = false,
                warmup = 0
            )),
            r#"labels(kind = "slow", size = "big", area = "queue"), max_peak = "8 MiB""#,
        ),
    ] {
        let inside = quote!(#[test] #[heap_tracked #own] fn works() {});
        let expected = ["#[test]".to_owned(), format!("#[heap_tracked({both})]")];
        assert_eq!(
            attributes(&module, &inside),
            expected.map(|text| tight(&text))
        );
        // The same of modules inside it.
        let inside = quote!(#[heap_tracked #own] mod inner { #[test] fn works() {} });
        let expected = [
            format!("#[::heap_runtime::heap_tracked({both})]"),
            "#[test]".to_owned(),
        ];
        assert_eq!(
            attributes(&module, &inside),
            expected.map(|text| tight(&text))
        );
    }
}

#[test]
fn what_is_no_test_has_its_own_arguments_alone() {
    let module = quote!(crate = evidence, max_retained = 0, warmup = 1);
    let inside = quote! {
        #[heap_tracked(exact)]
        fn helper() {}
        #[test]
        #[should_panic]
        fn panics() {}
    };
    assert_eq!(
        attributes(&module, &inside),
        [
            "#[heap_tracked(exact, crate = evidence)]",
            // It has no second round.
            "#[evidence::heap_tracked(crate = evidence, max_retained = 0)]",
            "#[test]",
            "#[should_panic]",
        ]
        .map(tight)
    );
}

#[test]
fn conditions_stay() {
    let inside = quote! {
        #[cfg_attr(unix, test)]
        fn on_unix() {}
        #[test]
        #[cfg_attr(miri, ignore, heap_tracked(skip))]
        fn not_under_miri() {}
        #[test]
        #[cfg_attr(slow, heap_tracked(max_peak = 2))]
        fn other_when_slow() {}
    };
    let ours = "::heap_runtime::heap_tracked(exact)";
    assert_eq!(
        attributes(&quote!(exact), &inside),
        [
            format!("#[cfg_attr(all(any(unix), not(any())), {ours})]"),
            "#[cfg_attr(unix, test)]".into(),
            format!("#[cfg_attr(all(not(any(miri))), {ours})]"),
            "#[test]".into(),
            "#[cfg_attr(miri, ignore)]".into(),
            format!("#[cfg_attr(all(not(any(slow))), {ours})]"),
            "#[test]".into(),
            "#[cfg_attr(slow, heap_tracked(max_peak = 2, exact))]".into(),
        ]
        .map(|text: String| tight(&text))
    );
}

#[test]
fn what_cannot_be_tracked_says_so() {
    let said = |arguments: &TokenStream, item: TokenStream| errors(arguments, item).0;
    let none = TokenStream::new();
    assert_eq!(
        said(
            &none,
            quote!(
                mod tests {
                    made!(works);
                    fn helper() {}
                }
            )
        ),
        [
            "there is no test in this module that `#[heap_tracked]` can see: those that a macro makes need it in the \
          macro"
        ]
    );
    assert_eq!(
        said(
            &none,
            quote!(
                mod tests;
            )
        ),
        [
            "an attribute on this module sees its name alone, and not its file: write `#[heap_tracked]` on the tests in its \
          file, or the module here, as `mod name { .. }`"
        ]
    );
    let skip = "`skip` stands alone, as `#[heap_tracked(skip)]`, on a test or module that is skipped in a module with \
                `#[heap_tracked]`: remove it here";
    assert_eq!(
        said(
            &quote!(skip),
            quote!(
                mod tests {
                    #[test]
                    fn works() {}
                }
            )
        ),
        [skip]
    );
    assert_eq!(
        said(
            &quote!(skip),
            quote!(
                #[test]
                fn works() {}
            )
        ),
        [skip]
    );
    let twice = quote!(
        #[heap_tracked]
        mod tests {
            #[test]
            fn works() {}
        }
    );
    let (messages, rest) = errors(&quote!(colour = "red"), twice);
    assert_eq!(messages.len(), 2, "{messages:?}");
    assert!(!rest.contains("heap_tracked"), "{rest}");
}
