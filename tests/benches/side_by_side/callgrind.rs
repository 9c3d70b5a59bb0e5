//! Instructions, which no other process's load can change.

use std::process::Command;

/// Where this is what is measured: the loads of `tests/projects/rivals`.
const COLLECT: &str = "--toggle-collect=rivals_load_*";
/// jemalloc's dispatch of its events, ours among them.
const EVENTS: &str = "te_event_trigger";

/// Whether it can be had here.
pub(crate) fn is_here() -> bool {
    // `callgrind_annotate --version` says its version, and fails: to be found is enough.
    ["valgrind", "callgrind_annotate"]
        .iter()
        .all(|program| Command::new(program).arg("--version").output().is_ok())
}

/// Instructions of the loads: all, and those outside the dispatch of events.
pub(crate) fn count(command: &Command) -> [u64; 2] {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("callgrind");
    let mut valgrind = Command::new("valgrind");
    valgrind
        .args(["--tool=callgrind", COLLECT])
        .arg(format!("--callgrind-out-file={}", file.display()))
        .arg(command.get_program())
        .args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => valgrind.env(name, value),
            None => valgrind.env_remove(name),
        };
    }
    let output = valgrind.output().expect("valgrind can be started");
    assert!(output.status.success(), "{output:?}");
    let annotated = Command::new("callgrind_annotate")
        .args(["--inclusive=yes", "--threshold=100"])
        .arg(&file)
        .output()
        .expect("callgrind_annotate can be started");
    let text = String::from_utf8_lossy(&annotated.stdout);
    let total = first_number(&text, "PROGRAM TOTALS").expect("callgrind gives a total");
    [total, total - first_number(&text, EVENTS).unwrap_or(0)]
}

/// The number at the start of the first line that contains `what`.
fn first_number(text: &str, what: &str) -> Option<u64> {
    let line = text.lines().find(|line| line.contains(what))?;
    let digits: String = line
        .trim_start()
        .chars()
        .take_while(|c| c.is_ascii_digit() || *c == ',')
        .filter(char::is_ascii_digit)
        .collect();
    digits.parse().ok()
}
