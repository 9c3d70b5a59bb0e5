//! What every contender has in common: the work, how its time is taken, what it prints.
//!
//! A contender is called as `CONTENDER WORK COUNT` and prints lines of `name value`.

pub mod arenas;
pub mod by_hand;
pub mod clock;
pub mod floor;
pub mod known;
pub mod live;
pub mod load;
pub mod sampled;

use std::hint::black_box;

/// What an allocator that measures can tell of a closure; absent what it does not claim to.
#[derive(Debug, Default, Clone, Copy)]
pub struct Figures {
    /// Bytes allocated in all.
    pub allocated: Option<u64>,
    /// Bytes allocated and not freed.
    pub retained: Option<i64>,
    /// The most live bytes above the start.
    pub peak: Option<u64>,
}

/// One way to measure.
pub trait Contender {
    /// Fails the program where this contender's allocator does not serve it.
    fn prove_live();
    /// Runs the work as this contender has it run when it measures.
    fn run(work: impl FnOnce()) {
        work();
    }
    /// Starts and ends one measurement of nothing.
    fn measure_nothing() {}
    /// Measures the work.
    fn measure(work: impl FnOnce()) -> Figures {
        work();
        Figures::default()
    }
}

/// The `main` of a contender.
pub fn main<C: Contender>() {
    C::prove_live();
    let mut arguments = std::env::args().skip(1);
    let work = arguments.next().expect("the name of the work");
    let count: usize = arguments
        .next()
        .map_or(1, |count| count.parse().expect("a count"));
    match work.as_str() {
        "nothing" => measure_nothing::<C>(count),
        "known" => known::count_wrong::<C>(count),
        "live" => println!("live 1"),
        _ => {
            let load = load::named(&work);
            let mut nanoseconds = 0;
            C::run(|| {
                // The first time makes what is made once, and warms the caches.
                load(count / 10 + 1);
                nanoseconds = clock::of_process(|| load(count));
            });
            println!("ns {nanoseconds}");
        }
    }
}

fn measure_nothing<C: Contender>(count: usize) {
    let mut nanoseconds = 0;
    C::run(|| {
        C::measure_nothing();
        nanoseconds = clock::of_process(|| {
            for _ in 0..black_box(count) {
                C::measure_nothing();
            }
        });
    });
    println!("ns {nanoseconds}");
}
