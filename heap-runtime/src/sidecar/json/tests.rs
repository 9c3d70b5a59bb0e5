//! The text of a sidecar, and that it is what `serde_json` would write.

use super::*;

use std::collections::BTreeMap;

use heap_sidecar::HostContext;
use serde::Serialize;
use serde_json::{Value, json};

fn text_of(value: &impl Serialize) -> String {
    let mut text = Vec::new();
    value
        .serialize(&mut Document::part(Writer::at_depth(0, &mut text)))
        .unwrap();
    String::from_utf8(text).unwrap()
}

/// It is what `serde_json` writes, which has a plus in front of an exponent.
fn is_the_same(value: &impl Serialize) {
    let expected = serde_json::to_string_pretty(value).unwrap();
    assert_eq!(text_of(value), expected.replace("e+", "e"));
    is_the_same_on_one_line(value);
}

fn is_the_same_on_one_line(value: &impl Serialize) {
    let mut line = Vec::new();
    to_line(value, &mut line);
    let expected = serde_json::to_string(value).unwrap().replace("e+", "e");
    assert_eq!(String::from_utf8(line).unwrap(), format!("\n{expected}\n"));
}

#[test]
fn what_is_formatted_once_stands_among_the_rest() {
    let whole: Sidecar = serde_json::from_value(json!({
        "format_version": 1, "status": "running", "test_name": "t", "package": "p",
        "binary": "b", "source": { "file": "f.rs", "line": 1 }, "run_id": "r",
        "runner": "other", "attempt": 1, "iteration": 0, "pid": 1, "started_at": "",
        "host": {
            "cpu_model": "c", "sched_tunables": { "a": "1", "b": "2" }, "online_cpus": 2,
            "cgroup_memory": { "max_bytes": 3 }
        },
        "host_before": { "vm_oom_kill": 0 },
        "heap": { "allocator": "jemalloc", "timeline": { "every_bytes": 1, "points": [[1, 2]] } }
    }))
    .unwrap();
    let value = |text: &[u8]| serde_json::from_slice::<Value>(text).unwrap();
    let json = |sidecar: &Sidecar, host: &[&HostMembers], before: &HostMembers| {
        let mut contents = b"what was there".to_vec();
        to_json(sidecar, host, before, &mut contents);
        contents
    };
    let pretty = |sidecar: &Sidecar| json(sidecar, &[], &HostMembers::default());

    let mut more = HostContext::default();
    more.rss_bytes = Some(4096);
    // All of it, none of it, a part of it; the text of a label is no member.
    let mut part = HostContext::default();
    part.kernel_cmdline = Some("\n  \"host\": {".into());
    part.sched_tunables = whole.host.sched_tunables.clone();
    for moved in [whole.host.clone(), HostContext::default(), part] {
        let mut rest = whole.clone();
        rest.labels.insert("l".into(), "\n  \"host\": {".into());
        let expected = {
            let mut expected = rest.clone();
            expected.host = rest.host.clone().merge(moved.clone()).merge(more.clone());
            pretty(&expected)
        };
        let moved_keys = serde_json::to_value(&moved).unwrap();
        let keys = moved_keys.as_object().unwrap().keys();
        let unknown = rest.host.redact(keys.map(String::as_str));
        assert!(unknown.is_empty(), "{unknown:?}");
        rest.host_before = HostContext::default();
        let spliced = json(
            &rest,
            &[
                &HostMembers::of(&moved),
                &HostMembers::default(),
                &HostMembers::of(&more),
            ],
            &HostMembers::of(&whole.host_before),
        );
        assert_eq!(value(&spliced), value(&expected));
        // In another order, it is the same text.
        let lines = |text: &[u8]| {
            let text = String::from_utf8(text.to_vec()).unwrap();
            let mut lines: Vec<_> = (text.lines())
                .map(|line| line.trim_end_matches(',').to_owned())
                .collect();
            lines.sort();
            lines
        };
        assert_eq!(lines(&spliced), lines(&expected));
    }
}

#[test]
fn points_are_on_one_line_and_all_else_is_pretty() {
    let value = json!({"budgets": [{"held": true}], "none": [], "points": [[1, -2], [3, 4]]});
    let text = text_of(&value);
    is_the_same_on_one_line(&value);
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    assert_eq!(
        text,
        "{\n  \"budgets\": [\n    {\n      \"held\": true\n    }\n  ],\n  \"none\": [],\n  \
         \"points\": [\n    [1, -2],\n    [3, 4]\n  ]\n}"
    );
}

#[test]
fn without_arrays_in_arrays_it_is_serde_jsons_own_layout() {
    let mut value = json!({"empty": {}, "none": [], "list": [1, "a", {"b": {}}, {}], "c": false});
    // Deeper than a line's blanks are written at once.
    for depth in 0..20 {
        value = json!({ "first": depth, "value": value, "z": [{ "last": [] }] });
    }
    is_the_same(&value);
}

