//! nextest's `JUnit` file with our numbers in it.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::run::{Run, Said, failed, killed_after_checkpoint, passed};

const RUN: &str = "ecd67c26-2e0f-4535-a974-4cee07b821c5";

/// As nextest writes it: an attempt that failed first, one that failed again, what was printed.
const FILE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="nextest-run" tests="8" uuid="ecd67c26-2e0f-4535-a974-4cee07b821c5" time="0.390">
    <testsuite name="heap-tests" tests="2" disabled="0">
        <properties><property name="of" value="the suite"/></properties>
        <testcase name="unit" classname="heap-tests" time="0.005"/>
        <!-- <testcase name="fast" classname="heap-tests::scheduler"/> -->
        <testcase name="untracked" classname="heap-tests" time="0.005"/>
    </testsuite>
    <testsuite name="heap-tests::scheduler">
        <testcase name="fast" classname="heap-tests::scheduler">
        </testcase>
        <testcase name="flaky" classname="heap-tests::scheduler" time="0.006">
            <flakyFailure time="0.181" message="&lt;b&gt;" type="test failure"><![CDATA[<testcase name="fast"/>]]>
                <system-out>test flaky ... FAILED</system-out>
            </flakyFailure>
        </testcase>
        <testcase name="fails" classname='heap-tests::scheduler'>
            <properties>
                <property name="kept" value="as it is"/>
            </properties>
            <failure message="no" type="test failure">no</failure>
            <rerunFailure time="0.171" type="test failure">no</rerunFailure>
        </testcase><testcase name="on the same line &amp; &quot;quoted&quot;" classname="heap-tests::scheduler"/>
        <testcase name="killed" classname="heap-tests::scheduler"><properties /></testcase>
    </testsuite>
    <testsuite name="heap-tests::bin/the-tool@stress-1">
        <testcase name="round" classname="heap-tests::bin/the-tool"/>
    </testsuite>
</testsuites>
"#;

fn of_run(mut sidecar: Value) -> Value {
    sidecar["run_id"] = RUN.into();
    sidecar["runner"] = "nextest".into();
    sidecar
}

fn attempt(number: u32, sidecar: Value) -> Value {
    let mut sidecar = of_run(sidecar);
    sidecar["attempt"] = number.into();
    sidecar
}

/// Sidecars for all test cases but one.
fn sidecars() -> Vec<Value> {
    let mut unit = of_run(passed("unit", 32));
    unit["binary"] = "heap_tests".into();
    unit["source"]["file"] = "tests/src/lib.rs".into();
    let mut hostile = of_run(passed("on the same line & \"quoted\"", 64));
    hostile["labels"] = json!({ "<&'\">": "\"/><testcase name='x'>\u{1b}[31m\n\u{ffff}" });
    let mut rounds = [0, 1].map(|round| {
        let mut sidecar = of_run(passed("round", 1000 + round));
        sidecar["binary"] = "the_tool".into();
        sidecar["stress_index"] = round.into();
        sidecar
    });
    // A test that runs its own binary leaves two.
    let mut again = of_run(passed("fast", 77));
    again["iteration"] = 1.into();
    let [first, second] = &mut rounds;
    vec![
        unit,
        of_run(passed("fast", 80 << 10)),
        again,
        attempt(1, failed("flaky")),
        attempt(2, passed("flaky", 4096)),
        attempt(1, failed("fails")),
        attempt(2, failed("fails")),
        hostile,
        of_run(killed_after_checkpoint("killed")),
        first.take(),
        second.take(),
    ]
}

/// The input, the output and what was said.
struct Joined {
    run: Run,
    said: Said,
    input: PathBuf,
    output: PathBuf,
}

fn join(sidecars: &[Value], file: &(impl AsRef<[u8]> + ?Sized)) -> Joined {
    let run = Run::of(sidecars);
    let [input, output] = ["in.xml", "out.xml"].map(|name| run.path().join(name));
    fs::write(&input, file).unwrap();
    let arguments = ["--junit", input.to_str().unwrap(), output.to_str().unwrap()];
    let said = run.heap("report", &arguments);
    Joined {
        run,
        said,
        input,
        output,
    }
}

