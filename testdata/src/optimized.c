/* Functions that the optimizer changes: copies for constants (.constprop),
 * parameters removed or passed by value instead of by reference (.isra), cold
 * and partial copies, inlining. */
#include "shared.h"

extern int opt_sink(int v);
extern void opt_slow(const char *why) __attribute__((cold));

struct opt_state {
	int value, limit;
	struct shared *shared;
};

/* Every caller passes the same constant: b is gone from the copy. */
static NOINLINE int opt_constant(int a, int b)
{
	int i, sum = 0;

	for (i = 0; i < b; i++)
		sum += opt_sink(a + i);
	return sum;
}

/* Only one field is read: the pointer becomes a value. */
static NOINLINE int opt_by_field(struct opt_state *s)
{
	int limit = s->limit;

	return opt_sink(limit) + opt_sink(limit + 1);
}

/* The first parameter is not used: the others move up one register. */
static NOINLINE int opt_unused(struct opt_state *unused, int kept, int also)
{
	(void)unused;
	return opt_sink(kept) + opt_sink(also);
}

/* The error path moves to .text.unlikely. */
int opt_cold_path(struct opt_state *s, int v);
int opt_cold_path(struct opt_state *s, int v)
{
	if (__builtin_expect(v < 0, 0)) {
		opt_slow("negative");
		opt_slow("twice");
		return opt_sink(s->limit);
	}
	return opt_sink(v);
}

/* The check is inlined into callers, the rest is not. */
static int opt_partial(struct opt_state *s)
{
	int i;

	if (!s)
		return 0;
	for (i = 0; i < s->limit; i++) {
		opt_sink(i);
		opt_sink(s->value);
		opt_sink(s->value + i);
		opt_sink(s->shared->id);
		opt_sink(s->shared->id * i);
	}
	for (i = s->limit; i > 0; i--)
		opt_sink(s->value - i);
	return s->value;
}

/* Inlined everywhere: no code of its own. */
static ALWAYS_INLINE int opt_only_inlined(struct opt_state *s)
{
	return opt_sink(s->value * 3);
}

/* Inlined somewhere and kept: abstract instance and out-of-line copy. */
int opt_inlined_and_kept(struct opt_state *s, int v);
inline int opt_inlined_and_kept(struct opt_state *s, int v)
{
	return opt_sink(s->value + v);
}

int opt_entry(struct opt_state *s, int v);
int opt_entry(struct opt_state *s, int v)
{
	int r = opt_constant(v, 3) + opt_constant(v + 1, 3);

	r += opt_by_field(s) + opt_unused(s, v, r) + opt_unused(0, r, v);
	r += opt_only_inlined(s) + opt_inlined_and_kept(s, r) + opt_cold_path(s, r);
	return r + opt_partial(s);
}

int opt_other_entry(struct opt_state *s);
int opt_other_entry(struct opt_state *s)
{
	return opt_partial(s) + opt_by_field(s) + opt_constant(s->value, 3) + opt_unused(s, 5, s->limit);
}

int opt_third_entry(struct opt_state *s);
int opt_third_entry(struct opt_state *s)
{
	return opt_partial(s) + opt_unused(0, s->value, 7);
}