#[test]
fn every_letter_is_escaped_as_serde_json_does() {
    let letters = (0..=0x2FFF).filter_map(char::from_u32);
    let all: String = letters.clone().chain(['\u{10FFFF}']).collect();
    is_the_same(&all);
    for letter in letters {
        is_the_same(&letter);
        is_the_same(&format!("{letter}{letter} and {letter}"));
    }
    is_the_same(&BTreeMap::from([("a \"key\"\n", "")]));
}

#[test]
fn every_number_is_written_as_serde_json_does() {
    for number in [0, 1, 9, 10, 99, 100, u64::from(u32::MAX), u64::MAX] {
        is_the_same(&number);
    }
    for number in [i64::MIN, -1, 0, 1, i64::MAX] {
        is_the_same(&number);
    }
    is_the_same(&(i8::MIN, i16::MIN, i32::MIN, u8::MAX, u16::MAX, u32::MAX));
    let mut power = 1e-9;
    while power < 1e20 {
        for number in [
            power,
            -power,
            power * 1.5,
            power / 3.0,
            f64::next_down(power),
        ] {
            is_the_same(&number);
        }
        power *= 10.0;
    }
    for number in [0.0, -0.0, f64::MIN_POSITIVE, 5e-324, f64::MAX, f64::EPSILON] {
        is_the_same(&number);
    }
    // Of every exponent there is. Of two texts that are as short and are read as it, either will do.
    let mut bits = 0x9E37_79B9_7F4A_7C15_u64;
    for _ in 0..20_000 {
        bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let number = f64::from_bits(bits);
        if number.is_finite() {
            let (text, expected) = (text_of(&number), serde_json::to_string(&number).unwrap());
            assert_eq!(
                text.len(),
                expected.replace("e+", "e").len(),
                "{text} {expected}"
            );
            assert_eq!(text.parse::<f64>().unwrap().to_bits(), number.to_bits());
        }
    }
}

#[derive(Serialize)]
enum Kind {
    Bare,
    Of(u8),
    Pair(u8, bool),
    Named { a: Vec<u8>, b: () },
}

#[derive(Serialize)]
struct Wrapped<T>(T);

#[derive(Serialize)]
struct Pair(u8, char);

#[test]
fn every_kind_of_value_is_written_as_serde_json_does() {
    is_the_same(&[Kind::Bare, Kind::Of(1)]);
    is_the_same(&BTreeMap::from([
        (1_usize, Kind::Pair(1, true)),
        (2, Kind::Of(2)),
    ]));
    is_the_same(&Some(Wrapped(Pair(1, 'ä'))));
    is_the_same(&BTreeMap::from([(-1, Wrapped(1)), (0, Wrapped(2))]));
}

#[test]
fn a_key_is_a_text_or_a_number() {
    let map = BTreeMap::from([([1, 2], 3)]);
    let mut text = Vec::new();
    let error = map.serialize(&mut Document::part(Writer::at_depth(0, &mut text)));
    assert_eq!(
        error.unwrap_err().to_string(),
        "a key is a text or a number"
    );
}

#[test]
fn there_is_no_null() {
    #[derive(Serialize)]
    struct Absent {
        none: Option<u8>,
        some: Option<u8>,
        nan: f64,
        map: BTreeMap<&'static str, f64>,
        list: Vec<Option<Vec<Option<u8>>>>,
        infinite: Wrapped<(Kind, f64)>,
        of_nothing: Option<Kind>,
        unit: (),
    }
    let value = Absent {
        none: None,
        some: Some(1),
        nan: f64::NAN,
        map: BTreeMap::from([("a", f64::INFINITY), ("b", 2.0), ("c", f64::NEG_INFINITY)]),
        list: vec![
            None,
            Some(vec![None, Some(3), None, Some(4)]),
            None,
            Some(Vec::new()),
        ],
        infinite: Wrapped((Kind::Bare, f64::NAN)),
        of_nothing: Some(Kind::Named { a: vec![5], b: () }),
        unit: (),
    };
    let written: Value = serde_json::from_str(&text_of(&value)).unwrap();
    assert_eq!(
        written,
        json!({
            "some": 1, "map": {"b": 2.0}, "list": [[3, 4], []], "infinite": ["Bare"],
            "of_nothing": {"Named": {"a": [5]}}
        })
    );
}

/// A variant of nothing is nothing, and what stands around it is whole.
#[test]
fn what_is_begun_and_has_no_value_is_taken_back() {
    #[derive(Serialize)]
    enum Deep {
        Of(Option<u8>),
    }
    let value = BTreeMap::from([
        ("a", Deep::Of(None)),
        ("b", Deep::Of(Some(1))),
        ("c", Deep::Of(None)),
    ]);
    assert_eq!(text_of(&value), "{\n  \"b\": {\n    \"Of\": 1\n  }\n}");
}
