//! Many values of one name, from several threads at once.

use std::hint::black_box;
use std::sync::Mutex;
use std::thread;
use std::time::Instant;

use crate::clock;

/// Has each of the threads take its part of the values in, and says what that took in CPU time. By its name: the runtime's
/// `samples`, the clock alone, or a list behind a lock.
pub fn values(name: &str, sample: fn(f64), count: usize, threads: usize) {
    let list = Mutex::new(Vec::with_capacity(count));
    let keep = |value: f64| list.lock().unwrap().push(value);
    let read = |_: f64| drop(black_box(Instant::now()));
    let each: &(dyn Fn(f64) + Sync) = match name {
        "samples" => &sample,
        "clock" => &read,
        "locked" => &keep,
        _ => panic!("nothing is called `{name}`"),
    };
    let nanoseconds = clock::of_process(|| {
        thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    for value in 0..count / threads {
                        // As latencies are: most alike, and some far out.
                        each(black_box((value % 1000 * (1 + value % 7)) as f64));
                    }
                });
            }
        });
    });
    println!("ns {nanoseconds}");
}
