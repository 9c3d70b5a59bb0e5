//! alloc_tracker, around jemalloc.

use std::cell::OnceCell;

use alloc_tracker::{Allocator, Operation, Session};
use rivals::{Contender, Figures, live};
use tikv_jemallocator::Jemalloc;

#[global_allocator]
static ALLOCATOR: Allocator<Jemalloc> = Allocator::new(Jemalloc);

struct Tracker;

fn session() -> Session {
    Session::new().no_stdout().no_file()
}

thread_local! {
    static OPERATION: OnceCell<(Session, Operation)> = const { OnceCell::new() };
}

impl Contender for Tracker {
    fn prove_live() {
        let figures = Self::measure(|| drop(std::hint::black_box(vec![1_u8; 64])));
        assert!(live::jemalloc() && figures.allocated == Some(64));
    }

    fn measure_nothing() {
        OPERATION.with(|operation| {
            let (_, operation) = operation.get_or_init(|| {
                let session = session();
                let operation = session.operation("nothing");
                (session, operation)
            });
            drop(operation.measure_thread().iterations(1));
        });
    }

    fn measure(work: impl FnOnce()) -> Figures {
        let session = session();
        let operation = session.operation("work");
        let span = operation.measure_thread().iterations(1);
        work();
        drop(span);
        let report = session.to_report();
        let (_, measured) = report.operations().next().unwrap();
        Figures {
            allocated: Some(measured.total_bytes_allocated()),
            retained: None,
            peak: measured.peak_outstanding_bytes().map(|bytes| bytes as u64),
        }
    }
}

fn main() {
    rivals::main::<Tracker>();
}
