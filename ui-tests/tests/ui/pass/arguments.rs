//! Arguments that are right, in their several spellings.

use heap_runtime::heap_tracked;

heap_runtime::use_jemalloc!();

#[heap_tracked(labels(scheduler = "eevdf", r#type = "fair",),)]
fn labels() {}

#[heap_tracked(crate = heap_runtime)]
fn path() {}

#[heap_tracked(crate = ::heap_runtime, labels(a = "b"))]
fn absolute_path() {}

#[heap_tracked(crate = "heap_runtime")]
fn path_as_serde_writes_it() {}

mod renamed {
    pub(crate) use heap_runtime as evidence;
}

#[heap_tracked(crate = crate::renamed::evidence)]
fn path_of_modules() {}

#[heap_tracked(max_peak = "8 MiB", max_retained = "0 B", max_allocated = "1.5 GiB")]
fn budgets() {}

#[heap_tracked(max_peak = 8_388_608, max_retained = 0x1000, max_allocations = 1000)]
fn budgets_as_numbers() {}

#[heap_tracked(max_cpu = "1.5 s", max_run_delay = "60 s")]
fn budgets_of_time() {}

#[heap_tracked(exact, exclusive)]
fn flags() {}

#[heap_tracked(warmup = 3)]
fn warmed() {
    RUNS.with(|runs| runs.set(runs.get() + 1));
}

#[heap_tracked(warmup = 1)]
fn warmed_with_arguments(text: &str, many: Vec<u32>) -> Result<usize, String> {
    drop(many);
    Ok(text.len())
}

thread_local! {
    static RUNS: std::cell::Cell<u32> = const { std::cell::Cell::new(0) };
}

fn main() {
    budgets();
    budgets_as_numbers();
    budgets_of_time();
    flags();
    warmed();
    assert_eq!(RUNS.get(), 4);
    assert_eq!(warmed_with_arguments("ab", vec![1]), Ok(2));
    labels();
    path();
    absolute_path();
    path_as_serde_writes_it();
    path_of_modules();
}
