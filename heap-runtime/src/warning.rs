//! What goes wrong with tracking itself, said on stderr.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::panic::catch_unwind;
use std::sync::{Mutex, PoisonError};

/// Says once for each process and cause what went wrong. Past the harness, which would show it
/// only for tests that fail.
pub(crate) fn warn_once(error: &str) {
    // Not a set by hash, which asks the kernel for a random number and panics where there is none.
    static SAID: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    // The cause is what stands behind the path.
    let cause = error.rsplit("`: ").next().unwrap_or(error).to_owned();
    let mut said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
    if said.insert(cause) {
        // In one piece, since other processes may write to the same stderr. With it closed there is
        // nobody left to tell.
        let _ = std::io::stderr().write_all(line(error).as_bytes());
    }
}

/// Says something to whoever looks at the output of the calling test: the harness, which shows it where
/// the test fails.
pub(crate) fn print(text: &str) {
    // std panics where it cannot print, because a pipe has nobody at its other end, for one. That is
    // no failure of the test's.
    let _ = catch_unwind(|| eprintln!("{text}"));
}

/// One line, whatever is in the path that the error names.
fn line(error: &str) -> String {
    let mut line = String::from("heap_tracked: ");
    for c in error.chars() {
        if c.is_control() {
            line.extend(c.escape_default());
        } else {
            line.push(c);
        }
    }
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn an_error_is_one_line() {
        assert_eq!(
            line("cannot write `a\nb\u{1b}[31m`: full"),
            "heap_tracked: cannot write `a\\nb\\u{1b}[31m`: full\n"
        );
    }
}
