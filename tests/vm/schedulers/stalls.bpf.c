// SPDX-License-Identifier: GPL-2.0-only
/* Bad: serves a while, and then no thread of a test any more. The watchdog throws it out. */
#include "scheduler.h"

/* More than there are before a test starts its own, which is to begin under it. */
#define MANY 8

#define SERVED 50

u64 served;

s32 CALLBACK(select_cpu, struct task_struct *p, s32 prev_cpu, u64 wake_flags)
{
	return prev_cpu;
}

void CALLBACK(enqueue, struct task_struct *p, u64 enq_flags)
{
	bool is_late = is_of_a_test(p) && p->signal->nr_threads >= MANY &&
		       __sync_fetch_and_add(&served, 1) >= SERVED;

	scx_bpf_dsq_insert(p, is_late ? LOST : QUEUE, SCX_SLICE_DFL, enq_flags);
}

void CALLBACK(dispatch, s32 cpu, struct task_struct *prev)
{
	scx_bpf_dsq_move_to_local(QUEUE);
}

BAD_SCHEDULER("stalls", .select_cpu = (void *)select_cpu, .enqueue = (void *)enqueue,
	  .dispatch = (void *)dispatch);
