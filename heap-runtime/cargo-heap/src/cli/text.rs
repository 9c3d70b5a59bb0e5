//! Text out of files, made safe for a terminal.

use std::borrow::Cow;
use std::fmt::Write as _;

/// The text with everything escaped that a terminal would act on instead of showing it: control
/// characters, so escape sequences, and what changes the direction of writing or has no width.
pub(super) fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(acts) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if acts(c) {
            write!(safe, "{}", c.escape_unicode()).expect("a String takes all");
        } else {
            safe.push(c);
        }
    }
    Cow::Owned(safe)
}

/// As [`printable`], of a text whose lines stay.
pub(super) fn printable_lines(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(printable).collect();
    lines.join("\n")
}

/// JSON with everything escaped, as JSON, that a terminal would act on. The control characters of
/// ASCII in it are its own line ends: those of values are escaped already.
pub(super) fn printable_json(json: &str) -> Cow<'_, str> {
    let acts = |c: char| !c.is_ascii_control() && acts(c) || c == '\u{7f}';
    if !json.contains(acts) {
        return Cow::Borrowed(json);
    }
    let mut safe = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if acts(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(safe, "\\u{unit:04x}").expect("a String takes all");
            }
        } else {
            safe.push(c);
        }
    }
    Cow::Owned(safe)
}

pub(super) fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_acts_on_the_terminal() {
        assert_eq!(printable("fairness::größe_µs"), "fairness::größe_µs");
        assert_eq!(printable("\x1b[2J"), r"\u{1b}[2J");
        assert_eq!(printable("a\nb\u{9b}c"), r"a\u{a}b\u{9b}c");
        assert_eq!(printable("ok\u{202e}dessap"), r"ok\u{202e}dessap");
    }

    #[test]
    fn json_stays_the_same_value() {
        let hostile = "a\n\u{9b}31m\u{7f}\u{202e}\u{e0041}ü";
        let json = serde_json::to_string_pretty(&[hostile]).unwrap();
        let safe = printable_json(&json);
        assert!(!safe.contains(|c| c != '\n' && acts(c)), "{safe:?}");
        assert_eq!(
            serde_json::from_str::<[String; 1]>(&safe).unwrap(),
            [hostile]
        );
    }
}
