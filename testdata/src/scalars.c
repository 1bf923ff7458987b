/* Base types, typedef chains, qualifiers. */
#include "fixture.h"

struct sc_integers {
	char plain;
	signed char schar;
	unsigned char uchar;
	short s;
	unsigned short us;
	int i;
	unsigned int u;
	long l;
	unsigned long ul;
	long long ll;
	unsigned long long ull;
	_Bool boolean;
	__WCHAR_TYPE__ wide;
	__CHAR16_TYPE__ c16;
	__CHAR32_TYPE__ c32;
	__SIZE_TYPE__ size;
	__PTRDIFF_TYPE__ diff;
};
USE(struct sc_integers);

#ifdef __SIZEOF_INT128__
struct sc_128 {
	__int128 s;
	unsigned __int128 u;
};
USE(struct sc_128);
#endif

struct sc_floats {
	float f;
	double d;
	long double ld;
};
USE(struct sc_floats);

/* Typedef chains, and a typedef that carries a qualifier. */
typedef int sc_t0;
typedef sc_t0 sc_t1;
typedef const sc_t1 sc_t2;
typedef sc_t2 *sc_t3;
typedef sc_t3 const volatile sc_t4;
struct sc_chain {
	sc_t0 t0;
	sc_t1 t1;
	sc_t2 t2;
	sc_t3 t3;
	sc_t4 t4;
};
USE(struct sc_chain);

/* Qualifiers in every order and depth. */
struct sc_qualified {
	const int c;
	volatile int v;
	const volatile int cv;
	volatile const int vc;
	const int *pc;
	int *const cp;
	const int *const cpc;
	volatile int *const volatile *pp;
	void *pv;
	const void *pcv;
	volatile void *pvv;
	char *__restrict__ r;
	const char *__restrict__ const rc;
	int ****deep;
};
USE(struct sc_qualified);

/* A qualified struct and a qualified array. */
struct sc_target {
	int x;
};
struct sc_qualified_aggregates {
	const struct sc_target cs;
	volatile struct sc_target *vs;
	const int ca[3];
	const struct sc_target ct[2];
};
USE(struct sc_qualified_aggregates);

/* void through a typedef, and a typedef nobody resolves. */
typedef void sc_void_t;
typedef struct sc_opaque sc_opaque_t;
struct sc_voids {
	sc_void_t *v;
	const sc_void_t *cv;
	sc_opaque_t *o;
	const sc_opaque_t **co;
};
USE(struct sc_voids);

int sc_restrict(char *__restrict__ to, const char *__restrict__ from, __SIZE_TYPE__ n);
int sc_restrict(char *__restrict__ to, const char *__restrict__ from, __SIZE_TYPE__ n)
{
	*to = from[n];
	return 0;
}
