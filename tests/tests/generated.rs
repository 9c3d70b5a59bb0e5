//! Random programs of threads, scopes, channels, reallocations, forks, futures that are polled on several threads, and
//! tests inside tests: what the tracker tells of each of their tests is what a model of it knows.
//!
//! The model knows who has allocated what, by an allocator that puts it down, and in which tests that was, by the rules that
//! are written in `generated/thread.rs`. `TESTS_OF_HEAP_SEED` runs the program of that seed alone; `TESTS_OF_HEAP_TIMES`
//! runs so many times as many.

#[path = "generated/model.rs"]
mod model;
#[path = "generated/older.rs"]
mod older;
#[path = "generated/program.rs"]
mod program;
#[path = "generated/run.rs"]
mod run;
#[path = "generated/thread.rs"]
mod thread;
#[path = "generated/witness.rs"]
mod witness;

use std::cell::RefCell;
use std::env;
use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::pin::Pin;
use std::process::{Command, Stdio};
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Barrier, Mutex};
use std::task::{Context, Waker};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use model::Log;
use program::{Op, Random, program};
use thread::{Frame, TESTS, Thread};
use witness::What;

#[global_allocator]
static WITNESS: witness::Witness = witness::Witness;

const SEED: &str = "TESTS_OF_HEAP_SEED";
/// Has a child say what a program is of which something else is told, and what has happened in it.
const SHOW: &str = "TESTS_OF_HEAP_SHOW";
const FIRST: &str = "GENERATED_FIRST";
const COUNT: &str = "GENERATED_COUNT";
const NOISE: &str = "GENERATED_NOISE";

/// What one process runs, at the most.
const TOGETHER: u64 = 100;

fn number(name: &str) -> Option<u64> {
    let text = env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}={text}")))
}

#[test]
fn what_random_programs_allocate_is_what_is_told() {
    let seed = number(SEED);
    let first = seed.unwrap_or_else(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        now.map_or(0, |since| u64::from(since.subsec_nanos()) << 32)
    });
    let programs = if seed.is_some() {
        1
    } else {
        TOGETHER * number("TESTS_OF_HEAP_TIMES").unwrap_or(1)
    };
    println!("{programs} programs from {SEED}={first} on");
    let differences = pass(first, programs);
    assert!(
        differences.is_empty(),
        "{} of {programs} programs:\n{}",
        differences.len(),
        differences.join("\n")
    );
}

/// Runs so many programs, in some processes at a time. Gives what was wrong, and says so at once: a long pass may be
/// ended before it is over.
fn pass(first: u64, programs: u64) -> Vec<String> {
    let next = AtomicU64::new(0);
    let done = Mutex::new((0, Vec::new()));
    let run_some = || {
        loop {
            let process = next.fetch_add(1, Ordering::Relaxed);
            let begin = process * TOGETHER;
            if begin >= programs {
                break;
            }
            let count = TOGETHER.min(programs - begin);
            // How often threads look, and beside how many others they do.
            let looks = ["65536", "4096", "300000"][usize::try_from(process % 3).unwrap()];
            let noise = ["0", "3"][usize::try_from(process / 3 % 2).unwrap()];
            let wrong = child(first + begin, count, looks, noise);
            let (ran, differences) = &mut *older::lock(&done);
            *ran += count;
            for wrong in &wrong {
                println!("{wrong}");
            }
            differences.extend(wrong);
            println!("{ran} programs, {} differences", differences.len());
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..at_once().min(programs.div_ceil(TOGETHER)) {
            scope.spawn(run_some);
        }
    });
    done.into_inner().unwrap().1
}

/// So many processes run at a time: most of a program's time, its threads wait for each other.
fn at_once() -> u64 {
    const FOR_EACH_CPU: u64 = 4;
    let cpus = std::thread::available_parallelism().map_or(1, |cpus| cpus.get() as u64);
    FOR_EACH_CPU * cpus
}

/// A process that runs so many programs. Gives what was wrong.
fn child(first: u64, count: u64, looks: &str, noise: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env::current_exe().unwrap());
    for (name, _) in env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("HEAP_") || name.starts_with("NEXTEST") {
            command.env_remove(&*name);
        }
    }
    let ran = command
        .args(["runs_programs", "--exact", "--ignored", "--nocapture"])
        .env("HEAP_SIDECAR_DIR", folder.path())
        .env("HEAP_PROCESS", "0")
        .env("HEAP_SAMPLE_BYTES", looks)
        .env("RUST_BACKTRACE", "0")
        .env(FIRST, first.to_string())
        .env(COUNT, count.to_string())
        .env(NOISE, noise)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    let told = said.lines().filter(|line| line.contains(SEED));
    let mut wrong: Vec<String> = told.map(str::to_owned).collect();
    if !ran.status.success() && wrong.is_empty() {
        let errors = String::from_utf8_lossy(&ran.stderr);
        wrong.push(format!("{SEED}={first}: {}\n{said}\n{errors}", ran.status));
    }
    wrong
}

#[test]
#[ignore = "is what the other test runs in processes of its own"]
fn runs_programs() {
    let (Some(first), Some(count)) = (number(FIRST), number(COUNT)) else {
        return;
    };
    let folder = env::var_os("HEAP_SIDECAR_DIR").unwrap();
    for _ in 0..number(NOISE).unwrap_or(0) {
        std::thread::spawn(make_noise);
    }
    older::start();
    make_room();
    let nodes = sizes_of_nodes();
    let mut wrong = 0;
    for seed in first..first + count {
        for difference in differences(seed, Path::new(&folder), &nodes) {
            println!("{SEED}={seed}: {difference}");
            wrong += 1;
        }
    }
    assert_eq!(wrong, 0);
}

