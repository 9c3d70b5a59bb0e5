//! What commands print: formats for people, and for programs.

use clap::ValueEnum;

/// How a command prints that has no use for more.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum TableOrJson {
    /// For people
    #[default]
    Table,
    /// One JSON document
    Json,
}

/// How a comparison is printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum TableJsonMarkdown {
    /// For people
    #[default]
    Table,
    /// One JSON document
    Json,
    /// For a pull request, or `$GITHUB_STEP_SUMMARY`
    Markdown,
}

/// What rows are exported as.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum RowFormat {
    /// A line of JSON for each test; what was not measured is absent
    #[default]
    Ndjson,
    /// A heading and a line for each test; what was not measured is empty
    Csv,
}

/// How reports are printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people
    #[default]
    Table,
    /// One JSON document
    Json,
    /// For a pull request, or `$GITHUB_STEP_SUMMARY`
    Markdown,
    /// A line of JSON for each test
    Ndjson,
}

impl Format {
    /// How a comparison is printed beside such a report.
    pub(super) fn of_comparison(self) -> TableJsonMarkdown {
        match self {
            Self::Table => TableJsonMarkdown::Table,
            Self::Json | Self::Ndjson => TableJsonMarkdown::Json,
            Self::Markdown => TableJsonMarkdown::Markdown,
        }
    }
}
