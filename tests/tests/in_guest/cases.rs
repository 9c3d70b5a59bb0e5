//! What is done, case by case. `tests/bed/` asserts what came of it, under the same names.

use std::fs;
use std::io;
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use heap_tests::bed::case::Case;
use heap_tests::bed::group::Group;
use heap_tests::bed::machine::Plan;
use heap_tests::bed::schedulers::{BAD, GOOD, good_case};
use heap_tests::damage;
use heap_tests::rerun;
use heap_tests::sched::promise::HONOURS;

/// Longer than a case takes on a busy machine; what is awaited longer does not come.
const PATIENCE: Duration = Duration::from_mins(2);

type Act = fn(&Plan, &Case) -> io::Result<()>;

const CASES: &[(&str, Act)] = &[
    ("calm", calm),
    ("failed_by_itself", failed_by_itself),
    ("killed_by_its_cgroup", killed_by_its_cgroup),
    ("killed_by_a_cgroup_above", killed_by_a_cgroup_above),
    ("killed_with_its_group", killed_with_its_group),
    ("over_its_soft_limit", over_its_soft_limit),
    ("cache_does_not_fit", cache_does_not_fit),
    ("after_a_hog", after_a_hog),
    ("throttled", throttled),
    ("beside_hogs", beside_hogs),
    ("on_one_node", on_one_node),
    ("delays_switched_on", delays_switched_on),
    ("delays_counted", delays_counted),
    ("delays_refused", delays_refused),
    ("suite", suite),
    ("scheduler_swapped", scheduler_swapped),
    // The last ones: whatever else is there might be killed.
    ("host_out_of_memory", host_out_of_memory),
    ("host_out_of_memory_and_swap", host_out_of_memory_and_swap),
];

/// Runs them all. One that goes wrong is no reason not to run the others: what it leaves says so.
pub(crate) fn run_all(share: &Path) {
    let plan = Plan::read(share).expect("the share has a plan");
    swap("swapoff").expect("swap can be switched off");
    if plan.schedulers {
        for (scheduler, honours) in GOOD {
            run(share, &good_case(scheduler), |case| {
                suite_under(&plan, case, scheduler, honours, &[])
            });
        }
        for bad in BAD {
            run(share, &bad.case(), |case| {
                let only = ["--exact", bad.caught_by];
                suite_under(&plan, case, bad.scheduler, bad.honours, &only)
            });
        }
    }
    for (name, act) in CASES {
        run(share, name, |case| act(&plan, case));
    }
}

fn run(share: &Path, name: &str, act: impl FnOnce(&Case) -> io::Result<()>) {
    let began = Instant::now();
    let case = Case::of(share, name);
    let done = case.begin().and_then(|()| act(&case));
    if let Err(error) = &done {
        fs::write(case.file("error"), error.to_string()).expect("the share can be written");
    }
    println!(
        "{name}: {done:?} after {:.1} s",
        began.elapsed().as_secs_f64()
    );
}

/// A test of this binary in a process of its own, whose sidecar goes to the case. All of a case are one run.
fn subject(case: &Case, name: &str) -> Command {
    let mut command = rerun::victim(&format!("subjects::{name}"), &case.sidecars_folder());
    command.env("NEXTEST_RUN_ID", "bed");
    command
}

fn in_group(group: &Group, mut command: Command) -> io::Result<Command> {
    group.enter(&mut command)?;
    Ok(command)
}

/// A cgroup with limits. It has no swap, so that what does not fit is killed.
fn limited(name: &str, limits: &[(&str, &str)]) -> io::Result<Group> {
    let group = Group::new(name)?;
    limit(&group, limits)?;
    Ok(group)
}

fn limit(group: &Group, limits: &[(&str, &str)]) -> io::Result<()> {
    group.set("memory.swap.max", "0")?;
    limits
        .iter()
        .try_for_each(|(file, value)| group.set(file, value))
}

