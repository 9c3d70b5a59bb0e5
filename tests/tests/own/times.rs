//! Where the time of a test went: amounts that are known beforehand, each alone and among neighbours that keep
//! every CPU busy. What a loaded machine would falsify is held to the kernel's own other counter at the same moment.

use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use heap_runtime::sidecar::{Sidecar, Spent, Time};
use heap_runtime::{heap_tracked, track};

use crate::child::Child;

pub(crate) const SUBJECTS: &[crate::Subject] = &[
    ("ten_threads", ten_threads),
    ("sleeps", sleeps),
    ("two_on_one_cpu", two_on_one_cpu),
    ("alone_by_priority", alone_by_priority),
    ("touches_twice", touches_twice),
    ("leaves_one_behind", leaves_one_behind),
    ("one_in_another", one_in_another),
    ("works_on_a_pool", works_on_a_pool),
    ("warms_up", || warms_up(())),
    ("polls", polls),
];

pub(crate) const MS: u64 = 1_000_000;

/// The kernel's number of a clock, in nanoseconds.
pub(crate) fn clock_ns(clock: libc::clockid_t) -> u64 {
    let mut now = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `now` gives room for the time.
    assert_eq!(unsafe { libc::clock_gettime(clock, &raw mut now) }, 0);
    u64::try_from(now.tv_sec * 1_000_000_000 + now.tv_nsec).unwrap()
}

/// Runs on a CPU for so long, whatever else the machine does.
pub(crate) fn run_for(ms: u64) {
    let clock = || clock_ns(libc::CLOCK_THREAD_CPUTIME_ID);
    let end = clock() + ms * MS;
    while clock() < end {}
}

/// Spins until so much time has passed.
fn spin_for(ms: u64) {
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(ms) {}
}

/// Runs a subject, alone and beside busy neighbours.
pub(crate) fn everywhere(subject: &str, judge: impl Fn(&[Sidecar], bool)) {
    for noisy in [false, true] {
        let child = Child::of(subject);
        let ran = if noisy { child.in_noise() } else { child }.run();
        assert!(ran.status.success(), "{}", ran.said);
        judge(&ran.sidecars, noisy);
    }
}

/// The one of that name. Those of neighbours are beside it.
pub(crate) fn only<'s>(sidecars: &'s [Sidecar], name: &str) -> &'s Sidecar {
    let mut named = sidecars.iter().filter(|it| it.test_name.ends_with(name));
    let (Some(sidecar), None) = (named.next(), named.next()) else {
        panic!("not one sidecar of {name}");
    };
    sidecar
}

fn time<'s>(sidecars: &'s [Sidecar], name: &str) -> &'s Time {
    let sidecar = only(sidecars, name);
    let time = sidecar.time.as_ref().expect("it is measured");
    assert_eq!(time.wall_ns, sidecar.duration_ns);
    add_up(time);
    time
}

/// The parts of the test's own thread are all of the time that the test took.
fn add_up(time: &Time) {
    let thread = time.test_thread.unwrap();
    let parts = [thread.cpu_ns, thread.run_delay_ns, thread.blocked_ns].map(Option::unwrap);
    assert_eq!(Some(parts.iter().sum::<u64>()), time.wall_ns);
    let halves = [time.own.user_ns, time.own.system_ns].map(Option::unwrap);
    let cpu = time.own.cpu_ns.unwrap();
    // The kernel gives each half in whole microseconds, of each thread, and a little later than the whole.
    let slack = u64::from(time.threads) * MS + cpu / 50;
    assert!(
        halves.iter().sum::<u64>().abs_diff(cpu) < slack,
        "{halves:?} {cpu}"
    );
}

/// Within so many percent of an amount.
#[track_caller]
pub(crate) fn assert_near(actual: Option<u64>, expected: u64, percent: u64) {
    let actual = actual.expect("it is measured");
    let error = expected * percent / 100;
    assert!(
        actual.abs_diff(expected) <= error,
        "{actual} for {expected}, {percent} %"
    );
}

