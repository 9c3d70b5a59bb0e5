//! Runs to read: folders of sidecars in which everything has happened that can.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};
use tempfile::TempDir;

/// A run's folder, and the program to read it with.
pub(crate) struct Run {
    folder: TempDir,
}

/// What the program said.
pub(crate) struct Said {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) status: Option<i32>,
}

impl Run {
    pub(crate) fn empty() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn of(sidecars: &[Value]) -> Self {
        let run = Self::empty();
        for (index, sidecar) in sidecars.iter().enumerate() {
            run.file(&format!("{index:03}.heap.json"), &sidecar.to_string());
        }
        run
    }

    /// A run with a test of each outcome.
    pub(crate) fn of_all_kinds() -> Self {
        Self::of(&[
            passed("fairness::two_spinners_share_one_cpu", 4 << 20),
            passed("fairness::nice_5_gets_its_share", 3 << 20),
            passed("latency::futex_wakeup", 80 << 10),
            skipped("bandwidth::deadline", "needs CAP_SYS_NICE"),
            failed("latency::pipe_switch"),
            over_budget("lifetime::a_thousand_threads"),
            killed("lifetime::eats_everything"),
        ])
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn file(&self, name: &str, contents: &(impl AsRef<[u8]> + ?Sized)) {
        fs::write(self.path().join(name), contents).unwrap();
    }

    /// `cargo heap COMMAND FOLDER ARGUMENTS`, with the folder's path out of what it says.
    pub(crate) fn heap(&self, command: &str, arguments: &[&str]) -> Said {
        let output = program()
            .arg(command)
            .arg(self.path())
            .args(arguments)
            .output()
            .unwrap();
        self.said(&output)
    }

    pub(crate) fn said(&self, output: &Output) -> Said {
        let text = |bytes: &[u8]| {
            let text = String::from_utf8(bytes.to_vec()).unwrap();
            text.replace(self.path().to_str().unwrap(), "RUN")
        };
        Said {
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
            status: output.status.code(),
        }
    }
}

/// The program, in an environment that says nothing.
pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-heap"));
    for variable in [
        "HEAP_SIDECAR_DIR",
        "HEAP_TRACK",
        "GITHUB_WORKSPACE",
        "NO_COLOR",
        "CLICOLOR",
        "CLICOLOR_FORCE",
    ] {
        command.env_remove(variable);
    }
    command
}

fn host(available_kib: u64, some: f64) -> Value {
    json!({
        "cpu_model": "Test CPU", "arch": "x86_64", "kernel_release": "6.12.0", "online_cpus": 4,
        "total_memory_kib": 16 << 20, "mem_available_kib": available_kib, "swap_free_kib": 1 << 20,
        "memory_pressure": {
            "some": { "avg10": some, "total": 1000 }, "full": { "avg10": some / 2.0, "total": 500 }
        },
        "cgroup_memory": {
            "version": 2, "current_bytes": 1_u64 << 30, "max_bytes": 8_u64 << 30,
            "events": { "low": 0, "high": 0, "max": 0, "oom": 0, "oom_kill": 0 }
        },
        "vm_oom_kill": 0, "rss_bytes": 30 << 20, "peak_rss_bytes": 48 << 20,
        "heap_state": {
            "active_bytes": 671_744, "allocated_bytes": 536_928, "resident_bytes": 3_481_600,
            "mapped_bytes": 9_084_928, "narenas": 9
        }
    })
}

/// A finished test that kept 32 bytes.
pub(crate) fn passed(test: &str, peak: u64) -> Value {
    json!({
        "format_version": 1, "status": "finished", "test_name": test,
        "package": "heap-tests", "binary": "scheduler",
        "source": { "file": "tests/tests/scheduler.rs", "line": 41 },
        "run_id": "0123456789abcdef", "runner": "cargo-test", "attempt": 1, "iteration": 0,
        // No process has such a number.
        "pid": 4_000_000_000_u32, "started_at": "2026-11-23T10:00:00.000Z",
        "duration_ns": 12_345_678, "outcome": "passed",
        "labels": { "scheduler": "eevdf" }, "metrics": { "wakeup_p99_us": 41.5 },
        "host": host(8 << 20, 0.4), "host_before": host(8 << 20, 0.2),
        "heap": {
            "allocator": "jemalloc", "overlap": 0,
            "process": { "delta": { "allocated_bytes": 1024, "resident_bytes": 4096 } },
            "own": {
                "allocated_bytes": peak * 3, "deallocated_bytes": peak * 3 - 32,
                "retained_bytes": 32, "peak_bytes": peak, "peak_error_bytes": 4096,
                "peak_source": "thread_event", "threads": 3, "threads_running": 0
            },
            "timeline": {
                "every_bytes": 4096,
                "points": (0..60_u64).map(|n| json!([n * 200_000, n * (60 - n) * peak / 900]))
                    .collect::<Vec<_>>()
            },
            "checkpoints": [{ "label": "warm", "at_ns": 4_000_000, "own": {
                "allocated_bytes": 4096, "deallocated_bytes": 0, "retained_bytes": 4096,
                "threads": 1, "threads_running": 0
            }}]
        },
        "budgets": [{ "limit": "max_peak", "bytes": 8 << 20, "actual": peak, "held": true }]
    })
}

pub(crate) fn skipped(test: &str, reason: &str) -> Value {
    let mut sidecar = passed(test, 64);
    sidecar["outcome"] = "skipped".into();
    sidecar["skip_reason"] = reason.into();
    sidecar
}

pub(crate) fn failed(test: &str) -> Value {
    let mut sidecar = passed(test, 96 << 10);
    sidecar["outcome"] = "failed".into();
    sidecar["failure"] = json!({ "kind": "panic", "message": "p99 was 900 µs\nof 500 µs" });
    sidecar["host"] = host(600 << 10, 31.5);
    sidecar["heap"]["overlap"] = 2.into();
    sidecar
}

pub(crate) fn over_budget(test: &str) -> Value {
    let mut sidecar = passed(test, 12 << 20);
    sidecar["outcome"] = "failed".into();
    sidecar["failure"] = json!({ "kind": "budget", "message": "max_peak is 8 MiB" });
    sidecar["budgets"][0]["held"] = false.into();
    sidecar
}

pub(crate) fn killed(test: &str) -> Value {
    let mut sidecar = passed(test, 64);
    sidecar["status"] = "running".into();
    sidecar["host"] = json!({ "total_memory_kib": 16 << 20 });
    sidecar["heap"] = json!({ "allocator": "jemalloc" });
    let map = sidecar.as_object_mut().unwrap();
    for key in ["duration_ns", "outcome", "budgets", "metrics"] {
        map.remove(key);
    }
    sidecar
}

/// Killed after a checkpoint, which is on the disk as soon as it is made.
pub(crate) fn killed_after_checkpoint(test: &str) -> Value {
    let mut sidecar = killed(test);
    sidecar["heap"]["checkpoints"] = json!([{ "label": "filled", "at_ns": 4_000_000, "own": {
        "allocated_bytes": 7 << 20, "deallocated_bytes": 2 << 20, "retained_bytes": 5 << 20,
        "peak_bytes": (25 << 18) + 4096, "peak_error_bytes": 4096, "peak_source": "thread_event",
        "threads": 2, "threads_running": 1
    }}]);
    sidecar
}
