//! A source text changed where it has to be, and nowhere else.

use std::ops::Range;

use super::scan::{Found, Place};

/// The text with the attribute on each test that has none. On the lines that are there: whatever line a test or a
/// message names stays right.
pub(super) fn with_attributes(text: &str, found: &Found, attribute: &str) -> String {
    let mut out = String::with_capacity(text.len() + found.untracked.len() * (attribute.len() + 1));
    let mut done = 0;
    for place in &found.untracked {
        out.push_str(&text[done..place.at()]);
        out.extend(match place {
            Place::Behind(_) => [" ", attribute],
            Place::Before(_) => [attribute, " "],
        });
        done = place.at();
    }
    out.push_str(&text[done..]);
    out
}

/// The text without anything of ours. What has a line for itself takes that with it.
pub(super) fn without_ours(text: &str, found: &Found) -> String {
    let mut ranges: Vec<Range<usize>> = found.ours.iter().chain(&found.beside).cloned().collect();
    ranges.sort_unstable_by_key(|range| range.start);
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for range in ranges {
        let range = with_blanks(text, range);
        let start = range.start.max(done);
        out.push_str(&text[done..start]);
        done = range.end.max(done);
    }
    out.push_str(&text[done..]);
    if done == text.len() {
        // What stood behind all else was parted from it by a blank line.
        let blank = ["\r\n\r\n", "\n\n"].iter().find(|end| out.ends_with(**end));
        out.truncate(out.len() - blank.map_or(0, |end| end.len() / 2));
    }
    out
}

/// What goes together with these bytes.
fn with_blanks(text: &str, range: Range<usize>) -> Range<usize> {
    let line = text[..range.start].rfind('\n').map_or(0, |end| end + 1);
    let rest = &text[range.end..];
    let rest_of_line = rest.find('\n').map_or(rest, |end| &rest[..=end]);
    let is_first = text[line..range.start].trim().is_empty();
    if is_first && rest_of_line.trim().is_empty() {
        line..range.end + rest_of_line.len()
    } else if is_first {
        let blanks = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        range.start..range.end + blanks
    } else {
        let before = text[..range.start].trim_end_matches([' ', '\t']).len();
        before..range.end
    }
}

/// The text with the line that makes jemalloc the allocator, behind all else.
pub(super) fn with_jemalloc(text: &str, runtime: &str, only_in_tests: bool) -> String {
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let mut out = text.to_owned();
    if !text.is_empty() && !text.ends_with('\n') {
        out.push_str(newline);
    }
    out.push_str(newline);
    if only_in_tests {
        out.push_str("#[cfg(test)]");
        out.push_str(newline);
    }
    out.push_str("::");
    out.push_str(runtime);
    out.push_str("::use_jemalloc!();");
    out.push_str(newline);
    out
}

#[cfg(test)]
mod tests {
    use super::super::scan::{Uncertain, scan};
    use super::*;

    const ATTRIBUTE: &str = "#[::heap_runtime::heap_tracked]";

    fn of(text: &str) -> Found {
        scan(text).unwrap()
    }

    fn tracked(text: &str) -> String {
        with_attributes(text, &of(text), ATTRIBUTE)
    }

    /// Puts it on, and takes it away again.
    fn is_now(text: &str, expected: &str) {
        let now = tracked(text);
        assert_eq!(now, expected.replace("@T", ATTRIBUTE));
        assert_eq!(now.lines().count(), text.lines().count());
        let found = of(&now);
        assert_eq!(found.tracked, expected.matches("@T").count(), "{now}");
        assert_eq!(found.untracked, [], "{now}");
        assert_eq!(without_ours(&now, &found), text);
    }

    fn stays(text: &str) {
        assert_eq!(tracked(text), text);
        assert_eq!(without_ours(text, &of(text)), text);
    }

    fn uncertain(text: &str) -> Vec<String> {
        let say = |of: Uncertain| format!("{}: {}", of.line, of.why);
        of(text).uncertain.into_iter().map(say).collect()
    }

    #[test]
    fn every_test_has_the_attribute_on_its_own_line() {
        is_now(
            "/// A test: `#[test]`.\n#[test]\n#[ignore]\nfn größe() { \"#[test]\"; }\n",
            "/// A test: `#[test]`.\n#[test] @T\n#[ignore]\nfn größe() { \"#[test]\"; }\n",
        );
        is_now(
            "mod ä { #[should_panic] # [ test ] pub(crate) fn a() {} } // #[test]",
            "mod ä { #[should_panic] # [ test ] @T pub(crate) fn a() {} } // #[test]",
        );
        is_now(
            "#[tokio::test(flavor = \"multi_thread\")]\r\nasync fn a() -> Result<(), ()> { Ok(()) }\r\n",
            "#[tokio::test(flavor = \"multi_thread\")] @T\r\nasync fn a() -> Result<(), ()> { Ok(()) }\r\n",
        );
        is_now(
            "#[rstest]\n#[case(1)]\n#[case(2)]\nfn a(#[case] _: u8) {}",
            "#[rstest] @T\n#[case(1)]\n#[case(2)]\nfn a(#[case] _: u8) {}",
        );
        is_now(
            "#[test_case(1)]\n#[test_case(2)]\nfn a(_: u8) {}",
            "#[test_case(1)]\n#[test_case(2)] @T\nfn a(_: u8) {}",
        );
        is_now(
            "\u{feff}#!/usr/bin/env run\n#![allow(unused)]\n#[test]\nfn a() {}\n",
            "\u{feff}#!/usr/bin/env run\n#![allow(unused)]\n#[test] @T\nfn a() {}\n",
        );
    }