#[heap_tracked]
fn ten_threads() {
    thread::scope(|scope| {
        for _ in 0..10 {
            scope.spawn(|| run_for(20));
        }
    });
}

#[test]
fn what_ten_threads_ran_is_the_tests() {
    everywhere("ten_threads", |sidecars, _| {
        let time = time(sidecars, "ten_threads");
        assert_near(time.own.cpu_ns, 200 * MS, 5);
        assert_eq!((time.threads, time.threads_running), (11, 0));
        let body = time.test_thread.unwrap();
        assert!(body.cpu_ns.unwrap() < 20 * MS, "{body:?}");
        // Each was put on a CPU once at the least.
        assert!(time.own.slices.unwrap() >= 10);
        // What this machine does not let anybody ask is told, and nothing else.
        let mut absent = time.reason.keys();
        assert!(absent.all(|key| key.starts_with("delays")), "{time:?}");
        assert_eq!(
            time.own.delays.is_none(),
            time.reason.contains_key("delays")
        );
    });
}

#[heap_tracked]
fn sleeps() {
    thread::sleep(Duration::from_millis(200));
}

#[test]
fn a_sleep_is_neither_run_nor_waited_for_a_cpu() {
    everywhere("sleeps", |sidecars, _| {
        let body = time(sidecars, "sleeps").test_thread.unwrap();
        assert!(body.cpu_ns.unwrap() < 2 * MS, "{body:?}");
        assert!(body.blocked_ns.unwrap() >= 200 * MS, "{body:?}");
        assert!(body.voluntary_switches.unwrap() >= 1);
    });
}

fn pin_to_one_cpu() {
    // SAFETY: a set of our own, read by the kernel before this returns.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(usize::try_from(libc::sched_getcpu()).unwrap(), &mut set);
        assert_eq!(
            libc::sched_setaffinity(0, size_of_val(&set), &raw const set),
            0
        );
    }
}

#[heap_tracked]
fn two_on_one_cpu() {
    pin_to_one_cpu();
    let spinners = [(); 2].map(|()| {
        thread::spawn(|| {
            // What each waits before its first turn is in the sum too.
            spin_for(400);
            [clock_ns(libc::CLOCK_THREAD_CPUTIME_ID), waited_ns()]
        })
    });
    let said = spinners.map(|spinner| spinner.join().unwrap());
    for (name, part) in [("ran_ns", 0), ("waited_ns", 1)] {
        let sum = said.iter().map(|said| said[part]).sum::<u64>();
        heap_runtime::label(name, sum.to_string());
    }
}

/// The kernel's own count of how long the calling thread has waited for a CPU.
fn waited_ns() -> u64 {
    let said = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    said.split(' ').nth(1).unwrap().parse().unwrap()
}

#[test]
fn spinners_on_one_cpu_wait_for_each_other() {
    everywhere("two_on_one_cpu", |sidecars, _| {
        let time = time(sidecars, "two_on_one_cpu");
        let [ran, waited] = [time.own.cpu_ns, time.own.run_delay_ns].map(Option::unwrap);
        // A spinner is on the CPU or waits for it, and nothing else.
        assert!(ran + waited >= 780 * MS, "{ran} {waited}");
        assert!(waited >= 360 * MS, "{waited}");
        // How much of that is whose is the machine's matter; what the threads knew at their ends is not more.
        let said = |name: &str| {
            only(sidecars, "two_on_one_cpu").labels[name]
                .parse::<u64>()
                .unwrap()
        };
        let (ran_at_least, waited_at_least) = (said("ran_ns"), said("waited_ns"));
        assert!(waited >= waited_at_least, "{waited} {waited_at_least}");
        // The thread that runs the body, and the ends of both.
        assert!(
            (ran_at_least..ran_at_least + 100 * MS).contains(&ran),
            "{ran} {ran_at_least}"
        );
        assert_eq!(time.own.run_delay_error_ns, None);
        let body = time.test_thread.unwrap();
        assert!(body.blocked_ns.unwrap() >= 200 * MS, "{body:?}");
    });
}

