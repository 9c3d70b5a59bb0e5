//! Whatever is written into the attribute, or stands below it: the expansion is Rust or says what is
//! wrong, and nothing panics. How these targets run for longer is in CONTRIBUTING.
//!
//! The crate's modules are included, because those of a proc-macro crate cannot be linked, and its
//! unit tests are built for the compiler, which no fuzzer's instrumentation may get into.

#[path = "../src/arguments.rs"]
mod arguments;
#[path = "../src/attr.rs"]
mod attr;
#[path = "../src/duration.rs"]
mod duration;
#[path = "../src/entry.rs"]
mod entry;
#[path = "../src/expand.rs"]
mod expand;
#[path = "../src/inherit.rs"]
mod inherit;
#[path = "../src/item.rs"]
mod item;
#[path = "../src/module.rs"]
mod module;
#[path = "../src/names.rs"]
mod names;
#[path = "../src/place.rs"]
mod place;
#[path = "../src/quantity.rs"]
mod quantity;
#[path = "../src/scan.rs"]
mod scan;
#[path = "../src/size.rs"]
mod size;
#[path = "../src/usual.rs"]
mod usual;
#[path = "../src/valid.rs"]
mod valid;

use proc_macro2::{TokenStream, TokenTree};

/// What arguments are made of, mistakes included. A byte of the input stands for one of them.
const ARGUMENTS: &[&str] = &[
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    "=",
    ":",
    "::",
    "-",
    ".",
    "!",
    "#",
    "'a",
    "max_peak",
    "max_retained",
    "max_allocated",
    "max_allocations",
    "exact",
    "exclusive",
    "warmup",
    "labels",
    "crate",
    "skip",
    "r#type",
    "max_peek",
    "scheduler",
    "key",
    "self",
    "true",
    "_",
    "0",
    "1",
    "-1",
    "0x10",
    "1.5",
    "4096u64",
    "18446744073709551616",
    "1e400",
    "\"8 MiB\"",
    "\"0 B\"",
    "\"\"",
    "\"1.5 KiB\"",
    "\"8 parsecs\"",
    "b\"8\"",
    "c\"8\"",
    "'8'",
    "r#\"8 MiB\"#",
    "concat!(\"8\", \"MiB\")",
    "\"\\u{202e}\\0\"",
    "evidence::heap",
    "::heap_runtime",
    "labels(a = \"b\")",
    "max_peak = \"1 kB\"",
];

/// What items are made of.
const ITEMS: &[&str] = &[
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    "=",
    ":",
    "::",
    "->",
    "<",
    ">",
    "!",
    "#",
    ";",
    "&",
    "'a",
    "_",
    "#[test]",
    "#[should_panic]",
    "#[should_panic = \"x\"]",
    "#[should_panic(expected = \"x\")]",
    "#[should_panic(expected)]",
    "#[ignore]",
    "#[heap_tracked]",
    "#[heap_runtime::heap_tracked(exact)]",
    "#[heap_tracked(skip)]",
    "#[heap_tracked(warmup = 0, labels(a = \"b\"))]",
    "#[cfg_attr(unix, test)]",
    "#[cfg_attr(unix, heap_tracked(skip), rstest)]",
    "#[tokio::test]",
    "#[cfg(unix)]",
    "#[track_caller]",
    "#![allow(unused)]",
    "/// text\n",
    "pub",
    "pub(crate)",
    "async",
    "const",
    "unsafe",
    "extern",
    "\"C\"",
    "fn",
    "works",
    "self",
    "x: u8",
    "mut y: &str",
    "(a, b): (u8, u8)",
    "...",
    "impl",
    "dyn",
    "Trait",
    "Result<(), E>",
    "T",
    "'b",
    "where",
    "Clone",
    "for<'c>",
    "return",
    ".await",
    "?",
    "move",
    "||",
    "loop {}",
    "panic!()",
    "x + 1",
    "\"text\"",
    "1",
    "struct S;",
    "enum E {}",
    "mod m {}",
    "mod",
    "proptest!",
    "quickcheck!",
    "const A: u8 =",
    "-> A<{ 1 }>",
    "use a::b;",
    "let c = || 1;",
    "macro_rules!",
    "fn works() {}",
    "fn works()",
    "async fn f()",
    "-> Result<(), E>",
    "-> impl Trait",
    "-> !",
    "{ 1 }",
];

