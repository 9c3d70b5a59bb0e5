//! The host as read on the machine that runs the tests, against what other programs say of it.
#![cfg(all(target_os = "linux", not(heap_runtime_elsewhere)))]

use heap_runtime::HostContext;
use serde_json::Value;
use std::fs::{self, File};
use std::mem::discriminant;
use std::process::Command;

fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    assert!(output.status.success(), "{program} {arguments:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// The number behind `key` in a file of lines.
fn number(file: &str, key: &str) -> Option<u64> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    line.split_whitespace().next()?.parse().ok()
}

#[test]
fn agrees_with_the_tools() {
    let host = HostContext::read();
    assert_eq!(host.kernel_name.unwrap(), said("uname", &["-s"]));
    assert_eq!(host.kernel_release.unwrap(), said("uname", &["-r"]));
    assert_eq!(host.arch.unwrap(), said("uname", &["-m"]));
    if let Some(online) = host.online_cpus {
        assert_eq!(online.to_string(), said("getconf", &["_NPROCESSORS_ONLN"]));
    }
    if let Some(cmdline) = host.kernel_cmdline {
        assert_eq!(cmdline, said("cat", &["/proc/cmdline"]));
    }
    assert_eq!(host.heap_state, None);
}

#[test]
fn agrees_with_proc_read_by_hand() {
    let host = HostContext::read();
    let meminfo = |key| number("/proc/meminfo", key);
    assert_eq!(host.total_memory_kib, meminfo("MemTotal:"));
    assert_eq!(host.hugepages_size_kib, meminfo("Hugepagesize:"));
    assert_eq!(host.vm_oom_kill, number("/proc/vmstat", "oom_kill "));
    let available = (
        host.mem_available_kib.unwrap(),
        meminfo("MemAvailable:").unwrap(),
    );
    // Other programs allocate meanwhile.
    assert!(available.0.abs_diff(available.1) < host.total_memory_kib.unwrap() / 4);
    for (name, value) in host.sched_tunables.into_iter().flatten() {
        let file = format!("/proc/sys/kernel/{name}");
        assert_eq!(value, fs::read_to_string(file).unwrap().trim(), "{name}");
    }
}

#[test]
fn resident_memory_follows_what_the_process_touches() {
    const SIZE: usize = 64 << 20;
    let before = HostContext::read();
    let touched = vec![1_u8; SIZE];
    let during = HostContext::read();
    std::hint::black_box(&touched);
    drop(touched);
    let grown = during.rss_bytes.unwrap() - before.rss_bytes.unwrap();
    let size = SIZE as u64;
    assert!((size * 3 / 4..size * 2).contains(&grown), "{grown}");
    assert!(during.peak_rss_bytes >= during.rss_bytes);
    // The kernel notes the peak from counts that it batches per CPU: it may come out a little lower than it was.
    let peak = HostContext::read().peak_rss_bytes.unwrap();
    assert!(peak + size / 4 >= during.peak_rss_bytes.unwrap(), "{peak}");
}

/// Runs the test below in a process that may have few files open.
#[test]
fn out_of_file_descriptors() {
    let this = std::env::current_exe().unwrap();
    let output = Command::new("sh")
        .args([
            "-c",
            r#"ulimit -n 32 && exec "$0" --exact --ignored --nocapture no_file_descriptors_left"#,
        ])
        .arg(this)
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{printed}");
    assert!(printed.contains("1 passed"), "{printed}");
}

#[test]
#[ignore = "takes every file descriptor of its process: run by `out_of_file_descriptors`"]
fn no_file_descriptors_left() {
    let taken: Vec<_> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
    assert!(!taken.is_empty());
    let host = HostContext::read();
    assert_eq!(host.mem_available_kib, None);
    assert_eq!(host.rss_bytes, None);
    assert!(host.kernel_release.is_some());
    drop(taken);
    assert!(HostContext::read().mem_available_kib.is_some());
}

/// Every way in which `now` is not of the shape of `golden`, where both have a key.
fn changed(now: &Value, golden: &Value, at: &str) -> Vec<String> {
    match (now, golden) {
        (Value::Object(now), Value::Object(golden)) => now
            .iter()
            .filter_map(|(key, value)| Some((key, value, golden.get(key)?)))
            .flat_map(|(key, now, golden)| changed(now, golden, &format!("{at}.{key}")))
            .collect(),
        _ if discriminant(now) == discriminant(golden) => Vec::new(),
        _ => vec![format!("{at} was {golden} and is {now}")],
    }
}

/// ktstr's own types have read this file: `tests/projects/ktstr/run` says how, and makes it anew.
#[test]
fn what_ktstr_has_read_is_still_written_so() {
    let golden = include_str!("fixtures/read-by-ktstr-0.50.heap.json");
    let golden: Value = serde_json::from_str(golden).unwrap();
    let mut host = HostContext::read();
    host.heap_state = Some(heap_runtime::collect());
    let now = serde_json::to_value(host).unwrap();
    for half in ["host", "host_before"] {
        assert_eq!(changed(&now, &golden[half], half), [""; 0]);
    }
    // Of those that every Linux has, none has got another name.
    for key in [
        "total_memory_kib",
        "hugepages_total",
        "kernel_name",
        "kernel_release",
        "arch",
        "task_delayacct",
        "config_task_xacct",
        "heap_state",
    ] {
        assert!(
            now.get(key).is_some() && golden["host"].get(key).is_some(),
            "{key}"
        );
    }
    let heap_keys = |host: &Value| -> Vec<_> {
        let heap = host["heap_state"].as_object().unwrap();
        heap.keys().cloned().collect()
    };
    assert_eq!(heap_keys(&now), heap_keys(&golden["host"]));
}
