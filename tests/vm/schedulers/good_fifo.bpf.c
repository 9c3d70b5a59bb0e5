// SPDX-License-Identifier: GPL-2.0-only
/* The least that is a good scheduler: an idle CPU if there is one, else one queue, first in, first out. */
#include "scheduler.h"

s32 CALLBACK(select_cpu, struct task_struct *p, s32 prev_cpu, u64 wake_flags)
{
	return wake_on_idle_cpu(p, prev_cpu, wake_flags, SCX_SLICE_DFL);
}

void CALLBACK(enqueue, struct task_struct *p, u64 enq_flags)
{
	scx_bpf_dsq_insert(p, QUEUE, SCX_SLICE_DFL, enq_flags);
	tell_an_idle_cpu(p);
}

void CALLBACK(dispatch, s32 cpu, struct task_struct *prev)
{
	scx_bpf_dsq_move_to_local(QUEUE);
}

void CALLBACK(update_idle, s32 cpu, bool idle)
{
	look_again(cpu, idle);
}

GOOD_SCHEDULER("good_fifo", .select_cpu = (void *)select_cpu, .enqueue = (void *)enqueue,
	  .dispatch = (void *)dispatch, .update_idle = (void *)update_idle,
	  .flags = SCX_OPS_KEEP_BUILTIN_IDLE | SCX_OPS_ALLOW_QUEUED_WAKEUP);
