//! The guide: from the first tracked test to reports in CI.
//!
//! Its chapters are files of `docs/guide`, and this module is there for documentation alone: nothing
//! of it is built.

/// Where the chapters' links lead in rustdoc. A chapter says at its end where they lead among the
/// files; of two definitions, the first counts.
macro_rules! links {
    () => {
        "
[quick start]: crate::guide::quick_start
[numbers]: crate::guide::numbers
[budgets]: crate::guide::budgets
[CI]: crate::guide::ci
[diagnosis]: crate::guide::diagnosis
[killed tests]: crate::guide::killed
[guests]: crate::guide::guests
[troubleshooting]: crate::guide::troubleshooting
[beside]: crate::guide::beside
[faults]: https://github.com/heap-tracked/heap_tracked/blob/main/tests/FAULTS.md
[suites]: https://github.com/heap-tracked/heap_tracked/blob/main/tests/suites/README.md

"
    };
}

macro_rules! chapters {
    ($($name:ident $file:literal)*) => {
        $(
            #[doc = links!()]
            #[doc = include_str!($file)]
            pub mod $name {}
        )*
    };
}

chapters! {
    quick_start "../docs/guide/quick_start.md"
    numbers "../docs/guide/numbers.md"
    budgets "../docs/guide/budgets.md"
    ci "../docs/guide/ci.md"
    diagnosis "../docs/guide/diagnosis.md"
    killed "../docs/guide/killed.md"
    guests "../docs/guide/guests.md"
    troubleshooting "../docs/guide/troubleshooting.md"
    beside "../docs/beside.md"
}
