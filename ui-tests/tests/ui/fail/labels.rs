use heap_runtime::heap_tracked;

#[heap_tracked(labels)]
fn no_list() {}

#[heap_tracked(labels())]
fn empty_list() {}

#[heap_tracked(labels(scheduler = ""))]
fn empty_value() {}

#[heap_tracked(labels(scheduler = "  "))]
fn blank_value() {}

#[heap_tracked(labels(scheduler))]
fn no_value() {}

#[heap_tracked(labels(cpus = 2))]
fn number() {}

#[heap_tracked(labels("scheduler" = "eevdf"))]
fn key_in_quotes() {}

#[heap_tracked(labels(sched.policy = "fifo"))]
fn key_with_a_dot() {}

#[heap_tracked(labels = "scheduler")]
fn assigned() {}

#[heap_tracked(labels(cpus = 2, scheduler = "", cpus = "3"))]
fn three_mistakes() {}

fn main() {
    no_list();
    empty_list();
    empty_value();
    blank_value();
    no_value();
    number();
    key_in_quotes();
    key_with_a_dot();
    assigned();
    three_mistakes();
}
