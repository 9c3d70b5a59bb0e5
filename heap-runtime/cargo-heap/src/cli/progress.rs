//! How far long work has come, for people who wait at a terminal.

use std::sync::OnceLock;

use indicatif::{ProgressBar, ProgressStyle};

/// Fewer steps than that are done before anybody looks.
const LONG: usize = 2_000;

/// A bar on stderr that comes only where there is a terminal, and much to do; it goes at the end.
pub(super) struct Progress {
    what: &'static str,
    bar: OnceLock<ProgressBar>,
}

impl Progress {
    pub(super) fn of(what: &'static str) -> Self {
        Self {
            what,
            bar: OnceLock::new(),
        }
    }

    /// Of `all` steps, this many are done. May be told out of turn.
    pub(super) fn set(&self, done: usize, all: usize) {
        if all < LONG {
            return;
        }
        let bar = self.bar.get_or_init(|| {
            // Without a terminal, indicatif draws nothing.
            let bar = ProgressBar::new(all as u64).with_message(self.what);
            let style = ProgressStyle::with_template("{msg} {bar:40} {pos}/{len} {eta}");
            bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        if done as u64 > bar.position() {
            bar.set_position(done as u64);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = self.bar.get() {
            bar.finish_and_clear();
        }
    }
}
