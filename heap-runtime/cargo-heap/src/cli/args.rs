//! What people may write behind `cargo heap`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use super::fail_on::FailOn;
use super::filter::Filter;
use super::format::{Format, RowFormat, TableJsonMarkdown, TableOrJson};
use super::tolerance::WrittenTolerance;
use crate::report::Order;

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
    Test(Test),
    Report(Report),
    Show(Show),
    Compare(Compare),
    /// Keeps what a run came to, to compare later ones with
    #[command(subcommand)]
    Baseline(Baseline),
    Export(Export),
    Init(Init),
    Collect(Collect),
    Clean(Clean),
    /// Prints what a shell needs to complete `cargo-heap`
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Prints the man page
    Man,
    /// Prints the JSON Schema of a sidecar
    #[command(hide = true)]
    Schema,
}

/// Runs `cargo test` as one run, then reports it.
///
/// Ctrl-C ends the tests, and what there is of them is still reported. What the kernel has counted
/// around the run, such as its kills for want of memory, is kept beside the sidecars, in
/// `*.heap-run.json`: so a test that was killed last is not without a reading after it.
///
/// The options of `cargo heap` itself come first; from the first argument on that is not one of
/// them, everything goes to cargo as it is. Where nothing does, `test-args` of
/// `[workspace.metadata.heap]` in the workspace's Cargo.toml is used. With another format than the
/// table, what cargo prints goes to stderr.
///
/// Exit status: 0 if all is good, 1 if the build or a test failed, also one that only the report tells
/// of, as it ended its process; 2 if cargo was used wrongly, 128 and the signal's number if a signal
/// ended cargo. 3 if tests failed and the machine explains all of them: `--fail-on`. That takes
/// `--nextest`, or a cargo that has seen no failure: plain `cargo test` does not tell whether a test
/// without a sidecar failed too.
#[derive(Debug, Args)]
#[command(override_usage = "cargo heap test [OPTIONS] [CARGO ARGUMENTS] [-- HARNESS ARGUMENTS]")]
pub(super) struct Test {
    /// Runs `cargo nextest run` instead
    #[arg(long)]
    pub(super) nextest: bool,
    /// Compares with this afterwards: a file of `baseline save`, a folder of sidecars, or a run's id;
    /// several for the parts of one run
    #[arg(long, value_name = "BASE")]
    pub(super) compare: Vec<OsString>,
    #[command(flatten)]
    pub(super) output: Output,
    /// What `cargo test` is given
    #[arg(
        value_name = "CARGO ARGUMENTS",
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    cargo: Vec<OsString>,
}

/// Reports a run, or several together, such as the partitions of nextest's.
///
/// Exit status: 0 if all is good, 1 if a reported test failed or was killed and no later attempt of
/// nextest's passed, 2 if there is no such run, or nothing in it that can be read or that `--filter` takes.
/// 3 if tests failed and the machine explains all of them, so that another run may end otherwise:
/// `--fail-on`.
#[derive(Debug, Args)]
pub(super) struct Report {
    /// A folder of sidecars, a run's id or the beginning of one [default: the newest run]
    #[arg(value_name = "RUN")]
    pub(super) runs: Vec<OsString>,
    /// Also copies nextest's `JUnit` file IN to OUT, with each test's heap numbers as properties of
    /// its test case
    ///
    /// The properties are called `heap.own_peak_bytes` and so on, as the columns of `cargo heap
    /// export`; those of other attempts `heap.attempt2.own_peak_bytes`. All else stays as it is, and
    /// a test case without a sidecar is not touched. The file names its run: without RUN, that one
    /// is reported.
    #[arg(long, num_args = 2, value_names = ["IN", "OUT"])]
    pub(super) junit: Option<Vec<PathBuf>>,
    #[command(flatten)]
    pub(super) selection: Selection,
    #[command(flatten)]
    pub(super) output: Output,
}

/// Shows everything about one test: its numbers, its timeline, its budgets, the host around it.
///
/// Exit status: 0 if it is good, 1 if it failed or was killed, 2 if there is no such test.
#[derive(Debug, Args)]
pub(super) struct Show {
    /// The test's name, or part of it that no other test has
    pub(super) test: String,
    /// A folder of sidecars, a run's id or the beginning of one [default: the newest run]
    #[arg(long, value_name = "RUN")]
    pub(super) run: Option<OsString>,
    /// How it is printed
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(super) format: TableOrJson,
}

