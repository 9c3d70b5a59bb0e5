//! What is not the test's is not retained by it, and what is, is: clean tests under `max_retained = 0`.

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;

use heap_runtime::heap_tracked;

use crate::child::{Child, Ran, own, rounds};

pub(crate) const SUBJECTS: &[crate::Subject] = &[
    ("scoped", scoped),
    ("scoped_and_leaks", scoped_and_leaks),
    ("channel", channel),
    ("first_waits_when_measured", first_waits_when_measured),
    ("leaves_a_thread", leaves_a_thread),
    ("crowd", || {
        thread::scope(|scope| {
            for _ in 0..64 {
                scope.spawn(scoped);
            }
        });
    }),
];

#[heap_tracked(warmup = 1, max_retained = 0)]
fn scoped() {
    thread::scope(|scope| {
        for number in 0..8_usize {
            scope.spawn(move || black_box(vec![1_u8; 100 * (number + 1)]).len());
        }
    });
}

#[heap_tracked(warmup = 1)]
fn scoped_and_leaks() {
    thread::scope(|scope| {
        for number in 0..8_usize {
            scope.spawn(move || {
                if number == 7 {
                    std::mem::forget(black_box(Box::new(1_u64)));
                }
            });
        }
    });
}

#[heap_tracked(warmup = 1, max_retained = 0)]
fn channel() {
    let (sender, receiver) = mpsc::channel::<Vec<u8>>();
    let sending = thread::spawn(move || {
        for number in 0..100 {
            sender.send(vec![1; number]).unwrap();
        }
    });
    assert_eq!(receiver.iter().map(|sent| sent.len()).sum::<usize>(), 4950);
    sending.join().unwrap();
}

/// What is warmed need not have waited: it was sent before.
#[heap_tracked(warmup = 1, max_retained = 0)]
fn waits_the_second_time(waits: &AtomicBool) {
    let (sender, receiver) = mpsc::channel::<()>();
    let (asks, asked) = mpsc::sync_channel::<()>(1);
    let sending = thread::spawn(move || {
        asked.recv().unwrap();
        sender.send(()).unwrap();
    });
    asks.send(()).unwrap();
    if waits.swap(true, Ordering::Relaxed) {
        receiver.recv().unwrap();
        sending.join().unwrap();
    } else {
        sending.join().unwrap();
        receiver.recv().unwrap();
    }
}

fn first_waits_when_measured() {
    // On a thread that has never waited.
    thread::spawn(|| waits_the_second_time(&AtomicBool::new(false)))
        .join()
        .unwrap();
}

/// Of all of them, how many retained what.
#[track_caller]
pub(crate) fn each_retained(ran: &Ran, name: &str, bytes: i64) {
    let mut wrong = std::collections::BTreeMap::<_, u32>::new();
    let all = ran.of(name);
    for sidecar in &all {
        let own = own(sidecar);
        if own.retained_bytes != bytes {
            *wrong
                .entry((own.retained_bytes, own.threads_running))
                .or_default() += 1;
        }
    }
    assert!(wrong.is_empty(), "of {}: {wrong:?}", all.len());
}

#[test]
fn a_scoped_thread_is_waited_for_to_its_end() {
    each_retained(&Child::of("scoped").times(rounds(100)).run(), "scoped", 0);
    let ran = Child::of("scoped").times(rounds(100)).in_noise().run();
    each_retained(&ran, "scoped", 0);
    let ran = Child::of("crowd").times(rounds(320) / 64).run();
    each_retained(&ran, "scoped", 0);
}

#[test]
fn a_leak_of_eight_bytes_beside_threads_that_end_is_seen() {
    let ran = Child::of("scoped_and_leaks").times(rounds(100)).run();
    each_retained(&ran, "scoped_and_leaks", 8);
}

#[test]
fn what_std_keeps_for_a_thread_that_waits_on_a_channel_is_not_the_tests() {
    each_retained(&Child::of("channel").times(rounds(100)).run(), "channel", 0);
    let ran = Child::of("channel").times(rounds(100)).in_noise().run();
    each_retained(&ran, "channel", 0);
    let ran = Child::of("first_waits_when_measured")
        .times(rounds(50))
        .run();
    each_retained(&ran, "waits_the_second_time", 0);
}

#[heap_tracked(warmup = 1, max_retained = 0)]
#[test]
#[ignore = "run by what_the_harness_keeps_is_said_to_be_its"]
fn prints() {
    println!("{:100}", 1);
    eprintln!("{:100}", 2);
}

#[test]
fn what_the_harness_keeps_is_said_to_be_its() {
    let name = "retained::prints";
    let kept = Child::of_captured_test(name).run();
    let message = &kept.only("prints").failure.as_ref().unwrap().message;
    assert!(message.contains("what the test has printed"), "{message}");
    assert!(message.contains("`--nocapture`"), "{message}");
    // As it says.
    let not_kept = Child::of_tests(&[name]).run();
    assert_eq!(not_kept.only("prints").failure, None);
}

#[heap_tracked(max_retained = 0)]
fn leaves_a_thread() {
    let (sender, started) = mpsc::channel();
    thread::spawn(move || {
        let held = black_box(Vec::<u8>::with_capacity(4096));
        sender.send(()).unwrap();
        // Until the process is over.
        loop {
            thread::park();
            black_box(&held);
        }
    });
    started.recv().unwrap();
}

#[test]
fn a_thread_that_stays_is_not_waited_for_and_is_said_to_be_there() {
    let ran = Child::of("leaves_a_thread").run();
    let sidecar = ran.only("leaves_a_thread");
    assert_eq!((own(sidecar).threads, own(sidecar).threads_running), (2, 1));
    assert!(own(sidecar).retained_bytes >= 4096);
    let message = &sidecar.failure.as_ref().unwrap().message;
    assert!(
        message.contains("1 of its threads were still running"),
        "{message}"
    );
}
