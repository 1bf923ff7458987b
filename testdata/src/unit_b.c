/* The other unit: completes what unit_a.c only declares and defines its own
 * version of what unit_a.c defines. */
#include "shared.h"

struct item {
	u64 key;
	char *label;
	struct item *sibling;
};

struct completed_in_b {
	struct item *item;
	struct holder *back;
	int flags : 3;
};
union union_completed_in_b {
	int i;
	void *p;
};

typedef long handle_t;
enum mode { MODE_NONE, MODE_SOME = 4, MODE_ALL = 8 };
struct ambiguous {
	enum mode mode;
	handle_t handle;
};
union kind_differs {
	long x;
};

typedef struct {
	int counter;
} atomic_count_t;
typedef struct {
	long v;
} differs_t;

PERCPU long percpu_of_b;
static PERCPU u16 percpu_local_name;

/* Another prototype than unit_a.c's static function of that name. */
static NOINLINE long same_name(struct item *i, long v)
{
	__asm__ volatile("" : : "r"(i));
	return (long)i->key + v;
}

static NOINLINE int same_prototype(struct shared *s)
{
	__asm__ volatile("" : : "r"(s));
	return s->id + 1;
}

int overridden(int v)
{
	return v + 1;
}

int exported_by_b(struct completed_in_b *c)
{
	union kind_differs k = { c->flags };

	return (int)k.x;
}

int unit_b_entry(struct holder_list *list, struct completed_in_b *c)
{
	volatile struct ambiguous amb = { MODE_ALL, 3 };
	volatile atomic_count_t count = { 0 };
	volatile differs_t d = { 1 };
	union union_completed_in_b *u = list->first->alternatives;

	percpu_local_name++;
	percpu_of_b += percpu_local_name;
	return (int)same_name(c->item, amb.handle) + same_prototype(list->first->shared) + count.counter + (int)d.v +
	       u->i + (int)percpu_of_b;
}
