// SPDX-License-Identifier: GPL-2.0-only
/* Bad, where it says that it honours yields: who yields goes on. */
#include "scheduler.h"

s32 CALLBACK(select_cpu, struct task_struct *p, s32 prev_cpu, u64 wake_flags)
{
	return wake_on_idle_cpu(p, prev_cpu, wake_flags, SCX_SLICE_DFL);
}

void CALLBACK(enqueue, struct task_struct *p, u64 enq_flags)
{
	scx_bpf_dsq_insert(p, QUEUE, SCX_SLICE_DFL, enq_flags);
}

void CALLBACK(dispatch, s32 cpu, struct task_struct *prev)
{
	scx_bpf_dsq_move_to_local(QUEUE);
}

/* Without this callback, the kernel ends the slice of who yields. */
bool CALLBACK(yield, struct task_struct *from, struct task_struct *to)
{
	return false;
}

BAD_SCHEDULER("ignores_yields", .select_cpu = (void *)select_cpu, .enqueue = (void *)enqueue,
	  .dispatch = (void *)dispatch, .yield = (void *)yield);
