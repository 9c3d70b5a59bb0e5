//! `cargo heap export`.

use insta::assert_snapshot;
use serde_json::Value;

use crate::run::{Run, program};

#[test]
fn both_formats_have_the_same_rows() {
    let run = Run::of_all_kinds();
    let csv = run.heap("export", &["--format", "csv"]).stdout;
    let ndjson = run.heap("export", &[]).stdout;
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let headings = reader.headers().unwrap().clone();
    let records: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let rows: Vec<Value> = ndjson
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(records.len(), 7);
    assert_eq!(rows.len(), 7);
    for (record, row) in records.iter().zip(&rows) {
        for (heading, cell) in headings.iter().zip(record) {
            let expected = match row.get(heading) {
                None => String::new(),
                Some(Value::String(text)) => text.clone(),
                Some(value) => value.to_string(),
            };
            assert_eq!(cell, expected, "{heading}");
        }
    }
}

#[test]
fn the_columns_are_documented_and_stable() {
    let output = program().args(["export", "--columns"]).output().unwrap();
    assert_snapshot!("columns", String::from_utf8(output.stdout).unwrap());
}
