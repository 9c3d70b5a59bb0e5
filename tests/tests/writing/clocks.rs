//! A clock that stands in another millennium, as a test of time has it by a preloaded library.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use heap_runtime::heap_tracked;
use heap_tests::{damage, rerun, scratch};

/// Moves the wall clock by `SHIFT` seconds.
const SHIFT: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

int clock_gettime(clockid_t clock, struct timespec *now) {
    static int (*next)(clockid_t, struct timespec *);
    if (!next) next = dlsym(RTLD_NEXT, "clock_gettime");
    int failed = next(clock, now);
    if (!failed && clock == CLOCK_REALTIME) now->tv_sec += atoll(getenv("SHIFT"));
    return failed;
}
"#;

/// A library that is preloaded. `None` where no C compiler makes one.
fn library(folder: &Path) -> Option<PathBuf> {
    let (source, library) = (folder.join("shift.c"), folder.join("shift.so"));
    fs::write(&source, SHIFT).unwrap();
    let made = Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .args([&library, &source])
        .arg("-ldl")
        .output();
    match made {
        Ok(made) => assert!(made.status.success(), "{made:?}"),
        Err(error) => {
            damage::skip(&format!("cc: {error}"));
            return None;
        }
    }
    Some(library)
}

#[heap_tracked]
#[test]
fn a_clock_of_another_millennium_changes_no_verdict() {
    const YEAR: i64 = 31_556_952;
    let made = scratch::folder();
    let Some(library) = library(made.path()) else {
        return;
    };
    let run = |track: &str, shift: i64| {
        let folder = scratch::folder();
        let mut victims = rerun::victims("faults::victims::a::", folder.path());
        victims
            .env("HEAP_TRACK", track)
            .env("LD_PRELOAD", &library)
            .env("SHIFT", shift.to_string());
        (damage::output(&mut victims), folder)
    };
    // Before 1970, before the year 0, after 9999, and as far as the clock goes.
    for (years, starts) in [
        (-100, "19"),
        (-400, "16"),
        (-3000, ""),
        (9000, ""),
        (292_000_000_000, ""),
        (-292_000_000_000, ""),
    ] {
        let shift = years * YEAR;
        let (output, folder) = run("1", shift);
        let bare = run("0", shift).0;
        let verdicts = damage::verdicts(&output);
        assert_eq!(verdicts.len(), 4, "{bare:?}");
        assert_eq!(verdicts, damage::verdicts(&bare), "{years}: {output:?}");
        let sidecars = damage::sidecars(folder.path());
        assert_eq!(sidecars.len(), 4);
        for sidecar in sidecars {
            let started_at = &sidecar.started_at;
            let is_told = !starts.is_empty() && started_at.starts_with(starts);
            assert!(is_told || started_at == starts, "{years}: `{started_at}`");
            // The other clock goes on as it did.
            assert!(sidecar.duration_ns.is_some_and(|ns| ns < 60_000_000_000));
        }
    }
}
