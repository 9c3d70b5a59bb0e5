// SPDX-License-Identifier: GPL-2.0-only
/* Good: who has had least runs first, by its weight. */
#include "scheduler.h"

/* Short, so that shares are exact within a few of them. */
#define SLICE 5000000ULL
#define MOST_CPUS 1024

/* How many of the queue are looked at for one that may run here. */
#define MOST_LOOKS 256

struct bpf_iter_scx_dsq {
	u64 opaque[6];
} __attribute__((aligned(8)));

int bpf_iter_scx_dsq_new(struct bpf_iter_scx_dsq *it, u64 dsq_id, u64 flags) __ksym;
struct task_struct *bpf_iter_scx_dsq_next(struct bpf_iter_scx_dsq *it) __ksym;
void bpf_iter_scx_dsq_destroy(struct bpf_iter_scx_dsq *it) __ksym;

/* What the thread that is furthest has had, and when who runs on a CPU began. */
u64 now;
u64 began_at[MOST_CPUS];

static u64 *began_here(void)
{
	return &began_at[bpf_get_smp_processor_id() % MOST_CPUS];
}

static bool is_before(u64 one, u64 other)
{
	return (s64)(one - other) < 0;
}

/* What a thread has had that runs here. Not by its slice: alone on a CPU, it may have been given a longer one. */
static u64 had_by_now(struct task_struct *p)
{
	return p->scx.dsq_vtime + (bpf_ktime_get_ns() - *began_here()) * 100 / p->scx.weight;
}

s32 CALLBACK(select_cpu, struct task_struct *p, s32 prev_cpu, u64 wake_flags)
{
	return wake_on_idle_cpu(p, prev_cpu, wake_flags, SLICE);
}

void CALLBACK(enqueue, struct task_struct *p, u64 enq_flags)
{
	u64 vtime = p->scx.dsq_vtime;

	/* Who has slept is owed one slice, and no more. */
	if (is_before(vtime, now - SLICE))
		vtime = now - SLICE;
	scx_bpf_dsq_insert_vtime(p, QUEUE, SLICE, vtime, enq_flags);
	tell_an_idle_cpu(p);
}

/* Whether one of the queue that may run here has had less. */
static bool is_anyone_before(s32 cpu, u64 vtime)
{
	struct bpf_iter_scx_dsq it;
	struct task_struct *p;
	bool found = false;
	u32 looks;

	if (bpf_iter_scx_dsq_new(&it, QUEUE, 0) == 0) {
		for (looks = 0; looks < MOST_LOOKS; looks++) {
			p = bpf_iter_scx_dsq_next(&it);
			if (!p)
				break;
			if (bpf_cpumask_test_cpu(cpu, p->cpus_ptr)) {
				found = is_before(p->scx.dsq_vtime, vtime);
				break;
			}
		}
	}
	bpf_iter_scx_dsq_destroy(&it);
	return found;
}

/* Who has run until now is not in the queue yet, and runs on if it is its turn again. */
void CALLBACK(dispatch, s32 cpu, struct task_struct *prev)
{
	if (prev && (prev->scx.flags & SCX_TASK_QUEUED) && !is_anyone_before(cpu, had_by_now(prev)))
		prev->scx.slice = SLICE;
	else
		scx_bpf_dsq_move_to_local(QUEUE);
}

void CALLBACK(running, struct task_struct *p)
{
	if (is_before(now, p->scx.dsq_vtime))
		now = p->scx.dsq_vtime;
	*began_here() = bpf_ktime_get_ns();
}

void CALLBACK(stopping, struct task_struct *p, bool runnable)
{
	p->scx.dsq_vtime = had_by_now(p);
}

void CALLBACK(enable, struct task_struct *p)
{
	p->scx.dsq_vtime = now;
}

void CALLBACK(update_idle, s32 cpu, bool idle)
{
	look_again(cpu, idle);
}

GOOD_SCHEDULER("good_vtime", .select_cpu = (void *)select_cpu, .enqueue = (void *)enqueue,
	  .dispatch = (void *)dispatch, .running = (void *)running, .stopping = (void *)stopping,
	  .enable = (void *)enable, .update_idle = (void *)update_idle,
	  .flags = SCX_OPS_KEEP_BUILTIN_IDLE | SCX_OPS_ALLOW_QUEUED_WAKEUP);
