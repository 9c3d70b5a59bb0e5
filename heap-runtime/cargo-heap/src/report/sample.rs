//! Rows for tests, read from sidecars as any other.

use serde_json::{Value, json};

use super::record::Record;
use super::row::Row;
use super::run_pressure::RunPressure;

fn row(sidecar: &Value) -> Row {
    let text = sidecar.to_string();
    let path = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&path, text).unwrap();
    // Through the file, so that samples are refused for what any file would be.
    let _: Record = heap_sidecar::read_as(path.path()).unwrap();
    Row::read(path.path()).unwrap()
}

fn host(available_kib: u64) -> Value {
    json!({
        "cpu_model": "Test CPU", "arch": "x86_64", "kernel_release": "6.12.0", "online_cpus": 4,
        "total_memory_kib": 1000 << 10, "mem_available_kib": available_kib,
        "swap_free_kib": 1 << 20,
        "memory_pressure": {
            "some": { "avg10": 0.5, "total": 1000 }, "full": { "avg10": 0.25, "total": 500 }
        },
        "cgroup_memory": {
            "version": 2, "current_bytes": 100 << 20, "max_bytes": 1000_u64 << 20,
            "high_bytes": 1000_u64 << 20, "above": 0,
            "levels": [
                { "above": 0, "current_bytes": 100 << 20, "max_bytes": 1000_u64 << 20,
                  "reclaimable_bytes": 10 << 20, "events": { "high": 0, "max": 0, "oom_kill": 0 } },
                { "above": 2, "current_bytes": 200 << 20, "max_bytes": 4000_u64 << 20,
                  "events": { "high": 0, "max": 0, "oom_kill": 0 } }
            ],
            "events": { "low": 0, "high": 0, "max": 0, "oom": 0, "oom_kill": 0 }
        },
        "vm_oom_kill": 7, "rss_bytes": 10 << 20, "peak_rss_bytes": 20 << 20,
        "address_space_limit_bytes": 1_u64 << 40
    })
}

fn sidecar(test: &str) -> Value {
    json!({
        "format_version": 1, "status": "finished", "test_name": test, "package": "p", "binary": "b",
        "source": { "file": "tests/b.rs", "line": 3 }, "run_id": "run", "runner": "cargo-test",
        "attempt": 1, "iteration": 0, "pid": u32::MAX, "started_at": "2026-11-23T10:00:00.000Z",
        "duration_ns": 2_000_000, "outcome": "failed",
        "failure": { "kind": "panic", "message": "assertion failed" },
        "host": host(900 << 10), "host_before": host(900 << 10),
        "heap": { "allocator": "jemalloc" }
    })
}

/// A test that failed while nothing was the matter with memory.
pub(crate) fn calm(test: &str) -> Row {
    row(&sidecar(test))
}

/// A test that was killed.
pub(crate) fn killed(test: &str) -> Row {
    row(&running(test))
}

fn running(test: &str) -> Value {
    let mut sidecar = sidecar(test);
    let map = sidecar.as_object_mut().unwrap();
    map.insert("status".into(), "running".into());
    for key in ["duration_ns", "outcome", "failure"] {
        map.remove(key);
    }
    map.insert("host".into(), json!({ "total_memory_kib": 1000 << 10 }));
    map.insert("pid".into(), (u32::MAX - 1).into());
    sidecar
}

fn checkpoint(label: &str, peak: u64) -> Value {
    json!({ "label": label, "at_ns": 1_500_000, "own": {
        "allocated_bytes": peak + 8, "deallocated_bytes": 16, "retained_bytes": peak - 8,
        "peak_bytes": peak, "peak_error_bytes": 0, "peak_source": "thread_event",
        "threads": 2, "threads_running": 1
    }})
}

/// The readings around the run of these tests: kills before and after, in the cgroup and on the
/// host.
pub(crate) fn around(cgroup: [u64; 2], host: [u64; 2]) -> RunPressure {
    let reading = |cgroup: u64, host: u64| {
        json!({
            "cgroup_memory": { "version": 2, "events": { "oom_kill": cgroup } },
            "vm_oom_kill": host
        })
    };
    let readings = json!({
        "format_version": 1, "run_id": "run",
        "started_at": "2026-11-23T09:59:00.000Z", "ended_at": "2026-11-23T10:01:00.000Z",
        "host": reading(cgroup[1], host[1]), "host_before": reading(cgroup[0], host[0])
    });
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&file, readings.to_string()).unwrap();
    RunPressure::read(file.path()).unwrap()
}

/// A test that was killed after a checkpoint, up to which its peak was so large.
pub(crate) fn killed_after_checkpoint(test: &str, peak: u64) -> Row {
    let mut sidecar = running(test);
    let checkpoints = json!([checkpoint("warm", 64), checkpoint("filled", peak)]);
    sidecar
        .pointer_mut("/heap")
        .and_then(Value::as_object_mut)
        .unwrap()
        .insert("checkpoints".into(), checkpoints);
    row(&sidecar)
}

