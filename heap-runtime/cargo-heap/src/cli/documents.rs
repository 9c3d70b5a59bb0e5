//! README and the guide name commands, options and keys: each of them has to exist.
//!
//! ```text
//! README.md, docs/guide/*.md ──▶ `cargo heap NAME --option` ──▶ the parser's definition
//!                                the table of keys          ──▶ the schema of a sidecar
//! ```

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use clap::{Command, CommandFactory as _};
use serde_json::Value;

use super::args::Cli;
use heap_sidecar::Sidecar;

/// Each document's path and text.
fn documents() -> Vec<(String, String)> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = vec![package.join("../../README.md")];
    let guide = fs::read_dir(package.join("../docs/guide")).expect("the guide is there");
    paths.extend(guide.map(|chapter| chapter.expect("it can be listed").path()));
    assert!(paths.len() > 5, "{paths:?}");
    paths
        .into_iter()
        .map(|path| {
            let text = fs::read_to_string(&path).expect("a document can be read");
            (path.display().to_string(), text)
        })
        .collect()
}

fn readme() -> String {
    let (path, text) = documents().swap_remove(0);
    assert!(path.ends_with("README.md"));
    text
}

/// The invocations of `cargo heap` in a text: what is behind it, up to the end of the line, of the
/// code span, or of the table's cell.
fn invocations(text: &str) -> impl Iterator<Item = &str> {
    let behind = text.split("cargo heap ").skip(1);
    behind.map(|behind| {
        let end = behind.find(['\n', '`', '#', '>', '&', ';']);
        &behind[..end.unwrap_or(behind.len())]
    })
}

/// What is wrong with an invocation.
fn mistake(invocation: &str, root: &Command) -> Option<String> {
    let mut command = root;
    for word in invocation.split_ascii_whitespace() {
        // Behind this, in brackets, and from the first that is not known where a command passes on
        // the rest, are cargo's own.
        if word == "--" || word.starts_with('[') {
            return None;
        }
        if let Some(name) = word.strip_prefix("--") {
            let name = name.split('=').next().unwrap_or(name);
            let known = command
                .get_arguments()
                .any(|argument| argument.get_long() == Some(name));
            let passes_on = command
                .get_arguments()
                .any(clap::Arg::is_trailing_var_arg_set);
            if !known && passes_on {
                return None;
            }
            if !known && name != "help" {
                return Some(format!("`{}` has no --{name}", command.get_name()));
            }
        } else if let Some(subcommand) = command.find_subcommand(word) {
            command = subcommand;
        } else if command.has_subcommands() {
            return Some(format!("`{}` has no `{word}`", command.get_name()));
        }
    }
    None
}

#[test]
fn every_command_and_option_exists() {
    let root = Cli::command();
    let mut count = 0;
    for (path, text) in documents() {
        for invocation in invocations(&text) {
            count += 1;
            let mistake = mistake(invocation, &root);
            assert_eq!(mistake, None, "{path}: cargo heap {invocation}");
        }
    }
    assert!(count > 20, "{count}");
}

#[test]
fn a_command_that_does_not_exist_is_noticed() {
    let root = Cli::command();
    for (text, expected) in [
        ("cargo heap report --junit IN OUT", None),
        ("cargo heap baseline save FILE", None),
        ("cargo heap test [--any]", None),
        ("`cargo heap test -- --any`", None),
        ("cargo heap test --test any --any", None),
        ("cargo heap tset", Some("`cargo-heap` has no `tset`")),
        ("cargo heap baseline load", Some("`baseline` has no `load`")),
        ("`cargo heap show --htlm`", Some("`show` has no --htlm")),
    ] {
        let invocation = invocations(text).next().expect("there is one");
        assert_eq!(mistake(invocation, &root).as_deref(), expected, "{text}");
    }
}

/// The keys of the rows of README's table: `a.b`, `c` is `a.b` and `a.c`.
fn keys(readme: &str) -> Vec<String> {
    let table = readme
        .split_once("| key | meaning |")
        .expect("README has the table of keys")
        .1;
    let rows = table
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'));
    let mut keys = Vec::new();
    for row in rows {
        let cell = row.split('|').nth(1).expect("a row has cells");
        let mut parent = "";
        for key in cell.split('`').skip(1).step_by(2) {
            if let Some((of, _)) = key.rsplit_once('.') {
                parent = of;
                keys.push(key.to_owned());
            } else if parent.is_empty() {
                keys.push(key.to_owned());
            } else {
                keys.push(format!("{parent}.{key}"));
            }
        }
    }
    keys
}

/// The schema of the value with this key, through references and what may be `null`.
fn member<'a>(schema: &'a Value, mut of: &'a Value, key: &str) -> Option<&'a Value> {
    loop {
        if let Some(member) = of.get("properties").and_then(|members| members.get(key)) {
            return Some(member);
        }
        let reference = of.get("$ref").or_else(|| of.pointer("/anyOf/0/$ref"))?;
        of = schema.pointer(reference.as_str()?.strip_prefix('#')?)?;
    }
}

#[test]
fn every_key_exists_and_readme_has_all_of_the_first_level() {
    let schema = schemars::schema_for!(Sidecar).to_value();
    let keys = keys(&readme());
    for key in &keys {
        let found = key
            .split('.')
            .try_fold(&schema, |of, key| member(&schema, of, key));
        assert!(found.is_some(), "a sidecar has no `{key}`");
    }
    let told: BTreeSet<&str> = keys
        .iter()
        .filter_map(|key| key.split('.').next())
        .collect();
    let members = schema["properties"].as_object().expect("an object");
    let all: BTreeSet<&str> = members.keys().map(String::as_str).collect();
    assert_eq!(told, all);
}
