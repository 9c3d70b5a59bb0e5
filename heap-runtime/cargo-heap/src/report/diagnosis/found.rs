//! What was found of a test, and what each cause of it weighs.

use std::collections::BTreeMap;

use super::cause::{Cause, CauseKind, Confidence, Scope};
use super::verdict::Verdict;

/// What was found of one kind, before it is weighed against the rest.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) verdict: Verdict,
    pub(super) scope: Scope,
    pub(super) confidence: Confidence,
    /// How much of the test's end it explains by itself, in percent.
    pub(super) strength: u64,
    pub(super) evidence: Vec<String>,
    pub(super) figures: BTreeMap<String, u64>,
}

impl Found {
    pub(super) fn nothing(verdict: Verdict, scope: Scope) -> Self {
        Self {
            verdict,
            scope,
            confidence: Confidence::Possible,
            strength: 0,
            evidence: Vec::new(),
            figures: BTreeMap::new(),
        }
    }

    /// One more piece of evidence.
    pub(super) fn add(&mut self, confidence: Confidence, strength: u64, evidence: String) {
        self.confidence = self.confidence.max(confidence);
        self.strength = self.strength.max(strength.min(100));
        self.evidence.push(evidence);
    }

    pub(super) fn figure(&mut self, name: &str, value: impl Into<Option<u64>>) {
        if let Some(value) = value.into() {
            self.figures.insert(name.to_owned(), value);
        }
    }

    pub(super) fn is_something(&self) -> bool {
        !self.evidence.is_empty()
    }
}

/// All of it by cause, the weightiest first.
pub(super) fn weighed(found: &[Found], rest: (CauseKind, Confidence)) -> Vec<Cause> {
    let mut causes: Vec<(u64, Cause)> = Vec::new();
    for found in found {
        let kind = found.verdict.cause();
        if let Some((strength, cause)) = causes.iter_mut().find(|(_, cause)| cause.kind == kind) {
            *strength = found.strength.max(*strength);
            cause.confidence = cause.confidence.max(found.confidence);
            cause.figures.extend(found.figures.clone());
        } else {
            let cause = Cause {
                kind,
                weight_percent: 0,
                scope: found.scope,
                confidence: found.confidence,
                figures: found.figures.clone(),
            };
            causes.push((found.strength, cause));
        }
    }
    let explained: u64 = causes.iter().map(|(strength, _)| strength).sum();
    let left = 100_u64.saturating_sub(explained);
    match causes.iter_mut().find(|(_, cause)| cause.kind == rest.0) {
        Some((strength, _)) => *strength += left,
        None if left > 0 => causes.push((
            left,
            Cause {
                kind: rest.0,
                weight_percent: 0,
                scope: Scope::Test,
                confidence: rest.1,
                figures: BTreeMap::new(),
            },
        )),
        None => {}
    }
    // Ties go to what was found first.
    causes.sort_by_key(|(strength, _)| std::cmp::Reverse(*strength));
    let all: u64 = causes.iter().map(|(strength, _)| strength).sum();
    let mut rounded = 0;
    for (strength, cause) in &mut causes {
        let share = u8::try_from(*strength * 100 / all.max(1)).unwrap_or(100);
        cause.weight_percent = share;
        rounded += share;
    }
    if let Some((_, first)) = causes.first_mut() {
        first.weight_percent += 100 - rounded;
    }
    causes.into_iter().map(|(_, cause)| cause).collect()
}
