// SPDX-License-Identifier: GPL-2.0-only
/* Bad: who has a CPU keeps it for a second. */
#include "scheduler.h"

s32 CALLBACK(select_cpu, struct task_struct *p, s32 prev_cpu, u64 wake_flags)
{
	return wake_on_idle_cpu(p, prev_cpu, wake_flags, 1000000000);
}

void CALLBACK(enqueue, struct task_struct *p, u64 enq_flags)
{
	scx_bpf_dsq_insert(p, QUEUE, 1000000000, enq_flags);
}

void CALLBACK(dispatch, s32 cpu, struct task_struct *prev)
{
	scx_bpf_dsq_move_to_local(QUEUE);
}

BAD_SCHEDULER("slices_of_a_second", .select_cpu = (void *)select_cpu, .enqueue = (void *)enqueue,
	  .dispatch = (void *)dispatch);
