//! What `cargo heap schema` is asked for.

/// What there are schemas of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Of {
    /// The file of a test
    #[default]
    Sidecar,
    /// The file of a run itself
    RunRecord,
    /// `report --format json`
    Report,
    /// A line of `report --format ndjson`
    ReportLine,
    /// `show --format json`
    Show,
    /// `compare --format json`
    Compare,
    /// `runs --format json`
    Runs,
}
