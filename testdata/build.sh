#!/bin/bash
# Builds testdata/obj/VARIANT/MODULE.ko from testdata/src: see testdata/README.md.
#
#	build.sh [VARIANT...]       all variants, or those whose name contains one of the words
#	build.sh --commands         only print, for every unit of the variants that are simply
#	                            compiled and joined: variant, module, unit, command, tab-separated
#
# Needs Debian bookworm's gcc-12 for x86-64 and the cross compilers named below,
# clang-14, lld-14, dwz and binutils with zstd. The result is the same on every
# machine that has the same versions of them.
set -euo pipefail
cd "$(dirname "$0")/src"
obj=../obj
print=
if [ "${1-}" = --commands ]; then
	print=1
	shift
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export LC_ALL=C SOURCE_DATE_EPOCH=1

# What modules consist of. A unit is a file of src/, compiled by itself.
declare -A units=(
	[shapes]="bitfields.c arrays.c nested.c"
	[types]="scalars.c enums.c functions.c"
	[scopes]="unit_a.c unit_b.c optimized.c"
	[exotic]="exotic.c"
	[tags]="tags.c tags_plain.c"
	[mixed]="unit_a.c mixed.cc unit_b.c"
	[merged]="merged.c"
)
common="-O2 -ffreestanding -fno-common -fno-pic -fno-stack-protector -fno-asynchronous-unwind-tables -w -Wno-psabi -fdebug-prefix-map=$PWD=/src"
x86="-mcmodel=kernel -mno-red-zone"

wanted() {
	[ $# -gt 1 ] || return 0
	local v=$1 w
	shift
	for w; do case $v in *"$w"*) return 0 ;; esac; done
	return 1
}
words=("$@")

