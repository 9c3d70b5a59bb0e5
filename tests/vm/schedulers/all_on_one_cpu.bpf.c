// SPDX-License-Identifier: GPL-2.0-only
/* Bad: whoever may run on the first CPU runs there. */
#include "scheduler.h"

s32 CALLBACK(select_cpu, struct task_struct *p, s32 prev_cpu, u64 wake_flags)
{
	return bpf_cpumask_test_cpu(0, p->cpus_ptr) ? 0 : prev_cpu;
}

void CALLBACK(enqueue, struct task_struct *p, u64 enq_flags)
{
	if (bpf_cpumask_test_cpu(0, p->cpus_ptr))
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL_ON | 0, SCX_SLICE_DFL, enq_flags);
	else
		scx_bpf_dsq_insert(p, QUEUE, SCX_SLICE_DFL, enq_flags);
}

void CALLBACK(dispatch, s32 cpu, struct task_struct *prev)
{
	scx_bpf_dsq_move_to_local(QUEUE);
}

BAD_SCHEDULER("all_on_one_cpu", .select_cpu = (void *)select_cpu, .enqueue = (void *)enqueue,
	  .dispatch = (void *)dispatch);
