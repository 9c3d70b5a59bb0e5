//! Variables that are none of ours, and nearly are: who sets `HEAP_MAX_ALOCATED` wants a budget to hold.

use std::ffi::OsString;
use std::fmt::Write as _;

const OURS: &str = "HEAP_";

/// What there is to say of these variables of the environment: a line for each that is nearly a known one.
pub(super) fn mistakes(names: impl Iterator<Item = OsString>, known: &[&str]) -> String {
    let mut names: Vec<String> = names.filter_map(|name| name.into_string().ok()).collect();
    names.retain(|name| name.starts_with(OURS) && !known.contains(&name.as_str()));
    names.sort_unstable();
    let mut mistakes = String::new();
    for name in &names {
        if let Some(meant) = nearest(name, known) {
            if !mistakes.is_empty() {
                mistakes.push('\n');
            }
            write!(
                mistakes,
                "unknown environment variable {name}: did you mean {meant}? If it is another program's, unset it \
                 for the tests"
            )
            .expect("a String takes all");
        }
    }
    mistakes
}

/// The known name that this may be meant for.
fn nearest<'k>(name: &str, known: &[&'k str]) -> Option<&'k str> {
    let rest = &name[OURS.len()..];
    // In a short word, two letters make another one.
    let max_distance = if rest.len() < 8 { 1 } else { 2 };
    let distances = known.iter().map(|known| {
        let meant = known.strip_prefix(OURS).unwrap_or(known);
        (distance(rest.as_bytes(), meant.as_bytes()), *known)
    });
    let (distance, meant) = distances.min()?;
    (distance <= max_distance).then_some(meant)
}

/// How many letters have to be put in, taken out, replaced, or changed with the next one, to make one
/// word of the other (optimal string alignment).
fn distance(a: &[u8], b: &[u8]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (i, letter) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, other) in b.iter().enumerate() {
            let replaced = above[j] + usize::from(letter != other);
            let mut least = replaced.min(above[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *letter == b[j - 1] && a[i - 1] == *other {
                least = least.min(before[j - 1] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_distance_is_the_fewest_changes() {
        for (a, b, expected) in [
            ("", "", 0),
            ("", "ab", 2),
            ("MAX_ALOCATED", "MAX_ALLOCATED", 1),
            ("REDCAT", "REDACT", 1),
            ("TRACE", "TRACK", 1),
            ("SIZE", "SITES", 2),
            ("abc", "xyz", 3),
        ] {
            assert_eq!(distance(a.as_bytes(), b.as_bytes()), expected, "{a} {b}");
            assert_eq!(distance(b.as_bytes(), a.as_bytes()), expected, "{b} {a}");
        }
    }

    #[test]
    fn only_what_is_nearly_ours_is_a_mistake() {
        let known = ["HEAP_MAX_ALLOCATED", "HEAP_SIDECAR_DIR", "HEAP_TRACK"];
        let of = |names: &[&str]| mistakes(names.iter().map(OsString::from), &known);
        assert_eq!(
            of(&["HEAP_TRACK", "HEAP_SIZE", "HEAP_", "HEAP", "MAX_ALOCATED"]),
            ""
        );
        let said = of(&["HEAP_SIDECARDIR", "PATH", "HEAP_MAX_ALOCATED"]);
        let lines: Vec<&str> = said.lines().collect();
        assert_eq!(lines.len(), 2);
        assert!(lines[0].contains(
            "unknown environment variable HEAP_MAX_ALOCATED: did you mean HEAP_MAX_ALLOCATED"
        ));
        assert!(lines[1].contains("HEAP_SIDECARDIR: did you mean HEAP_SIDECAR_DIR"));
    }
}
