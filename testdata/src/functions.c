/* Functions, function pointers, and types that only functions lead to. */
#include "fixture.h"

/* Function pointers: nested, variadic, returning function pointers. */
typedef int fn_t(int, const char *);
typedef fn_t *fn_pointer_t;
struct fn_ops {
	int (*simple)(void);
	void (*nothing)(void);
	int (*variadic)(const char *format, ...);
	int (*old_style)();
	void (*(*returns_pointer)(int signal, void (*handler)(int)))(int);
	int (*takes_struct)(struct fn_ops *self, struct fn_only_here *unknown);
	fn_t *typed;
	fn_pointer_t *indirect;
	int (*table[3])(long, long);
	int (*nested)(int (*compare)(const void *, const void *), void *(*swap)(void *));
	const char *(*const constant)(void);
};
USE(struct fn_ops);

/* A struct that only a parameter leads to, and one that only a return value does. */
struct fn_only_parameter {
	int a;
	struct fn_second_level *b;
};
struct fn_only_returned {
	long value;
};
struct fn_only_returned *fn_lookup(struct fn_only_parameter *key);
struct fn_only_returned *fn_lookup(struct fn_only_parameter *key)
{
	return (struct fn_only_returned *)(long)key->a;
}

int fn_variadic(const char *format, ...);
int fn_variadic(const char *format, ...)
{
	return format[0];
}

/* Without a prototype. */
int fn_old_style();
int fn_old_style()
{
	return 1;
}

int fn_knr(a, b)
	int a;
	char *b;
{
	return a + b[0];
}

void fn_void(void);
void fn_void(void)
{
	__asm__ volatile("");
}

/* More parameters than registers, and wide ones. */
long fn_many(long a, int b, short c, char d, bool e, void *f, u64 g, u8 h, long i, const char *j);
long fn_many(long a, int b, short c, char d, bool e, void *f, u64 g, u8 h, long i, const char *j)
{
	return a + b + c + d + e + (f != 0) + (long)g + h + i + j[0];
}

/* Types of a function's own: equal names, other layouts; blocks; an enum, a
 * typedef and a union. */
int fn_local_types(int n);
int fn_local_types(int n)
{
	struct fn_local {
		int a, b;
	};
	volatile struct fn_local l = { n, n };
	typedef struct fn_local fn_local_alias_t;
	volatile fn_local_alias_t m = { n, 0 };
	enum fn_local_enum { FN_LOCAL_A = 4 };
	volatile enum fn_local_enum e = FN_LOCAL_A;

	if (n > 3) {
		struct fn_block {
			long x[2];
		};
		volatile struct fn_block b = { { n, n } };

		return (int)b.x[1];
	}
	return l.a + m.b + (int)e;
}

int fn_local_types_again(int n);
int fn_local_types_again(int n)
{
	struct fn_local {
		char *other;
		union {
			int i;
			float f;
		} u;
	};
	volatile struct fn_local l = { 0 };

	l.u.i = n;
	return l.u.i;
}

/* Inlined everywhere, with a type of its own; and a static local variable. */
static ALWAYS_INLINE int fn_inlined(int v)
{
	struct fn_inline_type {
		int pair[2];
	};
	volatile struct fn_inline_type t = { { v, v } };

	return t.pair[1];
}

int fn_caller(int v);
int fn_caller(int v)
{
	static int calls;

	return fn_inlined(v) + fn_inlined(v + 1) + ++calls;
}

int fn_noreturn(void) __attribute__((noreturn));
int fn_noreturn(void)
{
	for (;;)
		;
}
