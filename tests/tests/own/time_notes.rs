//! The time of a test that takes notes: what they take is not in it, and a checkpoint knows how far it has come.

use std::hint::black_box;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use heap_runtime::track;

use crate::times::{MS, assert_near, clock_ns, everywhere, only, run_for};

pub(crate) const SUBJECTS: &[crate::Subject] = &[
    ("takes_notes", takes_notes),
    ("marks_its_way", marks_its_way),
];

fn takes_notes() {
    track("notes", || {
        for number in 0..200 {
            heap_runtime::checkpoint(number.to_string());
            run_for_tenth();
        }
    });
}

fn run_for_tenth() {
    let clock = || clock_ns(libc::CLOCK_THREAD_CPUTIME_ID);
    let end = clock() + MS / 10;
    while clock() < end {
        black_box(());
    }
}

#[test]
fn notes_are_no_time_of_the_tests() {
    everywhere("takes_notes", |sidecars, _| {
        // Each checkpoint takes some 40 us, most of them of a CPU; without optimisation, twice that.
        assert_near(
            only(sidecars, "notes").time.as_ref().unwrap().own.cpu_ns,
            20 * MS,
            30,
        );
    });
}

fn marks_its_way() {
    let (say, said) = channel::<()>();
    let (go, gone) = channel::<()>();
    track("marks", || {
        run_for(20);
        heap_runtime::checkpoint("alone");
        let thread = thread::spawn(move || {
            run_for(30);
            say.send(()).unwrap();
            // It is there still, at the next two.
            gone.recv().unwrap();
        });
        said.recv().unwrap();
        heap_runtime::checkpoint("beside_another");
        thread::sleep(Duration::from_millis(50));
        heap_runtime::checkpoint("slept");
        go.send(()).unwrap();
        thread.join().unwrap();
        heap_runtime::checkpoint("after_it");
    });
}

#[test]
fn a_checkpoint_knows_the_time_of_all_threads_up_to_it() {
    everywhere("marks_its_way", |sidecars, _| {
        let sidecar = only(sidecars, "marks");
        let spent = |label: &str| {
            let mut points = sidecar.heap.checkpoints.iter();
            let point = points.find(|point| point.label == label).unwrap();
            point.time.expect("it is measured")
        };
        assert_near(spent("alone").cpu_ns, 20 * MS, 10);
        assert_near(spent("beside_another").cpu_ns, 50 * MS, 10);
        let [before, after] = ["beside_another", "slept"].map(|label| spent(label).cpu_ns.unwrap());
        assert!(
            (before..before + 25 * MS).contains(&after),
            "{before} {after}"
        );
        assert_near(spent("after_it").cpu_ns, 50 * MS, 10);
        // Whatever comes later is no less.
        let labels = ["alone", "beside_another", "slept", "after_it"];
        let waited = labels.map(|label| spent(label).run_delay_ns.unwrap());
        let errors = labels.map(|label| spent(label).run_delay_error_ns.unwrap_or(0));
        for pair in [0, 1, 2] {
            let [before, after] = [waited[pair], waited[pair + 1]];
            assert!(
                before <= after + errors[pair] + errors[pair + 1],
                "{waited:?} {errors:?}"
            );
        }
        // What is dear to ask is not asked there.
        assert_eq!((spent("slept").slices, spent("slept").delays), (None, None));
    });
}
