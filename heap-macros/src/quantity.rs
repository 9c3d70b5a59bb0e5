// Numbers with a unit, as people write them: what sizes and durations have in common. This file is a module of
// `heap-macros`, and through `heap_macros::parsers!` of other crates too; hence no inner doc comment and only `std`.

/// A number and the unit behind it, which whoever knows the units has still to judge.
pub(crate) struct Quantity {
    whole: String,
    fraction: String,
    pub(crate) unit: String,
}

/// Why an amount cannot be told in the smallest unit.
pub(crate) enum Wrong {
    /// More than a `u64` holds.
    TooMuch,
    /// A fraction of the smallest unit.
    NotWhole,
}

impl Quantity {
    /// `None` if the text does not begin with a number. Its digits may be grouped with `_`.
    pub(crate) fn split(text: &str) -> Option<Self> {
        let compact: String = text.chars().filter(|c| *c != '_').collect();
        let compact = compact.trim();
        let end = compact
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(compact.len());
        let (number, unit) = compact.split_at(end);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() || fraction.contains('.') || number.ends_with('.') {
            return None;
        }
        Some(Self {
            whole: whole.to_owned(),
            fraction: fraction.trim_end_matches('0').to_owned(),
            unit: unit.trim().to_owned(),
        })
    }

    /// The amount in the smallest unit, of which its own unit has `factor`.
    pub(crate) fn times(&self, factor: u64) -> Result<u64, Wrong> {
        let whole: u64 = self.whole.parse().map_err(|_| Wrong::TooMuch)?;
        let whole = whole.checked_mul(factor).ok_or(Wrong::TooMuch)?;
        let part = part_of(&self.fraction, factor).ok_or(Wrong::NotWhole)?;
        whole.checked_add(part).ok_or(Wrong::TooMuch)
    }
}

/// What the decimals `digits` of one unit come to in the smallest, if that is a whole number. In `u128`, because nine
/// decimals of a PiB overflow a `u64` before they are divided.
fn part_of(digits: &str, factor: u64) -> Option<u64> {
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