#[test]
fn every_test_case_has_the_numbers_of_its_attempt() {
    let joined = join(&sidecars(), FILE);
    let output = fs::read_to_string(&joined.output).unwrap();
    insta::assert_snapshot!("junit", output);
    insta::assert_snapshot!("junit_said", joined.said.stderr);
    assert_eq!(joined.said.status, Some(1), "a test failed");
    assert_eq!(fs::read_to_string(&joined.input).unwrap(), FILE);
}

#[test]
fn nothing_of_the_file_is_lost() {
    let joined = join(&sidecars(), FILE);
    let output = fs::read_to_string(&joined.output).unwrap();
    let mut rest = output.as_str();
    // All of the input is there, in its order, but for the ends of elements that were empty.
    for part in FILE.split('<') {
        let part = part.trim_end().trim_end_matches("/>").trim_end();
        let found = rest.split_once(part);
        rest = found.unwrap_or_else(|| panic!("{part} in {rest}")).1;
    }
    // A program that reads XML finds all of it well.
    let mut reader = quick_xml::Reader::from_str(&output);
    let mut cases = 0;
    loop {
        match reader.read_event().unwrap() {
            quick_xml::events::Event::Eof => break,
            quick_xml::events::Event::Start(tag) | quick_xml::events::Event::Empty(tag) => {
                cases += usize::from(tag.name().as_ref() == "testcase");
            }
            _ => {}
        }
    }
    assert_eq!(cases, 8);
}

#[test]
fn a_file_may_take_the_place_of_its_input_once() {
    let joined = join(&sidecars(), FILE);
    let path = joined.input.to_str().unwrap();
    let said = joined.run.heap("report", &["--junit", path, path]);
    assert_eq!(said.status, Some(1), "{}", said.stderr);
    let once = fs::read(&joined.input).unwrap();
    assert_eq!(once, fs::read(&joined.output).unwrap());
    let said = joined.run.heap("report", &["--junit", path, path]);
    assert_eq!(said.status, Some(2));
    assert!(
        said.stderr
            .contains("has properties called `heap.*` already"),
        "{}",
        said.stderr
    );
    assert_eq!(once, fs::read(&joined.input).unwrap());
}

#[test]
fn what_cannot_be_written_leaves_what_was_there() {
    let joined = join(&sidecars(), FILE);
    let input = joined.input.to_str().unwrap();
    let folder = joined.run.path().join("a folder");
    fs::create_dir_all(folder.join("with something in it")).unwrap();
    let said = joined
        .run
        .heap("report", &["--junit", input, folder.to_str().unwrap()]);
    assert_eq!(said.status, Some(2));
    assert!(
        said.stderr.contains("cannot write the JUnit file"),
        "{}",
        said.stderr
    );
    assert!(said.stdout.is_empty(), "{}", said.stdout);
    let left = fs::read_dir(joined.run.path()).unwrap();
    let left = left.filter(|entry| {
        let path = entry.as_ref().unwrap().path();
        path.extension().is_some_and(|extension| extension == "tmp")
    });
    assert_eq!(left.count(), 0);
}

#[test]
fn test_cases_that_cannot_be_told_apart_stay_as_they_are() {
    let file = format!(
        r#"<testsuites uuid="{RUN}"><testsuite name="x"><testcase name="same" classname="heap-tests"/><testcase
           name="same" classname="heap-tests::bin/heap-tests"/><testcase name="own" classname="heap-tests"/></testsuite></testsuites>"#
    );
    let of_binary = |test: &str, source: &str| {
        let mut sidecar = of_run(passed(test, 64));
        sidecar["binary"] = "heap_tests".into();
        sidecar["source"]["file"] = source.into();
        sidecar
    };
    let (lib, main) = ("src/lib.rs", "src/main.rs");
    // Of the library and the program of a package only one is tracked: which, nobody knows.
    let one = join(&[of_binary("same", lib), of_binary("own", lib)], &file);
    let both = join(
        &[
            of_binary("same", lib),
            of_binary("same", main),
            of_binary("own", lib),
        ],
        &file,
    );
    for joined in [one, both] {
        let output = fs::read_to_string(&joined.output).unwrap();
        assert_eq!(output.matches("<properties>").count(), 1, "{output}");
        let stderr = &joined.said.stderr;
        assert!(stderr.contains("1 of 3 test case(s) have"), "{stderr}");
        assert!(
            stderr.contains("heap-tests same, heap-tests::bin/heap-tests same"),
            "{stderr}"
        );
    }
}

