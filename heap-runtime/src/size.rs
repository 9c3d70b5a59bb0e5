//! Amounts of memory: read from text, written for people.

use std::fmt;

// The same parser as the attribute's, so that a size means the same in both places.
mod text {
    heap_macros::size_parser!();
}

pub(crate) use text::parse;

/// Bytes in binary units with three significant digits: `28.0 KiB`; below 1 KiB, all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Human(pub(crate) u64);

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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Signed(pub(crate) i64);

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

    #[test]
    fn the_parser_is_the_attributes() {
        assert_eq!(parse("8 MiB"), Ok(8 << 20));
        assert_eq!(parse("1.5 KiB"), Ok(1536));
        assert_eq!(parse("1_000"), Ok(1000));
        for wrong in [
            "",
            "8 parsecs",
            "0.3 KiB",
            "-1",
            "1.",
            ".5 KiB",
            "1.2.3 kB",
            "17000000 TiB",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
