// SPDX-License-Identifier: GPL-2.0-only
/* Bad: who is woken waits where its waker runs; an idle CPU is left idle. */
#include "scheduler.h"

s32 CALLBACK(select_cpu, struct task_struct *p, s32 prev_cpu, u64 wake_flags)
{
	u32 here = bpf_get_smp_processor_id();

	return bpf_cpumask_test_cpu(here, p->cpus_ptr) ? (s32)here : prev_cpu;
}

void CALLBACK(enqueue, struct task_struct *p, u64 enq_flags)
{
	scx_bpf_dsq_insert(p, QUEUE, SCX_SLICE_DFL, enq_flags);
}

void CALLBACK(dispatch, s32 cpu, struct task_struct *prev)
{
	scx_bpf_dsq_move_to_local(QUEUE);
}

BAD_SCHEDULER("never_wakes_an_idle_cpu", .select_cpu = (void *)select_cpu, .enqueue = (void *)enqueue,
	  .dispatch = (void *)dispatch);
