//! The three largest peaks of a run, out of its sidecars.
//!
//! ```text
//! cargo run --package heap-runtime --example largest_peaks -- target/heap/RUN
//! ```

use std::cmp::Reverse;
use std::env;
use std::error::Error;
use std::iter::successors;
use std::path::Path;
use std::process::ExitCode;

use heap_sidecar::{FolderError, Sidecar, read_run};

fn main() -> ExitCode {
    let Some(folder) = env::args_os().nth(1) else {
        eprintln!("which run? Name a folder of sidecars, such as target/heap/43e7664b12abc0c8");
        return ExitCode::from(2);
    };
    match largest_peaks(Path::new(&folder), 3) {
        Ok(peaks) => {
            for (bytes, test) in peaks {
                println!("{bytes:>12} B  {test}");
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{}", with_causes(&error));
            ExitCode::from(2)
        }
    }
}

/// Own peaks in bytes with the tests' names, the largest first. A test without one, because it was
/// killed or had no jemalloc, is left out; a file that is no sidecar is told on stderr.
fn largest_peaks(folder: &Path, count: usize) -> Result<Vec<(u64, String)>, FolderError> {
    let (sidecars, unreadable) = read_run(folder)?;
    for file in unreadable {
        eprintln!("{}", with_causes(&file));
    }
    let mut peaks: Vec<(u64, String)> = sidecars.into_iter().filter_map(peak).collect();
    peaks.sort_by_key(|&(bytes, _)| Reverse(bytes));
    peaks.truncate(count);
    Ok(peaks)
}

/// What an error says, and what its causes say.
fn with_causes(error: &(dyn Error + 'static)) -> String {
    let errors = successors(Some(error), |error| (**error).source());
    errors
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

fn peak(sidecar: Sidecar) -> Option<(u64, String)> {
    Some((sidecar.heap.own?.peak_bytes?, sidecar.test_name))
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::hint::black_box;
    use std::process::Command;

    use heap_runtime::heap_tracked;

    heap_runtime::use_jemalloc!();

    #[heap_tracked(exact)]
    #[test]
    fn holds_one_kib() {
        black_box(vec![0_u8; 1 << 10]);
    }

    #[heap_tracked(exact)]
    #[test]
    fn holds_four_kib() {
        black_box(vec![0_u8; 4 << 10]);
    }

    #[test]
    fn the_largest_come_first() {
        let folder = tempfile::tempdir().unwrap();
        let run = Command::new(env::current_exe().unwrap())
            .arg("holds")
            .env("HEAP_SIDECAR_DIR", folder.path())
            .output()
            .unwrap();
        assert!(run.status.success(), "{run:?}");
        let peaks = largest_peaks(folder.path(), 3).unwrap();
        assert_eq!(
            peaks,
            [
                (4 << 10, "tests::holds_four_kib".to_owned()),
                (1 << 10, "tests::holds_one_kib".to_owned()),
            ]
        );
        assert_eq!(largest_peaks(folder.path(), 1).unwrap(), peaks[..1]);
    }
}