/// Shows what changed between two runs, test by test.
///
/// A number counts where it moved by more than its error and the tolerance. The process tier counts
/// only where no other tracked test overlapped. Times and metrics differ from run to run by
/// themselves: with five readings on either side (several runs, stress rounds, iterations), a test
/// whose middle half of times lies above that of the base is slower, a regression; with fewer, what
/// is twice as long, and a metric that is a quarter larger or smaller, is named, and counts for
/// nothing. A committed baseline has neither. Of runs that are parts of one, such as nextest's
/// partitions, several are named: the new ones behind each other, those of the base with `--base`.
///
/// Exit status: 0 if nothing got worse, 1 if something did, 2 if the runs cannot be compared.
#[derive(Debug, Args)]
#[command(
    override_usage = "cargo heap compare [OPTIONS] <BASE> [NEW]...\n       \
                      cargo heap compare [OPTIONS] --base <BASE> [--base <BASE>]... [NEW]..."
)]
pub(super) struct Compare {
    /// A file of `cargo heap baseline save`, a folder of sidecars, or a run's id
    #[arg(value_name = "BASE", required_unless_present = "bases")]
    first: Option<OsString>,
    /// The same [default: the newest run]
    #[arg(value_name = "NEW")]
    others: Vec<OsString>,
    /// A part of the base; all that is named without it is new then
    #[arg(long = "base", value_name = "BASE")]
    bases: Vec<OsString>,
    /// By how much a number may change, as `5%` or `64 KiB` [default: 4 KiB]
    #[arg(long, value_name = "AMOUNT")]
    pub(super) tolerance: Option<WrittenTolerance>,
    /// How it is printed
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(super) format: TableJsonMarkdown,
}

#[derive(Debug, Subcommand)]
pub(super) enum Baseline {
    /// Writes what a run came to, test by test, to a file that can be committed
    Save(Save),
}

#[derive(Debug, Args)]
pub(super) struct Save {
    /// The file to write; one that is there is replaced
    pub(super) file: PathBuf,
    /// Folders of sidecars, or runs' ids, which are parts of one run [default: the newest run]
    #[arg(value_name = "RUN")]
    pub(super) runs: Vec<OsString>,
}

/// Prints a flat row for each test, to be read by other programs such as `DuckDB`.
///
/// Columns are stable: new ones may come, and none changes its meaning or goes.
#[derive(Debug, Args)]
#[command(after_long_help = QUESTIONS)]
pub(super) struct Export {
    /// Folders of sidecars, or runs' ids [default: the newest run]
    #[arg(value_name = "RUN")]
    pub(super) runs: Vec<OsString>,
    /// All runs that are kept
    #[arg(long, conflicts_with = "runs")]
    pub(super) all: bool,
    /// What rows are printed as
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(super) format: RowFormat,
    /// Prints what the columns are instead
    #[arg(long)]
    pub(super) columns: bool,
}

/// What can be asked of an export.
const QUESTIONS: &str = concat!(
    "Questions for DuckDB, over all runs that are kept:\n\n",
    "cargo heap export --all --format csv > rows.csv\n\n",
    include_str!("../../sql/worst_peaks.sql"),
    "\n",
    include_str!("../../sql/grown_peaks.sql"),
    "\n",
    include_str!("../../sql/failures_under_pressure.sql"),
);

/// Sets a package up for tracking: heap-runtime among its dev-dependencies, jemalloc in its test binaries.
///
/// With `--all`, every test has the attribute too, behind what makes it a test and on the same line, so that all lines keep
/// their numbers; those in the bodies of macros are found, and in the calls of `proptest!`, `quickcheck!` and `cfg_if!`.
/// What has it already stays as it is. With `--remove`, all of that goes again, whoever wrote it, but for the dependency.
///
/// The difference is shown, and what could not be touched is named, with its line and the reason. Nothing is written before
/// all files are read; commit before, and `--dry-run` writes nothing.
///
/// Exit status: 0 if it is done, 2 if the package cannot be read or written.
#[derive(Debug, Default, Args)]
pub(super) struct Init {
    /// Puts the attribute on every test
    #[arg(long)]
    pub(super) all: bool,
    /// Takes away what `init` puts in, and every attribute
    #[arg(long, conflicts_with = "all")]
    pub(super) remove: bool,
    /// Packages of the workspace [default: that of the manifest, or all]
    #[arg(long, short, value_name = "NAME")]
    pub(super) package: Vec<String>,
    /// The manifest [default: that of this folder, or of one above]
    #[arg(long, value_name = "PATH")]
    pub(super) manifest_path: Option<PathBuf>,
    /// Only shows what would be changed
    #[arg(long)]
    pub(super) dry_run: bool,
    /// How it is printed
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(super) format: TableOrJson,
}

