//! strace: what a process asks of the kernel, and a kernel that refuses or kills in answer.

use std::ffi::OsStr;
use std::process::Command;

use crate::damage;

/// Whether processes may be traced here. Where they may not, the test is skipped, and says so.
#[must_use]
pub fn is_possible() -> bool {
    let probe = Command::new("strace")
        .args(["-o", "/dev/null", "true"])
        .output();
    match probe {
        Ok(output) if output.status.success() => true,
        Ok(output) => {
            let why = String::from_utf8_lossy(&output.stderr);
            damage::skip(&format!("strace may not trace: {why}"));
            false
        }
        Err(error) => {
            damage::skip(&format!("strace (its Debian package): {error}"));
            false
        }
    }
}

/// The same command under strace, with options of its own.
#[must_use]
pub fn traced(command: &Command, options: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
    let mut traced = Command::new("strace");
    traced
        .arg("-f")
        .args(options)
        .arg(command.get_program())
        .args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => traced.env(name, value),
            None => traced.env_remove(name),
        };
    }
    traced
}
