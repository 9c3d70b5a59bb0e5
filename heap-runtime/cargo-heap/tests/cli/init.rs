//! `cargo heap init`: a package as somebody else may have it, set up, tracked, and as it was again.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::run::{Said, program};

const FILES: [(&str, &str); 5] = [
    (
        "src/lib.rs",
        "//! A library.\n\nmod list;\n\n#[cfg(test)]\nmod tests {\n    #[test]\n    #[should_panic]\n    fn a() {\n        panic!()\n    }\n}\n",
    ),
    (
        "src/list.rs",
        "macro_rules! tests {\n    ($($name:ident)*) => {$(\n        #[test]\n        fn $name() {}\n    )*};\n}\n\ntests! { b c }\n",
    ),
    (
        "tests/table.rs",
        "table! {\n    #[test]\n    fn d() {}\n}\n\n#[test]\nfn e() {}\n",
    ),
    (
        "tests/own.rs",
        "#[global_allocator]\nstatic A: std::alloc::System = std::alloc::System;\n\n#[test]\nfn f() {}\n",
    ),
    ("tests/none.rs", "fn main() {}\n"),
];

/// A package with these files.
struct Package(TempDir);

impl Package {
    fn new(dependency: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let manifest = format!(
            "[package]\nname = \"plain\"\nedition = \"2021\"\n\n[dev-dependencies]\n{dependency}\n\n[workspace]\n"
        );
        for (path, text) in FILES.into_iter().chain([("Cargo.toml", manifest.as_str())]) {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Self(folder)
    }

    fn tracked_by(name: &str) -> Self {
        let runtime = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let package = (name != "heap-runtime").then_some(", package = \"heap-runtime\"");
        let package = package.unwrap_or_default();
        Self::new(&format!(
            "{name} = {{ path = {:?}{package} }}",
            runtime.to_str().unwrap()
        ))
    }

    fn init(&self, arguments: &[&str]) -> Said {
        let output = program()
            .arg("init")
            .args(arguments)
            .env("CARGO_NET_OFFLINE", "true")
            .current_dir(self.0.path())
            .output()
            .unwrap();
        Said {
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
            status: output.status.code(),
        }
    }

    fn texts(&self) -> BTreeMap<&'static str, String> {
        let text = |path| fs::read_to_string(self.0.path().join(path)).unwrap();
        FILES
            .into_iter()
            .map(|(path, _)| (path, text(path)))
            .collect()
    }
}

fn as_they_were() -> BTreeMap<&'static str, String> {
    FILES
        .into_iter()
        .map(|(path, text)| (path, text.to_owned()))
        .collect()
}

#[test]
fn every_test_has_the_attribute_and_then_none_has() {
    let package = Package::tracked_by("heap-runtime");
    let said = package.init(&["--all", "--dry-run"]);
    assert_eq!(said.status, Some(0), "{}", said.stderr);
    assert!(
        said.stdout
            .contains("+    #[test] #[::heap_runtime::heap_tracked]\n"),
        "{}",
        said.stdout
    );
    assert!(
        said.stdout.contains("plain: 4 attributes would be added")
            && said.stdout.contains("4 files would be changed"),
        "{}",
        said.stdout
    );
    assert_eq!(package.texts(), as_they_were());

    let said = package.init(&["--all"]);
    assert_eq!(said.status, Some(0), "{}", said.stderr);
    let summary = "plain: 4 attributes added, 4 tests tracked and 0 not; 2 test binaries with jemalloc, \
                   1 with an allocator of their own; 4 files changed";
    assert!(said.stdout.contains(summary), "{}", said.stdout);
    assert!(
        said.stderr
            .contains("table.rs:2`: only the rules of `table!` tell"),
        "{}",
        said.stderr
    );
    let texts = package.texts();
    assert!(texts["src/lib.rs"].ends_with("}\n\n#[cfg(test)]\n::heap_runtime::use_jemalloc!();\n"));
    assert!(texts["tests/table.rs"].ends_with("{}\n\n::heap_runtime::use_jemalloc!();\n"));
    assert_eq!(texts["tests/none.rs"], as_they_were()["tests/none.rs"]);
    for (path, text) in as_they_were() {
        // Each line is where it was.
        for (old, new) in text.lines().zip(texts[path].lines()) {
            assert!(new.starts_with(old), "{path}: {new}");
        }
    }

    let said = package.init(&["--all", "--format", "json"]);
    let said: Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(
        (&said[0]["tracked"], &said[0]["attributes"]),
        (&4.into(), &0.into())
    );
    assert_eq!(said[0]["files"], Value::Array(Vec::new()));
    assert_eq!(said[0]["skipped"][0]["line"], 2);
    assert_eq!(package.texts(), texts);

    let said = package.init(&["--remove"]);
    assert!(
        said.stdout
            .contains("4 attributes removed, 4 files changed"),
        "{}",
        said.stdout
    );
    assert_eq!(package.texts(), as_they_were());
}

#[test]
fn without_all_there_is_jemalloc_alone() {
    let package = Package::tracked_by("ours");
    let said = package.init(&["-p", "plain"]);
    assert_eq!(said.status, Some(0), "{}", said.stderr);
    assert!(
        said.stdout
            .contains("0 attributes added, 0 tests tracked and 4 not"),
        "{}",
        said.stdout
    );
    assert!(
        said.stderr.contains("write #[heap_tracked] on tests"),
        "{}",
        said.stderr
    );
    let texts = package.texts();
    assert!(texts["src/lib.rs"].ends_with("#[cfg(test)]\n::ours::use_jemalloc!();\n"));
    assert!(!texts["src/lib.rs"].contains("heap_tracked"));

    // By the name that the package has for it.
    package.init(&["--all"]);
    assert!(
        package.texts()["src/list.rs"].contains("#[test] #[::ours::heap_tracked(crate = ours)]\n")
    );
}

#[test]
fn where_the_dependency_cannot_be_had_nothing_is_changed() {
    let package = Package::new("");
    let manifest = || fs::read_to_string(package.0.path().join("Cargo.toml")).unwrap();
    let before = manifest();
    for arguments in [
        &["--all"][..],
        &["--all", "--dry-run"],
        &["--all", "--format", "json"],
    ] {
        let said = package.init(arguments);
        assert_eq!(said.status, Some(2));
        assert!(
            said.stderr.contains("cannot add heap-runtime to"),
            "{}",
            said.stderr
        );
        // Nothing was done, so nothing is said to be.
        assert_eq!(said.stdout, "");
        assert_eq!(package.texts(), as_they_were());
        assert_eq!(manifest(), before);
    }
    let said = package.init(&["-p", "another"]);
    assert_eq!(said.status, Some(2));
    assert!(
        said.stderr
            .contains("the workspace has no package `another`"),
        "{}",
        said.stderr
    );
}
