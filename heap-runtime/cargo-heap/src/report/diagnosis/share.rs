//! Shares, in whole percent.

/// Whether a part is so many percent of the whole, or more.
pub(super) fn reaches(part: u64, percent: u64, whole: u64) -> bool {
    u128::from(part) * 100 >= u128::from(whole) * u128::from(percent)
}

/// How many percent of the whole a part is, rounded down.
pub(super) fn percent(part: u64, whole: u64) -> u64 {
    u64::try_from(u128::from(part) * 100 / u128::from(whole.max(1))).unwrap_or(u64::MAX)
}
