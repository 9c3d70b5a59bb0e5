//! How a command ended.

/// How an invocation ended, where nothing went wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    /// Everything is as it should be.
    Good,
    /// There is a regression, or a test failed.
    Bad,
    /// Tests failed, and the machine explains all of them: another run may end otherwise.
    Confounded,
    /// What was started was ended by this signal.
    #[cfg_attr(
        not(unix),
        expect(
            dead_code,
            reason = "what ends there has an exit code, whatever ended it"
        )
    )]
    Signal(u8),
}
