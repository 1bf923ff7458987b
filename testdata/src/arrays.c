/* Arrays: dimensions, bounds, element types, and what has no bound at all. */
#include "fixture.h"

struct element {
	int key;
	const char *name;
};

/* Multi-dimensional arrays become one array of all elements. */
struct arr_dimensions {
	int one[1];
	int two[2][3];
	int three[2][3][4];
	struct element elements[2][2];
};
USE(struct arr_dimensions);

/* A flexible array member, after which nothing can come. */
struct arr_flexible {
	u32 count;
	struct element items[];
};
USE(struct arr_flexible);

/* GNU zero-length arrays: in the middle, at the end, of arrays. */
struct arr_zero {
	u8 header[0];
	u32 length;
	u64 middle[0];
	u8 last[0][4];
};
USE(struct arr_zero);

/* A flexible array in a union and in a struct inside a struct. */
struct arr_nested_flexible {
	u32 kind;
	union {
		struct {
			struct {
			} empty;
			u32 words[];
		};
		u8 bytes[0];
	};
};
USE(struct arr_nested_flexible);

/* Elements that are typedefs, pointers, qualified, functions, rows. */
typedef int row_t[4];
typedef int (*callback_t)(int, void *);
struct arr_elements {
	row_t rows[3];
	row_t *row_pointer;
	callback_t callbacks[2];
	const char *const names[3];
	volatile u8 regs[16];
	const row_t constant_row;
	char text[16];
	bool flags[3];
	u8 index_by_enum[3];
};
USE(struct arr_elements);

/* Pointers to arrays, known bound and not. */
struct arr_pointers {
	int (*bounded)[8];
	int (*unbounded)[];
	int (*matrix)[][8];
	int *plain[8];
};
USE(struct arr_pointers);

/* Elements of a size that is no power of two, and alignment between them. */
struct three {
	u8 b[3];
};
struct arr_odd {
	struct three t[5];
	struct ALIGNED(16) {
		u8 v;
	} spaced[2];
};
USE(struct arr_odd);

/* An array whose bound another declaration supplies. */
extern int completed_later[];
int completed_later[7];
extern struct element incomplete_table[];

/* A large one: more elements than 16 bits hold. */
struct arr_large {
	u16 big[70000];
};
USE(struct arr_large);

/* A variable length array has no constant bound. */
int arr_variable(int n);
int arr_variable(int n)
{
	volatile int local[n];
	int i, sum = 0;

	for (i = 0; i < n; i++)
		local[i] = i;
	for (i = 0; i < n; i++)
		sum += local[i];
	return sum + incomplete_table[n].key;
}

/* An array parameter is a pointer. */
int arr_parameter(int n, int rows[n], const struct element table[static 2]);
int arr_parameter(int n, int rows[n], const struct element table[static 2])
{
	return rows[n - 1] + table[1].key;
}
