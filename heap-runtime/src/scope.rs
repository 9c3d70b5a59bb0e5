//! One execution of a tracked test, from just before its body to the finished sidecar.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Once};
use std::time::{Duration, SystemTime};

use heap_sidecar::{Allocator, Runner};

use crate::budget;
use crate::env::{Settings, runs_one_at_a_time};
use crate::formatted::After;
use crate::jemalloc::{flush_thread_cache, not_the_allocator};
use crate::notes::Notes;
use crate::outcome::{Ending, Leftover};
use crate::own::{self, Entered, ExecutionId, Measured, Own, Wanted};
use crate::panics;
use crate::process::process_id;
use crate::record::{self, Record};
use crate::run::{self, Running};
use crate::sidecar::{self, Budget, FailureKind, Limit, Outcome, Sidecar, Time};
use crate::snapshot::{Freshness, RECENT, process_heap};
use crate::test::Test;
use crate::time::Ask;
use crate::turn::{self, Kind, Polled, Turn};
use crate::warning::warn_once;

/// An execution that has begun. Its `running` record is written.
pub(crate) struct Scope<'t> {
    test: &'t Test<'t>,
    settings: &'static Settings,
    notes: Arc<Notes>,
    /// Why no sidecar can be written.
    unwritten: Option<String>,
    /// Held until the finished sidecar is written, which is not for another test's process tier.
    turn: Turn,
    /// For whoever is started meanwhile.
    _running: Running,
    /// The process that began it: a fork that comes out of the body must not end it too.
    pid: u32,
}

impl<'t> Scope<'t> {
    /// Takes the state before, and writes the `running` record. An exclusive test waits here for
    /// its turn.
    pub(crate) fn begin(test: &'t Test<'t>, kind: Kind, settings: &'static Settings) -> Self {
        own::unmeasured(|| Self::begin_unmeasured(test, kind, settings))
    }

    fn begin_unmeasured(test: &'t Test<'t>, kind: Kind, settings: &'static Settings) -> Self {
        panics::exclude_hook_allocations();
        // Before anything is read: a test that waits here begins when it may go on.
        let turn = turn::take(test, kind);
        let running = Running::begin();
        let record = record::of(test, settings, turn.is_exclusive());
        let (name, pid) = (record::name(&record), record.sidecar.pid);
        let slot = record::slot(&record, &name, settings);
        let wanted = Wanted {
            exact: test.is_exact(settings),
            limited: test.limits_peak(settings),
        };
        let own = Own::open(wanted, settings.sample_bytes, settings.time);
        let notes = Notes::begin(record, own);
        let claimed = notes.edit(|record| {
            record.set_started_at(SystemTime::now());
            // Nothing that the test does is older than it is itself.
            let freshness = if own.is_alone() {
                Freshness::Now
            } else {
                Freshness::UpTo(RECENT)
            };
            take_state_before(record, settings, freshness);
            // From here to the body, nothing may be allocated that outlives this function: it would
            // be in the process tier.
            record::claim(record, name, slot, settings)
        });
        let unwritten = match claimed {
            Some(Ok((file, slot))) => {
                notes.set_file(file);
                if let Some(slot) = slot {
                    own.watch(slot);
                }
                None
            }
            Some(Err(error)) => {
                warn_once(&error);
                Some(error)
            }
            None => None,
        };
        Self {
            test,
            settings,
            notes,
            unwritten,
            turn,
            _running: running,
            pid,
        }
    }

    /// Takes the state before again: what has happened since `begin` was not to be measured.
    pub(crate) fn begin_again(&self) {
        own::unmeasured(|| {
            self.notes.edit(|record| {
                record.set_started_at(SystemTime::now());
                // Nor is its warm-up.
                take_state_before(record, self.settings, Freshness::Now);
            });
        });
    }

    /// Starts the clock: the body is next.
    pub(crate) fn start(&self) {
        own::unmeasured(|| self.notes.own().start(self.notes.clone()));
    }

