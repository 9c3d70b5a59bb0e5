//! The diagnosis of each execution that there is one of.

use std::collections::HashMap;

use crate::report::{Context, Diagnosis, Row, Run};

/// By what no two executions share. Worked out among all of a run, also those that are not shown.
#[derive(Debug, Default)]
pub(in super::super) struct Diagnoses {
    known: HashMap<OwnedExecution, Diagnosis>,
}

type OwnedExecution = (String, [String; 3], (u32, Option<u32>, u32), Option<String>);

impl Diagnoses {
    /// Of those that failed or were killed, and of those that passed although the machine cost them time.
    pub(in super::super) fn of(run: &Run) -> Self {
        // Most runs are good, and of those no more is to be known.
        let is_bad = run.rows.iter().any(|row| row.state.is_bad());
        let context = is_bad.then(|| Context::of_run(run));
        let diagnosed = run.rows.iter().filter_map(|row| {
            let diagnosis = match &context {
                Some(context) if row.state.is_bad() => Some(Diagnosis::of(row, context)),
                _ => Diagnosis::of_passed(row),
            };
            Some((execution(row), diagnosis?))
        });
        Self {
            known: diagnosed.collect(),
        }
    }

    pub(in super::super) fn get(&self, row: &Row) -> Option<&Diagnosis> {
        if self.known.is_empty() {
            return None;
        }
        self.known.get(&execution(row))
    }
}

fn execution(row: &Row) -> OwnedExecution {
    let test = [&row.package, &row.binary, &row.test].map(String::clone);
    (row.run_id.clone(), test, row.turn(), row.shard.clone())
}
