// SPDX-License-Identifier: GPL-2.0-only
/* Bad: who came last runs first, so whoever has run runs again. */
#include "scheduler.h"

s32 CALLBACK(select_cpu, struct task_struct *p, s32 prev_cpu, u64 wake_flags)
{
	return wake_on_idle_cpu(p, prev_cpu, wake_flags, SCX_SLICE_DFL);
}

void CALLBACK(enqueue, struct task_struct *p, u64 enq_flags)
{
	scx_bpf_dsq_insert(p, QUEUE, SCX_SLICE_DFL, enq_flags | SCX_ENQ_HEAD);
}

void CALLBACK(dispatch, s32 cpu, struct task_struct *prev)
{
	scx_bpf_dsq_move_to_local(QUEUE);
}

BAD_SCHEDULER("last_in_first_out", .select_cpu = (void *)select_cpu, .enqueue = (void *)enqueue,
	  .dispatch = (void *)dispatch);
