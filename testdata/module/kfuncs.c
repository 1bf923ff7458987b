// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * kfuncs: functions that BPF programs may call, in two sets, with a destructor
 * and with lists of type ids: everything that .BTF_ids can hold. When loaded it
 * prints the ids that were resolved for it, so that a test can compare them with
 * its BTF.
 */
#include <linux/btf.h>
#include <linux/btf_ids.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <uapi/linux/bpf.h>

#ifndef KF_TRUSTED_ARGS
#define KF_TRUSTED_ARGS 0 /* from Linux 7.0 on it goes without saying */
#endif

struct kfuncs_counter {
	long value;
	u32 readers : 31;
	u32 frozen : 1;
};

static struct kfuncs_counter the_counter;

__bpf_kfunc_start_defs();

__bpf_kfunc struct kfuncs_counter *kfuncs_acquire(void)
{
	the_counter.readers++;
	return &the_counter;
}

__bpf_kfunc void kfuncs_release(struct kfuncs_counter *counter)
{
	counter->readers--;
}

__bpf_kfunc void kfuncs_release_dtor(void *counter)
{
	kfuncs_release(counter);
}

__bpf_kfunc long kfuncs_add(struct kfuncs_counter *counter, long amount)
{
	return counter->value += amount;
}

__bpf_kfunc int kfuncs_pid_of(struct task_struct *task)
{
	return task->pid;
}

__bpf_kfunc_end_defs();

BTF_KFUNCS_START(kfuncs_tracing_set)
BTF_ID_FLAGS(func, kfuncs_release, KF_RELEASE)
BTF_ID_FLAGS(func, kfuncs_acquire, KF_ACQUIRE | KF_RET_NULL)
BTF_ID_FLAGS(func, kfuncs_add, KF_SLEEPABLE)
BTF_KFUNCS_END(kfuncs_tracing_set)

BTF_KFUNCS_START(kfuncs_syscall_set)
BTF_ID_FLAGS(func, kfuncs_pid_of, KF_TRUSTED_ARGS)
BTF_ID_FLAGS(func, kfuncs_acquire, KF_ACQUIRE | KF_RET_NULL)
BTF_ID_FLAGS(func, kfuncs_release, KF_RELEASE)
BTF_ID_FLAGS(func, kfuncs_add, KF_SLEEPABLE)
BTF_KFUNCS_END(kfuncs_syscall_set)

static const struct btf_kfunc_id_set kfuncs_tracing = {
	.owner = THIS_MODULE,
	.set = &kfuncs_tracing_set,
};

static const struct btf_kfunc_id_set kfuncs_syscall = {
	.owner = THIS_MODULE,
	.set = &kfuncs_syscall_set,
};

/* The pair that register_btf_id_dtor_kfuncs wants: type, destructor. */
BTF_ID_LIST(kfuncs_dtor_ids)
BTF_ID(struct, kfuncs_counter)
BTF_ID(func, kfuncs_release_dtor)

/* A plain set of ids, and one id that nothing has. */
BTF_SET_START(kfuncs_plain_set)
BTF_ID(func, kfuncs_pid_of)
BTF_ID(func, kfuncs_add)
BTF_SET_END(kfuncs_plain_set)

BTF_ID_LIST(kfuncs_unknown_ids)
BTF_ID_UNUSED
BTF_ID(struct, task_struct)

static int __init kfuncs_init(void)
{
	const struct btf_id_dtor_kfunc dtors[] = {
		{ .btf_id = kfuncs_dtor_ids[0], .kfunc_btf_id = kfuncs_dtor_ids[1] },
	};
	u32 i;
	int ret;

	for (i = 0; i < kfuncs_tracing_set.cnt; i++)
		pr_info("kfuncs: tracing %u %x\n", kfuncs_tracing_set.pairs[i].id, kfuncs_tracing_set.pairs[i].flags);
	for (i = 0; i < kfuncs_syscall_set.cnt; i++)
		pr_info("kfuncs: syscall %u %x\n", kfuncs_syscall_set.pairs[i].id, kfuncs_syscall_set.pairs[i].flags);
	pr_info("kfuncs: dtor %u %u\n", kfuncs_dtor_ids[0], kfuncs_dtor_ids[1]);
	for (i = 0; i < kfuncs_plain_set.cnt; i++)
		pr_info("kfuncs: plain %u\n", kfuncs_plain_set.ids[i]);
	pr_info("kfuncs: list %u %u\n", kfuncs_unknown_ids[0], kfuncs_unknown_ids[1]);

	ret = register_btf_kfunc_id_set(BPF_PROG_TYPE_TRACING, &kfuncs_tracing);
	pr_info("kfuncs: register tracing %d\n", ret);
	if (ret)
		return ret;
	ret = register_btf_kfunc_id_set(BPF_PROG_TYPE_SYSCALL, &kfuncs_syscall);
	pr_info("kfuncs: register syscall %d\n", ret);
	if (ret)
		return ret;
	ret = register_btf_id_dtor_kfuncs(dtors, ARRAY_SIZE(dtors), THIS_MODULE);
	pr_info("kfuncs: register dtor %d\n", ret);
	return 0;
}

static void __exit kfuncs_exit(void)
{
}

module_init(kfuncs_init);
module_exit(kfuncs_exit);
MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("kfuncs and .BTF_ids of every kind");