/// Makes a run of what tests have written to a console or a port, as `HEAP_SINK` names it.
///
/// Whatever else is in the file is passed over. What a kill or other output has torn is said, and loses nothing of
/// what is whole; a test of which only the beginning came through is one that was killed.
///
/// Exit status: 0 if all came through whole, 1 if something is torn, 2 if there is no sidecar in it.
#[derive(Debug, Args)]
pub(super) struct Collect {
    /// The file that the console was written to; `-` for standard input
    pub(super) file: PathBuf,
    /// Puts the run into a folder in this one [default: where it would be if its tests had run here]
    #[arg(long, value_name = "FOLDER")]
    pub(super) out: Option<PathBuf>,
}

/// Removes the folders of old runs of this workspace. A run that still runs, and a folder with anything
/// else in it, stays.
#[derive(Debug, Args)]
pub(super) struct Clean {
    /// The newest so many runs stay
    #[arg(long, value_name = "N")]
    pub(super) keep: usize,
    /// Only says what would be removed
    #[arg(long)]
    pub(super) dry_run: bool,
}

/// Which tests are reported, in which order.
#[derive(Debug, Default, Args)]
pub(super) struct Selection {
    /// Only tests whose name contains this, or matches /this regular expression/; one with a blank is also
    /// looked for in the name with its binary
    #[arg(long, value_name = "TEXT")]
    pub(super) filter: Option<Filter>,
    /// What comes first; numbers come the largest first [default: outcome]
    #[arg(long, value_enum, value_name = "BY")]
    pub(super) sort: Option<Order>,
    /// Prints only so many tests; totals and exit status are of all
    #[arg(long, value_name = "N")]
    pub(super) top: Option<usize>,
}

/// How it is printed.
#[derive(Debug, Default, Args)]
pub(super) struct Output {
    /// How it is printed
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(super) format: Format,
    /// Also writes a page to this file: tables, pictures, all in one
    #[arg(long, value_name = "FILE")]
    pub(super) html: Option<PathBuf>,
    /// Adds an annotation of GitHub's on stderr for each failed test and broken budget
    #[arg(long)]
    pub(super) github: bool,
    /// What the exit status is about
    #[arg(long, value_enum, default_value_t, value_name = "WHAT")]
    pub(super) fail_on: FailOn,
}

impl Compare {
    /// What is compared with.
    pub(super) fn base_names(&self) -> Vec<OsString> {
        if self.bases.is_empty() {
            self.first.iter().cloned().collect()
        } else {
            self.bases.clone()
        }
    }

    /// What is compared; nothing where that is the newest run.
    pub(super) fn new_names(&self) -> Vec<OsString> {
        let first = self.first.iter().filter(|_| !self.bases.is_empty());
        first.chain(&self.others).cloned().collect()
    }
}

impl Test {
    /// What cargo is given, out of `args`, in which a `--` is still where the user wrote it: the
    /// parser takes one that comes first for its own.
    pub(super) fn cargo_arguments(&self, args: &[OsString]) -> Vec<OsString> {
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
        command.cargo_arguments(&args)
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
            ("cargo-heap test --github -- x", "-- x"),
            (
                "cargo-heap test --nextest -p a --compare b",
                "-p a --compare b",
            ),
            ("cargo-heap test --format json --lib", "--lib"),
            ("cargo-heap test --no-fail-fast --", "--no-fail-fast --"),
        ] {
            let expected: Vec<OsString> =
                expected.split_terminator(' ').map(OsString::from).collect();
            assert_eq!(cargo_arguments(line), expected, "{line}");
        }
    }
}
