// Sizes as people write them. This file is a module of `heap-macros`, and through
// `heap_macros::parsers!` of other crates too; hence no inner doc comment and only `std`.

use super::quantity::{Quantity, Wrong};

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
    let Some(quantity) = Quantity::split(text) else {
        let what = if text.trim().is_empty() {
            "an empty text".into()
        } else {
            format!("`{text}`")
        };
        return Err(format!(
            "{what} is not a size: write a number of bytes or a number with a unit, \
             such as `\"8 MiB\"`"
        ));
    };
    let unit = &quantity.unit;
    let Some((_, factor)) = UNITS
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(unit))
    else {
        return Err(format!(
            "`{unit}` is not a unit of size: write B, kB, MB, GB, TB, KiB, MiB, GiB, TiB or PiB"
        ));
    };
    quantity.times(*factor).map_err(|wrong| match wrong {
        Wrong::TooMuch => format!(
            "`{text}` is more than {} bytes, the largest size: write a smaller one",
            u64::MAX
        ),
        Wrong::NotWhole => format!(
            "`{text}` is not a whole number of bytes: write a number that is, or a smaller unit"
        ),
    })
}
