//! What is killed, or ends its own process: tests that are run as children.

use std::io::Write as _;

use heap_runtime::heap_tracked;
use heap_tests::damage;

/// At once: what is still in the buffer when the process is killed was never said.
fn say(mark: &[u8]) {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(mark).unwrap();
    stdout.flush().unwrap();
}

#[heap_tracked]
fn short() {
    say(b"B");
    drop(std::hint::black_box(vec![0_u8; 1000]));
}

/// Eight threads that run tracked functions for as long as they live. Says `B` in each body,
/// and `E` when its end is written.
#[test]
#[ignore = "is killed by this binary's other tests"]
fn busy() {
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                loop {
                    short();
                    say(b"E");
                }
            });
        }
    });
}

/// One execution, with the marks of `busy`.
#[test]
#[ignore = "is killed by this binary's other tests"]
fn once() {
    short();
    say(b"E");
}

#[heap_tracked]
fn marked() {
    say(b"B");
    for label in ["X", "Y"] {
        heap_runtime::metric(label, 1.0);
        heap_runtime::samples(label, 1.0);
        heap_runtime::checkpoint(label);
        say(label.as_bytes());
    }
}

/// As `once`, with two checkpoints. Says `X` and `Y` when they are on the disk.
#[test]
#[ignore = "is killed by this binary's other tests"]
fn once_with_checkpoints() {
    marked();
    say(b"E");
}

#[heap_tracked]
fn long() {
    say(b"B");
    drop(damage::grow(24));
}

/// As `busy`, with bodies whose records are overwritten while they run, a dozen times each.
#[test]
#[ignore = "is killed by this binary's other tests"]
fn grows() {
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                loop {
                    long();
                    say(b"E");
                }
            });
        }
    });
}

/// Has 64 MiB live, of which a thread of its own has taken half, and stays so.
#[heap_tracked]
#[test]
#[ignore = "is killed by this binary's other tests"]
fn holds_64_mib() {
    let held = damage::grow(32);
    let other = std::thread::spawn(|| damage::grow(32)).join().unwrap();
    say(b"B");
    std::thread::park();
    drop((held, other));
}

#[heap_tracked]
#[test]
#[ignore = "is killed by this binary's other tests"]
fn grows_between_checkpoints() {
    let mut held = Vec::new();
    for number in 0..20 {
        held.push(damage::grow(1));
        heap_runtime::checkpoint(format!("{number}"));
    }
    held.push(damage::grow(12));
    say(b"B");
    std::thread::park();
}

#[heap_tracked]
#[test]
#[ignore = "is killed by this binary's other tests"]
fn stays_small() {
    drop(std::hint::black_box(vec![0_u8; 900 << 10]));
    say(b"B");
    std::thread::park();
}

fn prepare() {
    heap_runtime::label("stage", "prepared");
    std::mem::forget(std::hint::black_box(vec![0_u8; 8192]));
    heap_runtime::checkpoint("before the end");
}

#[heap_tracked]
#[test]
#[ignore = "is run as a child"]
fn aborts() {
    prepare();
    std::process::abort();
}

#[heap_tracked]
#[test]
#[ignore = "is run as a child"]
fn exits() {
    prepare();
    std::process::exit(7);
}

#[heap_tracked]
#[test]
#[ignore = "is run as a child"]
fn overflows_its_stack() {
    #[expect(unconditional_recursion, reason = "that is the point")]
    fn deeper(depth: u64) -> u64 {
        let frame = std::hint::black_box([depth; 64]);
        deeper(depth + 1) + frame[0]
    }
    prepare();
    deeper(0);
}

#[heap_tracked]
#[test]
#[ignore = "is run as a child"]
fn is_terminated() {
    prepare();
    rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::TERM)
        .unwrap();
    loop {
        std::thread::park();
    }
}

/// Allocates until the limit on address space that its process was started with is reached.
#[heap_tracked]
#[test]
#[ignore = "is run as a child"]
fn runs_out_of_address_space() {
    prepare();
    let mut held: Vec<Vec<u8>> = Vec::new();
    loop {
        held.push(std::hint::black_box(vec![1; 16 << 20]));
    }
}
