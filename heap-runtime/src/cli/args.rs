//! What people may write behind `cargo heap`.

use std::ffi::OsString;

use clap::{Args, Parser, Subcommand};

/// Reads the sidecars that `#[heap_tracked]` tests leave: what each test did to the heap, on which
/// host, and how it ended.
#[derive(Debug, Parser)]
#[command(name = "cargo-heap", bin_name = "cargo heap", version)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Runs `cargo test` as one run, then reports it
    Test(Test),
    /// Prints the JSON Schema of a sidecar
    #[command(hide = true)]
    Schema,
}

/// Runs `cargo test` as one run, then reports it.
///
/// All arguments go to cargo as they are. Without any for cargo, those of `test-args` in
/// `[workspace.metadata.heap]` of the workspace's Cargo.toml are used.
///
/// Exit status: 0 if all is good, 1 if the build or a test failed, 2 if cargo was used wrongly.
#[derive(Debug, Args)]
#[command(override_usage = "cargo heap test [CARGO ARGUMENTS] [-- HARNESS ARGUMENTS]")]
pub(super) struct Test {
    /// What `cargo test` is given
    #[arg(
        value_name = "CARGO ARGUMENTS",
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    cargo: Vec<OsString>,
}

impl Test {
    /// What cargo is given, out of `args`, in which a `--` is still where the user wrote it: the
    /// parser takes one that comes first for its own.
    pub(super) fn after(self, args: &[OsString]) -> Vec<OsString> {
        let start = args.len().saturating_sub(self.cargo.len());
        let start = match start.checked_sub(1) {
            Some(before) if args[before] == "--" => before,
            _ => start,
        };
        args[start..].to_vec()
    }
}

/// The arguments without the `heap` that cargo puts first when it runs an installed `cargo-heap`.
pub(super) fn of_subcommand(args: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut args: Vec<OsString> = args.into_iter().collect();
    if args.get(1).is_some_and(|first| first == "heap") {
        args.remove(1);
    }
    args
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    fn cargo_arguments(line: &str) -> Vec<OsString> {
        let args = of_subcommand(line.split(' ').map(OsString::from));
        let Command::Test(command) = Cli::try_parse_from(&args).unwrap().command else {
            panic!("{line} is no `test`");
        };
        command.after(&args)
    }

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn all_arguments_reach_cargo_as_they_are() {
        for (line, expected) in [
            ("cargo-heap test", ""),
            ("cargo-heap heap test", ""),
            ("cargo-heap test -p heap", "-p heap"),
            ("cargo-heap heap test --release -p a", "--release -p a"),
            ("cargo-heap test -- --nocapture", "-- --nocapture"),
            ("cargo-heap test name -- -q --help", "name -- -q --help"),
            ("cargo-heap test -- -- x", "-- -- x"),
            ("cargo-heap test --no-fail-fast --", "--no-fail-fast --"),
        ] {
            let expected: Vec<OsString> =
                expected.split_terminator(' ').map(OsString::from).collect();
            assert_eq!(cargo_arguments(line), expected, "{line}");
        }
    }
}
