//! A time of the wall clock as text.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A time in UTC as RFC 3339 writes it, to the millisecond: `2026-11-23T10:00:00.000Z`. Nothing where its
/// year is not one of 0000 to 9999, which is all that RFC 3339 can write.
///
/// What a clock says is whatever somebody has set, or has put in its place with a preloaded library:
/// a test of time has it stand before 1970 or after 9999.
///
/// ```
/// use heap_sidecar::timestamp::Rfc3339;
/// use std::time::{Duration, UNIX_EPOCH};
///
/// let started_at = UNIX_EPOCH + Duration::from_millis(1_795_428_018_500);
/// assert_eq!(Rfc3339(started_at).to_string(), "2026-11-23T10:00:18.500Z");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rfc3339(pub SystemTime);

const MS_PER_DAY: i128 = 24 * 60 * 60 * 1000;

/// Milliseconds since 1970, of those that have passed.
fn unix_ms(time: SystemTime) -> i128 {
    // Of no duration are there more of them than an i128 holds.
    let ms = |duration: Duration| duration.as_millis().cast_signed();
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => ms(since),
        Err(error) => {
            let before = error.duration();
            let begun = before.subsec_nanos() % 1_000_000 != 0;
            -ms(before) - i128::from(begun)
        }
    }
}

/// Year, month and day of a day counted from 1970, in the calendar that is carried on to both sides:
/// <https://howardhinnant.github.io/date_algorithms.html#civil_from_days>.
fn civil(day: i128) -> (i128, i128, i128) {
    // From here on a year begins in March, so that its last day is the one that comes and goes.
    let day = day + 719_468;
    let era = day.div_euclid(146_097);
    let of_era = day.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = year_of_era + 400 * era + i128::from(month <= 2);
    (year, month, day)
}

impl fmt::Display for Rfc3339 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = unix_ms(self.0);
        let (year, month, day) = civil(ms.div_euclid(MS_PER_DAY));
        if !(0..=9999).contains(&year) {
            return Ok(());
        }
        let ms = ms.rem_euclid(MS_PER_DAY);
        let (hour, minute) = (ms / 3_600_000, ms / 60_000 % 60);
        let (second, ms) = (ms / 1000 % 60, ms % 1000);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(seconds: i64, nanos: u32) -> String {
        let whole = Duration::from_secs(seconds.unsigned_abs());
        let time = if seconds < 0 {
            UNIX_EPOCH.checked_sub(whole)
        } else {
            UNIX_EPOCH.checked_add(whole)
        };
        let time = time.and_then(|time| time.checked_add(Duration::from_nanos(nanos.into())));
        Rfc3339(time.expect("the system can say it")).to_string()
    }

    // As GNU date writes them: `date -u -d @-1 +%Y-%m-%dT%H:%M:%SZ`.
    #[test]
    fn a_time_of_a_year_of_four_digits_is_written() {
        for (seconds, nanos, expected) in [
            (0, 0, "1970-01-01T00:00:00.000Z"),
            (1_763_892_000, 999_999_999, "2025-11-23T10:00:00.999Z"),
            (951_782_399, 0, "2000-02-28T23:59:59.000Z"),
            (951_782_400, 0, "2000-02-29T00:00:00.000Z"),
            (4_107_542_400, 0, "2100-03-01T00:00:00.000Z"),
            (-1, 0, "1969-12-31T23:59:59.000Z"),
            (-1, 999_999, "1969-12-31T23:59:59.000Z"),
            (-1, 999_999_999, "1969-12-31T23:59:59.999Z"),
            (-62_167_219_200, 0, "0000-01-01T00:00:00.000Z"),
            (253_402_300_799, 999_999_999, "9999-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(text(seconds, nanos), expected, "{seconds} {nanos}");
        }
    }

    #[test]
    fn a_time_of_another_year_is_not_written() {
        for seconds in [253_402_300_800, -62_167_219_201, i64::MAX, i64::MIN] {
            assert_eq!(text(seconds, 0), "", "{seconds}");
        }
    }

    #[test]
    fn it_is_what_readers_read() {
        // Eleven days and a bit, some 250 years on.
        for step in 0..8000 {
            let time = UNIX_EPOCH + Duration::from_millis(step * 1_000_000_007);
            let read = humantime::parse_rfc3339(&Rfc3339(time).to_string());
            assert_eq!(read, Ok(time));
        }
    }
}
