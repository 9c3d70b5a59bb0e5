//! What goes wrong with tracking itself, said on stderr.

use std::collections::HashSet;
use std::io::Write as _;
use std::sync::{LazyLock, Mutex, PoisonError};

/// Says once for each process and cause what went wrong. Past the harness, which would show it
/// only for tests that fail.
pub(crate) fn say_once(error: &str) {
    static SAID: LazyLock<Mutex<HashSet<String>>> = LazyLock::new(Mutex::default);
    // The cause is what stands behind the path.
    let cause = error.rsplit("`: ").next().unwrap_or(error).to_owned();
    let mut said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
    if said.insert(cause) {
        // In one piece, since other processes may write to the same stderr. With it closed there is
        // nobody left to tell.
        let _ = std::io::stderr().write_all(line(error).as_bytes());
    }
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