fn wait_until(what: &str, mut holds: impl FnMut() -> bool) -> io::Result<()> {
    let began = Instant::now();
    while !holds() {
        if began.elapsed() > PATIENCE {
            return Err(io::Error::other(format!("{what} did not come")));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// Ends a process, and waits until it has ended.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // Where it has ended by itself there is nothing to kill.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn calm(_: &Plan, case: &Case) -> io::Result<()> {
    let group = limited("calm", &[("memory.max", "256M"), ("memory.high", "200M")])?;
    case.observe("before", Some(&group))?;
    let mut test = in_group(&group, subject(case, "holds_eight_mib"))?;
    let status = case.file("test/proc/self/status");
    fs::create_dir_all(status.with_file_name(""))?;
    case.step("test", test.env("BED_STATUS", status))?;
    case.observe("after", Some(&group))?;
    let release = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let config = format!("/boot/config-{}", release.trim());
    fs::copy(config, case.file("after/config")).map(drop)
}

fn failed_by_itself(_: &Plan, case: &Case) -> io::Result<()> {
    case.step("test", &mut subject(case, "asserts_what_is_wrong"))?;
    Ok(())
}

/// The test before it was larger than what the one that is killed was last seen with.
fn killed_by_its_cgroup(_: &Plan, case: &Case) -> io::Result<()> {
    let group = limited("killed", &[("memory.max", "64M")])?;
    for (step, test) in [
        ("before", "had_forty_mib"),
        ("test", "takes_it_all"),
        ("after", "comes_after"),
    ] {
        case.step(step, &mut in_group(&group, subject(case, test))?)?;
    }
    case.observe("end", Some(&group))
}

/// The limit is that of the group above, which the test's own does not show.
fn killed_by_a_cgroup_above(_: &Plan, case: &Case) -> io::Result<()> {
    let above = limited("above", &[("memory.max", "64M")])?;
    let group = above.below("own")?;
    for (step, test) in [("test", "takes_it_all"), ("after", "comes_after")] {
        case.step(step, &mut in_group(&group, subject(case, test))?)?;
    }
    case.observe("end", Some(&group))
}

/// `memory.oom.group`: all of the group are killed for what one of them takes.
fn killed_with_its_group(_: &Plan, case: &Case) -> io::Result<()> {
    let limits = [("memory.max", "64M"), ("memory.oom.group", "1")];
    let group = limited("together", &limits)?;
    let meeting = case.file("meeting");
    let mut innocent = in_group(&group, subject(case, "waits_for_what_is_done"))?;
    let mut innocent = Ended(innocent.env("BED_MEETING", &meeting).spawn()?);
    wait_until("the test that waits", || {
        meeting.with_extension("here").exists()
    })?;
    case.step(
        "test",
        &mut in_group(&group, subject(case, "takes_it_all"))?,
    )?;
    let status = innocent.0.wait()?;
    fs::write(case.file("innocent"), status.to_string())?;
    case.step(
        "after",
        &mut in_group(&group, subject(case, "comes_after"))?,
    )?;
    case.observe("end", Some(&group))
}

/// Nobody is killed for going over `memory.high`: all that goes on is slowed down.
fn over_its_soft_limit(_: &Plan, case: &Case) -> io::Result<()> {
    let group = limited("soft", &[("memory.high", "64M")])?;
    case.observe("before", Some(&group))?;
    case.step(
        "test",
        &mut in_group(&group, subject(case, "goes_over_its_soft_limit"))?,
    )?;
    case.observe("after", Some(&group))
}

/// Page cache that is dropped for new pages is no shortage.
fn cache_does_not_fit(plan: &Plan, case: &Case) -> io::Result<()> {
    let group = limited("cache", &[("memory.max", "64M")])?;
    case.observe("before", Some(&group))?;
    let mut command = in_group(&group, subject(case, "reads_more_than_fits"))?;
    case.step("test", command.env("BED_FILE", &plan.large))?;
    case.observe("after", Some(&group))
}

/// Averages of pressure still tell of the hog when the test begins; nothing moved during the test.
fn after_a_hog(_: &Plan, case: &Case) -> io::Result<()> {
    let group = limited("hog", &[("memory.high", "64M")])?;
    let hog = case.file("hog");
    let mut hungry = in_group(
        &group,
        rerun::victim("subjects::goes_over_its_soft_limit", &hog),
    )?;
    case.step("hog", &mut hungry)?;
    case.observe("before", None)?;
    case.step("test", &mut subject(case, "asserts_what_is_wrong"))?;
    case.observe("after", None)
}

/// A fifth of a CPU.
fn throttled(_: &Plan, case: &Case) -> io::Result<()> {
    let group = limited("throttled", &[("cpu.max", "20000 100000")])?;
    case.observe("before", Some(&group))?;
    case.step(
        "test",
        &mut in_group(&group, subject(case, "gets_its_cpu"))?,
    )?;
    case.observe("after", Some(&group))
}

/// Four times as many threads as there are CPUs, which come when the test has begun: else that alone would take long.
fn beside_hogs(_: &Plan, case: &Case) -> io::Result<()> {
    let theirs = Group::new("hogs")?;
    // Beside theirs, as a test is beside other services.
    let own = limited("own", &[("cpu.weight", "10")])?;
    let mut hogs = Vec::new();
    case.observe("before", Some(&own))?;
    let test = in_group(&own, subject(case, "gets_its_cpu"))?;
    during(case, "hogs", test, || {
        for _ in 0..8 {
            let mut hog = Command::new("/bin/sh");
            hog.args(["-c", "while :; do :; done"]);
            hogs.push(Ended(in_group(&theirs, hog)?.spawn()?));
        }
        Ok(())
    })?;
    case.observe("after", Some(&own))
}

/// One CPU and one node of two.
fn on_one_node(_: &Plan, case: &Case) -> io::Result<()> {
    let group = limited("node", &[("cpuset.cpus", "1"), ("cpuset.mems", "1")])?;
    case.step(
        "test",
        &mut in_group(&group, subject(case, "holds_eight_mib"))?,
    )?;
    case.observe("end", Some(&group))
}

const DELAYS: &str = "/proc/sys/kernel/task_delayacct";

/// Delay accounting is switched on while a test runs, and off while another does.
fn delays_switched_on(_: &Plan, case: &Case) -> io::Result<()> {
    fs::write(DELAYS, "0")?;
    let test = subject(case, "waits_for_what_is_done");
    let done = during(case, "half_way", test, || fs::write(DELAYS, "1"));
    fs::write(DELAYS, "0")?;
    let test = subject(case, "one_after_another");
    let older = during(case, "older", test, || fs::write(DELAYS, "1"));
    let on = case.step("on", &mut subject(case, "holds_eight_mib"));
    let test = subject(case, "waits_until_it_is_off");
    let half = during(case, "half_way_off", test, || fs::write(DELAYS, "0"));
    case.step("off", &mut subject(case, "comes_after"))?;
    done.and(older).and(on.map(drop)).and(half)
}

/// The same file is read by the same test where it fits, and in a cgroup where it does not.
fn delays_counted(plan: &Plan, case: &Case) -> io::Result<()> {
    fs::write(DELAYS, "1")?;
    let group = limited("reclaims", &[("memory.max", "64M")])?;
    let steps = [("outside", None), ("inside", Some(&group))];
    let done = steps.into_iter().try_for_each(|(step, group)| {
        fs::write("/proc/sys/vm/drop_caches", "3")?;
        let mut command = rerun::victim("subjects::reads_over_and_over", &case.file(step));
        command.env("BED_FILE", &plan.large);
        if let Some(group) = group {
            group.enter(&mut command)?;
        }
        case.step(step, &mut command).map(drop)
    });
    fs::write(DELAYS, "0")?;
    case.observe("after", Some(&group))?;
    done
}

/// It counts, and does not tell without the privilege.
fn delays_refused(_: &Plan, case: &Case) -> io::Result<()> {
    const NET_ADMIN: libc::c_ulong = 12;
    fs::write(DELAYS, "1")?;
    let mut unprivileged = subject(case, "holds_eight_mib");
    // SAFETY: one system call, which touches nothing.
    unsafe {
        damage::before(&mut unprivileged, || {
            match libc::prctl(libc::PR_CAPBSET_DROP, NET_ADMIN) {
                0 => Ok(()),
                _ => Err(io::Error::last_os_error()),
            }
        });
    }
    let done = case.step("unprivileged", &mut unprivileged);
    fs::write(DELAYS, "0")?;
    done.map(drop)
}

/// Does something while a test runs, which waits for it.
fn during(
    case: &Case,
    step: &str,
    mut test: Command,
    act: impl FnOnce() -> io::Result<()>,
) -> io::Result<()> {
    let meeting = case.file(step);
    let mut test = Ended(test.env("BED_MEETING", &meeting).spawn()?);
    wait_until("the test that waits", || {
        meeting.with_extension("here").exists()
    })?;
    let done = act();
    fs::write(meeting.with_extension("go"), "")?;
    test.0.wait()?;
    done
}

fn suite(plan: &Plan, case: &Case) -> io::Result<()> {
    case.step("suite", &mut suite_of(plan, case))?;
    Ok(())
}

fn suite_of(plan: &Plan, case: &Case) -> Command {
    let mut command = Command::new(&plan.suite);
    command.env("HEAP_SIDECAR_DIR", case.sidecars_folder());
    command
}

/// The suite, or a part of it, under a scheduler that is declared to honour something.
fn suite_under(
    plan: &Plan,
    case: &Case,
    scheduler: &str,
    honours: &str,
    arguments: &[&str],
) -> io::Result<()> {
    let mut suite = suite_of(plan, case);
    let mut command = under(scheduler, suite.args(arguments));
    case.step("suite", command.env(HONOURS, honours))?;
    Ok(())
}

/// A command with a scheduler loaded for it.
fn under(scheduler: &str, command: &Command) -> Command {
    let with = Path::new(env!("CARGO_MANIFEST_DIR")).join("vm/schedulers/with");
    let mut under = Command::new(with);
    under
        .arg(scheduler)
        .arg(command.get_program())
        .args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => under.env(name, value),
            None => under.env_remove(name),
        };
    }
    under
}

