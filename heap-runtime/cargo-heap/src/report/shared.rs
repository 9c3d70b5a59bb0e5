//! What sidecars say of others: threads that a test left running may have worked for those that had ended.

use std::collections::HashMap;

use heap_sidecar::{Limit, OwnTier, SharedWith};

use super::row::Row;

impl Row {
    /// What the sidecar of another test says of this one.
    pub(super) fn share(&mut self, with: &SharedWith) {
        self.own_shared = Some(self.own_shared.unwrap_or_default().and_beside(with));
        let Some(own) = self.own() else { return };
        for budget in self.budgets.iter_mut().flatten() {
            // One that was broken has failed its test.
            if budget.held == Some(true) {
                budget.doubt(&own);
            }
        }
    }

    /// The own tier.
    fn own(&self) -> Option<OwnTier> {
        let mut own = OwnTier::default();
        own.allocated_bytes = self.own_allocated_bytes?;
        own.deallocated_bytes = self.own_deallocated_bytes?;
        own.retained_bytes = self.own_retained_bytes?;
        own.peak_bytes = self.own_peak_bytes;
        own.peak_error_bytes = self.own_peak_error_bytes;
        own.allocations = self.own_allocations;
        own.shared = self.own_shared;
        Some(own)
    }

    /// What a limit's number is at the least and at the most, where that is not known for threads that tests share.
    pub(crate) fn not_known(&self, limit: Limit) -> Option<(i64, i64)> {
        self.own_shared?;
        let own = self.own()?;
        let mut known = own;
        known.shared = None;
        limit
            .bounds(&own)
            .filter(|bounds| limit.bounds(&known) != Some(*bounds))
    }
}

/// What the sidecar of a row says of other tests of its process.
pub(super) struct Shares {
    by: Process,
    with: Vec<SharedWith>,
}

/// A run, a package, a binary, a process and an attempt.
type Process = (String, String, String, u32, u32);

fn process(row: &Row) -> Process {
    let (run, package, binary) = (&row.run_id, &row.package, &row.binary);
    (
        run.clone(),
        package.clone(),
        binary.clone(),
        row.pid,
        row.attempt,
    )
}

impl Shares {
    pub(super) fn new(by: &Row, with: Vec<SharedWith>) -> Option<Self> {
        (!with.is_empty()).then(|| Self {
            by: process(by),
            with,
        })
    }
}

/// Has the tests know.
pub(super) fn hand_on(rows: &mut [Row], shares: Vec<Shares>) {
    if shares.is_empty() {
        return;
    }
    let mut told: HashMap<Process, Vec<SharedWith>> = HashMap::new();
    for Shares { by, with } in shares {
        told.entry(by).or_default().extend(with);
    }
    for row in rows {
        for with in told.get(&process(row)).into_iter().flatten() {
            if with.is(&row.test, row.iteration) {
                row.share(with);
            }
        }
    }
}
