/* Bit-fields in every position. Each struct is named after what it shows. */
#include "fixture.h"

enum color { RED, GREEN, BLUE };

/* One storage unit, filled exactly; the last field is as wide as its type. */
struct bf_plain {
	u32 a : 1;
	u32 b : 7;
	u32 c : 24;
	u32 d : 32;
};
USE(struct bf_plain);

/* Signed, unsigned, bool and enum fields, and typedefs of them. */
typedef enum color color_t;
struct bf_kinds {
	s32 s : 5;
	u32 u : 5;
	bool b : 1;
	enum color e : 2;
	color_t te : 3;
	const u32 cu : 4;
	volatile s32 vs : 6;
	char c : 3;
	short h : 9;
};
USE(struct bf_kinds);

/* Fields that do not fit into the rest of a unit start the next one. */
struct bf_crossing {
	u32 a : 30;
	u32 b : 4;
	u16 c : 12;
	u16 d : 6;
	u8 e : 5;
	u8 f : 4;
};
USE(struct bf_crossing);

/* The same without padding: fields cross the units of their type. */
struct bf_packed {
	u32 a : 30;
	u32 b : 4;
	u16 c : 12;
	u64 d : 33;
	u8 e : 7;
	u32 plain;
	u32 g : 2;
} PACKED;
USE(struct bf_packed);

/* Zero width ends a unit; nothing is described for the field itself. */
struct bf_zero_width {
	u32 a : 3;
	u32 : 0;
	u32 b : 3;
	u8 : 0;
	u8 c;
	u64 : 0;
	u8 d : 1;
};
USE(struct bf_zero_width);

/* Unnamed padding fields. */
struct bf_unnamed {
	u32 a : 3;
	u32 : 5;
	u32 b : 3;
	u32 : 21;
	u32 c : 1;
};
USE(struct bf_unnamed);

/* 64 bit units: wider than 32 bits, and behind bit 32. */
struct bf_64 {
	u64 a : 33;
	s64 b : 21;
	u64 c : 10;
	u64 d : 64;
	u64 e : 1;
	s64 f : 63;
};
USE(struct bf_64);

/* Between plain members: the unit shares bytes with its neighbours. */
struct bf_mixed {
	u8 head;
	u32 a : 9;
	u8 mid;
	u32 b : 3;
	u32 c : 3;
	void *ptr;
	s32 d : 17;
	u8 tail[3];
};
USE(struct bf_mixed);

/* In a union every field starts at bit 0. */
union bf_union {
	u32 a : 3;
	s32 b : 17;
	u64 c : 40;
	enum color d : 2;
	bool e : 1;
	u32 all;
};
USE(union bf_union);

/* In anonymous members and in a union inside a struct. */
struct bf_nested {
	u16 first : 3;
	union {
		struct {
			u16 x : 4;
			u16 y : 4;
		};
		u16 xy : 8;
	};
	struct {
		u8 z : 1;
	} named;
	u32 last : 31;
};
USE(struct bf_nested);

/* Fields behind a long array, still below the 2 MiB that a member offset with
 * a bit-field size can express. */
struct bf_far {
	u8 pad[200000];
	u32 a : 5;
	u32 b : 27;
	u32 end;
};
USE(struct bf_far);

/* Only a bit-field, and one as the last member of a one byte struct. */
struct bf_single {
	u8 only : 1;
};
USE(struct bf_single);
