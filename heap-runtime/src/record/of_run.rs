//! The run's own record: one file beside the sidecars, by whichever test process comes first.

use std::sync::Once;
use std::time::SystemTime;

use heap_sidecar::timestamp::Rfc3339;
use heap_sidecar::{Allocator, Build, RunRecord, Workspace};

use crate::env::{self, Settings};
use crate::jemalloc::{allocator, version};
use crate::run::Run;
use crate::sidecar::{Folder, Store, to_text};

/// Puts the record of this process's run into its folder, if there is none yet. Behind the first sidecar, which is to
/// have the room that there may be left.
/// Where there is no folder, whoever collects the sidecars has the run.
pub(super) fn put_once(settings: &Settings, store: &Store) {
    static PUT: Once = Once::new();
    if let Store::Folder(folder) = store {
        PUT.call_once(|| put(settings, Run::get(), folder));
    }
}

fn put(settings: &Settings, run: &Run, folder: &Folder) {
    // The record of the test that has started this process is there, and so is that of the one that has told it.
    if run.is_told || run.parent().is_some() {
        return;
    }
    let mut record = begun(run);
    let name = record.file_name();
    if folder.path_of(&name).symlink_metadata().is_ok() {
        return;
    }
    complete(&mut record, settings, run);
    // Another process may have been first. Where it cannot be written, no test is the worse for it, and a reader
    // has the sidecars.
    let _ = folder.claim(&name, &to_text(&record), &run.id);
}

/// What its file is named by.
fn begun(run: &Run) -> RunRecord {
    let now = Rfc3339(SystemTime::now()).to_string();
    let mut record = RunRecord::new(run.id.clone(), run.runner, now);
    record.shard.clone_from(&run.shard);
    record.workspace = env::workspace_root().map(|root| Workspace::at(&root));
    record
}

fn complete(record: &mut RunRecord, settings: &Settings, run: &Run) {
    record.runner_run_id.clone_from(&run.of_runner);
    if !settings.redact.leaves_out("command") {
        record.command = Run::command();
    }
    record.build = Some(Build::new(
        env!("CARGO_PKG_VERSION"),
        env!("HEAP_RUNTIME_RUSTC"),
        env!("HEAP_RUNTIME_TARGET"),
        env!("HEAP_RUNTIME_PROFILE"),
        env!("HEAP_RUNTIME_OPT_LEVEL"),
        cfg!(debug_assertions),
    ));
    if allocator() == Allocator::Jemalloc {
        record.jemalloc = version();
    }
}