    /// Measures the calling thread as the test's until the guard is dropped.
    pub(crate) fn enter(&self, ask: Ask) -> Entered {
        self.notes.own().enter(ask)
    }

    /// Says that the future which it is of runs, until the guard is dropped.
    pub(crate) fn poll(&self) -> Option<Polled<'_>> {
        self.turn.poll()
    }

    /// Takes the state after, and writes the finished record. Says what is wrong on our side, for
    /// which the test has asked to fail. Without `ran_for`, the body was never reached. `threw` is whether a
    /// panic ended it. Where `ending` panics, as a `Debug` of the test's own may, that is how the test ended,
    /// and goes on from here.
    pub(crate) fn end(
        self,
        ran_for: Option<Duration>,
        threw: bool,
        ending: &mut dyn FnMut() -> Ending,
    ) -> Option<String> {
        if self.pid != process_id() {
            // A fork that came out of the body is not the test; its parent is. Nor is any lock here
            // sure to be free in it.
            std::mem::forget(self);
            return None;
        }
        own::unmeasured(|| {
            if own::has_aide() {
                self.end_by_aide(ran_for, threw, ending)
            } else {
                self.end_unmeasured(ran_for, threw, ending)
            }
        })
    }

    /// [`end_unmeasured`](Self::end_unmeasured), of a thread that may ask the kernel nothing. What was returned is the
    /// test's, and is asked on its own thread.
    fn end_by_aide(
        self,
        ran_for: Option<Duration>,
        threw: bool,
        ending: &mut dyn FnMut() -> Ending,
    ) -> Option<String> {
        let mut ended = Some(catch_unwind(AssertUnwindSafe(ending)));
        let mut ending = || match ended.take() {
            Some(Ok(ending)) => ending,
            Some(Err(payload)) => resume_unwind(payload),
            None => Ending::Dropped,
        };
        if self.settings.process {
            flush_thread_cache();
        }
        own::by_aide(|| self.end_unmeasured(ran_for, threw, &mut ending)).flatten()
    }

    fn end_unmeasured(
        self,
        ran_for: Option<Duration>,
        threw: bool,
        ending: &mut dyn FnMut() -> Ending,
    ) -> Option<String> {
        self.notes.own().wait_for_ends();
        // First of all, so that nothing below is in it.
        let heap_state = self.settings.process;
        let heap_state = heap_state.then(|| process_heap(Freshness::Now)).flatten();
        self.notes
            .edit(|record| record.set_heap_after(heap_state, self.settings));
        // The notes end with the numbers: what a thread that is left says later would be of no test.
        let record = self.notes.take();
        let execution = record.as_ref().map(|record| ExecutionId {
            test_name: record.sidecar.test_name.as_str(),
            iteration: record.sidecar.iteration,
        });
        let mut measured = self.notes.own().close(execution);
        let mut record = record?;
        let before_hook = record.before_hook.take().filter(|_| threw);
        if threw {
            panics::pass_to_outer(before_hook.clone());
        }
        record.set_host_after(before_hook.unwrap_or_else(|| After::read(self.settings)));
        let notes_file = record.end();
        let sidecar = &mut record.sidecar;
        sidecar.duration_ns = ran_for.and_then(|time| u64::try_from(time.as_nanos()).ok());
        sidecar.heap.last_seen = None;
        sidecar.heap.exclusive = self.turn.is_exclusive();
        sidecar.heap.overlap = Some(measured.overlap);
        sidecar.heap.beside_exact = measured.beside_exact;
        set_alone(sidecar);
        sidecar.heap.shared_with = std::mem::take(&mut measured.shared_with);
        if ran_for.is_some() {
            sidecar.time = time_of(&measured, sidecar.duration_ns);
            sidecar.heap.own = measured.tier;
            sidecar.heap.timeline = measured.timeline.take();
            if let Some(missing) = measured.missing {
                say_too(&mut sidecar.heap.reason, missing);
            }
        } else if measured.tier.is_some() || measured.missing.is_some() {
            sidecar.heap.reason = Some("the test ended in its warm-up".into());
        }
        if own::has_lost_a_thread() && (measured.tier.is_none() || heap_state.is_none()) {
            say_too(&mut sidecar.heap.reason, own::LOST_A_THREAD);
        }
        let (ending, left, thrown) = ended(ending);
        let (mut outcome, mut failure) = ending.outcome(self.test);
        if ran_for.is_some() {
            let limits = self.test.limits(self.settings);
            let has_failed = outcome == Outcome::Failed;
            sidecar.budgets = budget::judge(&limits, &measured, left, has_failed);
            if !has_failed {
                say_unseen(sidecar);
            }
        }
        if outcome == Outcome::Passed && sidecar.skip_reason.is_some() {
            outcome = Outcome::Skipped;
        }
        let mut complaint = None;
        if outcome == Outcome::Passed
            && let Some((kind, text)) = self.complaint(sidecar)
        {
            outcome = Outcome::Failed;
            failure = Some(sidecar::failure(kind, &text));
            // Not in the sidecar: the path may tell of a user.
            complaint = Some(match kind {
                FailureKind::Budget => format!("{text}\n  sidecar: {}", self.place()),
                _ => text,
            });
        }
        sidecar.outcome = Some(outcome);
        sidecar.failure = self.settings.redact.failure(failure);
        let file = self.notes.file();
        let written = file.map_or(Ok(()), |file| {
            record.write_with(|sidecar, contents| {
                file.store.finish(&file.name, sidecar, contents.text)
            })
        });
        if let (Ok(()), Some(file)) = (&written, file) {
            if let Some(notes) = notes_file {
                file.store.remove(&notes);
            }
            // After the record, which a disk that is nearly full may just take: this only saves other processes time.
            run::tell(file.store, self.settings);
        }
        if let Err(error) = written {
            let error = error.to_string();
            warn_once(&error);
            if self.settings.require && outcome == Outcome::Passed {
                outcome = Outcome::Failed;
                complaint = Some(required(&error));
            }
            // Else it would be taken for killed, once this process is gone.
            if let Some(mut slot) = measured.slot {
                slot.end(outcome);
            }
        }
        drop(self.turn);
        Notes::end(self.notes);
        if let Some(payload) = thrown {
            resume_unwind(payload);
        }
        complaint
    }

    /// Why a test whose body passed is to fail.
    fn complaint(&self, record: &Sidecar) -> Option<(FailureKind, String)> {
        if self.settings.require {
            let counted = record.heap.allocator == Allocator::Jemalloc;
            let unmet = if counted {
                self.unwritten.as_deref().or(own::missing())
            } else {
                Some(not_the_allocator())
            };
            if let Some(unmet) = unmet {
                return Some((FailureKind::Error, required(unmet)));
            }
        }
        if let Some(refusal) = self.turn.refusal() {
            let text = format!("{} is not exclusive: {refusal}", record.test_name);
            return Some((FailureKind::Error, text));
        }
        if let Some(budget) = record.budgets.iter().find(|budget| budget.held.is_none()) {
            let unchecked = why_unchecked(budget, record);
            if budget.limit.is_time() {
                let unchecked = format!("{} was not checked: {unchecked}", budget.limit);
                if self.settings.require {
                    return Some((FailureKind::Error, required(&unchecked)));
                }
                warn_once(&unchecked);
            } else {
                warn_once(&format!("a heap budget was not checked: {unchecked}"));
            }
        }
        let text = budget::complaint(&record.test_name, &record.budgets, &record.heap)?;
        Some((FailureKind::Budget, text))
    }

    /// Where the sidecar is, for people.
    fn place(&self) -> String {
        match (self.notes.file(), &self.unwritten) {
            (Some(file), _) => file.store.place_of(&file.name),
            (None, Some(error)) => format!("none, because {error}"),
            (None, None) => "none".into(),
        }
    }
}