#[test]
fn a_tracked_test_that_is_in_no_test_case_is_named() {
    let file = format!(r#"<testsuites uuid="{RUN}"><testsuite name="x"/></testsuites>"#);
    let joined = join(&[of_run(passed("fast", 64))], &file);
    assert_eq!(joined.said.status, Some(0), "{}", joined.said.stderr);
    assert!(
        joined
            .said
            .stderr
            .contains("not in the file: heap-tests::scheduler fast"),
        "{}",
        joined.said.stderr
    );
    assert_eq!(fs::read_to_string(&joined.output).unwrap(), file);
}

#[test]
fn a_file_of_another_run_is_refused() {
    let joined = join(&[passed("fast", 64)], FILE);
    assert_eq!(joined.said.status, Some(2));
    let expected = format!("it is of run {RUN}, and the sidecars are of 0123456789abcdef");
    assert!(
        joined.said.stderr.contains(&expected),
        "{}",
        joined.said.stderr
    );
    assert!(!joined.output.exists());
}

#[test]
fn a_file_that_is_none_is_refused_and_says_why() {
    let deep = format!(
        r#"<testsuites uuid="{RUN}">{}"#,
        "<testsuite name='x'>".repeat(100)
    );
    let cases = |inside: &str| {
        format!(r#"<testsuites uuid="{RUN}"><testsuite name="x">{inside}</testsuite></testsuites>"#)
    };
    let files: Vec<(Vec<u8>, &str)> = vec![
        (b"".into(), "it has no element"),
        (b"{\"a\": 1}".into(), "it has no element"),
        (b"<html></html>".into(), "its root element is <html>"),
        (b"\xff\xfe<\0".into(), "it is not UTF-8"),
        (b"<testsuites name='x'/>".into(), "has no `uuid`"),
        (
            b"<testsuites uuid='a'/><testsuites/>".into(),
            "more than one root",
        ),
        (
            b"<testsuites uuid='a' uuid='b'/>".into(),
            "it is not valid XML",
        ),
        (b"<testsuites uuid='&x;'/>".into(), "it is not valid XML"),
        (
            b"<?xml version='1.0' encoding='latin1'?><testsuites uuid='a'/>".into(),
            "not UTF-8 but latin1",
        ),
        (
            b"<!DOCTYPE x [<!ENTITY a 'b'>]><testsuites uuid='a'/>".into(),
            "it has a document type",
        ),
        (FILE.as_bytes()[..FILE.len() / 2].into(), "in line"),
        (
            FILE.replace("</testsuites>", "").into(),
            "ends in the middle",
        ),
        (
            FILE.replace("</testsuites>", "</x>").into(),
            "it is not valid XML",
        ),
        (deep.into(), "more than 64 elements"),
        (cases("<testcase classname='x'/>").into(), "has no name"),
        (
            cases("<testcase name='a'><testcase name='b'/></testcase>").into(),
            "is where none can be",
        ),
    ];
    for (file, expected) in files {
        let shown = String::from_utf8_lossy(&file).into_owned();
        let joined = join(&sidecars(), &file);
        let stderr = &joined.said.stderr;
        assert_eq!(joined.said.status, Some(2), "{shown}: {stderr}");
        assert!(stderr.contains(expected), "{shown}: {stderr}");
        assert!(joined.said.stdout.is_empty());
        assert!(!joined.output.exists(), "{shown}");
    }
}
