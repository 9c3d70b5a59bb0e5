//! Which failures are to end a command with which exit status.

use super::status::Status;
use super::terminal;

/// What the exit status is about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum FailOn {
    /// Every failed test: 1, or 3 if the machine explains all of them
    #[default]
    Any,
    /// Only failures that the machine does not explain: 1, or 0 if it explains all of them
    Unexplained,
}

impl FailOn {
    /// How a command ends that has found this.
    pub(super) fn status(self, found: Status) -> Status {
        match (self, found) {
            (Self::Unexplained, Status::Confounded) => {
                terminal::note(
                    &"tests failed, and the machine explains all of them: see `causes`; `--fail-on unexplained` \
                      lets them pass",
                );
                Status::Good
            }
            (_, found) => found,
        }
    }
}
