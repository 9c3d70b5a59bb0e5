//! The public items of each package are those of its `public-api.txt`: whoever changes what others
//! build upon sees it in the difference, and so does who reviews it. Each of them is shown in an
//! example that runs.
//!
//! Read from the sources, since what a compiler would say of them is in no stable form.

mod examples;
mod items;
mod listing;
#[path = "../parsed/mod.rs"]
mod parsed;

use std::path::{Path, PathBuf};
use std::{env, fs};

use listing::{Part, Sources};

const REFRESH: &str = "PUBLIC_API=refresh cargo test --package heap-tests --test public_api";

/// What has no example, and why not.
const WITHOUT_EXAMPLE: &[(&str, &str)] = &[(
    "heap_macros::heap_tracked",
    "it would need heap-runtime, which depends on this crate, and has one for it",
)];

/// The packages that others build upon, and where they are.
const LISTED: [(&str, &str); 3] = [
    ("cargo-heap", "heap-runtime/cargo-heap"),
    ("heap-runtime", "heap-runtime"),
    ("heap-sidecar", "heap-runtime/sidecar"),
];

#[test]
fn the_public_items_are_the_committed_ones() {
    for package in LISTED {
        are_committed(package);
    }
}

fn are_committed(package: (&str, &str)) {
    let found: String = parts(package)
        .into_iter()
        .map(|part| part.line + "\n")
        .collect();
    let committed = folder(package.1).join("public-api.txt");
    if env::var_os("PUBLIC_API").is_some_and(|value| value == "refresh") {
        fs::write(&committed, &found).expect("the listing can be written");
    }
    let committed = fs::read_to_string(committed).unwrap_or_default();
    assert!(
        found == committed,
        "the public items of {} have changed and their listing has not; run\n    {REFRESH}\nand look \
         at the difference:\n{}",
        package.0,
        difference(&committed, &found)
    );
}

#[test]
fn each_public_item_is_shown_in_an_example_that_runs() {
    let macros = ("heap-macros", "heap-macros");
    let parts = LISTED.into_iter().chain([macros]).flat_map(parts);
    let (with, without): (Vec<Part>, Vec<Part>) = parts
        .filter(|part| part.has_example.is_some())
        .partition(|part| part.has_example == Some(true));
    assert!(with.len() > 100, "only {} are looked at", with.len());
    let without: Vec<&str> = without.iter().map(|part| part.path.as_str()).collect();
    let known: Vec<&str> = WITHOUT_EXAMPLE.iter().map(|(path, _)| *path).collect();
    assert_eq!(
        without, known,
        "left: items whose documentation has no example that runs; right: those that are known to \
         have none"
    );
}

fn folder(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

fn parts((name, path): (&str, &str)) -> Vec<Part> {
    let sources = Sources::read(&folder(path).join("src"));
    sources.parts(&name.replace('-', "_"))
}

/// The lines that only one of them has.
fn difference(committed: &str, found: &str) -> String {
    let only = |sign: &str, these: &str, those: &str| -> String {
        these
            .lines()
            .filter(|line| !those.lines().any(|other| other == *line))
            .fold(String::new(), |lines, line| {
                lines + sign + " " + line + "\n"
            })
    };
    only("-", committed, found) + &only("+", found, committed)
}