fn alone_by_priority() {
    let parameter = libc::sched_param { sched_priority: 1 };
    // SAFETY: the parameter is whole, and read by the kernel before this returns.
    let first = unsafe { libc::sched_setscheduler(0, libc::SCHED_FIFO, &raw const parameter) } == 0;
    track("goes_first", || {
        if first {
            spin_for(100);
        } else {
            heap_runtime::skip("needs CAP_SYS_NICE");
        }
    });
    let parameter = libc::sched_param { sched_priority: 0 };
    // SAFETY: as above.
    unsafe { libc::sched_setscheduler(0, libc::SCHED_OTHER, &raw const parameter) };
}

#[test]
fn who_goes_first_waits_for_nobody() {
    everywhere("alone_by_priority", |sidecars, _| {
        if sidecars.iter().any(|sidecar| sidecar.skip_reason.is_some()) {
            return;
        }
        let body = time(sidecars, "goes_first").test_thread.unwrap();
        let waited = [body.run_delay_ns, body.run_delay_error_ns].map(Option::unwrap_or_default);
        assert!(waited.iter().sum::<u64>() <= MS, "{body:?}");
    });
}

const PAGES: usize = 10_000;

fn touch(memory: *mut u8, page: usize) {
    for number in 0..PAGES {
        // SAFETY: the mapping is of so many pages.
        unsafe { memory.add(number * page).write_volatile(1) };
    }
}

fn touches_twice() {
    let page = rustix::param::page_size();
    let (read_write, flags) = (
        libc::PROT_READ | libc::PROT_WRITE,
        libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
    );
    // SAFETY: a mapping of our own, touched within its bounds and given back once.
    unsafe {
        let memory = libc::mmap(std::ptr::null_mut(), PAGES * page, read_write, flags, -1, 0);
        assert_ne!(memory, libc::MAP_FAILED);
        libc::madvise(memory, PAGES * page, libc::MADV_NOHUGEPAGE);
        track("first_touch", || touch(memory.cast(), page));
        track("second_touch", || touch(memory.cast(), page));
        libc::munmap(memory, PAGES * page);
    }
}

#[test]
fn a_page_faults_when_it_is_first_touched() {
    everywhere("touches_twice", |sidecars, _| {
        let faults = |name| time(sidecars, name).own.minor_faults.unwrap();
        assert!(faults("first_touch") >= 10_000, "{}", faults("first_touch"));
        // Whatever the machine takes away meanwhile.
        assert!(faults("second_touch") < 500, "{}", faults("second_touch"));
        assert!(time(sidecars, "first_touch").own.system_ns.unwrap() > 0);
    });
}

fn leaves_one_behind() {
    let (end, ended) = channel::<()>();
    let (say, said) = channel::<()>();
    let mut thread = None;
    track("leaves_it", || {
        thread = Some(thread::spawn(move || {
            run_for(20);
            say.send(()).unwrap();
            // It goes on to run in the time of the next test.
            while ended.try_recv() == Err(std::sync::mpsc::TryRecvError::Empty) {
                run_for(1);
            }
        }));
        said.recv().unwrap();
    });
    track("comes_after", || thread::sleep(Duration::from_millis(100)));
    drop(end);
    thread.unwrap().join().unwrap();
}

