/* What other encoders refuse or get wrong: atomic and complex types, vectors,
 * decimal floats, bit-fields beyond 2 MiB. */
#include "fixture.h"

/* DW_TAG_atomic_type */
_Atomic int ex_atomic;
struct ex_atomics {
	_Atomic int counter;
	_Atomic(void *) pointer;
	const _Atomic long constant;
	_Atomic struct ex_small {
		int x;
	} aggregate;
};
USE(struct ex_atomics);

/* DW_ATE_complex_float, and gcc's complex integers */
struct ex_complex {
	_Complex float f;
	_Complex double d;
	_Complex long double ld;
};
USE(struct ex_complex);
#ifndef __clang__
_Complex int ex_complex_int;
#endif

/* GNU vectors: DW_TAG_array_type with DW_AT_GNU_vector */
typedef int ex_v4si __attribute__((vector_size(16)));
typedef float ex_v2sf __attribute__((vector_size(8)));
struct ex_vectors {
	ex_v4si ints;
	ex_v2sf floats;
};
USE(struct ex_vectors);

#ifdef __DEC64_MAX__
/* DW_ATE_decimal_float */
struct ex_decimal {
	_Decimal32 d32;
	_Decimal64 d64;
	_Decimal128 d128;
};
USE(struct ex_decimal);
#endif

#if defined(__SIZEOF_FLOAT128__) && !defined(__clang__)
__float128 ex_float128;
#endif

#ifdef __SIZEOF_INT128__
/* Bit-fields of 128 bit units. */
struct ex_wide_fields {
	unsigned __int128 a : 100;
	unsigned __int128 b : 28;
	__int128 c : 65;
};
USE(struct ex_wide_fields);
#endif

/* A bit-field before 2 MiB and plain members behind: 24 bits of offset do not
 * reach the latter. */
struct ex_field_then_far {
	u32 flag : 1;
	u8 pad[3 << 20];
	u32 far;
	void *pointer;
};
USE(struct ex_field_then_far);

/* The bit-field itself lies behind 2 MiB. */
struct ex_far_field {
	u8 pad[(2 << 20) + 4];
	u32 a : 3;
	u32 b : 29;
	u64 c : 40;
	u32 plain;
};
USE(struct ex_far_field);

/* Far, but without any bit-field: 32 bits of offset do. */
struct ex_far_plain {
	u8 pad[5 << 20];
	u32 far;
};
USE(struct ex_far_plain);

/* The last bit that a bit-field member can start at, and the first that it cannot. */
struct ex_edge {
	u8 pad[(2 << 20) - 4];
	u32 below : 31;
	u32 last : 1;
	u32 first : 1;
};
USE(struct ex_edge);

int ex_entry(_Complex double z, ex_v4si v);
int ex_entry(_Complex double z, ex_v4si v)
{
	return (int)__real__ z + v[0] + ex_atomic;
}
