//! How often the cgroups of the process were stopped for a quota of CPU time, in either version.

use super::{Membership, Version, file};
use crate::CgroupCpu;
use std::ffi::CString;
use std::sync::atomic::{AtomicBool, Ordering};

/// The cgroups at and above the process's own in the hierarchy that shares out CPU time, the nearest first.
pub(super) struct CpuFiles {
    version: Version,
    groups: Vec<Group>,
    /// Whether it is known which of them have a quota.
    are_quotas_known: AtomicBool,
}

struct Group {
    above: u32,
    quota: CString,
    /// In version 1.
    period: CString,
    stat: CString,
    /// Whether it had a quota when that was last looked for.
    is_limited: AtomicBool,
}

impl Membership {
    /// Each that has a quota, among those that had one when that was last looked for.
    pub(in crate::host::source) fn cpu_quotas(&self) -> Vec<CgroupCpu> {
        let files = self.cpu.iter();
        let unknown = |files: &&CpuFiles| !files.are_quotas_known.load(Ordering::Relaxed);
        files
            .clone()
            .filter(unknown)
            .for_each(CpuFiles::look_for_quotas);
        let mut buffer = file::buffer();
        let groups =
            files.flat_map(|files| files.groups.iter().map(|group| (files.version, group)));
        groups
            .filter(|(_, group)| group.is_limited.load(Ordering::Relaxed))
            .filter_map(|(version, group)| group.read(version, &mut buffer))
            .collect()
    }

    /// Looks for quotas that have come or gone.
    pub(in crate::host::source) fn look_for_cpu_quotas(&self) {
        if let Some(files) = &self.cpu {
            files.look_for_quotas();
        }
    }
}

impl CpuFiles {
    pub(super) fn new(directories: &[String], version: Version) -> Option<Self> {
        let groups = directories.iter().zip(0..).map(|(directory, above)| {
            let file = |name: &str| CString::new(format!("{directory}{name}")).ok();
            let quota = match version {
                Version::V1 => "/cpu.cfs_quota_us",
                Version::V2 => "/cpu.max",
            };
            Some(Group {
                above,
                quota: file(quota)?,
                period: file("/cpu.cfs_period_us")?,
                stat: file("/cpu.stat")?,
                is_limited: AtomicBool::new(false),
            })
        });
        Some(Self {
            version,
            groups: groups.collect::<Option<_>>()?,
            are_quotas_known: AtomicBool::new(false),
        })
    }

    fn look_for_quotas(&self) {
        let mut buffer = file::buffer();
        for group in &self.groups {
            let quota = group.quota(self.version, &mut buffer);
            group.is_limited.store(quota.is_some(), Ordering::Relaxed);
        }
        self.are_quotas_known.store(true, Ordering::Relaxed);
    }
}

impl Group {
    /// The quota, and the period where that stands in the same file.
    fn quota(&self, version: Version, buffer: &mut file::Buffer) -> Option<(u64, Option<u64>)> {
        match version {
            // -1 is none, and no unsigned number.
            Version::V1 => Some((file::number(self.quota.as_c_str(), buffer)?, None)),
            // So is "max".
            Version::V2 => {
                let text = file::value(self.quota.as_c_str(), buffer)?;
                let (quota, period) = text.split_once(' ').unwrap_or((text, ""));
                Some((quota.parse().ok()?, period.parse().ok()))
            }
        }
    }

    fn read(&self, version: Version, buffer: &mut file::Buffer) -> Option<CgroupCpu> {
        let (quota_us, mut period_us) = self.quota(version, buffer)?;
        if version == Version::V1 {
            period_us = file::number(self.period.as_c_str(), buffer);
        }
        let stat = file::content(self.stat.as_c_str(), buffer).unwrap_or_default();
        let count = |key: &str| {
            let mut lines = stat.lines().filter_map(|line| line.split_once(' '));
            lines.find(|(name, _)| *name == key)?.1.parse::<u64>().ok()
        };
        Some(CgroupCpu {
            above: self.above,
            quota_us,
            period_us,
            nr_throttled: count("nr_throttled"),
            throttled_us: match version {
                Version::V1 => count("throttled_time").map(|ns| ns / 1000),
                Version::V2 => count("throttled_usec"),
            },
        })
    }
}
