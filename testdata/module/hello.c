// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * hello: a misc device that keeps what is written to it in a small ring of
 * messages and gives the newest back on read. Small, but with what real modules
 * have: types of its own, kernel types that it embeds and that it points to,
 * per-CPU data, parameters, callbacks.
 *
 *	insmod hello.ko; echo world > /dev/hello; cat /dev/hello
 */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#define HELLO_SLOTS 8

enum hello_urgency {
	HELLO_QUIET = -1,
	HELLO_NORMAL,
	HELLO_LOUD,
};

struct hello_message {
	struct list_head link;
	u64 time;
	pid_t writer;
	enum hello_urgency urgency : 8;
	u32 truncated : 1;
	u32 length : 23;
	char text[];
};

struct hello_ring {
	struct mutex lock;
	struct list_head messages;
	unsigned int count;
	struct miscdevice *device;
	union {
		struct {
			u16 read, written;
		};
		u32 both;
	} statistics;
};

static struct hello_ring ring;
static DEFINE_PER_CPU(unsigned long, hello_opens);

static unsigned int max_length = 128;
module_param(max_length, uint, 0444);
MODULE_PARM_DESC(max_length, "longest message that is kept, in bytes");

static noinline enum hello_urgency hello_urgency_of(const char *text, size_t length)
{
	if (!length)
		return HELLO_QUIET;
	return text[length - 1] == '!' ? HELLO_LOUD : HELLO_NORMAL;
}

static noinline void hello_drop_oldest(struct hello_ring *r)
{
	struct hello_message *m = list_first_entry_or_null(&r->messages, struct hello_message, link);

	if (!m)
		return;
	list_del(&m->link);
	r->count--;
	kfree(m);
}

static noinline struct hello_message *hello_new_message(struct task_struct *writer, const char __user *from, size_t length)
{
	struct hello_message *m;
	size_t keep = min_t(size_t, length, max_length);

	m = kzalloc(struct_size(m, text, keep + 1), GFP_KERNEL);
	if (!m)
		return ERR_PTR(-ENOMEM);
	if (copy_from_user(m->text, from, keep)) {
		kfree(m);
		return ERR_PTR(-EFAULT);
	}
	m->length = keep;
	m->truncated = keep < length;
	m->urgency = hello_urgency_of(m->text, keep);
	m->time = get_jiffies_64();
	m->writer = task_pid_nr(writer);
	return m;
}

static int hello_open(struct inode *inode, struct file *file)
{
	this_cpu_inc(hello_opens);
	file->private_data = &ring;
	return 0;
}

static ssize_t hello_read(struct file *file, char __user *to, size_t length, loff_t *position)
{
	struct hello_ring *r = file->private_data;
	struct hello_message *m;
	ssize_t n = 0;

	mutex_lock(&r->lock);
	if (!list_empty(&r->messages)) {
		m = list_last_entry(&r->messages, struct hello_message, link);
		n = simple_read_from_buffer(to, length, position, m->text, m->length);
		r->statistics.read++;
	}
	mutex_unlock(&r->lock);
	return n;
}

static ssize_t hello_write(struct file *file, const char __user *from, size_t length, loff_t *position)
{
	struct hello_ring *r = file->private_data;
	struct hello_message *m = hello_new_message(current, from, length);

	if (IS_ERR(m))
		return PTR_ERR(m);
	mutex_lock(&r->lock);
	if (r->count >= HELLO_SLOTS)
		hello_drop_oldest(r);
	list_add_tail(&m->link, &r->messages);
	r->count++;
	r->statistics.written++;
	mutex_unlock(&r->lock);
	return length;
}

static const struct file_operations hello_fops = {
	.owner = THIS_MODULE,
	.open = hello_open,
	.read = hello_read,
	.write = hello_write,
	.llseek = default_llseek,
};

static struct miscdevice hello_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "hello",
	.fops = &hello_fops,
	.mode = 0600,
};

static int __init hello_init(void)
{
	mutex_init(&ring.lock);
	INIT_LIST_HEAD(&ring.messages);
	ring.device = &hello_device;
	return misc_register(&hello_device);
}

static void __exit hello_exit(void)
{
	misc_deregister(&hello_device);
	while (ring.count)
		hello_drop_oldest(&ring);
}

module_init(hello_init);
module_exit(hello_exit);
MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("A misc device that repeats what it was told");
