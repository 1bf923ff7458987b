/* Static variables that clang merges into one object (-mglobal-merge): their
 * locations are an address and an offset. */
#include "fixture.h"

static int merged_first;
static int merged_second;
static char merged_bytes[3];
static struct {
	long a, b;
} merged_pair;

int *merged_entry(int n);
int *merged_entry(int n)
{
	merged_first += n;
	merged_second = merged_first * n;
	merged_bytes[n & 1]++;
	merged_pair.b += n;
	return n > 3 ? &merged_first : &merged_second;
}
