//! A harness of one's own: a table of cases, each of them a tracked test.
//!
//! ```text
//! cargo run --package heap-runtime --example own_main
//! ```

use std::panic;
use std::process::ExitCode;

use heap_runtime::Test;

heap_runtime::use_jemalloc!();

/// Numbers that are sorted: what a case is called, and how many there are.
const CASES: [(&str, u64); 3] = [("none", 0), ("few", 10), ("many", 100_000)];

fn main() -> ExitCode {
    let failed: Vec<String> = CASES.into_iter().filter_map(failure).collect();
    for name in &failed {
        println!("{name} failed");
    }
    println!(
        "{} of {} cases passed",
        CASES.len() - failed.len(),
        CASES.len()
    );
    if failed.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// The name of the case, if it failed: by its own panic, or by one that says which budget it broke.
fn failure((case, count): (&str, u64)) -> Option<String> {
    let name = format!("sorting::{case}");
    let test = Test::new(&name)
        .max_retained(0)
        // The numbers of the largest case, and nothing to sort them in.
        .max_peak(1 << 20)
        .labels(&[("area", "sorting")]);
    let verdict = panic::catch_unwind(|| test.run(|| descending_numbers_are_sorted(count)));
    verdict.is_err().then_some(name)
}

fn descending_numbers_are_sorted(count: u64) {
    let mut numbers: Vec<u64> = (0..count).rev().collect();
    heap_runtime::checkpoint("filled");
    numbers.sort_unstable();
    assert!(numbers.is_sorted());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_case_passes() {
        assert_eq!(main(), ExitCode::SUCCESS);
    }

    #[test]
    fn a_case_that_is_too_large_is_told() {
        let too_many = (3 << 20) / 8;
        assert_eq!(
            failure(("too_many", too_many)).as_deref(),
            Some("sorting::too_many")
        );
    }
}
