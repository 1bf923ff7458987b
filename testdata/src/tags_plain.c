/* The types of tags.c as a compiler without tags sees them: the tags must not
 * make two of what is one, nor disappear. */
#include "fixture.h"

struct tag_target {
	int value;
	int other;
	int twice;
	unsigned field : 3;
};

int tag_plain(int *from, struct tag_target *t);
int tag_plain(int *from, struct tag_target *t)
{
	return *from + t->value;
}