/// How the test ended, what memory that holds on to, and what was thrown by saying so: what was returned is asked by
/// code of the test's, a `Debug` perhaps, which may panic too.
fn ended(ending: &mut dyn FnMut() -> Ending) -> (Ending, Leftover, Option<Box<dyn Any + Send>>) {
    match catch_unwind(AssertUnwindSafe(ending)) {
        Ok(ending) => {
            let left = ending.leftover();
            (ending, left, None)
        }
        Err(payload) => {
            let ending = Ending::of_panic(&*payload);
            (ending, Leftover::Unknown, Some(payload))
        }
    }
}

/// Puts a reason before those that there are.
fn say_too(reasons: &mut Option<String>, reason: &str) {
    let others = reasons.take().map(|others| format!("; {others}"));
    *reasons = Some(reason.to_owned() + &others.unwrap_or_default());
}

/// Takes what changes of the host, and the process's heap last.
fn take_state_before(record: &mut Record, settings: &Settings, freshness: Freshness) {
    record.set_host_before(settings);
    if settings.process {
        // Beside others, the heap may be that of an earlier moment: then there is nothing to set it against.
        if freshness == Freshness::Now {
            record.set_resident_before(settings);
        }
        record.set_heap_before(process_heap(freshness), settings);
    }
}

/// Where the time of a test has gone that took so long.
fn time_of(measured: &Measured, took_ns: Option<u64>) -> Option<Time> {
    let ran = measured.ran?;
    let mut time = Time::default();
    time.wall_ns = took_ns;
    ran.body.put_reasons(&mut time.reason);
    ran.body_delays.put_reasons(&mut time.reason);
    if let Some(why) = measured.others_unknown {
        time.reason.insert("own".into(), why.into());
    } else {
        time.own = ran.all.spent(None);
        time.own.delays = ran.all_delays.told();
        ran.all.put_reasons(&mut time.reason);
        ran.all_delays.put_reasons(&mut time.reason);
    }
    let mut body = ran.body.spent(took_ns);
    body.delays = ran.body_delays.told();
    time.test_thread = Some(body);
    time.threads = measured.threads;
    time.threads_running = measured.threads_running;
    Some(time)
}

