// SPDX-License-Identifier: GPL-2.0-only
/* Bad: threads of odd numbers have slices 32 times as long. */
#include "scheduler.h"

static u64 slice_of(struct task_struct *p)
{
	return p->pid % 2 ? 160000000 : 5000000;
}

s32 CALLBACK(select_cpu, struct task_struct *p, s32 prev_cpu, u64 wake_flags)
{
	return wake_on_idle_cpu(p, prev_cpu, wake_flags, slice_of(p));
}

void CALLBACK(enqueue, struct task_struct *p, u64 enq_flags)
{
	scx_bpf_dsq_insert(p, QUEUE, slice_of(p), enq_flags);
}

void CALLBACK(dispatch, s32 cpu, struct task_struct *prev)
{
	scx_bpf_dsq_move_to_local(QUEUE);
}

BAD_SCHEDULER("favours_the_odd", .select_cpu = (void *)select_cpu, .enqueue = (void *)enqueue,
	  .dispatch = (void *)dispatch);
