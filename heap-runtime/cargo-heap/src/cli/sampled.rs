//! Samples as people read them.

use heap_sidecar::{Better, Description, Samples};

use super::text::printable;
use crate::report::Row;

/// A line for each name of samples.
pub(super) fn lines(row: &Row) -> impl Iterator<Item = String> {
    let all = row.samples.iter().flatten();
    all.map(|(name, samples)| {
        let described = row.descriptions.as_ref().and_then(|all| all.get(name));
        format!("{} = {}", printable(name), line(samples, described))
    })
}

/// What a metric of that name is said to be, to stand behind its value.
pub(super) fn described(row: &Row, name: &str) -> String {
    let described = row.descriptions.as_ref().and_then(|all| all.get(name));
    described.map_or_else(String::new, |described| {
        format!("{}{}", unit(Some(described)), better(Some(described)))
    })
}

fn line(samples: &Samples, described: Option<&Description>) -> String {
    let number = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), short);
    let at = |part| number(samples.quantile(part));
    let mut line = format!(
        "{} values from {} to {}, p50 {}, p90 {}, p99 {}, p99.9 {}{} (± {:.1} %)",
        samples.count,
        number(samples.min),
        number(samples.max),
        at(0.5),
        at(0.9),
        at(0.99),
        at(0.999),
        unit(described),
        samples.relative_error * 100.0,
    );
    if samples.not_finite > 0 {
        let others = format!(", and {} that are not finite numbers", samples.not_finite);
        line.push_str(&others);
    }
    line + &better(described)
}

/// Four digits of a value that is known to two: more would say what nobody knows.
fn short(value: f64) -> String {
    let magnitude = value.abs();
    if magnitude != 0.0 && !(1e-3..1e6).contains(&magnitude) {
        return format!("{value:.3e}");
    }
    // How many digits stand before the point: none count where it is small.
    let before = [1.0, 10.0, 100.0, 1000.0]
        .iter()
        .filter(|limit| magnitude >= **limit)
        .count();
    let decimals = if before == 0 { 6 } else { 4 - before };
    let text = format!("{value:.decimals$}");
    match text.split_once('.') {
        Some(_) => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        None => text,
    }
}

fn unit(described: Option<&Description>) -> String {
    let units = described.map(|described| printable(&described.unit));
    let units = units.filter(|unit| !unit.is_empty());
    units.map_or_else(String::new, |unit| format!(" {unit}"))
}

fn better(described: Option<&Description>) -> String {
    match described.map(|described| described.better) {
        Some(Better::Lower) => ", lower is better".into(),
        Some(Better::Higher) => ", higher is better".into(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_digits_that_are_known() {
        for (value, text) in [
            (0.0, "0"),
            (41.5, "41.5"),
            (-1000.25, "-1000"),
            (0.012_345_678, "0.012346"),
            (1.0, "1"),
            (1.5e9, "1.500e9"),
            (2e-7, "2.000e-7"),
            (120.0, "120"),
        ] {
            assert_eq!(short(value), text);
        }
    }

    #[test]
    fn a_line_says_what_the_values_are() {
        let mut samples = Samples::default();
        for value in [2.0, 8.0, 41.5, f64::NAN] {
            samples.record(value);
        }
        let described = Description::new("us", Better::Lower);
        assert_eq!(
            line(&samples, Some(&described)),
            "3 values from 2 to 41.5, p50 8.125, p90 41.5, p99 41.5, p99.9 41.5 us (± 1.6 %), and 1 that are not \
             finite numbers, lower is better"
        );
        assert!(line(&Samples::default(), None).starts_with("0 values from - to -, p50 -"));
    }
}
