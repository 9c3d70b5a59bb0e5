//! How long a file and a function may be: what has one reason to change is seen on a few screens.

use std::fs;
use std::path::Path;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use super::parsed;

const MAX_LINES: usize = 450;
const MAX_FUNCTION_LINES: usize = 60;

/// The packages' folders.
const FOLDERS: [&str; 4] = ["heap-macros", "heap-runtime", "tests", "ui-tests"];

/// What is longer, and how long it may be: a file, or a function of it. To be shortened, and not to be added to.
const LONGER: &[(&str, &str, usize)] = &[
    ("heap-macros/src/expand.rs", "tokens", 76),
    ("heap-macros/src/valid.rs", "function", 62),
    ("heap-runtime/cargo-heap/src/cli/test.rs", "run", 90),
    ("heap-runtime/src/own/registry_tests.rs", "", 500),
    ("heap-runtime/src/scope.rs", "end_unmeasured", 110),
    (
        "heap-runtime/src/sidecar/name.rs",
        "executions_that_differ_have_names_that_differ",
        70,
    ),
];

/// Whether a file's functions are held to their limit. A test tells one story from its start to its end, and may take longer.
fn is_code(file: &str) -> bool {
    let is_of_library = file.starts_with("heap-") && file.contains("/src/");
    is_of_library && !file.ends_with("tests.rs") && !file.contains("/tests/")
}

#[test]
fn files_and_functions_are_short() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut wrong = Vec::new();
    for folder in FOLDERS {
        for path in parsed::paths(&root.join(folder)) {
            let name = Path::new(folder).join(&path);
            let name = name.to_str().expect("UTF-8").replace('\\', "/");
            let text = fs::read_to_string(root.join(&name)).expect("a source file");
            let mut lengths = vec![(String::new(), text.lines().count(), MAX_LINES)];
            if is_code(&name) {
                functions(text.parse().expect("it is Rust"), &mut lengths);
            }
            for (function, lines, limit) in lengths {
                let limit = allowed(&name, &function).unwrap_or(limit);
                if lines > limit {
                    wrong.push(format!(
                        "{name} {function}: {lines} lines, more than {limit}"
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

fn allowed(file: &str, function: &str) -> Option<usize> {
    let mut longer = LONGER.iter();
    let found = longer.find(|(of, name, _)| (*of, *name) == (file, function));
    found.map(|(.., lines)| *lines)
}

/// Adds the functions in these tokens, those in macros too: name, lines and limit.
fn functions(tokens: TokenStream, into: &mut Vec<(String, usize, usize)>) {
    let mut open = None;
    let mut before_is_fn = None;
    for token in tokens {
        let is_fn = matches!(&token, TokenTree::Ident(word) if word == "fn");
        match token {
            TokenTree::Ident(word) if is_fn => before_is_fn = Some(word.span().start().line),
            TokenTree::Ident(name) => {
                if let Some(line) = before_is_fn.take() {
                    open = Some((name.to_string(), line));
                }
            }
            TokenTree::Punct(mark) => {
                before_is_fn = None;
                // One without a body, as in a trait.
                if mark.as_char() == ';' {
                    open = None;
                }
            }
            TokenTree::Group(group) => {
                before_is_fn = None;
                if group.delimiter() == Delimiter::Brace
                    && let Some((name, line)) = open.take()
                {
                    let lines = group.span_close().end().line - line + 1;
                    into.push((name, lines, MAX_FUNCTION_LINES));
                }
                functions(group.stream(), into);
            }
            TokenTree::Literal(_) => before_is_fn = None,
        }
    }
}

#[test]
fn functions_are_measured_wherever_they_stand() {
    let text = "fn a() {\n}\ntrait T { fn none();\nfn b(f: fn() -> u8)\n -> [u8; { 1 }] where Self: Sized {\n\n} }\n\
        macro_rules! m { () => { fn c() {} } }";
    let mut found = Vec::new();
    functions(text.parse().unwrap(), &mut found);
    let found: Vec<(&str, usize)> = found
        .iter()
        .map(|(name, lines, _)| (&**name, *lines))
        .collect();
    assert_eq!(found, [("a", 2), ("b", 4), ("c", 1)]);
}
