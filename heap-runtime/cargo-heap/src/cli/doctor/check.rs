//! One thing that can be measured, or not.

use std::fmt;

use serde::Serialize;

/// Whether it can.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    Good,
    Missing,
    /// Nobody has tried yet.
    Unknown,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Good => "good",
            Self::Missing => "missing",
            Self::Unknown => "unknown",
        })
    }
}

/// What was looked at, and what came of it.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Check {
    /// A name that stays.
    pub(super) name: &'static str,
    /// What is measured by it.
    pub(super) measures: &'static str,
    pub(super) state: State,
    /// What was found, or why it is missing.
    pub(super) found: String,
    /// What is to be done: one command, or what there is in place of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mend: Option<String>,
}

impl Check {
    pub(super) fn good(
        name: &'static str,
        measures: &'static str,
        found: impl Into<String>,
    ) -> Self {
        Self {
            name,
            measures,
            state: State::Good,
            found: found.into(),
            mend: None,
        }
    }

    pub(super) fn missing(
        name: &'static str,
        measures: &'static str,
        found: impl Into<String>,
        mend: impl Into<String>,
    ) -> Self {
        Self {
            name,
            measures,
            state: State::Missing,
            found: found.into(),
            mend: Some(mend.into()),
        }
    }

    pub(super) fn unknown(
        name: &'static str,
        measures: &'static str,
        found: impl Into<String>,
        mend: impl Into<String>,
    ) -> Self {
        Self {
            state: State::Unknown,
            ..Self::missing(name, measures, found, mend)
        }
    }
}
