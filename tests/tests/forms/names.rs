//! A test is called what its harness calls it.

use heap_tests::project::Project;

use super::{harness_says, passed};

#[test]
fn a_raw_name_is_named_as_the_harness_names_it() {
    passed("r#match");
    harness_says("ok", &["r#match"]);
}

#[test]
fn a_test_in_a_module_is_named_by_its_path() {
    passed("modules::deep::in_a_module");
    harness_says("ok", &["modules::deep::in_a_module"]);
}

/// A test is called what its harness calls it, also where that is a keyword: in the edition of 2021 `gen` is
/// none, and `r#plain` is none in any.
#[test]
fn names_that_are_keywords() {
    let manifest = include_str!("../../projects/keywords/Cargo.toml");
    for (edition, name) in [("2021", "gen"), ("2024", "r#gen")] {
        let manifest = manifest.replace("2021", edition);
        let project = Project::copy_of("keywords").file("Cargo.toml", &manifest);
        let run = project.test(&[]).success();
        let tests = [
            "r#match".to_owned(),
            "r#async::r#dyn".to_owned(),
            format!("r#async::{name}"),
            "r#async::r#loop".to_owned(),
            format!("{name}::plain"),
        ];
        for test in &tests {
            assert_eq!(run.verdict(test), Some("ok"), "{test}\n{}", run.stdout);
            let sidecar = run.sidecar(test);
            assert_eq!((&*sidecar.package, &*sidecar.binary), ("keywords", "where"));
        }
        assert_eq!(run.sidecars.len(), tests.len());
    }
}
