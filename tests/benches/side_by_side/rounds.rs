//! Sides take turns, and medians are compared: what the machine does besides hits all of them.

/// The middle of many readings, and how far they go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Spread {
    /// Of at least one reading.
    pub(crate) fn of(mut readings: Vec<f64>) -> Self {
        readings.sort_unstable_by(f64::total_cmp);
        Self {
            median: readings[readings.len() / 2],
            min: readings[0],
            max: readings[readings.len() - 1],
        }
    }

    /// A figure that is counted, not timed.
    pub(crate) fn exactly(value: f64) -> Self {
        Self::of(vec![value])
    }

    pub(crate) fn map(self, of: impl Fn(f64) -> f64) -> Self {
        Self {
            median: of(self.median),
            min: of(self.min),
            max: of(self.max),
        }
    }
}

/// So many rounds of all sides, each round in another order: whoever comes first is not always the same.
pub(crate) fn by_turns<S>(
    rounds: usize,
    sides: &[S],
    mut measure: impl FnMut(&S) -> f64,
) -> Vec<Spread> {
    let mut readings = vec![Vec::with_capacity(rounds); sides.len()];
    for round in 0..rounds {
        for turn in 0..sides.len() {
            let at = (turn + round) % sides.len();
            readings[at].push(measure(&sides[at]));
        }
    }
    readings.into_iter().map(Spread::of).collect()
}

/// A count as a figure.
#[expect(clippy::cast_precision_loss, reason = "figures for people")]
pub(crate) fn number(count: u64) -> f64 {
    count as f64
}
