//! Causes in one line.

use std::fmt::Write as _;

use crate::report::Diagnosis;
use crate::report::diagnosis::Scope;

/// `cpu_contention 63 % (host, likely), test 37 % (possible)`: in the words of the JSON, which the guide explains.
pub(super) fn words(diagnosis: &Diagnosis) -> String {
    let mut words = String::new();
    for cause in &diagnosis.causes {
        let between = if words.is_empty() { "" } else { ", " };
        let (kind, weight) = (cause.kind, cause.weight_percent);
        let scope = match cause.scope {
            Scope::Test => String::new(),
            scope => format!("{scope}, "),
        };
        let confidence = cause.confidence;
        write!(words, "{between}{kind} {weight} % ({scope}{confidence})")
            .expect("a String takes all");
    }
    words
}
