use std::error::Error;
use std::fs::File;
use std::iter::successors;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{paths, read, read_run};
use crate::SUFFIX;

/// The sidecars that the documentation reads.
fn kept() -> Vec<PathBuf> {
    let runs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/runs");
    let runs = ["monday", "tuesday"].map(|run| paths(&runs.join(run), SUFFIX).unwrap());
    runs.concat()
}

/// Adds a key to each object, but to those whose keys are the user's or the host's.
fn add_keys(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (key, member) in &mut *members {
                let open = [
                    "labels",
                    "metrics",
                    "samples",
                    "descriptions",
                    "sched_tunables",
                    "cpufreq_governor",
                ];
                if !open.contains(&key.as_str()) {
                    add_keys(member);
                }
            }
            members.insert("of_a_later_release".into(), vec![1, 2].into());
        }
        Value::Array(members) => members.iter_mut().for_each(add_keys),
        _ => {}
    }
}

#[test]
fn keys_that_are_not_known_are_ignored_at_any_depth() {
    let folder = tempfile::tempdir().unwrap();
    let kept = kept();
    assert_eq!(kept.len(), 6);
    for path in kept {
        let mut sidecar: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        add_keys(&mut sidecar);
        let later = folder.path().join(path.file_name().unwrap());
        let text = sidecar.to_string();
        assert!(text.matches("of_a_later_release").count() > 5, "{text}");
        std::fs::write(&later, text).unwrap();
        assert_eq!(read(&later).unwrap(), read(&path).unwrap());
    }
}

fn causes(error: &(dyn Error + 'static)) -> Vec<String> {
    successors(error.source(), |error| (**error).source())
        .map(ToString::to_string)
        .collect()
}

#[test]
fn an_error_says_what_happened_and_leaves_the_cause_to_its_source() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    let not_found = File::open(&missing).unwrap_err().to_string();

    let error = read(&missing).unwrap_err();
    assert_eq!(error.to_string(), "it cannot be read");
    assert_eq!(causes(&error), [not_found.as_str()]);

    let error = read_run(&missing).unwrap_err();
    let said = format!("cannot read the sidecars in `{}`", missing.display());
    assert_eq!(error.to_string(), said);
    assert_eq!(causes(&error), [not_found]);

    let torn = folder.path().join("torn.heap.json");
    std::fs::write(&torn, "{").unwrap();
    let unreadable = read_run(folder.path()).unwrap().1.remove(0);
    let said = format!("`{}` is skipped", torn.display());
    assert_eq!(unreadable.to_string(), said);
    let [what, why] = causes(&unreadable).try_into().unwrap();
    assert_eq!(what, "it is not a valid sidecar");
    assert!(why.starts_with("EOF"), "{why}");
}
