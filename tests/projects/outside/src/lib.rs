//! A scheduler, nearly.

use heap_runtime::heap_tracked;

/// Picks the task that has run the least.
///
/// ```
/// #[heap_runtime::heap_tracked(labels(kind = "doctest"))]
/// fn example() {
///     assert_eq!(outside::pick(&[3, 1, 2]), Some(1));
/// }
/// example();
/// ```
#[must_use]
pub fn pick(run_times: &[u64]) -> Option<usize> {
    (0..run_times.len()).min_by_key(|task| run_times[*task])
}

#[cfg(test)]
mod tests {
    use super::*;

    heap_runtime::use_jemalloc!();

    #[heap_tracked(labels(kind = "unit"))]
    #[test]
    fn picks() {
        assert_eq!(pick(&[3, 1, 2]), Some(1));
    }
}
