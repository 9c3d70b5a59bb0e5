//! One answer: what was set side by side, what came out, and whether that is what we want.

use std::fmt;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::rounds::Spread;

/// One line of the table.
pub(crate) struct Finding {
    what: String,
    /// Each side and its figure.
    sides: Vec<(String, Spread)>,
    unit: &'static str,
    /// The figure that has a limit, and the limit.
    target: Option<(f64, f64)>,
    /// Why it was not measured, or what to keep in mind.
    note: Option<String>,
}

impl Finding {
    pub(crate) fn new(what: impl Into<String>, unit: &'static str) -> Self {
        Self {
            what: what.into(),
            sides: Vec::new(),
            unit,
            target: None,
            note: None,
        }
    }

    /// What was not measured, and why.
    pub(crate) fn skipped(what: impl Into<String>, why: &str) -> Self {
        Self::new(what, "").note(format!("not measured: {why}"))
    }

    pub(crate) fn side(mut self, name: impl Into<String>, spread: Spread) -> Self {
        self.sides.push((name.into(), spread));
        self
    }

    pub(crate) fn sides<'a>(mut self, sides: impl IntoIterator<Item = (&'a str, Spread)>) -> Self {
        let sides = sides.into_iter();
        self.sides
            .extend(sides.map(|(name, spread)| (name.to_owned(), spread)));
        self
    }

    /// `figure` is to be at most `limit`.
    pub(crate) fn at_most(mut self, figure: f64, limit: f64) -> Self {
        self.target = Some((figure, limit));
        self
    }

    pub(crate) fn note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }

    fn figures(&self) -> String {
        let mut text = String::new();
        let first = self.sides.first().map(|(_, spread)| spread.median);
        for (at, (name, spread)) in self.sides.iter().enumerate() {
            let separator = if at == 0 { "" } else { "; " };
            write!(text, "{separator}{name} {}", figure(spread.median)).expect("a String");
            if spread.min < spread.max {
                let (min, max) = (figure(spread.min), figure(spread.max));
                write!(text, " ({min}..{max})").expect("a String");
            }
            if let Some(first) = first
                && at > 0
                && first > 0.0
            {
                write!(text, " = {:.4}x", spread.median / first).expect("a String");
            }
        }
        if !self.unit.is_empty() {
            write!(text, " [{}]", self.unit).expect("a String");
        }
        text
    }

    fn verdict(&self) -> String {
        self.target.map_or_else(String::new, |(value, limit)| {
            let verdict = if value <= limit { "reached" } else { "MISSED" };
            format!("{value:.4} <= {}: {verdict}", figure(limit))
        })
    }

    fn json(&self, question: &str) -> Value {
        let sides: Vec<Value> = self
            .sides
            .iter()
            .map(|(name, spread)| {
                json!({"name": name, "median": spread.median, "min": spread.min, "max": spread.max})
            })
            .collect();
        json!({
            "question": question,
            "what": self.what,
            "unit": self.unit,
            "sides": sides,
            "target": self.target.map(|(figure, limit)| {
                json!({"figure": figure, "at_most": limit, "reached": figure <= limit})
            }),
            "note": self.note,
        })
    }
}

/// Four digits are more than any of these is sure of.
fn figure(value: f64) -> String {
    if value >= 1000.0 || value.fract() == 0.0 {
        format!("{value:.0}")
    } else {
        format!("{value:.3}")
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.figures())?;
        if self.target.is_some() {
            write!(f, "  [{}]", self.verdict())?;
        }
        match &self.note {
            Some(note) => write!(f, "  ({note})"),
            None => Ok(()),
        }
    }
}

/// The table for people and the file for programs.
pub(crate) fn write(folder: &Path, findings: &[(&str, Finding)]) {
    let mut table = String::from(
        "| question | what | figures; how many times the first | to reach | note |\n|---|---|---|---|---|\n",
    );
    for (question, finding) in findings {
        writeln!(
            table,
            "| {question} | {} | {} | {} | {} |",
            finding.what,
            finding.figures(),
            finding.verdict(),
            finding.note.as_deref().unwrap_or_default()
        )
        .expect("a String");
    }
    let all: Vec<Value> = findings
        .iter()
        .map(|(question, finding)| finding.json(question))
        .collect();
    fs::create_dir_all(folder).expect("the target folder can be written");
    fs::write(folder.join("table.md"), table).expect("the target folder can be written");
    let contents = serde_json::to_vec_pretty(&json!({ "findings": all })).expect("plain values");
    fs::write(folder.join("findings.json"), contents).expect("the target folder can be written");
}
