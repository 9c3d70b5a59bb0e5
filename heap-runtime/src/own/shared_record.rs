//! What a sidecar says of threads that tests share.

use super::shared::{ExecutionId, Handed, Shared};
use crate::sidecar::{SharedThreads, SharedWith};

/// What is not known of a test's numbers, where there is something.
pub(super) fn threads(Shared { included, beside }: Shared) -> Option<SharedThreads> {
    let mut shared = SharedThreads::default();
    shared.included_allocated_bytes = included.allocated;
    shared.included_deallocated_bytes = included.deallocated;
    shared.beside_allocated_bytes = beside.allocated;
    shared.beside_deallocated_bytes = beside.deallocated;
    (shared != SharedThreads::default()).then_some(shared)
}

/// Who had ended by then.
pub(super) fn others(handed: Vec<Handed>) -> Vec<SharedWith> {
    let one = |(execution, moved): Handed| {
        let ExecutionId {
            test_name,
            iteration,
        } = execution;
        SharedWith::new(test_name, iteration, [moved.allocated, moved.deallocated])
    };
    handed.into_iter().map(one).collect()
}
