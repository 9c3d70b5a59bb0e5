//! Which run this process belongs to: all test binaries of one `cargo test`, or of one
//! `cargo nextest run`, are one run.

#[cfg_attr(not(proc_fs), path = "run/elsewhere.rs")]
mod ancestry;
#[cfg(any(proc_fs, test))]
mod command;
mod inside;
#[cfg_attr(not(proc_fs), path = "run/known_elsewhere.rs")]
mod known;
#[cfg_attr(not(proc_fs), path = "run/marker_elsewhere.rs")]
mod marker;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use heap_sidecar::process::{Mark, Stat};
use heap_sidecar::run_id::{fnv1a, sanitised};
use heap_sidecar::{Parent, Process, Runner};

use crate::env::{Nextest, Settings};
use crate::process::process_id;
use crate::sidecar::{Place, Store};
use ancestry::Ancestry;
pub(crate) use inside::Running;
use known::Key;

/// The run of this process, and the turn of its tests in it.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) id: String,
    pub(crate) runner: Runner,
    /// The run as nextest calls it, where that is not what it is called here.
    pub(crate) of_runner: Option<String>,
    /// Which part of the run this is.
    pub(crate) shard: Option<String>,
    /// From 1; more under nextest's retries.
    pub(crate) attempt: u32,
    /// From 0; under nextest's stress runs.
    pub(crate) stress_index: Option<u32>,
    parent: Option<Parent>,
    /// The process that found it out, by its number, and what else tells it apart.
    process: (u32, Option<Process>),
    /// Where its sidecars go, or below which folder.
    pub(crate) base: Option<PathBuf>,
    /// Whether another process of the run, which has ended a test by then, has told this one of the host.
    pub(crate) is_told: bool,
    /// Whom this process can tell what it has found out of the host, and of what is above it.
    to_tell: Option<(Key, Option<String>)>,
}

/// What a run is known by.
#[derive(Debug, Default)]
struct Found {
    /// `HEAP_RUN_ID`.
    asked: Option<String>,
    /// `HEAP_SHARD`.
    shard: Option<String>,
    nextest: Option<Nextest>,
    /// This process, and what else tells it apart.
    own: Option<Stat>,
    process: Option<Process>,
    ancestry: Ancestry,
    /// A hash of where the sidecars go.
    base: Option<u64>,
}

impl Found {
    /// What another process must have in common with this one, to be told what this one has found out.
    fn key(&self) -> Option<Key> {
        let (nextest, own) = (self.nextest.as_ref()?, self.own.as_ref()?);
        Some(Key::of(&nextest.run_id, own, self.process?))
    }

    /// What the run is called, if nothing above this process has another name for it.
    fn named(&self) -> Option<String> {
        let of_runner = self.nextest.as_ref();
        let of_runner = of_runner.map(|nextest| sanitised(&nextest.run_id));
        self.asked.clone().or(of_runner)
    }
}

