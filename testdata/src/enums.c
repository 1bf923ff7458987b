/* Enums of every size and sign. */
#include "fixture.h"

enum en_plain { EN_ZERO, EN_ONE, EN_TWO };
enum en_holes { EN_A = 5, EN_B = 17, EN_C = 17, EN_D = 1 << 30 };
enum en_negative { EN_MINUS = -1, EN_NULL, EN_MIN = -2147483647 - 1 };
enum en_unsigned { EN_U0, EN_UMAX = 0xffffffffU };
enum en_single { EN_LONELY };

/* Packed: 1 and 2 bytes, with and without sign. */
enum PACKED en_byte { EN_B0, EN_B255 = 255 };
enum PACKED en_sbyte { EN_SBM = -128, EN_SBP = 127 };
enum PACKED en_half { EN_H0, EN_H65535 = 65535 };

/* 64 bit, with and without sign. */
enum en_u64 { EN_U64_SMALL = 1, EN_U64_BIG = 0x8000000000000001ULL };
enum en_s64 { EN_S64_MIN = -0x7fffffffffffffffLL - 1, EN_S64_MAX = 0x7fffffffffffffffLL };
enum en_s64_small { EN_S64_NEG = -1, EN_S64_POS = 0xffffffffLL };

struct en_all {
	enum en_plain plain;
	enum en_holes holes;
	enum en_negative negative;
	enum en_unsigned uns;
	enum en_single single;
	enum en_byte byte;
	enum en_sbyte sbyte;
	enum en_half half;
	enum en_u64 u64;
	enum en_s64 s64;
	enum en_s64_small s64_small;
	enum { EN_ANON_FIRST, EN_ANON_SECOND } unnamed;
};
USE(struct en_all);

/* Unnamed enums whose enumerators are all that matters, named by a typedef. */
typedef enum { EN_TD_X = 3, EN_TD_Y } en_typedef_t;
USE(en_typedef_t);

/* A forward declaration that nothing completes (a GNU extension). */
enum en_forward;
enum en_forward *en_forward_pointer;
int en_forward_function(enum en_forward *e);
int en_forward_function(enum en_forward *e)
{
	return e != 0;
}

/* Enums by value, and as a bit-field of a 64 bit enum. */
struct en_fields {
	enum en_byte b : 4;
	enum en_plain p : 3;
	enum en_u64 w : 40;
	enum en_negative n : 6;
};
USE(struct en_fields);

enum en_plain en_convert(enum en_u64 wide, enum en_sbyte narrow);
enum en_plain en_convert(enum en_u64 wide, enum en_sbyte narrow)
{
	return wide == EN_U64_BIG && narrow < 0 ? EN_ONE : EN_ZERO;
}
