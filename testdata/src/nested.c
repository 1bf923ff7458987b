/* Structs and unions inside each other, named, anonymous and recursive;
 * packing and alignment. */
#include "fixture.h"

/* Anonymous members three levels deep. */
struct nest_anonymous {
	int before;
	union {
		struct {
			u16 low, high;
		};
		u32 both;
		struct {
			union {
				u8 byte;
				s8 sbyte;
			};
			u8 rest[3];
		} named;
	};
	struct {
		int inner;
	} *to_anonymous;
	int after;
};
USE(struct nest_anonymous);

/* Recursion through an anonymous struct and an anonymous union. */
struct nest_recursive {
	union {
		struct {
			struct nest_recursive *next;
			struct nest_recursive **pprev;
		};
		struct {
			struct nest_recursive *child[2];
		} tree;
	};
	void (*visit)(struct nest_recursive *self);
};
USE(struct nest_recursive);

/* Two structs that need each other. */
struct nest_pong;
struct nest_ping {
	struct nest_pong *pong;
	int serial;
};
struct nest_pong {
	struct nest_ping ping;
	struct nest_ping *other;
};
USE(struct nest_pong);

/* A struct that is defined inside another has file scope in C. */
struct nest_outer {
	struct nest_inner {
		u32 v;
	} field;
	struct nest_inner *more;
	enum nest_state { NEST_OFF, NEST_ON } state;
};
USE(struct nest_outer);

/* Identical anonymous structs; a typedef names one of them. */
typedef struct {
	int counter;
} nest_counter_t;
typedef struct {
	int counter;
} nest_other_t;
struct nest_twins {
	nest_counter_t a;
	nest_other_t b;
	struct {
		int counter;
	} c;
};
USE(struct nest_twins);

/* Packing: natural, packed, one packed member, packed and aligned. */
struct nest_natural {
	u8 a;
	u32 b;
	u16 c;
	u64 d;
};
struct nest_packed {
	u8 a;
	u32 b;
	u16 c;
	u64 d;
} PACKED;
struct nest_member_packed {
	u8 a;
	u32 b PACKED;
	u16 c;
	u64 d;
};
struct nest_packed_aligned {
	u8 a;
	u32 b;
	u16 c;
	u64 d;
} PACKED ALIGNED(4);
struct nest_aligned {
	u8 a ALIGNED(8);
	u8 b ALIGNED(32);
	struct nest_packed c ALIGNED(2);
} ALIGNED(64);
struct nest_packing {
	struct nest_natural natural;
	struct nest_packed packed;
	struct nest_member_packed member_packed;
	struct nest_packed_aligned packed_aligned;
	struct nest_aligned aligned;
};
USE(struct nest_packing);

/* Nothing inside. */
struct nest_empty {
};
union nest_empty_union {
};
struct nest_empties {
	struct nest_empty e;
	union nest_empty_union u;
	int i;
};
USE(struct nest_empties);

/* Passing by value: in registers, in memory, returned through a pointer. */
struct nest_pair {
	long first, second;
};
struct nest_block {
	long words[5];
};
struct nest_pair nest_by_value(struct nest_pair p, struct nest_block b, int n);
struct nest_pair nest_by_value(struct nest_pair p, struct nest_block b, int n)
{
	p.first += b.words[n];
	return p;
}
