/* Shared by every source: freestanding, no kernel or libc headers. */
#ifndef FIXTURE_H
#define FIXTURE_H

typedef unsigned char u8;
typedef signed char s8;
typedef unsigned short u16;
typedef short s16;
typedef unsigned int u32;
typedef int s32;
typedef unsigned long long u64;
typedef long long s64;
#ifndef __cplusplus
typedef _Bool bool;
#endif

#define NOINLINE __attribute__((noinline))
#define ALWAYS_INLINE inline __attribute__((always_inline))
#define PACKED __attribute__((packed))
#define ALIGNED(n) __attribute__((aligned(n)))
#define PERCPU __attribute__((section(".data..percpu")))

/* Compilers describe only types that something uses: USE(struct x) makes a
 * global pointer to it, which is enough for the complete definition. UNIT is the
 * name of the source, given on the command line. */
#define USE3(type, unit, line) type *use_##unit##_##line
#define USE2(type, unit, line) USE3(type, unit, line)
#define USE(type) USE2(type, UNIT, __LINE__)

#endif
