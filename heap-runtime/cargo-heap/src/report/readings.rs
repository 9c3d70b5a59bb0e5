//! What a row has of the host: the readings before and after, and by how much they moved.

use heap_sidecar::{CgroupCpu, Pressure, SchedExt, Stall};

use super::binding::{Binding, moved};
use super::record::{Cgroup, HostMemory};
use super::row::Row;

impl Row {
    pub(super) fn set_host(&mut self, before: &HostMemory, after: &HostMemory) {
        self.cpu_model.clone_from(&after.cpu_model);
        self.arch.clone_from(&after.arch);
        self.kernel_release.clone_from(&after.kernel_release);
        self.online_cpus = after.online_cpus;
        self.total_memory_kib = after.total_memory_kib;
        self.mem_available_before_kib = before.mem_available_kib;
        self.mem_available_kib = after.mem_available_kib;
        self.swap_free_before_kib = before.swap_free_kib;
        self.swap_free_kib = after.swap_free_kib;
        let (psi_before, psi_after) = (psi(before), psi(after));
        self.psi_some_avg10_before = psi_before.map(|psi| psi.0);
        self.psi_some_avg10 = psi_after.map(|psi| psi.0);
        self.psi_full_avg10_before = psi_before.map(|psi| psi.1);
        self.psi_full_avg10 = psi_after.map(|psi| psi.1);
        self.psi_some_stall_us = moved(psi_before.map(|psi| psi.2), psi_after.map(|psi| psi.2));
        self.psi_full_stall_us = moved(psi_before.map(|psi| psi.3), psi_after.map(|psi| psi.3));
        self.host_oom_kills_before = before.vm_oom_kill;
        self.host_oom_kills = after.vm_oom_kill;
        self.rss_before_bytes = before.rss_bytes;
        self.rss_bytes = after.rss_bytes;
        self.peak_rss_bytes = after.peak_rss_bytes.or(before.peak_rss_bytes);
        self.address_space_limit_bytes = address_space_limit(before, after);
    }

    pub(super) fn set_cgroup(&mut self, before: &Cgroup, after: &Cgroup) {
        self.cgroup_current_before_bytes = before.current_bytes;
        self.cgroup_current_bytes = after.current_bytes;
        // Limits are read after the test; one that was killed has at best those before.
        self.cgroup_max_bytes = after.max_bytes.or(before.max_bytes);
        self.cgroup_high_bytes = after.high_bytes.or(before.high_bytes);
        let (events_before, events) = (&before.events, &after.events);
        self.cgroup_high_events = moved(events_before.high, events.high);
        self.cgroup_max_events = moved(events_before.max, events.max);
        self.cgroup_oom_kills_before = events_before.oom_kill;
        self.cgroup_oom_kills = events.oom_kill;
        let Some(binding) = Binding::of(before, after) else {
            return;
        };
        self.cgroup_binding_above = Some(binding.after.above);
        self.cgroup_binding_limit_bytes = binding.limit();
        self.cgroup_binding_current_before_bytes = binding.before.current_bytes;
        self.cgroup_binding_current_bytes = binding.after.current_bytes;
        self.cgroup_binding_reclaimable_before_bytes = binding.before.reclaimable_bytes;
        self.cgroup_binding_reclaimable_bytes = binding.after.reclaimable_bytes;
        self.cgroup_binding_high_events = binding.high_events();
        self.cgroup_binding_max_events = binding.max_events();
    }

    /// Who waited for what, and who else had the CPUs.
    pub(super) fn set_waits(&mut self, before: &HostMemory, after: &HostMemory) {
        self.cpu_some_stall_us = some(before.cpu_pressure, after.cpu_pressure);
        self.io_some_stall_us = some(before.io_pressure, after.io_pressure);
        self.io_full_stall_us = full(before.io_pressure, after.io_pressure);
        let (own_before, own) = (&before.cgroup_pressure, &after.cgroup_pressure);
        self.cgroup_memory_some_stall_us = some(own_before.memory, own.memory);
        self.cgroup_memory_full_stall_us = full(own_before.memory, own.memory);
        self.cgroup_cpu_some_stall_us = some(own_before.cpu, own.cpu);
        self.cgroup_cpu_full_stall_us = full(own_before.cpu, own.cpu);
        self.cgroup_io_some_stall_us = some(own_before.io, own.io);
        self.cgroup_io_full_stall_us = full(own_before.io, own.io);
        let (cpus_before, cpus) = (&before.cpu_time, &after.cpu_time);
        self.iowait_us = moved(cpus_before.iowait_us, cpus.iowait_us);
        self.steal_us = moved(cpus_before.steal_us, cpus.steal_us);
        self.set_quota(&before.cgroup_cpu, &after.cgroup_cpu);
        self.sched_ext_before = before.sched_ext.as_ref().map(in_charge);
        self.sched_ext = after.sched_ext.as_ref().map(in_charge);
        if let (Some(before), Some(after)) = (&before.sched_ext, &after.sched_ext) {
            self.sched_ext_loads = moved(before.enable_seq, after.enable_seq);
            self.sched_ext_rejected = moved(before.nr_rejected, after.nr_rejected);
        }
    }

    fn set_quota(&mut self, before: &[CgroupCpu], after: &[CgroupCpu]) {
        let pairs = after.iter().map(|quota| {
            let earlier = before.iter().find(|earlier| earlier.above == quota.above);
            (earlier.copied().unwrap_or_default(), quota)
        });
        // The first of those that were stopped equally long, so the nearest.
        let longest = pairs.rev().max_by_key(|(before, after)| {
            moved(before.throttled_us, after.throttled_us).unwrap_or(0)
        });
        let Some((before, quota)) = longest else {
            return;
        };
        self.cgroup_quota_above = Some(quota.above);
        let thousandths = quota.quota_us.saturating_mul(1000);
        self.cgroup_quota_millicpus = quota.period_us.and_then(|us| thousandths.checked_div(us));
        self.cgroup_throttled_periods = moved(before.nr_throttled, quota.nr_throttled);
        self.cgroup_throttled_us = moved(before.throttled_us, quota.throttled_us);
    }
}

fn some(before: Option<Pressure>, after: Option<Pressure>) -> Option<u64> {
    let total = |pressure: Option<Pressure>| Some(pressure?.some.total);
    moved(total(before), total(after))
}

fn full(before: Option<Pressure>, after: Option<Pressure>) -> Option<u64> {
    let total = |pressure: Option<Pressure>| pressure?.full.map(|full: Stall| full.total);
    moved(total(before), total(after))
}

/// The `sched_ext` scheduler in charge. While one is being loaded or unloaded, the kernel's own is.
fn in_charge(sched_ext: &SchedExt) -> String {
    match &sched_ext.ops {
        Some(ops) if sched_ext.state == "enabled" => ops.clone(),
        _ => "none".into(),
    }
}

/// PSI of memory: some and full over 10 s, then in all.
fn psi(host: &HostMemory) -> Option<(f64, f64, u64, u64)> {
    let psi = host.memory_pressure.as_ref()?;
    let (some, full) = (psi.some, psi.full?);
    Some((some.avg10, full.avg10, some.total, full.total))
}

/// The limit on the address space, which seldom changes: after, or else before.
fn address_space_limit(before: &HostMemory, after: &HostMemory) -> Option<u64> {
    let after = after.address_space_limit_bytes;
    after.or(before.address_space_limit_bytes)
}
