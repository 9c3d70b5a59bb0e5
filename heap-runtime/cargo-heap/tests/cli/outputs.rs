//! What is printed for programs, against the schemas of it.
//!
//! The schemas are made of the types, and so is what is printed: that they are of one mind is what is asked here, of
//! outputs with as much in them as there can be.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::run::{Run, failed, killed, passed, program};

/// A schema that was asked for.
fn schema(of: &str) -> Value {
    let output = program().args(["schema", of]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What is wrong with a value, in the words of JSON Schema that schemars writes. Another one is an error: it would
/// be passed over.
struct Validator<'a> {
    root: &'a Value,
    wrong: Vec<String>,
}

/// What is said of a value without asking anything of it.
const NOTES: [&str; 8] = [
    "$schema",
    "$defs",
    "$ref",
    "title",
    "description",
    "default",
    "format",
    "required",
];

impl Validator<'_> {
    fn resolved<'a>(&'a self, schema: &'a Value) -> &'a Value {
        match schema.get("$ref").and_then(Value::as_str) {
            Some(path) => self
                .root
                .pointer(&path[1..])
                .expect("what is referred to is there"),
            None => schema,
        }
    }

    fn is_valid(&self, value: &Value, schema: &Value) -> bool {
        let mut other = Validator {
            root: self.root,
            wrong: Vec::new(),
        };
        other.check(value, schema, "");
        other.wrong.is_empty()
    }

    fn check(&mut self, value: &Value, schema: &Value, at: &str) {
        let schema = match schema {
            Value::Bool(true) => return,
            Value::Bool(false) => {
                self.wrong.push(format!("{at} should not be there"));
                return;
            }
            schema => self.resolved(schema).clone(),
        };
        let of = schema.as_object().expect("a schema is an object");
        for (word, argument) in of {
            let holds = match &**word {
                "type" => is_of_type(value, argument),
                "const" => value == argument,
                "enum" => argument.as_array().unwrap().contains(value),
                "minimum" => value
                    .as_f64()
                    .is_none_or(|value| value >= argument.as_f64().unwrap()),
                "maximum" => value
                    .as_f64()
                    .is_none_or(|value| value <= argument.as_f64().unwrap()),
                "minItems" => value
                    .as_array()
                    .is_none_or(|all| all.len() as u64 >= argument.as_u64().unwrap()),
                "maxItems" => value
                    .as_array()
                    .is_none_or(|all| all.len() as u64 <= argument.as_u64().unwrap()),
                "uniqueItems" => value
                    .as_array()
                    .is_none_or(|all| (1..all.len()).all(|at| !all[..at].contains(&all[at]))),
                "anyOf" => argument
                    .as_array()
                    .unwrap()
                    .iter()
                    .any(|one| self.is_valid(value, one)),
                "oneOf" => {
                    let of = argument.as_array().unwrap();
                    of.iter().filter(|one| self.is_valid(value, one)).count() == 1
                }
                "pattern" => value
                    .as_str()
                    .is_none_or(|text| is_like(text, argument.as_str().unwrap())),
                "properties"
                | "patternProperties"
                | "additionalProperties"
                | "items"
                | "prefixItems" => true,
                note if NOTES.contains(&note) => true,
                word => panic!("{word} is not known at {at}"),
            };
            if !holds {
                self.wrong
                    .push(format!("{at}: {value} is not {word} {argument}"));
            }
        }
        if let Value::Object(object) = value {
            self.check_object(object, of, at);
        }
        if let Value::Array(values) = value {
            let places = of.get("prefixItems").and_then(Value::as_array);
            for (index, value) in values.iter().enumerate() {
                let item = places
                    .and_then(|places| places.get(index))
                    .or_else(|| of.get("items"));
                if let Some(item) = item {
                    self.check(value, item, &format!("{at}/{index}"));
                }
            }
        }
    }

    fn check_object(&mut self, object: &Map<String, Value>, of: &Map<String, Value>, at: &str) {
        for required in of
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            if !object.contains_key(required.as_str().unwrap()) {
                self.wrong.push(format!("{at} has no {required}"));
            }
        }
        let members = of.get("properties").and_then(Value::as_object);
        let patterns = of.get("patternProperties").and_then(Value::as_object);
        for (key, value) in object {
            let member = members.and_then(|members| members.get(key));
            let mut of_patterns = patterns.into_iter().flatten();
            let like = || {
                of_patterns
                    .find(|(pattern, _)| is_like(key, pattern))
                    .map(|(_, schema)| schema)
            };
            let at = format!("{at}/{key}");
            match member
                .or_else(like)
                .or_else(|| of.get("additionalProperties"))
            {
                Some(schema) => self.check(value, schema, &at),
                // A schema lets through what it does not name: a key that it has forgotten would go unseen.
                None if members.is_some() => self.wrong.push(format!("{at} is not in the schema")),
                None => {}
            }
        }
    }
}

fn is_like(text: &str, pattern: &str) -> bool {
    regex::Regex::new(pattern).unwrap().is_match(text)
}

fn is_of_type(value: &Value, types: &Value) -> bool {
    let is_of = |name: &str| match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        "null" => value.is_null(),
        name => panic!("no type is called {name}"),
    };
    match types {
        Value::Array(names) => names.iter().any(|name| is_of(name.as_str().unwrap())),
        name => is_of(name.as_str().unwrap()),
    }
}

fn mistakes(value: &Value, root: &Value) -> Vec<String> {
    let mut validator = Validator {
        root,
        wrong: Vec::new(),
    };
    validator.check(value, root, "");
    validator.wrong
}

