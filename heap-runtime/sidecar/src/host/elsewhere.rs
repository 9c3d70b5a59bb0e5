//! In place of the files of `/proc` and `/sys`, on systems that have none: everything is absent.

use std::time::{Duration, Instant};

use crate::{HostContext, Resident};

/// This machine.
pub(super) static LIVE: Source = Source;

pub(super) struct Source;

impl Source {
    pub(super) const fn live() -> Self {
        Self
    }

    #[expect(clippy::unused_self, reason = "as where there is something to read")]
    pub(super) fn constant(&self) -> HostContext {
        HostContext::default()
    }

    #[expect(clippy::unused_self, reason = "as where there is something to read")]
    pub(super) fn known(&self, _: &HostContext) -> String {
        String::new()
    }

    #[expect(clippy::unused_self, reason = "as where there is something to read")]
    pub(super) fn remember(&self, _: &str) -> Option<HostContext> {
        None
    }

    #[expect(clippy::unused_self, reason = "as where there is something to read")]
    pub(super) fn changing(&self) -> HostContext {
        HostContext::default()
    }

    #[expect(clippy::unused_self, reason = "as where there is something to read")]
    pub(super) fn resident(&self) -> Resident {
        Resident::default()
    }

    #[expect(clippy::unused_self, reason = "as where there is something to read")]
    pub(super) fn resident_error(&self, _: &str) -> u64 {
        0
    }

    #[expect(clippy::unused_self, reason = "as where there is something to read")]
    pub(super) fn incidents(&self) -> HostContext {
        HostContext::default()
    }

    #[expect(clippy::unused_self, reason = "as where there is something to read")]
    pub(super) fn settings(&self) -> HostContext {
        HostContext::default()
    }
}

pub(super) fn uname() -> HostContext {
    HostContext::default()
}

pub(super) fn rlimits() -> HostContext {
    HostContext::default()
}

/// Files that would be read together.
pub(super) enum Group {
    Changing,
    Incidents,
    Settings,
}

pub(super) fn taken<T>(_: Group, _: Duration, read: impl FnOnce() -> T) -> (Instant, T) {
    (Instant::now(), read())
}

pub(super) fn is_all_told() -> bool {
    false
}

pub(super) fn put_recent(_: &mut String) {}

pub(super) fn remember_readings(_: &str) {}
