/* btf_type_tag and btf_decl_tag (clang; elsewhere the attributes are ignored). */
#include "fixture.h"

#ifdef __clang__
#define TYPE_TAG(t) __attribute__((btf_type_tag(t)))
#define DECL_TAG(t) __attribute__((btf_decl_tag(t)))
#else
#define TYPE_TAG(t)
#define DECL_TAG(t)
#endif

#define __user TYPE_TAG("user")
#define __rcu TYPE_TAG("rcu")
#define __percpu TYPE_TAG("percpu")

struct tag_target {
	int value DECL_TAG("member of target");
	int other;
	int twice DECL_TAG("one") DECL_TAG("two");
	unsigned field : 3 DECL_TAG("bit-field");
} DECL_TAG("struct");

typedef int tag_typedef_t DECL_TAG("typedef");

/* One tag, two tags on one pointer, tags on several levels, with qualifiers. */
struct tag_pointers {
	int __user *u;
	struct tag_target __rcu *r;
	char __user __rcu *two;
	void __user *__rcu *levels;
	const int __percpu *pc;
	int __user *const cu;
	int *plain;
	const volatile struct tag_target __user *cvu;
	int (__user *array)[4];
	tag_typedef_t __user *td;
};
USE(struct tag_pointers);
USE(struct tag_target);

union tag_union {
	int a DECL_TAG("member of union");
	long b;
} DECL_TAG("union");
USE(union tag_union);

PERCPU int tag_percpu DECL_TAG("variable");

int tag_function(int __user *from, struct tag_target *t DECL_TAG("second"), int n) DECL_TAG("function");
int tag_function(int __user *from, struct tag_target *t DECL_TAG("second"), int n)
{
	return *from + t->value + n;
}

static NOINLINE int tag_static(struct tag_target __rcu *t) DECL_TAG("static function");
static NOINLINE int tag_static(struct tag_target __rcu *t)
{
	__asm__ volatile("" : : "r"(t));
	return t->other;
}

int tag_entry(struct tag_pointers *p);
int tag_entry(struct tag_pointers *p)
{
	return tag_static(p->r) + *p->u;
}