impl Run {
    /// The run of this process, found out once.
    pub(crate) fn get() -> &'static Self {
        static RUN: OnceLock<Run> = OnceLock::new();
        RUN.get_or_init(|| {
            let settings = Settings::get().ok();
            let base = settings.and_then(|settings| Place::base(settings).ok());
            // Read once: whoever asks for it later is told the same.
            let own = Stat::of_process("self");
            let mut found = Found {
                ancestry: Ancestry::default(),
                process: own.as_ref().and_then(Process::of_own),
                own,
                asked: settings.and_then(|settings| settings.run_id.clone()),
                shard: settings.and_then(|settings| settings.shard.clone()),
                nextest: Nextest::get(),
                base: base.as_deref().map(hash),
            };
            let key = found.key();
            let place = settings.zip(base.as_ref()).zip(found.named());
            let path = place.map(|((settings, base), id)| {
                Place::below(base.clone(), settings, &id).path_of(known::FILE)
            });
            let told = key
                .zip(path)
                .and_then(|(key, path)| known::read(&path, key));
            let is_told = told.is_some();
            let look = || found.own.as_ref().map(Ancestry::look).unwrap_or_default();
            found.ancestry = told.unwrap_or_else(look);
            let can_tell = found.ancestry.is_nextest_alone;
            let partition = found.ancestry.partition.clone();
            let hash = found.base;
            let run = Self {
                base,
                is_told,
                to_tell: key.filter(|_| can_tell).map(|key| (key, partition)),
                ..Self::of(found)
            };
            if let Some(base) = hash {
                let (pid, run_id) = (process_id(), run.id.clone());
                marker::put(&Mark { pid, base, run_id });
            }
            run
        })
    }

    fn of(found: Found) -> Self {
        let Found {
            asked,
            shard,
            nextest,
            own,
            process,
            ancestry,
            base,
        } = found;
        let own = own.as_ref();
        let runner = match nextest {
            Some(_) => Runner::Nextest,
            None if ancestry.of_cargo.is_some() => Runner::CargoTest,
            None => Runner::Other,
        };
        let turn = |nextest: &Nextest| (nextest.attempt, nextest.stress_index);
        let (attempt, stress_index) = nextest.as_ref().map_or((1, None), turn);
        // What goes elsewhere than the sidecars of the test that started it is not read with them, and
        // where somebody has named another run since, it is one: then it is nobody's child.
        let is_inherited = |above: &Mark| {
            Some(above.base) == base && asked.as_ref().is_none_or(|id| *id == above.run_id)
        };
        let above = ancestry.marked.filter(is_inherited);
        let parent = above.as_ref().map(|above| Parent::new(above.pid));
        let of_runner = nextest.map(|nextest| sanitised(&nextest.run_id));
        let id = asked
            .or(above.map(|above| above.run_id))
            .or_else(|| of_runner.clone())
            .or(ancestry.of_cargo)
            .unwrap_or_else(|| ancestry::by_itself(own));
        Self {
            of_runner: of_runner.filter(|of_runner| *of_runner != id),
            id,
            runner,
            shard: shard.or(ancestry.partition),
            attempt,
            stress_index,
            parent,
            process: (process_id(), process),
            base: None,
            is_told: false,
            to_tell: None,
        }
    }

    /// What its runner was asked for, as far as that is nobody's secret.
    pub(crate) fn command() -> Vec<String> {
        // Looked for anew: what another process has told this one is not that.
        let own = Stat::of_process("self");
        let above = own.as_ref().map(Ancestry::look).unwrap_or_default();
        above.runner.map_or_else(Vec::new, ancestry::command_of)
    }

    /// The process of the tracked test that this one was started in, if its sidecars go to where that
    /// one's go.
    pub(crate) fn parent(&self) -> Option<Parent> {
        inside::fork_of().map(Parent::new).or(self.parent)
    }
}

/// What tells this process from all others that have or had its number.
pub(crate) fn process() -> Option<Process> {
    let (asked, process) = Run::get().process;
    // A fork is another.
    if asked == process_id() {
        process
    } else {
        Process::own()
    }
}

/// Tells other processes of the run, once, what this one has found out of the host.
pub(crate) fn tell(store: &Store, settings: &Settings) {
    known::tell(Run::get().to_tell.as_ref(), store, settings);
}

fn hash(path: &Path) -> u64 {
    fnv1a([path.as_os_str().as_encoded_bytes()])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(base: u64, run_id: &str) -> Ancestry {
        let run_id = run_id.to_owned();
        Ancestry {
            of_cargo: Some("cargo".into()),
            marked: Some(Mark {
                pid: 4242,
                base,
                run_id,
            }),
            ..Ancestry::default()
        }
    }

    #[test]
    fn what_a_tracked_test_starts_is_of_its_run_unless_it_is_said_to_be_another() {
        let of = |asked: Option<&str>, base, nextest: Option<&str>| {
            let nextest = nextest.map(|run_id| Nextest {
                run_id: run_id.into(),
                attempt: 2,
                stress_index: None,
            });
            let run = Run::of(Found {
                asked: asked.map(str::to_owned),
                nextest,
                ancestry: marked(1, "outer"),
                base: Some(base),
                ..Found::default()
            });
            (run.id.clone(), run.parent.map(|parent| parent.pid))
        };
        let child = ("outer".to_owned(), Some(4242));
        let own = |id: &str| (id.to_owned(), None);
        assert_eq!(of(None, 1, None), child);
        assert_eq!(of(None, 1, Some("inner")), child);
        assert_eq!(of(Some("outer"), 1, None), child);
        assert_eq!(of(None, 2, None), own("cargo"));
        assert_eq!(of(None, 2, Some("inner")), own("inner"));
        assert_eq!(of(Some("another"), 1, Some("inner")), own("another"));
    }

    #[test]
    fn a_run_that_is_named_keeps_what_its_runner_calls_it() {
        let run = Run::of(Found {
            asked: Some("ci-7".into()),
            nextest: Some(Nextest {
                run_id: "uuid".into(),
                attempt: 1,
                stress_index: Some(3),
            }),
            ..Found::default()
        });
        assert_eq!((&*run.id, run.of_runner.as_deref()), ("ci-7", Some("uuid")));
        assert_eq!((run.runner, run.stress_index), (Runner::Nextest, Some(3)));
    }
}
