//! What people may write behind `cargo heap`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub(super) use super::args_of_runs::{Clean, Pack, Runs, Schema, Unpack};
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
    /// Stores the results of a run, to compare later runs with
    #[command(subcommand)]
    Baseline(Baseline),
    Export(Export),
    Init(Init),
    Collect(Collect),
    Runs(Runs),
    Pack(Pack),
    Unpack(Unpack),
    Clean(Clean),
    Doctor(Doctor),
    /// Prints shell completions
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Prints the man page
    Man,
    Schema(Schema),
}

/// Runs `cargo test` as one run, then reports it.
///
/// Ctrl-C ends the tests, and what they have recorded so far is still reported. The kernel's counters before
/// and after the run, such as its out-of-memory kills, are stored beside the sidecars in `*.heap-run.json`,
/// so that there is a later reading even for a test that was killed last.
///
/// Options of `cargo heap` come first; everything from the first other argument on is passed to cargo
/// unchanged. If nothing is, `test-args` of `[workspace.metadata.heap]` in the workspace's Cargo.toml is
/// used. With any format but the table, cargo's output goes to stderr.
///
/// Exit status: 0 if all is good; 1 if the build or a test failed, even if only the report shows it because
/// the test ended its process; 2 if cargo was used wrongly; 3 if tests failed and the machine explains all of
/// them (see `--fail-on`); 128 plus the signal's number if a signal ended cargo. 3 needs `--nextest`, or a
/// cargo that saw no failure: plain `cargo test` does not say whether a test without a sidecar failed too.
#[derive(Debug, Args)]
#[command(override_usage = "cargo heap test [OPTIONS] [CARGO ARGUMENTS] [-- HARNESS ARGUMENTS]")]
pub(super) struct Test {
    /// Runs `cargo nextest run` instead
    #[arg(long)]
    pub(super) nextest: bool,
    /// Compares the run with this one: a file written by `baseline save`, a folder of sidecars, or a run's
    /// id; given several times, the parts of one run
    #[arg(long, value_name = "BASE")]
    pub(super) compare: Vec<OsString>,
    #[command(flatten)]
    pub(super) output: Output,
    /// Arguments passed to `cargo test`
    #[arg(
        value_name = "CARGO ARGUMENTS",
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    cargo: Vec<OsString>,
}

/// Reports a run, or several together, such as the partitions of a nextest run.
///
/// Exit status: 0 if all is good; 1 if a reported test failed or was killed and no later attempt by nextest
/// passed; 2 if there is no such run, nothing in it can be read, or `--filter` matches nothing; 3 if tests
/// failed and the machine explains all of them, so that another run may end differently (see `--fail-on`).
#[derive(Debug, Args)]
pub(super) struct Report {
    /// A folder of sidecars, a file of `pack`, a run's id or the beginning of one [default: the newest run]
    #[arg(value_name = "RUN")]
    pub(super) runs: Vec<OsString>,
    /// Also copies nextest's `JUnit` file IN to OUT, with each test's heap numbers as properties of its test
    /// case
    ///
    /// The properties are called `heap.own_peak_bytes` and so on, as the columns of `cargo heap export`;
    /// those of other attempts `heap.attempt2.own_peak_bytes`. Everything else is copied unchanged, test
    /// cases without a sidecar included. The file names its run: without RUN, that one is reported.
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
    /// The test's name, or a part of it that no other test's name has
    pub(super) test: String,
    /// A folder of sidecars, a file of `pack`, a run's id or the beginning of one [default: the newest run]
    #[arg(long, value_name = "RUN")]
    pub(super) run: Option<OsString>,
    /// The output format
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(super) format: TableOrJson,
}

/// Shows what changed between two runs, test by test.
///
/// A number counts if it moved by more than its error and the tolerance. The process tier counts only if no
/// other tracked test overlapped. Times and metrics vary between runs by themselves: with five readings on
/// each side (from several runs, stress rounds or iterations), a test is slower, which is a regression, if
/// the middle half of its times lies above that of the base; with fewer, a time that doubled and a metric
/// that moved by a quarter are listed, but do not count. A committed baseline has neither. If a run has
/// several parts, such as nextest's partitions, name all of them: those of the new run one after another,
/// those of the base with `--base`.
///
/// Exit status: 0 if nothing got worse, 1 if something did, 2 if the runs cannot be compared.
#[derive(Debug, Args)]
#[command(
    override_usage = "cargo heap compare [OPTIONS] <BASE> [NEW]...\n       \
                      cargo heap compare [OPTIONS] --base <BASE> [--base <BASE>]... [NEW]..."
)]
pub(super) struct Compare {
    /// A file written by `cargo heap baseline save`, a folder of sidecars, or a run's id
    #[arg(value_name = "BASE", required_unless_present = "bases")]
    first: Option<OsString>,
    /// The same [default: the newest run]
    #[arg(value_name = "NEW")]
    others: Vec<OsString>,
    /// A part of the base; what is named without `--base` is then the new run
    #[arg(long = "base", value_name = "BASE")]
    bases: Vec<OsString>,
    /// How much a number may change, such as `5%` or `64 KiB` [default: 4 KiB]
    #[arg(long, value_name = "AMOUNT")]
    pub(super) tolerance: Option<WrittenTolerance>,
    /// The output format
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(super) format: TableJsonMarkdown,
}

#[derive(Debug, Subcommand)]
pub(super) enum Baseline {
    /// Writes a run's results, test by test, to a file that can be committed
    Save(Save),
}

