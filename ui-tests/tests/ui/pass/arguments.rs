//! Arguments that are right, in their several spellings.

use heap_runtime::heap_tracked;

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

fn main() {
    labels();
    path();
    absolute_path();
    path_as_serde_writes_it();
    path_of_modules();
}