    #[test]
    fn what_a_macro_writes_out_has_it_too() {
        is_now(
            "macro_rules! t { ($n:ident) => { #[test] fn $n() {} }; (#[test] $n:ident) => {} }\nt!(a);",
            "macro_rules! t { ($n:ident) => { #[test] @T fn $n() {} }; (#[test] $n:ident) => {} }\nt!(a);",
        );
        is_now(
            "macro_rules! t { ($($n:ident)*) => {$( $(#[$m])* #[test] fn $n() {} )*}; }",
            "macro_rules! t { ($($n:ident)*) => {$( $(#[$m])* #[test] @T fn $n() {} )*}; }",
        );
        is_now(
            "quickcheck! {\n #[ignore]\n fn p(a: u8) -> bool { fn inner() {} true }\n fn q() {}\n}",
            "quickcheck! {\n #[ignore]\n @T fn p(a: u8) -> bool { fn inner() {} true }\n @T fn q() {}\n}",
        );
        is_now(
            "quickcheck! { fn p() -> bool { true } }\n#[test]\nfn a() {}\nquickcheck! { fn q() {} }\n#[test] fn b() {}",
            "quickcheck! { @T fn p() -> bool { true } }\n#[test] @T\nfn a() {}\nquickcheck! { @T fn q() {} }\n#[test] @T fn b() {}",
        );
        is_now(
            "proptest! { #![proptest_config(x)] #[test] fn a(b in 0..9) {} }",
            "proptest! { #![proptest_config(x)] #[test] @T fn a(b in 0..9) {} }",
        );
        is_now(
            "cfg_if! { if #[cfg(unix)] { #[test] fn a() {} } else { fn b() {} } }",
            "cfg_if! { if #[cfg(unix)] { #[test] @T fn a() {} } else { fn b() {} } }",
        );
    }

    #[test]
    fn what_is_no_test_stays() {
        for text in [
            "#[cfg(test)] mod tests {}",
            "#![test] fn a() {}",
            "static F: fn() = test; fn test() { test!(test); x[test] }",
            "fn a() { struct S { #[test] a: u8 } }",
            "macro_rules! quickcheck { (@fn $f:ident) => { $f }; ($f:ident) => { quickcheck!(@fn $f) } }",
        ] {
            stays(text);
            assert_eq!(uncertain(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn what_is_not_certain_is_told() {
        let text = "\ntable! { #[test] fn a() {} }\n#[cfg_attr(unix, test)]\nfn b() {}\n#[test]\nstruct S;\n";
        stays(text);
        assert_eq!(
            uncertain(text),
            [
                "2: only the rules of `table!` tell whether it takes the attribute",
                "4: a `cfg_attr` makes this function a test",
                "5: no function follows the attribute that makes a test",
            ]
        );
    }

    #[test]
    fn a_test_has_it_once() {
        for text in [
            "#[heap_tracked(max_peak = 4096)]\n#[test]\nfn a() {}",
            "#[test]\n#[cfg_attr(unix, heap_runtime::heap_tracked)]\nfn a() {}",
            "#[heap_tracked]\nmod tests { mod inner { #[test] fn a() {} } }",
            "#[heap_tracked(skip)]\n#[test]\nfn a() {}",
        ] {
            assert_eq!(tracked(text), text);
            assert_eq!(of(text).tracked, 1, "{text}");
        }
    }

    #[test]
    fn whoever_wrote_it_it_goes_with_its_line() {
        let is_then = |text: &str, expected: &str| {
            assert_eq!(without_ours(text, &of(text)), expected);
        };
        is_then(
            "use heap_runtime::heap_tracked;\nuse std::fs;\n\n    #[heap_tracked(\n  exact,\n )]\n    #[test]\n    fn a() {}\n",
            "use std::fs;\n\n    #[test]\n    fn a() {}\n",
        );
        is_then(
            "#[heap_tracked] #[test]\nfn a() {}\n#[heap_tracked] // why\n#[test] fn b() {}",
            "#[test]\nfn a() {}\n// why\n#[test] fn b() {}",
        );
        is_then(
            "#[heap_tracked]\nmod tests {\n    #[test]\n    fn a() {}\n}\n\n#[cfg(test)]\nheap_runtime::use_jemalloc!();\n",
            "mod tests {\n    #[test]\n    fn a() {}\n}\n",
        );
        let mixed = "#[cfg_attr(unix, heap_tracked, ignore)]\n#[test]\nfn a() {}\npub use heap_runtime::heap_tracked;\n";
        is_then(mixed, mixed);
        assert_eq!(uncertain(mixed).len(), 2);
    }

    #[test]
    fn the_allocator_comes_last_and_goes_without_a_trace() {
        for text in ["fn a() {}\n", "fn a() {}\r\n", "fn a() {}\n\n"] {
            let with = with_jemalloc(text, "heap_runtime", true);
            let lines: Vec<&str> = with.lines().skip(text.lines().count()).collect();
            assert_eq!(
                lines,
                ["", "#[cfg(test)]", "::heap_runtime::use_jemalloc!();"]
            );
            assert_eq!(without_ours(&with, &of(&with)), text);
        }
        assert!(scan("fn (").is_err());
    }
}