#[derive(Debug, Args)]
pub(super) struct Save {
    /// The file to write; an existing one is replaced
    pub(super) file: PathBuf,
    /// Folders of sidecars or run ids: the parts of one run [default: the newest run]
    #[arg(value_name = "RUN")]
    pub(super) runs: Vec<OsString>,
}

/// Prints a flat row for each test, to be read by other programs such as `DuckDB`.
///
/// Columns are stable: new ones may be added, but none is removed or changes its meaning.
#[derive(Debug, Args)]
#[command(after_long_help = QUESTIONS)]
pub(super) struct Export {
    /// Folders of sidecars or run ids [default: the newest run]
    #[arg(value_name = "RUN")]
    pub(super) runs: Vec<OsString>,
    /// All stored runs of this workspace
    #[arg(long, conflicts_with = "runs")]
    pub(super) all: bool,
    /// The output format
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(super) format: RowFormat,
    /// Lists the columns instead
    #[arg(long)]
    pub(super) columns: bool,
}

/// What can be asked of an export.
const QUESTIONS: &str = concat!(
    "Questions for DuckDB, over all stored runs:\n\n",
    "cargo heap export --all --format csv > rows.csv\n\n",
    include_str!("../../sql/worst_peaks.sql"),
    "\n",
    include_str!("../../sql/grown_peaks.sql"),
    "\n",
    include_str!("../../sql/failures_under_pressure.sql"),
);

/// Sets a package up for tracking: adds heap-runtime to its dev-dependencies, and jemalloc to its test
/// binaries.
///
/// With `--all`, every test gets the attribute too, right behind the one that makes it a test and on the same
/// line, so that line numbers stay the same. Tests in the bodies of macros are found, and those in calls of
/// `proptest!`, `quickcheck!` and `cfg_if!`. `--remove` removes all of that again, whoever wrote it, except
/// for the dependency.
///
/// The changes are shown, and what could not be changed is listed with its line and the reason. All files are
/// read before anything is written, and if a step fails, the files are restored. Commit first; `--dry-run`
/// writes nothing.
///
/// Exit status: 0 if it succeeded, 2 if the package cannot be read or written.
#[derive(Debug, Default, Args)]
pub(super) struct Init {
    /// Adds the attribute to every test
    #[arg(long)]
    pub(super) all: bool,
    /// Removes what `init` added, and every attribute
    #[arg(long, conflicts_with = "all")]
    pub(super) remove: bool,
    /// Packages of the workspace [default: that of the manifest, or all]
    #[arg(long, short, value_name = "NAME")]
    pub(super) package: Vec<String>,
    /// The manifest [default: that of this folder, or of the nearest one above]
    #[arg(long, value_name = "PATH")]
    pub(super) manifest_path: Option<PathBuf>,
    /// Only shows what would change
    #[arg(long)]
    pub(super) dry_run: bool,
    /// The output format
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(super) format: TableOrJson,
}

/// Makes a run of what tests wrote to a console or a port, as named by `HEAP_SINK`.
///
/// Anything else in the file is skipped. Records that a kill or other output has torn are reported, and do
/// not affect the others; a test of which only the beginning came through counts as killed.
///
/// Exit status: 0 if everything came through whole, 1 if something is torn, 2 if there is no sidecar in the
/// file.
#[derive(Debug, Args)]
pub(super) struct Collect {
    /// The file that the console was written to; `-` for standard input
    pub(super) file: PathBuf,
    /// Where to put the folder of the run [default: where it would be if its tests had run here]
    #[arg(long, value_name = "FOLDER")]
    pub(super) out: Option<PathBuf>,
}

/// Says what this machine, this user and this package can measure, and how to get the rest.
///
/// The machine and the user are judged by what the kernel says here. What tests have is judged by what those of the newest run
/// have left: which allocator, whether it calls back, whether threads are seen, what of their time could be read.
///
/// Exit status: 0 if all can be measured, 1 if something is missing, or not known because no test has run yet.
#[derive(Debug, Args)]
pub(super) struct Doctor {
    /// A folder of sidecars, a run's id or the beginning of one [default: the newest run]
    #[arg(value_name = "RUN")]
    pub(super) runs: Vec<OsString>,
    /// How it is printed
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(super) format: TableOrJson,
}

/// Which tests are reported, in which order.
#[derive(Debug, Default, Args)]
pub(super) struct Selection {
    /// Only tests whose name contains this text, or matches it if it is a /regular expression/; a text with a
    /// space is also looked for in the name with its binary
    #[arg(long, value_name = "TEXT")]
    pub(super) filter: Option<Filter>,
    /// The order of the tests; the largest numbers come first [default: outcome]
    #[arg(long, value_enum, value_name = "BY")]
    pub(super) sort: Option<Order>,
    /// Prints only this many tests; totals and exit status cover all of them
    #[arg(long, value_name = "N")]
    pub(super) top: Option<usize>,
}

/// How it is printed.
#[derive(Debug, Default, Args)]
pub(super) struct Output {
    /// The output format
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(super) format: Format,
    /// Also writes the report as one HTML page to this file
    #[arg(long, value_name = "FILE")]
    pub(super) html: Option<PathBuf>,
    /// Prints a GitHub annotation on stderr for each failed test and broken budget
    #[arg(long)]
    pub(super) github: bool,
    /// Which failures the exit status counts
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
