use heap_runtime::heap_tracked;

#[heap_tracked("8 MiB")]
fn value_alone() {}

#[heap_tracked(max_peak)]
fn name_alone() {}

#[heap_tracked(max_peak =)]
fn no_value() {}

#[heap_tracked(max_peak: "8 MiB")]
fn colon() {}

#[heap_tracked(max_peak "8 MiB")]
fn no_sign() {}

#[heap_tracked(max_peak("8 MiB"))]
fn parentheses() {}

#[heap_tracked(, labels(a = "b"))]
fn comma_first() {}

#[heap_tracked(labels(a = "b"),,)]
fn comma_twice() {}

#[heap_tracked(labels(a = "b") exclusive)]
fn no_comma() {}

#[heap_tracked = "8 MiB"]
fn assigned() {}

fn main() {
    value_alone();
    name_alone();
    no_value();
    colon();
    no_sign();
    parentheses();
    comma_first();
    comma_twice();
    no_comma();
    assigned();
}