/// Runs a program, and gives what is not told as it was.
fn differences(seed: u64, folder: &Path, nodes: &[usize]) -> Vec<String> {
    let program: &'static [Op] = program(Random(seed).next()).leak();
    let mut thread = Thread::new();
    witness::start();
    run::run(program, &mut thread);
    thread.free_all();
    while let Some(block) = older::take() {
        block.free();
    }
    let log = Log::new(witness::stop(), nodes);
    let (sidecars, unreadable) = heap_sidecar::read_run(folder).unwrap();
    let mut wrong: Vec<String> = unreadable
        .iter()
        .map(|error| format!("{error:?}"))
        .collect();
    let status = run::WRONG_CHILD.swap(0, Ordering::SeqCst);
    if status != 0 {
        wrong.push(format!("the child of a fork ended with {status:#x}"));
    }
    for test in log.tests() {
        let name = run::name(usize::try_from(test).unwrap());
        let known = log.known(test);
        let told = sidecars.iter().find(|sidecar| sidecar.test_name == name);
        let own = told.and_then(|sidecar| sidecar.heap.own.as_ref());
        match own {
            Some(own) => {
                let what = known.difference(own);
                if what.is_some() && env::var_os(SHOW).is_some() {
                    log.show(test);
                }
                wrong.extend(what.map(|what| format!("{name}: {what}")));
            }
            None => wrong.push(format!("{name}: nothing is told, known {known:?}")),
        }
    }
    if wrong.is_empty() {
        if sidecars.len() != log.tests().count() {
            wrong.push(format!("{} records", sidecars.len()));
        }
    } else if env::var_os(SHOW).is_some() {
        eprintln!("{program:#?}");
    }
    empty(folder);
    wrong
}

/// Allocates and frees, as no program's: now and then, so that the programs have CPUs to run on.
fn make_noise() {
    const BURST: u64 = 64;
    witness::is_noise();
    let mut held: Vec<Vec<u8>> = vec![Vec::new(); 64];
    let mut random = Random(1);
    loop {
        for _ in 0..BURST {
            let drawn = random.next();
            let place = usize::try_from(drawn % 64).unwrap();
            held[place] = black_box(Vec::with_capacity(usize::try_from(drawn >> 49).unwrap()));
        }
        std::thread::sleep(Duration::from_micros(200));
    }
}

/// More threads at once than any program has, each in more tests, inside and beside each other: what the tracker keeps
/// of them it has made then.
fn make_room() {
    const DEEP: usize = 12;
    inside(DEEP, &crowd);
    beside(DEEP, &crowd);
    empty(Path::new(&env::var_os("HEAP_SIDECAR_DIR").unwrap()));
}

const CROWD: usize = 64;

fn crowd() {
    let at_once = Barrier::new(CROWD);
    std::thread::scope(|scope| {
        for _ in 0..CROWD {
            scope.spawn(|| at_once.wait());
        }
    });
}

const ROOM: &str = "generated::room";

fn inside(by: usize, work: &dyn Fn()) {
    if by == 0 {
        return work();
    }
    heap_runtime::track(ROOM, || inside(by - 1, work));
}

type Begun = Pin<Box<dyn Future<Output = ()>>>;

/// In futures that were begun in no test, one polled inside the other.
fn beside(by: usize, work: &'static (dyn Fn() + Sync)) {
    let begun: Rc<RefCell<Vec<Begun>>> = Rc::default();
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..by {
        let others = Rc::clone(&begun);
        let mut future: Begun = Box::pin(heap_runtime::track_async(ROOM, async move {
            run::come_again().await;
            poll_next(&others, work);
        }));
        assert!(future.as_mut().poll(&mut context).is_pending());
        begun.borrow_mut().push(future);
    }
    poll_next(&begun, work);
}

fn poll_next(begun: &RefCell<Vec<Begun>>, work: &dyn Fn()) {
    let next = begun.borrow_mut().pop();
    let Some(mut next) = next else {
        return work();
    };
    let mut context = Context::from_waker(Waker::noop());
    assert!(next.as_mut().poll(&mut context).is_ready());
}

fn empty(folder: &Path) {
    for file in fs::read_dir(folder).unwrap() {
        fs::remove_file(file.unwrap().path()).unwrap();
    }
}

/// The sizes of what std's map of threads consists of: what some threads allocate before they begin, and some do not.
fn sizes_of_nodes() -> Vec<usize> {
    let at_once = Barrier::new(CROWD);
    witness::start();
    std::thread::scope(|scope| {
        for _ in 0..CROWD {
            scope.spawn(|| {
                Thread::born(Frame::default());
                at_once.wait();
            });
        }
    });
    let events = witness::stop();
    let mut sizes = Vec::new();
    for (at, event) in events.iter().enumerate() {
        let later = &events[at..];
        let begins = |later: &witness::Event| {
            later.thread == event.thread && matches!(later.what, What::Was(_))
        };
        if matches!(event.what, What::Allocated(_)) && later.iter().any(begins) {
            sizes.push(event.size);
        }
    }
    let often = |size: &usize| sizes.iter().filter(|other| *other == size).count();
    sizes
        .iter()
        .copied()
        .filter(|size| often(size) < CROWD)
        .collect()
}

const _: () = assert!(TESTS <= 64);