/// A test that was killed, and was last seen with so much live, give or take 64 KiB.
pub(crate) fn killed_when_last_seen(test: &str, live: u64) -> Row {
    let mut sidecar = running(test);
    let seen = last_seen(3_100_000_000, live);
    sidecar["heap"]["last_seen"] = seen;
    row(&sidecar)
}

fn last_seen(at_ns: u64, live: u64) -> Value {
    let digits = |number: u64| format!("{number:020}");
    json!({
        "at_ns": digits(at_ns), "live_bytes": digits(live), "error_bytes": digits(64 << 10),
        "outcome": "running"
    })
}

/// Who waited for what, as a host of its own.
fn waits() -> Value {
    let pressure = |total: u64| json!({ "some": { "avg10": 0.0, "total": total }, "full": { "avg10": 0.0, "total": total } });
    json!({
        "cpu_pressure": { "some": { "avg10": 12.5, "total": 7 } }, "io_pressure": pressure(8),
        "cgroup_pressure": { "memory": pressure(1), "cpu": pressure(2), "io": pressure(3) },
        "cpu_time": { "iowait_us": 10_000, "steal_us": 20_000 },
        "cgroup_cpu": [{
            "above": 1, "quota_us": 50_000, "period_us": 100_000, "nr_throttled": 3, "throttled_us": 90
        }],
        "sched_ext": { "state": "enabled", "ops": "simple_fifo", "enable_seq": 3, "nr_rejected": 0 }
    })
}

/// Where the time went.
fn time() -> Value {
    let mut time = json!({
        "wall_ns": 1_500_000, "cpu_ns": 900_000, "user_ns": 600_000, "system_ns": 300_000,
        "run_delay_ns": 400_000, "run_delay_error_ns": 7000, "slices": 9, "voluntary_switches": 5,
        "involuntary_switches": 3, "minor_faults": 20, "major_faults": 1,
        "delays": {
            "block_io": { "count": 1, "ns": 100_000 }, "swap_in": { "count": 1, "ns": 20_000 },
            "reclaim": { "count": 2, "ns": 40_000 }
        }
    });
    let all = time.as_object_mut().unwrap();
    let mut body = all.clone();
    body.extend([
        ("cpu_ns".into(), 500_000.into()),
        ("blocked_ns".into(), 600_000.into()),
    ]);
    all.insert("test_thread".into(), body.into());
    all.extend([
        ("threads".into(), 2.into()),
        ("threads_running".into(), 1.into()),
    ]);
    all.insert(
        "reason".into(),
        json!({ "delays": "kernel.task_delayacct is 0" }),
    );
    time
}

/// Three values of one name.
fn samples() -> Value {
    json!({ "wakeup_us": {
        "count": 3, "min": 2.0, "max": 41.5, "relative_error": 0.015_625,
        "quantiles": { "p50": 8.125, "p90": 41.5, "p99": 41.5, "p999": 41.5 },
        "buckets": [[2.0, 1], [8.0, 1], [41.0, 1]]
    }})
}

/// A test of which everything there is was recorded.
pub(crate) fn full() -> Row {
    let mut sidecar = sidecar("full");
    for host in ["host", "host_before"] {
        let host = sidecar[host].as_object_mut().unwrap();
        host.extend(waits().as_object().unwrap().clone());
    }
    let map = sidecar.as_object_mut().unwrap();
    map.insert("stress_index".into(), 0.into());
    map.insert("shard".into(), "1/2".into());
    map.insert("runner_run_id".into(), "uuid".into());
    map.insert("parent".into(), json!({ "pid": 4242 }));
    map.insert("skip_reason".into(), "why".into());
    map.insert("labels".into(), json!({ "scheduler": "eevdf" }));
    map.insert("metrics".into(), json!({ "wakeup_p99_us": 41.5 }));
    map.insert("time".into(), time());
    map.insert("samples".into(), samples());
    map.insert(
        "descriptions".into(),
        json!({ "wakeup_us": { "unit": "us", "better": "lower" } }),
    );
    map.insert(
        "budgets".into(),
        json!([{ "limit": "max_peak", "bytes": 1, "actual": 2, "held": false }]),
    );
    map.insert(
        "heap".into(),
        json!({
            "allocator": "jemalloc", "reason": "none", "overlap": 0, "exclusive": true,
            "c_allocator": "other", "panic_rss_bytes": 4096, "panic_peak_rss_bytes": 8192,
            "process": {
                "delta": { "allocated_bytes": -32, "resident_bytes": 4096 },
                "resident": {
                    "before": { "bytes": 10 << 20 }, "after": { "bytes": (42 << 20) + 4096 }
                }
            },
            "own": {
                "allocated_bytes": 64, "deallocated_bytes": 32, "retained_bytes": 32,
                "peak_bytes": 48, "peak_error_bytes": 16, "peak_source": "exact",
                "allocations": 3, "threads": 2, "threads_running": 1,
                "shared": {
                    "included_allocated_bytes": 0, "included_deallocated_bytes": 0,
                    "beside_allocated_bytes": 0, "beside_deallocated_bytes": 0
                }
            },
            "checkpoints": [checkpoint("warm", 40)],
            "last_seen": last_seen(7, 9)
        }),
    );
    row(&sidecar)
}
