//! A guest that has nothing but its console: no folder, no disk, and a test binary as its first process.

use heap_sidecar::frame::Collector;
use heap_sidecar::{Outcome, SUFFIX, Sidecar, Status};
use heap_tests::bed::machine::console_of;

#[test]
#[ignore = "boots a virtual machine"]
fn evidence_leaves_by_the_console_of_a_guest_that_panics() {
    // The second takes all the memory that there is, and the kernel has nothing to kill but the first process.
    let arguments = [
        "asserts_what_is_wrong",
        "subjects::takes_it_all",
        "--ignored",
        "--test-threads=1",
    ];
    let console = match console_of("in_guest", &arguments, "HEAP_RUN_ID=guest HEAP_SHARD=1/4") {
        Ok(console) => console,
        Err(reason) => return crate::skip(&reason),
    };
    let shown = String::from_utf8_lossy(&console);
    assert!(shown.contains("Kernel panic"), "{shown}");
    let mut collector = Collector::default();
    (console.split(|byte| *byte == b'\n')).for_each(|line| collector.line(line));
    let collected = collector.finish();
    assert_eq!(collected.torn, [], "{shown}");
    let sidecar = |test: &str| -> Sidecar {
        let is_it = |name: &&String| name.contains(test) && name.ends_with(SUFFIX);
        let name = collected.files.keys().find(is_it).expect(test);
        serde_json::from_slice(&collected.files[name]).expect("what is whole is a sidecar")
    };

    let wrong = sidecar("asserts_what_is_wrong");
    assert_eq!(wrong.outcome, Some(Outcome::Failed));
    assert_eq!(
        (&*wrong.run_id, wrong.shard.as_deref(), wrong.pid),
        ("guest", Some("1/4"), 1)
    );
    assert!(wrong.failure.expect("why").message.contains("arithmetic"));

    let killed = sidecar("takes_it_all");
    assert_eq!((killed.status, killed.outcome), (Status::Running, None));
    // What it said last is beside its record, as in a folder.
    let mark = killed.notes.expect("it has said something");
    let notes = &collected.files[&format!("{mark}{}", heap_sidecar::NOTES_SUFFIX)];
    assert!(String::from_utf8_lossy(notes).contains("\"eight\""));
}
