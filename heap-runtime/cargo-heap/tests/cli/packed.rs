//! `cargo heap pack`: a run in one file, for every command that reads.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;
use tempfile::TempDir;

use crate::run::{Run, killed, passed, program};

/// The names and contents of a folder.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    let file = |entry: fs::DirEntry| {
        (
            entry.file_name().into_string().unwrap(),
            fs::read(entry.path()).unwrap(),
        )
    };
    entries.map(file).collect()
}

/// A run with all that a run's folder may have, and more sidecars than are packed at once.
fn run() -> Run {
    let run = Run::of_all_kinds();
    for index in 0..300 {
        run.file(
            &format!("many{index:03}.heap.json"),
            &passed(&format!("many::t{index}"), 64).to_string(),
        );
    }
    // What was killed has said something in a file of its own.
    let mut noted = killed("lifetime::said_something");
    noted["notes"] = "00000000000000ab".into();
    run.file("noted.heap.json", &noted.to_string());
    let note = json!({ "n": 0, "labels": { "phase": "filling" } });
    run.file("00000000000000ab.heap.notes", &format!("\n{note}\n"));
    run.file("torn.heap.json", "{ \"format_version\": 1, ");
    run.file("not-utf8.heap.json", b"\xff\xfe\x00");
    run.file("empty.heap.json", "");
    run.file(".host.tmp", "heap_tracked 1\n");
    let reading = json!({ "vm_oom_kill": 3 });
    let around = json!({
        "format_version": 1, "run_id": "0123456789abcdef",
        "started_at": "2026-11-23T09:59:59.000Z", "ended_at": "2026-11-23T10:00:01.000Z",
        "host_before": reading, "host": reading
    });
    run.file("0123456789abcdef@1.heap-run.json", &around.to_string());
    run
}

fn packed(run: &Run, folder: &TempDir) -> PathBuf {
    let file = folder.path().join("it.heap-pack.zst");
    let said = run.heap("pack", &["--out", file.to_str().unwrap()]);
    assert_eq!(said.status, Some(0), "{}", said.stderr);
    file
}

/// `cargo heap ARGUMENTS`, in which `@` is what is read: what it prints, with that out of it.
fn heap(arguments: &[&str], read: &Path) -> (Option<i32>, String, String) {
    let read = read.to_str().unwrap();
    let arguments = arguments
        .iter()
        .map(|argument| if *argument == "@" { read } else { argument });
    let output = program().args(arguments).output().unwrap();
    let text = |bytes| String::from_utf8_lossy(bytes).replace(read, "RUN");
    (
        output.status.code(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

#[test]
fn every_command_takes_a_packed_run_for_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let run = run();
    let file = packed(&run, &folder);
    let mut other = passed("latency::futex_wakeup", 7 << 20);
    other["started_at"] = "2026-11-23T10:00:00.500Z".into();
    let other = Run::of(&[other]);
    let other = other.path().to_str().unwrap();
    for arguments in [
        ["report", "@"].as_slice(),
        &["report", "@", "--format", "json"],
        &["report", "@", "--format", "ndjson"],
        &["report", "@", "--format", "markdown", "--top", "3"],
        &["show", "said_something", "--run", "@"],
        &["show", "two_spinners", "--run", "@", "--format", "json"],
        &["compare", "@", other, "--format", "json"],
        &["compare", other, "@"],
        &["compare", "--base", "@", "--base", other, other],
        &["export", "@", "--format", "csv"],
        &["baseline", "save", "/dev/stdout", "@"],
    ] {
        let of_folder = heap(arguments, run.path());
        assert!(!of_folder.1.is_empty(), "{arguments:?}: {}", of_folder.2);
        assert_eq!(heap(arguments, &file), of_folder, "{arguments:?}");
    }
    let shown = heap(&["show", "said_something", "--run", "@"], &file).1;
    assert!(shown.contains("phase = filling"), "{shown}");
}

#[test]
fn unpacked_it_is_the_same_to_the_byte() {
    let folder = tempfile::tempdir().unwrap();
    let run = run();
    let file = packed(&run, &folder);
    assert!(
        fs::metadata(&file).unwrap().len() * 20
            < files(run.path())
                .values()
                .map(|file| file.len() as u64)
                .sum()
    );
    // Where nothing is said, it is what the file is called.
    let output = program()
        .arg("unpack")
        .arg(&file)
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let unpacked = folder.path().join("it");
    assert_eq!(files(&unpacked), files(run.path()));
    // And nothing is written over.
    let again = program()
        .arg("unpack")
        .arg(&file)
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert_eq!(again.status.code(), Some(2));
    let again = String::from_utf8(again.stderr).unwrap();
    assert!(again.contains("there is something in it"), "{again}");
    // Packed again, it is the same file.
    let twice = folder.path().join("twice");
    let output = program()
        .arg("pack")
        .arg(&unpacked)
        .arg("--out")
        .arg(&twice)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(fs::read(twice).unwrap(), fs::read(&file).unwrap());
}

#[test]
fn what_is_no_run_is_not_packed_and_what_is_torn_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let empty = Run::empty();
    let said = empty.heap("pack", &[]);
    assert_eq!(said.status, Some(2));
    assert!(said.stderr.contains("no sidecar"), "{}", said.stderr);
    let run = run();
    run.file("mine.txt", "hello");
    let file = folder.path().join("it.heap-pack.zst");
    let said = run.heap("pack", &["--out", file.to_str().unwrap()]);
    assert!(said.stderr.contains("1 other file(s)"), "{}", said.stderr);
    let (status, _, stderr) = heap(&["pack", "@"], &file);
    assert_eq!(status, Some(2));
    assert!(stderr.contains("packed already"), "{stderr}");
    // An upload that was cut.
    let whole = fs::read(&file).unwrap();
    fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    for arguments in [
        ["report", "@"].as_slice(),
        &["compare", "@", "@"],
        &["unpack", "@"],
    ] {
        let (status, _, stderr) = heap(arguments, &file);
        assert_eq!(status, Some(2), "{arguments:?}");
        assert!(
            stderr.contains("no whole file of `cargo heap pack`"),
            "{stderr}"
        );
    }
}