/// Puts in whether no other test of the process can have run meanwhile. nextest has a process for each.
fn set_alone(sidecar: &mut Sidecar) {
    let process = sidecar.heap.process.as_mut();
    if let Some(resident) = process.and_then(|process| process.resident.as_mut()) {
        let is_one = sidecar.runner == Runner::Nextest || runs_one_at_a_time();
        resident.alone = is_one && sidecar.heap.overlap == Some(0);
    }
}

/// Says of budgets that held what they are blind to, where there was much of it and no other tracked test to have
/// brought it: in the record, and once for each process where it is seen although the test has passed.
fn say_unseen(sidecar: &mut Sidecar) {
    let Some(unseen) = sidecar.unseen() else {
        return;
    };
    if sidecar.heap.overlap != Some(0) {
        return;
    }
    let words = unseen.words(sidecar.heap.c_allocator);
    if budget::note_unseen(&mut sidecar.budgets, &unseen, &words) {
        static SAID: Once = Once::new();
        SAID.call_once(|| {
            let name = &sidecar.test_name;
            warn_once(&format!(
                "{name}: its budget held, but {words}. `cargo heap report` lists every such test"
            ));
        });
    }
}

/// Why a limit was not checked.
fn why_unchecked<'r>(budget: &'r Budget, record: &'r Sidecar) -> &'r str {
    let time = record.time.as_ref();
    let reason = match budget.limit {
        limit if !limit.is_time() => record.heap.reason.as_ref(),
        _ if time.is_none() => return "HEAP_TIME=0: where the time went was not asked for",
        Limit::MaxCpu => time.and_then(|time| time.reason.get("own").or(time.reason.get("cpu_ns"))),
        _ => time.and_then(|time| time.reason.get("own").or(time.reason.get("run_delay_ns"))),
    };
    let note = budget.note.as_deref();
    reason
        .map(String::as_str)
        .or(note)
        .unwrap_or("not measured")
}

fn required(error: &str) -> String {
    format!("HEAP_REQUIRE=1 and the test could not be tracked: {error}")
}
