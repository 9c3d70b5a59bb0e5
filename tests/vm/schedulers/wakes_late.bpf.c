// SPDX-License-Identifier: GPL-2.0-only
/* Bad: whoever wakes a thread is kept for five milliseconds before that is done. */
#include "scheduler.h"

#define LATE_NS 5000000ULL

static long wait_once(u64 index, u64 *until)
{
	return bpf_ktime_get_ns() >= *until;
}

s32 CALLBACK(select_cpu, struct task_struct *p, s32 prev_cpu, u64 wake_flags)
{
	u64 until = bpf_ktime_get_ns() + LATE_NS;

	if (is_of_a_test(p))
		bpf_loop(1 << 22, wait_once, &until, 0);
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

BAD_SCHEDULER("wakes_late", .select_cpu = (void *)select_cpu, .enqueue = (void *)enqueue,
	  .dispatch = (void *)dispatch);