/// A scheduler comes while one test runs, and is thrown out while the next one does.
fn scheduler_swapped(plan: &Plan, case: &Case) -> io::Result<()> {
    if !plan.schedulers {
        return Ok(());
    }
    let mut holder = None;
    let test = subject(case, "is_wrong_after_what_is_done");
    let loaded = during(case, "loaded", test, || {
        let mut hold = Command::new("sleep");
        let with_it = under("good_fifo", hold.arg("infinity")).spawn()?;
        holder = Some(Ended(with_it));
        wait_for_scheduler("enabled")
    });
    case.observe("under_it", None)?;
    let test = subject(case, "waits_and_is_wrong");
    let thrown_out = during(case, "thrown_out", test, || {
        // The key that brings the kernel's own scheduler back, whatever the other one does.
        fs::write("/proc/sysrq-trigger", "S")?;
        wait_for_scheduler("disabled")
    });
    drop(holder);
    // Whoever loads the next one makes it anew.
    fs::remove_dir_all("/sys/fs/bpf/scheduler")?;
    case.step("after", &mut subject(case, "comes_after"))?;
    loaded.and(thrown_out)
}

fn wait_for_scheduler(state: &str) -> io::Result<()> {
    wait_until("a change of the scheduler", || {
        fs::read_to_string("/sys/kernel/sched_ext/state").is_ok_and(|said| said.trim() == state)
    })
}

/// Without any limit but the guest's own.
fn host_out_of_memory(_: &Plan, case: &Case) -> io::Result<()> {
    case.observe("before", None)?;
    case.step("test", &mut subject(case, "takes_it_all"))?;
    case.step("after", &mut subject(case, "comes_after"))?;
    case.observe("after", None)
}

fn host_out_of_memory_and_swap(plan: &Plan, case: &Case) -> io::Result<()> {
    keep_from_thrashing()?;
    swap("swapon")?;
    let done = host_out_of_memory(plan, case);
    swap("swapoff")?;
    done
}

/// Where memory and swap are full, the kernel may go on fetching the pages of programs from the file below, for minutes, before it
/// kills anybody. It kills as soon as it cannot keep what was used in the last second.
fn keep_from_thrashing() -> io::Result<()> {
    match fs::write("/sys/kernel/mm/lru_gen/min_ttl_ms", "1000") {
        // A kernel that cannot be told so.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

fn swap(switch: &str) -> io::Result<()> {
    let status = Command::new(switch).arg("/dev/zram0").status()?;
    if status.success() {
        Ok(())
    } else {
        Err(io::Error::other(format!("{switch}: {status}")))
    }
}