# variant NAME "MODULE..." "CC FLAG..." [LD [OBJCOPY ARG...]]: compiles, joins with `LD -r`, then applies objcopy.
variant() {
	local name=$1 modules=$2 cc=$3 ld=${4:-ld}
	shift $(($# < 4 ? $# : 4))
	wanted "$name" "${words[@]}" || return 0
	local m u o objects compile
	[ -n "$print" ] || mkdir -p "$obj/$name"
	for m in $modules; do
		objects=()
		for u in ${units[$m]}; do
			o=$work/${u%.*}.o
			compile=$cc
			case $u in *.cc) compile="${cc/gcc/g++} -std=c++17 -fno-exceptions -fno-rtti -fno-threadsafe-statics" ;; esac
			# the units of clang's tags module that know no tags come from gcc
			case $name/$u in *clang*/tags_plain.c) compile="gcc-12 -gdwarf-5 $x86" ;; esac
			if [ -n "$print" ]; then
				printf '%s\t%s\t%s\t%s\n' "$name" "$m" "$u" "$compile $common -DUNIT=${u%.*}"
				continue
			fi
			$compile $common -DUNIT="${u%.*}" -frandom-seed="$u" -c -o "$o" "$u"
			objects+=("$o")
		done
		[ -z "$print" ] || continue
		$ld -r -o "$work/joined" "${objects[@]}"
		[ $# = 0 ] || "${ld%ld}objcopy" "$@" "$work/joined"
		install -m 644 "$work/joined" "$obj/$name/$m.ko"
	done
	[ -n "$print" ] || echo "$name: $modules"
}

# The encodings of DWARF that gcc writes.
full="shapes types scopes exotic"
for v in 2 3 4 5; do
	variant "x86_64-gcc-dwarf$v" "$full" "gcc-12 $x86 -gdwarf-$v"
done
variant x86_64-gcc-dwarf2-strict "shapes" "gcc-12 $x86 -gdwarf-2 -gstrict-dwarf"
variant x86_64-gcc-dwarf5-64bit "types scopes" "gcc-12 $x86 -gdwarf-5 -gdwarf64"
variant x86_64-gcc-dwarf4-64bit "shapes" "gcc-12 $x86 -gdwarf-4 -gdwarf64"
variant x86_64-gcc-dwarf4-typeunits "$full" "gcc-12 $x86 -gdwarf-4 -fdebug-types-section"
variant x86_64-gcc-dwarf5-typeunits "$full" "gcc-12 $x86 -gdwarf-5 -fdebug-types-section"
variant x86_64-gcc-mixed-language "mixed" "gcc-12 $x86 -gdwarf-5"

# clang: strx, addrx, rnglistx, loclistx; annotations.
variant x86_64-clang-dwarf5 "$full tags" "clang-14 $x86 -gdwarf-5"
variant x86_64-clang-dwarf4 "$full tags" "clang-14 $x86 -gdwarf-4"
variant aarch64-clang-merged "merged" "clang-14 --target=aarch64-linux-gnu -gdwarf-5 -mglobal-merge" aarch64-linux-gnu-ld

# Other machines: word size, byte order, REL and RELA, relocation types.
variant aarch64-gcc-dwarf5 "$full" "aarch64-linux-gnu-gcc-12 -gdwarf-5" aarch64-linux-gnu-ld
variant s390x-gcc-dwarf5 "$full" "s390x-linux-gnu-gcc-12 -gdwarf-5" s390x-linux-gnu-ld
variant s390x-gcc-dwarf4 "shapes scopes" "s390x-linux-gnu-gcc-12 -gdwarf-4" s390x-linux-gnu-ld
variant i386-gcc-dwarf5 "$full" "i686-linux-gnu-gcc-12 -gdwarf-5 -mregparm=3" i686-linux-gnu-ld
variant i386-gcc-dwarf4 "shapes" "i686-linux-gnu-gcc-12 -gdwarf-4 -mregparm=3" i686-linux-gnu-ld
variant arm-gcc-dwarf5 "shapes types scopes" "arm-linux-gnueabihf-gcc-12 -gdwarf-5 -marm" arm-linux-gnueabihf-ld
variant riscv64-gcc-dwarf5 "shapes types scopes" "riscv64-linux-gnu-gcc-12 -gdwarf-5 -gno-variable-location-views -mcmodel=medany" riscv64-linux-gnu-ld
variant riscv64-gcc-patchable "types scopes" "riscv64-linux-gnu-gcc-12 -gdwarf-5 -gno-variable-location-views -mcmodel=medany -fpatchable-function-entry=8,4" riscv64-linux-gnu-ld # as CONFIG_FUNCTION_TRACER does
variant riscv64-gcc-dwarf4 "types" "riscv64-linux-gnu-gcc-12 -gdwarf-4 -mcmodel=medany" riscv64-linux-gnu-ld
variant riscv64-clang-dwarf4 "types" "clang-14 --target=riscv64-linux-gnu -mno-relax -gdwarf-4" riscv64-linux-gnu-ld
variant powerpc64le-gcc-dwarf5 "shapes types scopes" "powerpc64le-linux-gnu-gcc-12 -gdwarf-5" powerpc64le-linux-gnu-ld

# Compressed debug sections.
variant x86_64-gcc-dwarf5-zlib "types" "gcc-12 $x86 -gdwarf-5" ld --compress-debug-sections=zlib
variant x86_64-gcc-dwarf5-zlib-gnu "types" "gcc-12 $x86 -gdwarf-5" ld --compress-debug-sections=zlib-gnu
variant x86_64-gcc-dwarf5-zstd "types" "gcc-12 $x86 -gdwarf-5" ld --compress-debug-sections=zstd
variant aarch64-gcc-dwarf5-zlib "types" "aarch64-linux-gnu-gcc-12 -gdwarf-5 -gz" aarch64-linux-gnu-ld

# Without usable DWARF: none at all, only skeletons, only line tables.
variant x86_64-gcc-nodebug "types" "gcc-12 $x86 -g0"
variant x86_64-gcc-g1 "types" "gcc-12 $x86 -gdwarf-5 -g1"
[ -z "$print" ] || exit 0

if wanted x86_64-gcc-split "${words[@]}"; then
	mkdir -p "$obj/x86_64-gcc-split" "$work/split"
	for u in scalars enums functions; do
		gcc-12 $x86 -gdwarf-5 -gsplit-dwarf $common -DUNIT="$u" -frandom-seed="$u" -c -o "$u.o" "$u.c"
		mv "$u.o" "$u.dwo" "$work/split/"
	done
	ld -r -o "$obj/x86_64-gcc-split/types.ko" "$work"/split/{scalars,enums,functions}.o
	echo "x86_64-gcc-split: types"
fi

# Linked at fixed addresses, as vmlinux is, and that put through dwz: partial
# units, DW_FORM_ref_addr.
for v in 4 5; do
	if wanted "x86_64-gcc-dwarf$v-linked x86_64-gcc-dwarf$v-dwz" "${words[@]}"; then
		for m in scopes types; do
			objects=()
			for u in ${units[$m]}; do
				gcc-12 $x86 "-gdwarf-$v" $common -DUNIT="${u%.*}" -frandom-seed="$u" -c -o "$work/${u%.*}.o" "$u"
				objects+=("$work/${u%.*}.o")
			done
			ld -o "$work/linked" -T linked.lds --unresolved-symbols=ignore-all --build-id=none "${objects[@]}"
			mkdir -p "$obj/x86_64-gcc-dwarf$v-linked" "$obj/x86_64-gcc-dwarf$v-dwz"
			install -m 644 "$work/linked" "$obj/x86_64-gcc-dwarf$v-linked/$m.elf"
			dwz "$work/linked"
			install -m 644 "$work/linked" "$obj/x86_64-gcc-dwarf$v-dwz/$m.elf"
		done
		echo "x86_64-gcc-dwarf$v-linked, -dwz: scopes types"
	fi
done

# Link-time optimization: units refer to each other through DW_FORM_ref_addr.
if wanted x86_64-gcc-lto "${words[@]}"; then
	objects=()
	for u in unit_a unit_b optimized; do
		gcc-12 $x86 -gdwarf-5 $common -flto -DUNIT="$u" -frandom-seed="$u" -c -o "$work/$u.o" "$u.c"
		objects+=("$work/$u.o")
	done
	mkdir -p "$obj/x86_64-gcc-lto"
	(cd "$work" && gcc-12 $x86 -gdwarf-5 $common -fdebug-prefix-map="$work"=/src -flto -flto-partition=one -nostdlib -r \
		-flinker-output=nolto-rel -frandom-seed=lto -o joined unit_a.o unit_b.o optimized.o)
	install -m 644 "$work/joined" "$obj/x86_64-gcc-lto/scopes.ko"
	echo "x86_64-gcc-lto: scopes"
fi
for kind in full thin; do
	if wanted "x86_64-clang-lto-$kind" "${words[@]}"; then
		objects=()
		for u in unit_a unit_b optimized; do
			clang-14 $x86 -gdwarf-5 $common "-flto=$kind" -DUNIT="$u" -c -o "$work/$u.o" "$u.c"
			objects+=("$work/$u.o")
		done
		mkdir -p "$obj/x86_64-clang-lto-$kind"
		(cd "$work" && ld.lld-14 -r -mllvm -mcmodel=kernel -o joined unit_a.o unit_b.o optimized.o 2>/dev/null ||
			ld.lld-14 -r -o joined unit_a.o unit_b.o optimized.o)
		install -m 644 "$work/joined" "$obj/x86_64-clang-lto-$kind/scopes.ko"
		echo "x86_64-clang-lto-$kind: scopes"
	fi
done
