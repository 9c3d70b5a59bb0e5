//! What has been looked up of a host and stays as it is, as text: for another process on the same host, which need
//! not look for it again.
//!
//! Each value is `key=value` and ends in a NUL, which is in nothing that the kernel says. There is no name of a
//! cgroup in it, as those may be names of hosts and users.

use super::{Source, cgroup::Plain, cpu::Policy, sched::Tunable};
use crate::{HostContext, TaskXacct};
use std::fmt::{Display, Write as _};

/// Text in the making.
#[derive(Default)]
pub(super) struct Text(String);

impl Text {
    pub(super) fn put(&mut self, key: &str, value: impl Display) {
        write!(self.0, "{key}={value}\0").expect("a String takes all");
    }

    fn put_some(&mut self, key: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            self.put(key, value);
        }
    }

    fn put_constant(&mut self, host: &HostContext) {
        self.put_some("cpu_model", host.cpu_model.as_ref());
        self.put_some("cpu_vendor", host.cpu_vendor.as_ref());
        self.put_some("total_memory_kib", host.total_memory_kib);
        self.put_some("hugepages_size_kib", host.hugepages_size_kib);
        self.put_some("numa_nodes", host.numa_nodes);
        self.put_some("kernel_cmdline", host.kernel_cmdline.as_ref());
        self.put_some("kernel_name", host.kernel_name.as_ref());
        self.put_some("kernel_release", host.kernel_release.as_ref());
        self.put_some("arch", host.arch.as_ref());
        self.put_some(
            "config_task_xacct",
            host.config_task_xacct.map(|built| match built {
                TaskXacct::On => "on",
                TaskXacct::Off => "off",
                TaskXacct::Unknown => "unknown",
            }),
        );
    }
}

/// What such a text says.
#[derive(Clone, Copy)]
pub(super) struct Pairs<'t>(&'t str);

impl<'t> Pairs<'t> {
    pub(super) fn all(self, key: &str) -> impl Iterator<Item = &'t str> {
        let pairs = self.0.split('\0').filter_map(|pair| pair.split_once('='));
        pairs.filter_map(move |(name, value)| (name == key).then_some(value))
    }

    pub(super) fn one(self, key: &str) -> Option<&'t str> {
        self.all(key).next()
    }

    pub(super) fn number<T: std::str::FromStr>(self, key: &str) -> Option<T> {
        self.one(key)?.parse().ok()
    }

    fn constant(self) -> HostContext {
        let text = |key| self.one(key).map(str::to_owned);
        HostContext {
            cpu_model: text("cpu_model"),
            cpu_vendor: text("cpu_vendor"),
            total_memory_kib: self.number("total_memory_kib"),
            hugepages_size_kib: self.number("hugepages_size_kib"),
            numa_nodes: self.number("numa_nodes"),
            kernel_cmdline: text("kernel_cmdline"),
            kernel_name: text("kernel_name"),
            kernel_release: text("kernel_release"),
            arch: text("arch"),
            config_task_xacct: self.one("config_task_xacct").and_then(|built| match built {
                "on" => Some(TaskXacct::On),
                "off" => Some(TaskXacct::Off),
                "unknown" => Some(TaskXacct::Unknown),
                _ => None,
            }),
            ..HostContext::default()
        }
    }
}

impl Source {
    /// What has been looked up, besides what is constant.
    pub(in crate::host) fn known(&self, constant: &HostContext) -> String {
        let mut text = Text::default();
        text.put_constant(constant);
        if let Some(tunables) = self.tunables.get() {
            text.put("tunables", tunables.len());
            for tunable in tunables {
                text.put("tunable", tunable.name());
            }
        }
        if let Some(policies) = self.policies.get() {
            text.put("policies", policies.len());
            for policy in policies {
                policy.put(&mut text);
            }
        }
        if let Some(plain) = self.known_membership().and_then(|known| known.plain()) {
            plain.put(&mut text);
        }
        text.put("end", "");
        text.0
    }

    /// Takes what another process of this host has looked up, where that has not been done here. Gives what is
    /// constant. Nothing where the text has been cut.
    pub(in crate::host) fn remember(&self, known: &str) -> Option<HostContext> {
        let known = Pairs(known.strip_suffix("end=\0")?);
        let is_all = |key, there: usize| known.number(key) == Some(there);
        let tunables: Vec<_> = known
            .all("tunable")
            .map(|name| Tunable::of(self, name))
            .collect();
        if is_all("tunables", tunables.len()) {
            let _ = self.tunables.set(tunables);
        }
        let policies: Vec<_> = known.all("policy").filter_map(Policy::of).collect();
        if is_all("policies", policies.len()) {
            let _ = self.policies.set(policies);
        }
        if let Some(plain) = Plain::of(known) {
            let _ = self.plain.set(plain);
        }
        Some(known.constant())
    }
}
