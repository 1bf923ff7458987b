// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * A module with a type and a function of its own, to see them in its BTF. Reading
 * /sys/module/demo/parameters/reads counts.
 */
#include <linux/module.h>
#include <linux/moduleparam.h>

struct demo_counter {
	unsigned long reads;
	const struct kernel_param *last;
};

static struct demo_counter counter;

static noinline unsigned long demo_count(struct demo_counter *c, const struct kernel_param *p)
{
	c->last = p;
	return ++c->reads;
}

static int demo_get(char *buf, const struct kernel_param *p)
{
	return sprintf(buf, "%lu\n", demo_count(p->arg, p));
}

static const struct kernel_param_ops demo_ops = { .get = demo_get };

module_param_cb(reads, &demo_ops, &counter, 0444);

static int __init demo_init(void)
{
	return 0;
}

static void __exit demo_exit(void)
{
}

module_init(demo_init);
module_exit(demo_exit);
MODULE_DESCRIPTION("Counts how often it is asked");
MODULE_LICENSE("Dual MIT/GPL");
