/* What both units of the "scopes" module see. */
#ifndef SHARED_H
#define SHARED_H
#include "fixture.h"

/* The same definition in both units. */
struct shared {
	int id;
	struct shared *next;
};

/* Completed in unit_b.c only. */
struct completed_in_b;
/* Completed nowhere. */
struct completed_nowhere;
union union_completed_in_b;

/* The same text in both units, but item is another struct in each. */
struct item;
struct holder {
	struct item *item;
	struct shared *shared;
	struct completed_in_b *far;
	struct completed_nowhere *never;
	union union_completed_in_b *alternatives;
};
struct holder_list {
	struct holder *first;
	struct holder_list *next;
};

int unit_a_entry(struct holder_list *list);
int unit_b_entry(struct holder_list *list, struct completed_in_b *c);
int exported_by_b(struct completed_in_b *c);
int overridden(int v);
#endif
