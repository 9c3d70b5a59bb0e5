//! How the test's process ended, where somebody saw it.

use super::cause::{Confidence, Scope};
use super::found::Found;
use super::verdict::Verdict;
use crate::report::context::Context;
use crate::report::end::End;
use crate::report::row::Row;
use crate::report::state::State;

/// What it explains by itself that a process was killed, in percent: by whom and why is another matter.
const KILL_STRENGTH: u64 = 50;

const SIGKILL: i32 = 9;

pub(super) fn ended(row: &Row, context: &Context<'_>) -> Found {
    let verdict = match row.end {
        Some(End::TimedOut) => Verdict::TimedOut,
        Some(end) if end.is_from_outside() => Verdict::Interrupted,
        Some(End::Exit(_)) => Verdict::Exited,
        Some(End::Signal(_)) => Verdict::Signal,
        None => Verdict::Interrupted,
    };
    let mut found = Found::nothing(verdict, Scope::Test);
    if row.state != State::Killed {
        return found;
    }
    let (strength, evidence) = match row.end {
        None => {
            if let Some(end) = context.interrupted(row) {
                let evidence = format!("`cargo heap test` was interrupted while it ran: {end}");
                found.add(Confidence::Likely, 100, evidence);
            }
            return found;
        }
        Some(End::TimedOut) => (
            100,
            "its runner ended it, because it took too long".to_owned(),
        ),
        Some(end @ End::Signal(SIGKILL)) => {
            (KILL_STRENGTH, format!("its process was killed: {end}"))
        }
        Some(End::Exit(code)) => (
            100,
            format!("its process exited in the middle of the test, with status {code}"),
        ),
        Some(end) if end.is_from_outside() => {
            (100, format!("its process was ended from outside: {end}"))
        }
        Some(end) => (100, format!("its process was ended: {end}")),
    };
    found.add(Confidence::Sure, strength, evidence);
    if let Some(End::Signal(number)) = row.end {
        found.figure("signal", u64::try_from(number).ok());
    }
    found
}

/// Whether it may have been the out-of-memory killer, which kills.
pub(super) fn may_be_killed(row: &Row) -> bool {
    row.state == State::Killed && matches!(row.end, None | Some(End::Signal(SIGKILL)))
}
