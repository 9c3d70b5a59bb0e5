//! What the call-back of the own tier costs a loop that does nothing but allocate and free.
//!
//! There is no way to take a call-back out again, so each side is a process of its own. They take
//! turns, and medians are compared: `cargo bench -p heap-tests --bench sampling`.

use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use heap_runtime::heap_tracked;

heap_runtime::use_jemalloc!();

const ROUNDS: usize = 21;
const ALLOCATIONS: usize = 2_000_000;
const KIB: [u32; 7] = [4, 8, 16, 32, 64, 128, 256];
/// How large the allocations are, and how many are kept before all are freed.
const LOOPS: [(usize, usize); 3] = [(24, ALLOCATIONS), (24, 1), (256, 1)];
const MEASURE: &str = "--measure";

/// Nanoseconds of one loop.
#[heap_tracked]
fn loop_of(bytes: usize, keep: usize, rounds: usize, kept: &mut Vec<Vec<u8>>) -> u64 {
    let start = Instant::now();
    for round in 1..=rounds {
        kept.push(Vec::with_capacity(black_box(bytes)));
        if round % keep == 0 {
            kept.clear();
        }
    }
    u64::try_from(start.elapsed().as_nanos()).unwrap()
}

/// One side: with the call-back each so many KiB, or without.
fn measure(kib: Option<u32>, bytes: usize, keep: usize, folder: &Path) -> u64 {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args([MEASURE, &bytes.to_string(), &keep.to_string()])
        .env("HEAP_SIDECAR_DIR", folder)
        .env("HEAP_PROCESS", "0");
    match kib {
        Some(kib) => command.env("HEAP_SAMPLE_BYTES", format!("{kib} KiB")),
        None => command.env("HEAP_TRACK", "0"),
    };
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout)
        .unwrap()
        .trim()
        .parse()
        .unwrap()
}

fn median(mut values: Vec<u64>) -> u64 {
    let middle = values.len() / 2;
    *values.select_nth_unstable(middle).1
}

fn main() {
    let arguments: Vec<_> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|argument| argument == MEASURE) {
        let [bytes, keep] = [1, 2].map(|after| arguments[at + after].parse().unwrap());
        let mut kept = Vec::with_capacity(ALLOCATIONS);
        // The first makes what is made once.
        loop_of(bytes, keep, 1000, &mut kept);
        println!("{}", loop_of(bytes, keep, ALLOCATIONS, &mut kept));
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let sides: Vec<_> = std::iter::once(None)
        .chain(KIB.into_iter().map(Some))
        .collect();
    for (bytes, keep) in LOOPS {
        let mut times = vec![Vec::with_capacity(ROUNDS); sides.len()];
        for round in 0..ROUNDS {
            // In another order each round: whoever comes first is not always the same.
            for at in 0..sides.len() {
                let at = (at + round) % sides.len();
                times[at].push(measure(sides[at], bytes, keep, folder.path()));
            }
        }
        let medians: Vec<_> = times.into_iter().map(median).collect();
        println!(
            "{bytes} bytes, {ALLOCATIONS} times: {} us without",
            medians[0] / 1000
        );
        for (side, median) in sides.iter().zip(&medians).skip(1) {
            #[expect(clippy::cast_precision_loss, reason = "a ratio for people")]
            let ratio = *median as f64 / medians[0] as f64;
            println!("  each {:3} KiB: {ratio:.4}", side.unwrap_or_default());
        }
    }
}
