//! What may be written behind the commands that are about whole runs, and what they are kept in.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;

use super::format::TableOrJson;
use super::schema_of::Of;

/// Lists the runs that are kept, the newest first, by the names that other commands take.
///
/// Where `HEAP_SIDECAR_DIR` is set, those whose sidecars are in it.
#[derive(Debug, Args)]
pub(super) struct Runs {
    /// Those of other workspaces with the same target folder too
    #[arg(long)]
    pub(super) all: bool,
    /// The output format
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(super) format: TableOrJson,
}

/// Makes one file of a run, such as to upload it: every command that reads takes it in place of a run.
///
/// It is JSON in zstd, a line for each file of the run: `zstd -dc FILE` prints them. A run that still runs is packed as it is
/// at the moment. The run itself stays.
#[derive(Debug, Args)]
pub(super) struct Pack {
    /// A folder of sidecars, or a run's id [default: the newest run]
    #[arg(value_name = "RUN")]
    pub(super) run: Option<OsString>,
    /// The file to write; one that is there is replaced [default: the run's id and `.heap-pack.zst`, here]
    #[arg(long, value_name = "FILE")]
    pub(super) out: Option<PathBuf>,
}

/// Makes a run's folder of a file of `cargo heap pack` again, the same to the byte.
#[derive(Debug, Args)]
pub(super) struct Unpack {
    /// The file
    pub(super) file: PathBuf,
    /// The folder to make [default: what the file is called without `.heap-pack.zst`, here]
    #[arg(long, value_name = "FOLDER")]
    pub(super) out: Option<PathBuf>,
}

/// Prints a JSON Schema: of a sidecar, or of what a command prints for programs.
#[derive(Debug, Args)]
pub(super) struct Schema {
    /// What it is of
    #[arg(value_enum, default_value_t)]
    pub(super) of: Of,
}

/// Removes the folders of old runs of this workspace. Runs that have not ended, and folders with anything
/// else in them, are kept.
#[derive(Debug, Args)]
pub(super) struct Clean {
    /// How many of the newest runs to keep
    #[arg(long, value_name = "N")]
    pub(super) keep: usize,
    /// Only lists what would be removed
    #[arg(long)]
    pub(super) dry_run: bool,
}
