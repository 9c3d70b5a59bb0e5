//! All that is known of the attribute's arguments: a new one is a line here. What one does that takes no value is in
//! `Options::set`; a budget needs nothing more but its setter on the runtime's `Test`.

use proc_macro2::Ident;

/// An argument, as it may be written.
pub(crate) struct Known {
    pub(crate) name: &'static str,
    pub(crate) takes: Takes,
    /// How to write it, for messages that say what to write instead.
    pub(crate) example: &'static str,
    /// The value by which a test refuses what its module gives it.
    pub(crate) refusal: Option<&'static str>,
}

/// What stands behind an argument's name, and what it is for.
#[derive(Clone, Copy)]
pub(crate) enum Takes {
    /// A budget in bytes.
    Size,
    /// A budget in allocations.
    Allocations,
    /// A budget of time.
    Duration,
    Rounds,
    Labels,
    Path,
    Nothing(Switch),
}

/// An argument that stands alone.
#[derive(Clone, Copy)]
pub(crate) enum Switch {
    Exact,
    Exclusive,
    Skip,
}

impl Takes {
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Size => "a size",
            Self::Allocations => "a number of allocations",
            Self::Duration => "a duration",
            Self::Rounds => "a number of rounds",
            Self::Labels => "keys and values in parentheses",
            Self::Path => "a path",
            Self::Nothing(_) => "no value",
        }
    }
}

/// In the order in which messages list them.
pub(crate) const ARGUMENTS: [Known; 12] = [
    of("max_peak", Takes::Size, "max_peak = \"8 MiB\""),
    of("max_retained", Takes::Size, "max_retained = \"0 B\""),
    of("max_allocated", Takes::Size, "max_allocated = \"64 MiB\""),
    of(
        "max_allocations",
        Takes::Allocations,
        "max_allocations = 1000",
    ),
    of("max_cpu", Takes::Duration, "max_cpu = \"200 ms\""),
    of(
        "max_run_delay",
        Takes::Duration,
        "max_run_delay = \"200 ms\"",
    ),
    of("exact", Takes::Nothing(Switch::Exact), "exact").refused_by("false"),
    of("exclusive", Takes::Nothing(Switch::Exclusive), "exclusive").refused_by("false"),
    of("warmup", Takes::Rounds, "warmup = 1").refused_by("0"),
    of("labels", Takes::Labels, "labels(key = \"value\")"),
    of("crate", Takes::Path, "crate = path::to::heap_runtime"),
    of("skip", Takes::Nothing(Switch::Skip), "skip"),
];

const fn of(name: &'static str, takes: Takes, example: &'static str) -> Known {
    Known {
        name,
        takes,
        example,
        refusal: None,
    }
}

impl Known {
    const fn refused_by(mut self, value: &'static str) -> Self {
        self.refusal = Some(value);
        self
    }

    /// The argument of this name, if there is one.
    pub(crate) fn find(name: &Ident) -> Option<&'static Self> {
        ARGUMENTS.iter().find(|known| name == known.name)
    }
}
