/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a scheduler of the bed needs of the kernel, declared here and not taken from a kernel's vmlinux.h: a
 * scheduler is compiled without the kernel that it will run on. The loader matches types by their names, and
 * fields by theirs, with those of the running kernel; so each type has the fields alone that are used.
 */
#ifndef SCHEDULER_H
#define SCHEDULER_H

typedef unsigned char u8;
typedef unsigned int u32;
typedef int s32;
typedef unsigned long long u64;
typedef long long s64;
/* What libbpf's own headers call them. */
typedef u8 __u8;
typedef unsigned short __u16;
typedef u32 __u32;
typedef u64 __u64;
typedef s32 __s32;
typedef s64 __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;

#define NULL ((void *)0)
#define bool _Bool
#define true 1
#define false 0

enum bpf_map_type {
	BPF_MAP_TYPE_HASH = 1,
};

enum {
	BPF_ANY = 0,
};

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#define KERNEL_TYPE __attribute__((preserve_access_index))

/* Complete, though nothing in it is used: libbpf takes an incomplete type for another one. */
struct cpumask {
	unsigned long bits[1];
} KERNEL_TYPE;

struct sched_ext_entity {
	u32 flags;
	u64 dsq_vtime;
	u64 slice;
	u32 weight;
} KERNEL_TYPE;

struct signal_struct {
	s32 nr_threads;
} KERNEL_TYPE;

struct task_struct {
	s32 pid;
	s32 tgid;
	u32 flags;
	const struct cpumask *cpus_ptr;
	struct signal_struct *signal;
	struct sched_ext_entity scx;
} KERNEL_TYPE;

/* A thread of the kernel. */
#define PF_KTHREAD 0x00200000

/* In the entity's flags: it wants to run. */
#define SCX_TASK_QUEUED 1

struct scx_init_task_args;
struct scx_exit_task_args;
struct scx_exit_info;

struct sched_ext_ops {
	s32 (*select_cpu)(struct task_struct *p, s32 prev_cpu, u64 wake_flags);
	void (*enqueue)(struct task_struct *p, u64 enq_flags);
	void (*dispatch)(s32 cpu, struct task_struct *prev);
	bool (*yield)(struct task_struct *from, struct task_struct *to);
	void (*running)(struct task_struct *p);
	void (*stopping)(struct task_struct *p, bool runnable);
	void (*enable)(struct task_struct *p);
	void (*update_idle)(s32 cpu, bool idle);
	void (*set_cpumask)(struct task_struct *p, const struct cpumask *cpumask);
	s32 (*init_task)(struct task_struct *p, struct scx_init_task_args *args);
	s32 (*init)(void);
	u64 flags;
	u32 timeout_ms;
	char name[128];
};

/* The queue of every CPU, and the one that a CPU serves when its own is empty. */
#define SCX_DSQ_GLOBAL 0x8000000000000001ULL
#define SCX_DSQ_LOCAL 0x8000000000000002ULL
#define SCX_DSQ_LOCAL_ON 0xc000000000000000ULL

#define SCX_SLICE_DFL 20000000ULL

#define SCX_ENQ_HEAD (1ULL << 4)

/* Only if the CPU is idle. */
#define SCX_KICK_IDLE 1

/* That there is a callback for idle CPUs does not mean that the kernel need not know them. */
#define SCX_OPS_KEEP_BUILTIN_IDLE 1

/*
 * A waker leaves the rest to the CPU that it wakes, as under the kernel's own scheduler. Else it sends the
 * interrupt while it holds the lock that the other then waits for, which takes long where CPUs are emulated.
 */
#define SCX_OPS_ALLOW_QUEUED_WAKEUP (1 << 5)

s32 scx_bpf_create_dsq(u64 dsq_id, s32 node) __ksym;
void scx_bpf_dsq_insert(struct task_struct *p, u64 dsq_id, u64 slice, u64 enq_flags) __ksym;
void scx_bpf_dsq_insert_vtime(struct task_struct *p, u64 dsq_id, u64 slice, u64 vtime,
			      u64 enq_flags) __ksym;
bool scx_bpf_dsq_move_to_local(u64 dsq_id) __ksym;
s32 scx_bpf_select_cpu_dfl(struct task_struct *p, s32 prev_cpu, u64 wake_flags, bool *is_idle) __ksym;
s32 scx_bpf_pick_idle_cpu(const struct cpumask *cpus_allowed, u64 flags) __ksym;
void scx_bpf_kick_cpu(s32 cpu, u64 flags) __ksym;
s32 scx_bpf_dsq_nr_queued(u64 dsq_id) __ksym;
bool bpf_cpumask_test_cpu(u32 cpu, const struct cpumask *cpumask) __ksym;

#define CALLBACK(name, args...) SEC("struct_ops/" #name) BPF_PROG(name, ##args)
#define SLEEPABLE_CALLBACK(name, args...) SEC("struct_ops.s/" #name) BPF_PROG(name, ##args)

/*
 * Threads that a program has started besides its first, such as those of a test. The bad schedulers do to
 * them what they do: were they as bad to the shell that loads them, it could not unload them.
 */
static inline bool is_of_a_test(struct task_struct *p)
{
	return p->pid != p->tgid && !(p->flags & PF_KTHREAD);
}

/* An idle CPU for who is woken, if there is one, and at once. */
static inline s32 wake_on_idle_cpu(struct task_struct *p, s32 prev_cpu, u64 wake_flags, u64 slice)
{
	bool is_idle = false;
	s32 cpu = scx_bpf_select_cpu_dfl(p, prev_cpu, wake_flags, &is_idle);

	if (is_idle)
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, slice, 0);
	return cpu;
}

/* The one queue of most of them, and one that nobody serves. */
#define QUEUE 0
#define LOST 1

/*
 * For a good scheduler: who comes into the queue is not forgotten by a CPU that is idle, or about to be. The
 * first half is for the one, the second for the other, which found the queue empty just before.
 */
static inline void tell_an_idle_cpu(struct task_struct *p)
{
	s32 cpu = scx_bpf_pick_idle_cpu(p->cpus_ptr, 0);

	if (cpu >= 0)
		scx_bpf_kick_cpu(cpu, SCX_KICK_IDLE);
}

static inline void look_again(s32 cpu, bool idle)
{
	if (idle && scx_bpf_dsq_nr_queued(QUEUE) > 0)
		scx_bpf_kick_cpu(cpu, 0);
}

static inline s32 create_queues(void)
{
	s32 error = scx_bpf_create_dsq(QUEUE, -1);

	return error ? error : scx_bpf_create_dsq(LOST, -1);
}

/* The kernel gives its scheduling functions to no other licence. */
char _license[] SEC("license") = "GPL";

/*
 * The watchdog throws a bad scheduler out under which a runnable thread waits for five seconds. Under a good one
 * that happens too, where the machine below is so busy that the guest stands still; so that one has more.
 */
#define BAD_SCHEDULER(label, callbacks...) SCHEDULER(label, 5000, callbacks)
#define GOOD_SCHEDULER(label, callbacks...) SCHEDULER(label, 30000, callbacks)

#define SCHEDULER(label, patience_ms, callbacks...)   \
	SEC(".struct_ops.link")                       \
	struct sched_ext_ops scheduler = {            \
		callbacks,                            \
		.init = (void *)init,                 \
		.timeout_ms = patience_ms,            \
		.name = label,                        \
	}

s32 SLEEPABLE_CALLBACK(init)
{
	return create_queues();
}

#endif
