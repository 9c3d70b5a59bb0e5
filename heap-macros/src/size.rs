// Sizes as people write them. This file is a module of `heap-macros`, and through
// `heap_macros::size_parser!` of `heap-runtime` too; hence no inner doc comment and only `std`.

/// The units, in bytes. Decimal and binary, as in IEC 80000-13; case does not matter.
const UNITS: [(&str, u64); 13] = [
    ("", 1),
    ("b", 1),
    ("byte", 1),
    ("bytes", 1),
    ("kb", 1_000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("tb", 1_000_000_000_000),
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
    ("tib", 1 << 40),
    ("pib", 1 << 50),
];

/// Reads a size such as `4096`, `"8 MiB"`, `"1.5 GiB"` or `"500kB"` as a number of bytes.
///
/// Digits may be grouped with `_`. A fraction must come to a whole number of bytes: `"1.5 KiB"` is
/// 1536, `"0.3 KiB"` is refused, because a limit that was rounded is not the one that was written.
///
/// # Errors
///
/// Says what is wrong with the text and what a size looks like.
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
        let what = if text.trim().is_empty() {
            "an empty text".into()
        } else {
            format!("`{text}`")
        };
        return Err(format!(
            "{what} is not a size: write a number of bytes or a number with a unit, \
             such as `\"8 MiB\"`"
        ));
    }
    let Some((_, factor)) = UNITS
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(unit))
    else {
        return Err(format!(
            "`{unit}` is not a unit of size: write B, kB, MB, GB, TB, KiB, MiB, GiB, TiB or PiB"
        ));
    };
    let overflow = || {
        format!(
            "`{text}` is more than {} bytes, the largest size: write a smaller one",
            u64::MAX
        )
    };
    let whole: u64 = whole.parse().map_err(|_| overflow())?;
    let bytes = whole.checked_mul(*factor).ok_or_else(overflow)?;
    let part = fraction_of(fraction.trim_end_matches('0'), *factor).ok_or_else(|| {
        format!(
            "`{text}` is not a whole number of bytes: write a number that is, or a smaller unit"
        )
    })?;
    bytes.checked_add(part).ok_or_else(overflow)
}

/// The decimals `digits` of one unit of `factor` bytes, where that is a whole number of bytes.
fn fraction_of(digits: &str, factor: u64) -> Option<u64> {
    if digits.is_empty() {
        return Some(0);
    }
    let scale = 10_u128.checked_pow(u32::try_from(digits.len()).ok()?)?;
    let product = digits
        .parse::<u128>()
        .ok()?
        .checked_mul(u128::from(factor))?;
    product
        .is_multiple_of(scale)
        .then(|| u64::try_from(product / scale).ok())
        .flatten()
}
