//! Amounts of memory: read from text, written for people.

pub(crate) use heap_sidecar::size::{Human, Signed};

// The same parser as the attribute's, so that a size means the same in both places.
mod text {
    heap_macros::size_parser!();
}

pub(crate) use text::parse;

#[cfg(test)]
mod tests {
    use super::*;

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
