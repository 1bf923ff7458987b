/*
 * Relocates BTF with libbpf (1.5 or later), the same rules as in the kernel. Reads
 * jobs from standard input, one a line: BTF BASE VMLINUX OUT. Prints for each the
 * result of btf__relocate, after whatever libbpf has to say.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct btf;
extern struct btf *btf__new(const void *data, unsigned int size);
extern struct btf *btf__new_split(const void *data, unsigned int size, struct btf *base);
extern void btf__free(struct btf *btf);
extern const void *btf__raw_data(const struct btf *btf, unsigned int *size);
extern int btf__relocate(struct btf *btf, const struct btf *base);
typedef int (*libbpf_print_fn_t)(int level, const char *format, va_list args);
extern libbpf_print_fn_t libbpf_set_print(libbpf_print_fn_t fn);

static int print(int level, const char *format, va_list args)
{
	if (level > 1)
		return 0;
	return vprintf(format, args);
}

static void *slurp(const char *path, unsigned int *size)
{
	FILE *f = fopen(path, "rb");
	char *data = NULL;
	size_t len = 0, n = 0;

	if (!f) {
		perror(path);
		exit(2);
	}
	do {
		data = realloc(data, len + (1 << 20));
		n = fread(data + len, 1, 1 << 20, f);
		len += n;
	} while (n > 0);
	fclose(f);
	*size = len;
	return data;
}

static struct btf *load(const char *path, struct btf *base)
{
	unsigned int size;
	void *data = slurp(path, &size);
	struct btf *btf = base ? btf__new_split(data, size, base) : btf__new(data, size);

	free(data);
	return btf;
}

int main(void)
{
	char file[3][4096], out[4096], old[4096] = "";
	struct btf *vmlinux = NULL;

	libbpf_set_print(print);
	while (scanf("%4095s %4095s %4095s %4095s", file[0], file[1], file[2], out) == 4) {
		struct btf *base, *split;
		unsigned int size;
		const void *data;
		FILE *f;
		int err;

		if (strcmp(old, file[2]) != 0) {
			btf__free(vmlinux);
			vmlinux = load(file[2], NULL);
			strcpy(old, file[2]);
		}
		base = load(file[1], NULL);
		split = base ? load(file[0], base) : NULL;
		if (!vmlinux || !split) {
			printf("unreadable\n");
		} else {
			err = btf__relocate(split, vmlinux);
			printf("result %d\n", err);
			if (err == 0) {
				data = btf__raw_data(split, &size);
				f = fopen(out, "wb");
				if (!f || fwrite(data, 1, size, f) != size)
					return 2;
				fclose(f);
			}
		}
		fflush(stdout);
		btf__free(split);
		btf__free(base);
	}
	return 0;
}
