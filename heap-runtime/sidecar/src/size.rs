//! Amounts of memory, written for people.

use std::fmt;

/// Bytes in binary units with three significant digits: `28.0 KiB`; below 1 KiB, all of them.
///
/// ```
/// use heap_sidecar::size::Human;
///
/// assert_eq!(Human(28 << 10).to_string(), "28.0 KiB");
/// assert_eq!(Human(1023).to_string(), "1023 B");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Human(pub u64);

impl fmt::Display for Human {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
        if self.0 < 1024 {
            return f.pad(&format!("{} B", self.0));
        }
        #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
        let mut value = self.0 as f64 / 1024.0;
        let mut unit = 0;
        // 1023.5 would be shown as "1024".
        while value >= 1023.5 && unit + 1 < UNITS.len() {
            value /= 1024.0;
            unit += 1;
        }
        let decimals = match value {
            value if value < 9.995 => 2,
            value if value < 99.95 => 1,
            _ => 0,
        };
        f.pad(&format!("{value:.decimals$} {}", UNITS[unit]))
    }
}

/// As [`Human`], with the sign of a difference: `+4.00 KiB`, `-12 B`, `0 B`.
///
/// ```
/// use heap_sidecar::size::Signed;
///
/// assert_eq!(Signed(4096).to_string(), "+4.00 KiB");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signed(pub i64);

impl fmt::Display for Signed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.0 {
            0 => "",
            1.. => "+",
            _ => "-",
        };
        f.pad(&format!("{sign}{}", Human(self.0.unsigned_abs())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_three_digits_and_round_into_the_next_unit() {
        let cases = [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.00 KiB"),
            (10_239, "10.0 KiB"),
            (102_400, "100 KiB"),
            (1_048_575, "1.00 MiB"),
            (52_428_800, "50.0 MiB"),
            (u64::MAX, "16.0 EiB"),
        ];
        for (bytes, text) in cases {
            assert_eq!(Human(bytes).to_string(), text);
        }
        assert_eq!(Signed(-1536).to_string(), "-1.50 KiB");
        assert_eq!(Signed(0).to_string(), "0 B");
        assert_eq!(format!("{:>8}|", Human(1)), "     1 B|");
    }
}
