//! Which failures are to end a command with which exit status.

use super::status::Status;
use super::terminal;

/// What the exit status is about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum FailOn {
    /// Every test that failed: 1, and 3 where the machine explains all of them
    #[default]
    Any,
    /// What the machine does not explain: 1, and 0 where it explains all that failed
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
