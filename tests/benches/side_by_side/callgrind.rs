//! Instructions, which no other process's load can change.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use crate::contender::succeed;

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
    succeed(&mut valgrind);
    let text = annotated(&file);
    let total = total(&text);
    [total, total - first_number(&text, EVENTS).unwrap_or(0)]
}

/// Instructions that the compiler takes for one crate of those that `cargo`, a command of cargo's, builds.
pub(crate) fn count_compiling(cargo: &mut Command, crate_name: &str) -> u64 {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("callgrind");
    let wrapper = folder.path().join("rustc");
    // The one behind rustup's, which starts it: valgrind does not follow.
    let sysroot = succeed(Command::new("rustc").args(["--print", "sysroot"]));
    let script = format!(
        "#!/bin/sh\n\
         # Cargo's arguments: the compiler and what that is to do.\n\
         case \" $* \" in\n\
         *' --crate-name {crate_name} '*)\n\
         shift\n\
         exec valgrind --tool=callgrind '--callgrind-out-file={}' '{}/bin/rustc' \"$@\" ;;\n\
         *) exec \"$@\" ;;\n\
         esac\n",
        file.display(),
        sysroot.trim_end()
    );
    fs::write(&wrapper, script).expect("the folder is new");
    fs::set_permissions(&wrapper, Permissions::from_mode(0o755)).expect("it is ours");
    succeed(cargo.env("RUSTC_WRAPPER", &wrapper));
    total(&annotated(&file))
}

/// What callgrind has left, for people to read.
fn annotated(file: &Path) -> String {
    succeed(
        Command::new("callgrind_annotate")
            .args(["--inclusive=yes", "--threshold=100"])
            .arg(file),
    )
}

fn total(annotated: &str) -> u64 {
    first_number(annotated, "PROGRAM TOTALS").expect("callgrind gives a total")
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
