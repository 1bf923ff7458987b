/* One of two units whose names collide with those of unit_b.c. */
#include "shared.h"

/* Another layout in unit_b.c. */
struct item {
	int a;
	struct shared *owner;
};

/* The same name for another type, another set of values, another kind. */
typedef int handle_t;
enum mode { MODE_OFF, MODE_ON };
struct ambiguous {
	handle_t handle;
	enum mode mode;
};
struct kind_differs {
	int x;
};

/* The same anonymous struct in both units under one typedef, and one that differs. */
typedef struct {
	int counter;
} atomic_count_t;
typedef struct {
	int v;
} differs_t;

/* Per-CPU data: the section that variables are recorded for. */
PERCPU int percpu_counter;
PERCPU struct shared percpu_shared;
static PERCPU u64 percpu_static;
static PERCPU u8 percpu_local_name[3];
/* Not per-CPU. */
int plain_global = 1;
static int plain_static;
const char *const plain_text = "text";

static NOINLINE int same_name(int v)
{
	plain_static += v;
	return plain_static;
}

static NOINLINE int same_prototype(struct shared *s)
{
	__asm__ volatile("" : : "r"(s));
	return s->id;
}

__attribute__((weak)) int overridden(int v)
{
	return v;
}

__attribute__((weak)) int stays_weak(int v)
{
	return v + 2;
}

int aliased(struct shared *s, int v)
{
	return s->id + v;
}
int alias_of(struct shared *s, int v) __attribute__((alias("aliased")));
int weak_alias_of(struct shared *s, int v) __attribute__((weak, alias("aliased")));

int unit_a_entry(struct holder_list *list)
{
	struct item *item = list->first->item;
	volatile struct ambiguous amb = { 1, MODE_ON };
	volatile struct kind_differs k = { 1 };
	volatile atomic_count_t count = { 0 };
	volatile differs_t d = { 1 };

	percpu_static++;
	percpu_local_name[amb.handle & 1]++;
	return item->a + same_name(amb.handle) + same_prototype(item->owner) + k.x + count.counter + d.v +
	       exported_by_b(list->first->far) + overridden(2) + stays_weak(3) + (int)percpu_static +
	       percpu_local_name[2];
}
