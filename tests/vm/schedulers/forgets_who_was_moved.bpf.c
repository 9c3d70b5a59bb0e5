// SPDX-License-Identifier: GPL-2.0-only
/* Bad: a thread whose affinity changes while the scheduler runs is lost. */
#include "scheduler.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, s32);
	__type(value, u8);
} moved SEC(".maps");

static bool is_lost(struct task_struct *p)
{
	s32 pid = p->pid;

	return bpf_map_lookup_elem(&moved, &pid) != NULL;
}

void CALLBACK(set_cpumask, struct task_struct *p, const struct cpumask *cpumask)
{
	s32 pid = p->pid;
	u8 yes = 1;

	if (is_of_a_test(p))
		bpf_map_update_elem(&moved, &pid, &yes, BPF_ANY);
}

s32 CALLBACK(select_cpu, struct task_struct *p, s32 prev_cpu, u64 wake_flags)
{
	if (is_lost(p))
		return prev_cpu;
	return wake_on_idle_cpu(p, prev_cpu, wake_flags, SCX_SLICE_DFL);
}

void CALLBACK(enqueue, struct task_struct *p, u64 enq_flags)
{
	scx_bpf_dsq_insert(p, is_lost(p) ? LOST : QUEUE, SCX_SLICE_DFL, enq_flags);
}

void CALLBACK(dispatch, s32 cpu, struct task_struct *prev)
{
	scx_bpf_dsq_move_to_local(QUEUE);
}

BAD_SCHEDULER("forgets_who_was_moved", .select_cpu = (void *)select_cpu, .enqueue = (void *)enqueue,
	  .dispatch = (void *)dispatch,
	  .set_cpumask = (void *)set_cpumask);
