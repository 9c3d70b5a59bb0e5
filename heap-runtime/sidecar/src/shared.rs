//! Threads that may have worked for another test than the one that started them.

use serde::{Deserialize, Serialize};

/// What of a test's own tier is not known, because threads may have worked for another test than the one that started
/// them, such as those of a pool that tests share.
///
/// Whose work a thread does is not seen. One that its test leaves running may be a pool's: what it has moved while
/// another tracked test of the process ran may be that test's. All zero is where there is no such thread; then the
/// tier has no such key.
///
/// ```
/// use heap_sidecar::{Limit, OwnTier, SharedThreads};
///
/// // It has started a pool, and another test has allocated 64 MiB there.
/// let mut shared = SharedThreads::default();
/// shared.included_allocated_bytes = 64 << 20;
/// let mut starts = OwnTier::default();
/// (starts.allocated_bytes, starts.retained_bytes) = ((64 << 20) + 4096, (64 << 20) + 4096);
/// starts.shared = Some(shared);
/// assert_eq!(Limit::MaxAllocated.bounds(&starts), Some((4096, (64 << 20) + 4096)));
///
/// // The other.
/// let mut shared = SharedThreads::default();
/// shared.beside_allocated_bytes = 64 << 20;
/// let mut works = OwnTier::default();
/// works.shared = Some(shared);
/// assert_eq!(Limit::MaxRetained.bounds(&works), Some((0, 64 << 20)));
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct SharedThreads {
    /// In the test's numbers, and perhaps not the test's: bytes that threads have allocated which it started and left
    /// running, while other tests ran.
    pub included_allocated_bytes: u64,
    /// The same, freed.
    pub included_deallocated_bytes: u64,
    /// Not in the test's numbers, and perhaps the test's: bytes that threads have allocated while it ran, which
    /// other tests started and left running.
    pub beside_allocated_bytes: u64,
    /// The same, freed.
    pub beside_deallocated_bytes: u64,
}

impl SharedThreads {
    /// What is said of a number that is not known for such threads.
    pub const NOTE: &str = "not known: threads of a pool shared by tests";

    /// The same, and that there is what another test says.
    ///
    /// ```
    /// use heap_sidecar::{SharedThreads, SharedWith};
    ///
    /// let other = SharedWith::new("queue::a_burst_fits".into(), 0, [4096, 32]);
    /// let shared = SharedThreads::default().and_beside(&other);
    /// assert_eq!((shared.beside_allocated_bytes, shared.beside_deallocated_bytes), (4096, 32));
    /// ```
    #[must_use]
    pub fn and_beside(mut self, other: &SharedWith) -> Self {
        let sum = u64::saturating_add;
        self.beside_allocated_bytes = sum(self.beside_allocated_bytes, other.allocated_bytes);
        self.beside_deallocated_bytes = sum(self.beside_deallocated_bytes, other.deallocated_bytes);
        self
    }
}

/// An execution of a test of the same process that had ended when this one left threads running, which may have worked
/// for it. It could not be said in its own sidecar: readers take it from here.
///
/// ```
/// let other = heap_sidecar::SharedWith::new("queue::a_burst_fits".into(), 0, [64 << 20, 0]);
/// assert_eq!(other.allocated_bytes, 64 << 20);
/// assert!(other.is("queue::a_burst_fits", 0));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct SharedWith {
    /// The test.
    pub test_name: String,
    /// Which execution of it in the process.
    pub iteration: u32,
    /// Bytes that those threads have allocated while it ran.
    pub allocated_bytes: u64,
    /// Bytes that they have freed meanwhile.
    pub deallocated_bytes: u64,
}

impl SharedWith {
    /// That test, and the bytes allocated and freed while it ran.
    #[must_use]
    pub fn new(test_name: String, iteration: u32, [allocated, deallocated]: [u64; 2]) -> Self {
        Self {
            test_name,
            iteration,
            allocated_bytes: allocated,
            deallocated_bytes: deallocated,
        }
    }

    /// Whether it is this execution, of the same process.
    #[must_use]
    pub fn is(&self, test_name: &str, iteration: u32) -> bool {
        self.test_name == test_name && self.iteration == iteration
    }
}
