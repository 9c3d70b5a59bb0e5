//! Amounts of memory and of time: read from text, written for people.

pub(crate) use heap_sidecar::size::{Human, Signed};

// The same parsers as the attribute's, so that an amount means the same in both places.
mod text {
    heap_macros::parsers!(size duration);
    pub(crate) use duration::parse as parse_duration;
    pub(crate) use size::parse;
}

pub(crate) use text::{parse, parse_duration};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit() {
        let cases = [
            ("200 ms", 200_000_000),
            ("1.5s", 1_500_000_000),
            ("1_000 us", 1_000_000),
            ("2µs", 2_000),
            ("7 ns", 7),
            ("0 s", 0),
            ("0.123456789 s", 123_456_789),
            // More decimals than a number of nanoseconds has digits.
            ("1.50000000000000000000000 s", 1_500_000_000),
        ];
        for (text, ns) in cases {
            assert_eq!(parse_duration(text), Ok(ns), "{text}");
        }
        for wrong in [
            "",
            "200",
            "ms",
            "0.5 ns",
            "1.00000000001 s",
            "-1 s",
            "1 h",
            "1.2.3 s",
            "99999999999 s",
        ] {
            assert!(parse_duration(wrong).is_err(), "{wrong}");
        }
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
