//! What threads were made to wait for, by the kernel's own count of each.

use heap_sidecar::{Delay, Delays, Spent, Time, read_run};
use heap_tests::bed::case::Case;

const MS: u64 = 1_000_000;

fn time(case: &Case, test: &str) -> Time {
    case.sidecar(test).time.expect("it is measured")
}

/// The one sidecar of a step that has a folder of its own.
fn of_step(case: &Case, step: &str) -> Time {
    let (sidecars, unreadable) = read_run(case.file(step)).expect("the folder can be read");
    assert!(unreadable.is_empty(), "{unreadable:?}");
    let [sidecar] = &sidecars[..] else {
        panic!("{} sidecars of {step}", sidecars.len());
    };
    sidecar.time.clone().expect("it is measured")
}

fn delays(spent: &Spent) -> Delays {
    spent
        .delays
        .expect("this kernel counts them, and root may ask")
}

fn assert_absent(time: &Time, reason: &str) {
    assert_eq!(time.own.delays, None, "{time:?}");
    assert_eq!(time.test_thread.unwrap().delays, None, "{time:?}");
    let said = &time.reason["delays"];
    assert!(said.contains(reason), "{said}");
}

#[test]
#[ignore = "boots a virtual machine"]
fn who_reads_more_than_fits_reclaims_and_nobody_else_does() {
    let case = case!("delays_counted");
    let (outside, inside) = (of_step(&case, "outside"), of_step(&case, "inside"));
    let all = delays(&inside.own);
    let reclaim = all.reclaim.unwrap();
    assert!(reclaim.ns > 100 * MS && reclaim.count > 100, "{inside:?}");
    assert_eq!(
        delays(&outside.own).reclaim,
        Some(Delay::default()),
        "{outside:?}"
    );
    // A third of it is a thread's of the test's, which has ended.
    let body = delays(&inside.test_thread.unwrap());
    let of_body = body.reclaim.unwrap();
    assert!((1..reclaim.count).contains(&of_body.count), "{inside:?}");
    assert!((1..reclaim.ns).contains(&of_body.ns), "{inside:?}");
    // None of it waited for longer than it was there.
    let longest = 2 * inside.wall_ns.unwrap();
    for delay in [all.block_io, all.reclaim, all.thrashing, all.compaction] {
        assert!(delay.unwrap().ns <= longest, "{inside:?}");
    }
    assert_eq!((all.swap_in, all.error_ns), (Some(Delay::default()), None));
    // Debian builds it without CONFIG_IRQ_TIME_ACCOUNTING.
    assert_eq!(all.irq, None);
    assert!(inside.reason.contains_key("delays.irq"), "{inside:?}");
    assert!(!inside.reason.contains_key("delays"), "{inside:?}");
}

#[test]
#[ignore = "boots a virtual machine"]
fn what_was_counted_for_a_part_of_a_test_is_no_number() {
    let case = case!("delays_switched_on");
    let of = |name: &str| time(&case, name);
    assert_absent(
        &of("subjects::waits_for_what_is_done"),
        "was switched on while",
    );
    assert_absent(&of("first"), "was switched on while");
    // Its thread was there before.
    assert_absent(&of("second"), "a thread was there before");
    assert_absent(
        &of("subjects::waits_until_it_is_off"),
        "was switched off while",
    );
    assert_absent(&of("subjects::comes_after"), "kernel.task_delayacct is 0");
    delays(&of("subjects::holds_eight_mib").own);
}

#[test]
#[ignore = "boots a virtual machine"]
fn who_may_not_ask_is_told_why() {
    let case = case!("delays_refused");
    let end = case.end_of("unprivileged");
    assert_eq!(end.code, Some(0), "{end:?}");
    assert_absent(&time(&case, "subjects::holds_eight_mib"), "CAP_NET_ADMIN");
}
