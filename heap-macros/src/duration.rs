// Durations as people write them. This file is a module of `heap-macros`, and through
// `heap_macros::duration_parser!` of `heap-runtime` too; hence no inner doc comment and only `std`.

/// The units, in nanoseconds.
const UNITS: [(&str, u64); 5] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
];

/// Reads a duration such as `"200 ms"` or `"1.5 s"` as a number of nanoseconds.
///
/// Digits may be grouped with `_`. A fraction must come to a whole number of nanoseconds.
///
/// # Errors
///
/// Says what is wrong with the text and what a duration looks like.
pub(crate) fn parse(text: &str) -> Result<u64, String> {
    let compact: String = text.chars().filter(|c| *c != '_').collect();
    let compact = compact.trim();
    let end = compact
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(compact.len());
    let (number, unit) = compact.split_at(end);
    let unit = unit.trim();
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() || fraction.contains('.') || number.ends_with('.') {
        return Err(format!(
            "`{text}` is not a duration: write a number with a unit, such as `\"200 ms\"`"
        ));
    }
    let Some((_, factor)) = UNITS.iter().find(|(name, _)| *name == unit) else {
        return Err(format!(
            "`{text}` has no unit of time that is known: write ns, us, ms or s, as in `\"200 ms\"`"
        ));
    };
    let too_long = || {
        format!(
            "`{text}` is more than {} ns, the longest duration: write a shorter one",
            u64::MAX
        )
    };
    let whole: u64 = whole.parse().map_err(|_| too_long())?;
    let ns = whole.checked_mul(*factor).ok_or_else(too_long)?;
    let part = part_of(fraction.trim_end_matches('0'), *factor).ok_or_else(|| {
        format!("`{text}` is not a whole number of nanoseconds: write a number that is")
    })?;
    ns.checked_add(part).ok_or_else(too_long)
}

/// The decimals `digits` of one unit of `factor` nanoseconds, where that is a whole number of them.
fn part_of(digits: &str, factor: u64) -> Option<u64> {
    if digits.is_empty() {
        return Some(0);
    }
    let scale = 10_u64.checked_pow(u32::try_from(digits.len()).ok()?)?;
    let product = digits.parse::<u64>().ok()?.checked_mul(factor)?;
    product.is_multiple_of(scale).then(|| product / scale)
}
