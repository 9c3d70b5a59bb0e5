//! The readings around a run: taken before cargo starts and after it has ended, and kept beside the
//! sidecars.

use std::path::Path;

use serde::Serialize;

use super::cargo::Ended;
use super::clock::now;
use super::new_run::unique;
use super::replace;
use crate::report::{End, Interrupted, RUN_FORMAT_VERSION, RunPressure, RunnerVerdict};
use crate::settings::Settings;
use heap_sidecar::run_id::sanitised;
use heap_sidecar::{HostContext, RUN_SUFFIX, host};

/// The readings of a run that has ended, as they stand in their file.
#[derive(Debug, Serialize)]
pub(super) struct Readings {
    format_version: u32,
    run_id: String,
    started_at: String,
    ended_at: String,
    host: HostContext,
    host_before: HostContext,
    #[serde(skip_serializing_if = "Option::is_none")]
    cargo_end: Option<End>,
    #[serde(skip_serializing_if = "Option::is_none")]
    interrupted: Option<Interrupted>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    runner_verdicts: Vec<RunnerVerdict>,
}

/// The reading before a run.
pub(super) struct Started<'a> {
    settings: &'a Settings,
    at: String,
    host: HostContext,
}

impl<'a> Started<'a> {
    pub(super) fn now(settings: &'a Settings) -> Self {
        Self {
            settings,
            at: now(),
            host: settings.redacted(host::pressure()),
        }
    }

    /// Cargo has ended so, and what it has waited for. Which run it was is found out later.
    pub(super) fn ended(self, ended: &Ended) -> Readings {
        let host = self.settings.redacted(host::pressure());
        Readings {
            format_version: RUN_FORMAT_VERSION,
            run_id: String::new(),
            started_at: self.at,
            ended_at: now(),
            host,
            host_before: self.host,
            cargo_end: ended.end(),
            interrupted: ended.interrupted.clone(),
            runner_verdicts: Vec::new(),
        }
    }
}

impl Readings {
    /// The same, of the run with this id, of which the runner has said that.
    pub(super) fn of_run(self, run_id: String, runner_verdicts: Vec<RunnerVerdict>) -> Self {
        Self {
            run_id,
            runner_verdicts,
            ..self
        }
    }

    /// Keeps them in a folder of the run: as sidecars are written, whole and through no link.
    pub(super) fn keep(&self, folder: &Path) -> Result<(), String> {
        let mut contents = serde_json::to_vec_pretty(self).map_err(|error| error.to_string())?;
        contents.push(b'\n');
        // An id that was read from a sidecar is no more to be trusted than one of the environment.
        let run_id = sanitised(&self.run_id);
        // Several commands, and several machines, may be one run.
        let name = format!("{run_id}@{}{RUN_SUFFIX}", unique());
        let path = folder.join(name);
        replace::file(&path, &contents)
            .map_err(|error| format!("cannot write `{}`: {error}", path.display()))
    }
}

impl From<Readings> for RunPressure {
    fn from(readings: Readings) -> Self {
        let of_cgroup = |host: &HostContext| {
            host.cgroup_memory
                .as_ref()
                .and_then(|cgroup| cgroup.events?.oom_kill)
        };
        Self {
            cgroup_oom_kills_before: of_cgroup(&readings.host_before),
            cgroup_oom_kills: of_cgroup(&readings.host),
            host_oom_kills_before: readings.host_before.vm_oom_kill,
            host_oom_kills: readings.host.vm_oom_kill,
            cargo_end: readings.cargo_end,
            interrupted: readings.interrupted,
            runner_verdicts: readings.runner_verdicts,
            run_id: readings.run_id,
            started_at: readings.started_at,
            ended_at: readings.ended_at,
        }
    }
}
