//! What sidecars say of others.

use std::collections::BTreeMap;

use crate::{SharedWith, Sidecar};

/// Puts into the sidecars of a process what others of it say of them.
pub(crate) fn hand_on(sidecars: &mut [Sidecar]) {
    type Whose = (String, String, String, u32, u32);
    let process = |of: &Sidecar| -> Whose {
        let (run, package, binary) = (&of.run_id, &of.package, &of.binary);
        (
            run.clone(),
            package.clone(),
            binary.clone(),
            of.pid,
            of.attempt,
        )
    };
    let mut told: BTreeMap<Whose, Vec<SharedWith>> = BTreeMap::new();
    for sidecar in sidecars.iter() {
        if !sidecar.heap.shared_with.is_empty() {
            let tests = told.entry(process(sidecar)).or_default();
            tests.extend_from_slice(&sidecar.heap.shared_with);
        }
    }
    if told.is_empty() {
        return;
    }
    for sidecar in sidecars {
        for with in told.get(&process(sidecar)).into_iter().flatten() {
            if let Some(own) = &mut sidecar.heap.own
                && with.is(&sidecar.test_name, sidecar.iteration)
            {
                own.shared = Some(own.shared.unwrap_or_default().and_beside(with));
                for budget in &mut sidecar.budgets {
                    // One that was broken has failed its test.
                    if budget.held == Some(true) {
                        budget.doubt(own);
                    }
                }
            }
        }
    }
}