/// A run in which there is as much to say as can be.
fn full() -> Run {
    let run = Run::of_all_kinds();
    let mut again = failed("latency::flaky");
    for (index, (attempt, outcome)) in [(1, "failed"), (2, "passed")].into_iter().enumerate() {
        again["attempt"] = attempt.into();
        again["outcome"] = outcome.into();
        again["runner"] = "nextest".into();
        run.file(&format!("again{index}.heap.json"), &again.to_string());
    }
    for shard in ["1/2", "2/2"] {
        let mut both = passed("in_both", 64);
        both["shard"] = shard.into();
        both["samples"] = json!({ "wait": {
            "count": 2, "min": 1.0, "max": 2.0, "sum": 3.0, "relative_error": 0.01,
            "buckets": [[1, 2]]
        }});
        both["descriptions"] = json!({ "wait": { "unit": "us", "better": "lower" } });
        run.file(&format!("both{}.heap.json", &shard[..1]), &both.to_string());
    }
    run.file("torn.heap.json", "{");
    let reading = |kills: u64| json!({ "vm_oom_kill": kills });
    let around = json!({
        "format_version": 1, "run_id": "0123456789abcdef",
        "started_at": "2026-11-23T09:59:59.000Z", "ended_at": "2026-11-23T10:00:01.000Z",
        "host_before": reading(1), "host": reading(2), "cargo_end": { "exit": 101 },
        "interrupted": { "signal": 2, "at": "2026-11-23T10:00:00.500Z" }
    });
    run.file("0123456789abcdef@1.heap-run.json", &around.to_string());
    run
}

fn printed(run: &Run, command: &str, arguments: &[&str]) -> Value {
    let said = run.heap(command, arguments);
    serde_json::from_str(&said.stdout).unwrap_or_else(|error| panic!("{error}: {}", said.stderr))
}

pub(crate) fn assert_is_of(value: &Value, of: &str) {
    assert_eq!(value["format_version"], 1, "{of}");
    let wrong = mistakes(value, &schema(of));
    assert!(wrong.is_empty(), "{of}:\n{}", wrong.join("\n"));
}

#[test]
fn every_output_is_of_its_schema() {
    let run = full();
    let report = printed(&run, "report", &["--format", "json"]);
    for key in [
        "diagnoses",
        "across",
        "run_pressure",
        "unreadable",
        "shards",
        "in_several_shards",
    ] {
        assert!(!report[key].as_array().unwrap().is_empty(), "{key}");
    }
    assert_is_of(&report, "report");
    let lines = run.heap("report", &["--format", "ndjson"]).stdout;
    for line in lines.lines() {
        assert_is_of(&serde_json::from_str(line).unwrap(), "report-line");
    }
    for test in ["eats_everything", "pipe_switch", "in_both", "flaky"] {
        let output = program()
            .args(["show", test, "--format", "json", "--run"])
            .arg(run.path())
            .output()
            .unwrap();
        assert_is_of(&serde_json::from_slice(&output.stdout).unwrap(), "show");
    }
    let mut other = passed("fairness::two_spinners_share_one_cpu", 5 << 20);
    other["host"]["cpu_model"] = "Another CPU".into();
    other["host_before"]["cpu_model"] = "Another CPU".into();
    other["duration_ns"] = 12_345_678_000_u64.into();
    other["metrics"]["wakeup_p99_us"] = 4000.0.into();
    let other = Run::of(&[other, killed("latency::futex_wakeup")]);
    let new = other.path().to_str().unwrap();
    let comparison = printed(&run, "compare", &[new, "--format", "json"]);
    for key in ["changes", "base_hosts", "new_hosts"] {
        assert!(!comparison[key].as_array().unwrap().is_empty(), "{key}");
    }
    assert_is_of(&comparison, "compare");
}

#[test]
fn what_a_schema_does_not_say_is_noticed() {
    let report = printed(&Run::of_all_kinds(), "report", &["--format", "json"]);
    let schema = schema("report");
    assert!(mistakes(&report, &schema).is_empty());
    for (pointer, value) in [
        ("/totals/tests", json!("seven")),
        ("/totals/tests", json!(-1)),
        ("/tests/0/state", json!("slept")),
        ("/diagnoses/0/findings/0/verdict", json!(null)),
        ("/totals", json!({})),
        ("/totals/own_allocated_bytes", json!({ "bytes": 1 })),
    ] {
        let mut wrong = report.clone();
        *wrong.pointer_mut(pointer).unwrap() = value;
        assert!(!mistakes(&wrong, &schema).is_empty(), "{pointer}");
    }
    let mut wrong = report;
    wrong["tests"][0]["another"] = 1.into();
    assert!(!mistakes(&wrong, &schema).is_empty());
}

#[test]
fn the_schemas_that_are_kept_are_those_of_the_types() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sidecar");
    let kept = fs::read_dir(&folder).unwrap().filter_map(|entry| {
        let name = entry.unwrap().file_name().into_string().unwrap();
        Some(name.strip_suffix(".schema.json")?.to_owned())
    });
    let kept: BTreeSet<String> = kept.collect();
    let all = [
        "compare",
        "report",
        "report-line",
        "run-record",
        "runs",
        "show",
        "sidecar",
    ];
    assert_eq!(kept, BTreeSet::from(all.map(str::to_owned)));
    for of in all {
        let text = fs::read_to_string(folder.join(format!("{of}.schema.json"))).unwrap();
        let output = program().args(["schema", of]).output().unwrap();
        assert!(
            text.as_bytes() == output.stdout,
            "the types have changed and the schema has not; at the top of the workspace, run `cargo heap schema {of} > \
             heap-runtime/sidecar/{of}.schema.json` and look at the difference"
        );
    }
}
