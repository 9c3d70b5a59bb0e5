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
	BPF_MAP_TYPE_TASK_STORAGE = 29,
};

enum {
	BPF_F_NO_PREALLOC = 1,
	BPF_LOCAL_STORAGE_GET_F_CREATE = 1,
};

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#define KERNEL_TYPE __attribute__((preserve_access_index))

struct cpumask;
struct cgroup;

struct sched_ext_entity {
	u64 dsq_vtime;
	u64 slice;
	u32 weight;
} KERNEL_TYPE;

struct task_struct {
	s32 pid;
	s32 tgid;
	s32 nr_cpus_allowed;
	u32 flags;
	char comm[16];
	const struct cpumask *cpus_ptr;
	struct sched_ext_entity scx;
} KERNEL_TYPE;

/* A thread of the kernel. */
#define PF_KTHREAD 0x00200000

struct scx_init_task_args;
struct scx_exit_task_args;
struct scx_exit_info;

struct sched_ext_ops {
	s32 (*select_cpu)(struct task_struct *p, s32 prev_cpu, u64 wake_flags);
	void (*enqueue)(struct task_struct *p, u64 enq_flags);
	void (*dispatch)(s32 cpu, struct task_struct *prev);
	void (*running)(struct task_struct *p);
	void (*stopping)(struct task_struct *p, bool runnable);
	void (*enable)(struct task_struct *p);
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
#define SCX_ENQ_PREEMPT (1ULL << 32)
#define SCX_KICK_IDLE 1
#define SCX_KICK_PREEMPT 2

/* The callbacks for a thread that leaves, too. */
#define SCX_OPS_ENQ_EXITING (1ULL << 2)

s32 scx_bpf_create_dsq(u64 dsq_id, s32 node) __ksym;
void scx_bpf_dsq_insert(struct task_struct *p, u64 dsq_id, u64 slice, u64 enq_flags) __ksym;
void scx_bpf_dsq_insert_vtime(struct task_struct *p, u64 dsq_id, u64 slice, u64 vtime,
			      u64 enq_flags) __ksym;
bool scx_bpf_dsq_move_to_local(u64 dsq_id) __ksym;
s32 scx_bpf_select_cpu_dfl(struct task_struct *p, s32 prev_cpu, u64 wake_flags, bool *is_idle) __ksym;
void scx_bpf_kick_cpu(s32 cpu, u64 flags) __ksym;
bool bpf_cpumask_test_cpu(u32 cpu, const struct cpumask *cpumask) __ksym;

#define CALLBACK(name, args...) SEC("struct_ops/" #name) BPF_PROG(name, ##args)
#define SLEEPABLE_CALLBACK(name, args...) SEC("struct_ops.s/" #name) BPF_PROG(name, ##args)

/* The kernel gives its scheduling functions to no other licence. */
char _license[] SEC("license") = "GPL";

#define SCHEDULER(label, callbacks...)                \
	SEC(".struct_ops.link")                       \
	struct sched_ext_ops scheduler = {            \
		callbacks,                            \
		.timeout_ms = 5000,                   \
		.name = label,                        \
	}

#endif
