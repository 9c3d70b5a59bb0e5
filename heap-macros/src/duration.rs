// Durations as people write them. This file is a module of `heap-macros`, and through
// `heap_macros::parsers!` of other crates too; hence no inner doc comment and only `std`.

use super::quantity::{Quantity, Wrong};

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
    let Some(quantity) = Quantity::split(text) else {
        return Err(format!(
            "`{text}` is not a duration: write a number with a unit, such as `\"200 ms\"`"
        ));
    };
    let Some((_, factor)) = UNITS.iter().find(|(name, _)| *name == quantity.unit) else {
        return Err(format!(
            "`{text}` has no unit of time that is known: write ns, us, ms or s, as in `\"200 ms\"`"
        ));
    };
    quantity.times(*factor).map_err(|wrong| match wrong {
        Wrong::TooMuch => format!(
            "`{text}` is more than {} ns, the longest duration: write a shorter one",
            u64::MAX
        ),
        Wrong::NotWhole => {
            format!("`{text}` is not a whole number of nanoseconds: write a number that is")
        }
    })
}
