// SPDX-License-Identifier: GPL-2.0-only
/* Bad: where a program has many threads, one of eight never runs. */
#include "scheduler.h"

/* More than there are before a test starts its own. */
#define MANY 8

static bool is_starved(struct task_struct *p)
{
	/* By the distance from the first thread, so that it is never the one that started the others. */
	return is_of_a_test(p) && (p->pid - p->tgid) % 8 == 0 && p->signal->nr_threads >= MANY;
}

s32 CALLBACK(select_cpu, struct task_struct *p, s32 prev_cpu, u64 wake_flags)
{
	if (is_starved(p))
		return prev_cpu;
	return wake_on_idle_cpu(p, prev_cpu, wake_flags, SCX_SLICE_DFL);
}

void CALLBACK(enqueue, struct task_struct *p, u64 enq_flags)
{
	scx_bpf_dsq_insert(p, is_starved(p) ? LOST : QUEUE, SCX_SLICE_DFL, enq_flags);
}

void CALLBACK(dispatch, s32 cpu, struct task_struct *prev)
{
	scx_bpf_dsq_move_to_local(QUEUE);
}

BAD_SCHEDULER("starves_one", .select_cpu = (void *)select_cpu, .enqueue = (void *)enqueue,
	  .dispatch = (void *)dispatch);