#[test]
fn a_thread_that_stays_is_its_tests_up_to_the_end() {
    everywhere("leaves_one_behind", |sidecars, _| {
        let left = time(sidecars, "leaves_it");
        assert_eq!((left.threads, left.threads_running), (2, 1));
        let cpu = left.own.cpu_ns.unwrap();
        assert!(cpu >= 20 * MS, "{cpu}");
        let [user, system] = [left.own.user_ns, left.own.system_ns].map(Option::unwrap);
        assert!(user + system >= 19 * MS, "{user} {system}");
        let after = time(sidecars, "comes_after");
        assert!(after.own.cpu_ns.unwrap() < 5 * MS, "{after:?}");
        assert_eq!((after.threads, after.threads_running), (1, 0));
    });
}

fn one_in_another() {
    track("around", || {
        run_for(10);
        track("inside", || {
            run_for(20);
            thread::spawn(|| run_for(10)).join().unwrap();
        });
    });
}

#[test]
fn what_an_inner_test_ran_is_the_outer_ones_too() {
    everywhere("one_in_another", |sidecars, _| {
        let [around, inside] = ["around", "inside"].map(|name| time(sidecars, name));
        assert_near(inside.own.cpu_ns, 30 * MS, 10);
        assert_near(around.own.cpu_ns, 40 * MS, 10);
        let cpu = |time: &Time| time.test_thread.and_then(|thread: Spent| thread.cpu_ns);
        assert_near(cpu(inside), 20 * MS, 10);
        assert_near(cpu(around), 30 * MS, 10);
    });
}

type Job = Box<dyn FnOnce() + Send>;

/// A thread that was there before any test.
fn pool() -> Sender<Job> {
    let (pool, jobs) = channel::<Job>();
    thread::spawn(move || jobs.into_iter().for_each(|job| job()));
    pool
}

fn works_on_a_pool() {
    let pool = pool();
    let run = |job: Job| pool.send(job).unwrap();
    run(Box::new(|| run_for(10)));
    track("by_jobs", || {
        let (done, all_done) = channel();
        for _ in 0..4 {
            let (test, done) = (heap_runtime::current(), done.clone());
            run(Box::new(move || {
                let in_the_test = test.enter();
                run_for(5);
                drop(in_the_test);
                // Nobody's.
                run_for(10);
                done.send(()).unwrap();
            }));
        }
        drop(done);
        assert_eq!(all_done.iter().count(), 4);
    });
}

#[test]
fn a_pools_thread_is_the_tests_while_it_works_for_it() {
    everywhere("works_on_a_pool", |sidecars, _| {
        let time = time(sidecars, "by_jobs");
        assert_near(time.own.cpu_ns, 20 * MS, 10);
        assert_eq!(time.threads, 2);
        assert!(time.own.run_delay_ns.is_some(), "{time:?}");
    });
}

#[heap_tracked(warmup = 2)]
fn warms_up((): ()) {
    run_for(10);
}

#[test]
fn rounds_to_warm_up_are_outside() {
    everywhere("warms_up", |sidecars, _| {
        assert_near(time(sidecars, "warms_up").own.cpu_ns, 10 * MS, 20);
    });
}

fn polls() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(heap_runtime::track_async("in_turns", async {
        for _ in 0..10 {
            run_for(2);
            // Ten times, something else runs on the same thread.
            tokio::task::yield_now().await;
        }
    }));
}

#[test]
fn a_future_has_the_time_of_its_polls() {
    everywhere("polls", |sidecars, _| {
        let time = time(sidecars, "in_turns");
        assert_near(time.own.cpu_ns, 20 * MS, 10);
        assert_near(time.test_thread.unwrap().cpu_ns, 20 * MS, 10);
    });
}

#[test]
fn the_tier_is_left_out_where_it_is_not_wanted() {
    let ran = Child::of("ten_threads").env("HEAP_TIME", "0").run();
    assert_eq!(ran.only("ten_threads").time, None);
    let ran = Child::of("marks_its_way").env("HEAP_TIME", "0").run();
    let points = &only(&ran.sidecars, "marks").heap.checkpoints;
    assert!(
        points.iter().all(|point| point.time.is_none()),
        "{points:?}"
    );
}
