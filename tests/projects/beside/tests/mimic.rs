//! Tests of a `libtest-mimic` harness, tracked by a plain call: their names are made at run time.

use std::hint::black_box;

use heap_runtime::Test;
use libtest_mimic::{Arguments, Failed, Trial};

heap_runtime::use_jemalloc!();

fn keep(pages: usize) {
    for _ in 0..pages {
        std::mem::forget(black_box(Vec::<u8>::with_capacity(64 << 10)));
    }
}

/// A trial that keeps so many pages, and then ends like that.
fn trial(name: &str, pages: usize, end: fn() -> Result<(), Failed>) -> Trial {
    let tracked = name.to_owned();
    Trial::test(name, move || {
        let keeps = ((64 << 10) * pages).to_string();
        let test = Test::new(&tracked).max_retained(3 * (64 << 10));
        // A panic keeps its message.
        test.labels(&[("keeps_some", &keeps)]).run(|| {
            keep(pages);
            end()
        })
    })
}

fn main() {
    let arguments = Arguments::from_args();
    let trials = vec![
        trial("mimic::one_page", 1, || Ok(())),
        trial("mimic::three_pages", 3, || Ok(())),
        trial("mimic::fails_over_its_budget", 4, || Ok(())),
        trial("mimic::fails_with_an_error", 2, || Err("no CPU".into())),
        trial("mimic::fails_with_a_panic", 2, || panic!("no CPU")),
        trial("mimic::skips", 0, || {
            heap_runtime::skip("no CPU");
            Ok(())
        }),
    ];
    libtest_mimic::run(&arguments, trials).exit();
}