/// Deeper than this is no source that anybody compiles; rustc has a limit of its own.
const DEEPEST: usize = 64;

/// The source that the bytes stand for, its brackets paired.
fn source(bytes: &[u8], words: &[&str]) -> String {
    let mut source = String::new();
    let mut open = Vec::new();
    for byte in bytes {
        let word = words[usize::from(*byte) % words.len()];
        match word {
            "(" | "[" | "{" if open.len() == DEEPEST => continue,
            "(" => open.push(")"),
            "[" => open.push("]"),
            "{" => open.push("}"),
            ")" | "]" | "}" => match open.pop() {
                Some(pair) => {
                    source.push_str(pair);
                    source.push(' ');
                    continue;
                }
                None => continue,
            },
            _ => {}
        }
        source.push_str(word);
        source.push(' ');
    }
    source.extend(open.into_iter().rev());
    source
}

fn is_rust(tokens: &TokenStream) -> bool {
    // An expression's errors are in its block, before it.
    syn::parse2::<syn::File>(tokens.clone()).is_ok()
        || syn::parse2::<syn::Block>(tokens.clone()).is_ok()
}

/// Whether the compiler would have taken it. A function's body is looked at on its own: syn takes some
/// items whose body it does not understand.
fn is_item(tokens: &TokenStream) -> bool {
    syn::parse2::<syn::Item>(tokens.clone()).is_ok()
        && item::parse(tokens.clone()).map_or(true, |function| {
            syn::parse2::<syn::ExprBlock>(TokenTree::from(function.body).into()).is_ok()
        })
}

/// What is promised of one use of the attribute.
fn expands(arguments: &str, item: &str) {
    let tokens = |source: &str| source.parse::<TokenStream>();
    // What is not even tokens never comes to a macro.
    let (Ok(arguments), Ok(item)) = (tokens(arguments), tokens(item)) else {
        return;
    };
    let is_item = is_item(&item);
    let expansion = entry::heap_tracked(&arguments, item.clone());
    // What the compiler would not have taken, it still does not take: a body is handed on as it is.
    assert!(
        is_rust(&expansion) || !is_item,
        "#[heap_tracked({arguments})] {item}\nbecomes\n{expansion}"
    );
}

#[test]
fn arguments() {
    bolero::check!()
        .with_iterations(1_000)
        .for_each(|bytes: &[u8]| {
            let arguments = source(bytes, ARGUMENTS);
            expands(&arguments, "#[test] fn works() { one(); }");
            expands(
                &arguments,
                "#[test] async fn works() -> Result<(), E> { Ok(()) }",
            );
        });
}

#[test]
fn arguments_of_any_text() {
    bolero::check!()
        .with_iterations(1_000)
        .for_each(|bytes: &[u8]| {
            expands(&String::from_utf8_lossy(bytes), "fn works() {}");
        });
}

#[test]
fn items() {
    bolero::check!()
        .with_iterations(1_000)
        .for_each(|bytes: &[u8]| {
            let item = source(bytes, ITEMS);
            expands("", &item);
            expands(
                "warmup = 1, max_peak = \"8 MiB\", crate = evidence::heap",
                &item,
            );
        });
}

#[test]
fn modules() {
    bolero::check!()
        .with_iterations(1_000)
        .for_each(|bytes: &[u8]| {
            let module = format!("mod tests {{ {} }}", source(bytes, ITEMS));
            expands("", &module);
            expands("warmup = 1, labels(a = \"b\", c = \"d\")", &module);
            let arguments = source(bytes, ARGUMENTS);
            let test = format!("mod tests {{ #[heap_tracked({arguments})] #[test] fn a() {{}} }}");
            expands("exact, labels(scheduler = \"eevdf\")", &test);
        });
}

#[test]
fn sizes() {
    bolero::check!()
        .with_iterations(10_000)
        .for_each(|bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes);
            match size::parse(&text) {
                // A size that was read is the same again in plain bytes.
                Ok(bytes) => assert_eq!(size::parse(&bytes.to_string()), Ok(bytes)),
                Err(message) => assert!(!message.is_empty()),
            }
        });
}
