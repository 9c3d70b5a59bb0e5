//! What jemalloc says, in the types that both `control` and `absent` give.

/// A block that is given a new size below this is not seen to be: of one that stays in its place, a sample
/// may count less than that twice. To see each would be felt where small vectors grow.
pub(crate) const SMALL_REALLOCATION: usize = 4 << 10;

/// What has happened in arenas that were made by hand. What such an arena frees all at once, no thread has freed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct ByHand {
    /// Blocks made and blocks freed. Never fewer than before, as what was counted in an arena that was destroyed
    /// is counted on.
    pub(crate) events: u64,
    /// Live bytes in small blocks: those go without an event where an arena is reset.
    pub(crate) small_bytes: u64,
}

/// One reading of the process-wide statistics: each present or absent by itself.
#[derive(Default)]
pub(crate) struct Statistics {
    pub(crate) active: Option<usize>,
    pub(crate) allocated: Option<usize>,
    pub(crate) resident: Option<usize>,
    pub(crate) mapped: Option<usize>,
    pub(crate) narenas: Option<usize>,
}
