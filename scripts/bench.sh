#!/bin/bash
# Measures mkbtf against pahole on real modules and a real vmlinux of Debian:
# medians of wall time, CPU time and peak memory, and their ratios.
#
#	bench.sh [-n RUNS] [-p PAHOLE] [MODULE...]
#
# The modules are names out of the kernel's debug package; "vmlinux" encodes the
# kernel itself. Default: dummy veth nf_tables openvswitch xfs vmlinux. PAHOLE
# defaults to Debian 12's, the fastest and most compact of those around for
# modules. MKBTF_BENCH_FLAVOUR=amd64 takes the large kernel (1 GB to download), which
# has amdgpu. Both programs read the base from the same vmlinux and write raw BTF.
. "$(dirname "$0")/lib.sh"
runs=5 pahole=
while getopts n:p: option; do
	case $option in
	n) runs=$OPTARG ;;
	p) pahole=$OPTARG ;;
	*) exit 2 ;;
	esac
done
shift $((OPTIND - 1))
[ $# -gt 0 ] || set -- dummy veth nf_tables openvswitch xfs vmlinux
here=$(cd "$(dirname "$0")/.." && pwd)
[ -x "$here/mkbtf" ] || die "build mkbtf first: make build"
kernel=$("$here/scripts/fetch-kernel.sh" --debug 6.12 "${MKBTF_BENCH_FLAVOUR-cloud-amd64}" deb12)
[ -n "$pahole" ] || pahole=$("$here/scripts/fetch-pahole.sh" bookworm)
base=$(readlink -f "$kernel/debug/vmlinux")
flags="-J --btf_gen_floats --lang_exclude=rust --btf_encode_detached={out}"

echo "kernel $(cat "$kernel/release"), pahole $("$pahole" --version), $(nproc) CPUs, medians of $runs"
for m; do
	if [ "$m" = vmlinux ]; then
		echo "vmlinux -j1 | pahole | $pahole $flags $base"
		echo "vmlinux -j1 | mkbtf | $here/mkbtf encode -j 1 -f self-contained --detached -o {out} $base"
		echo "vmlinux | pahole | $pahole $flags -j$(nproc) $base"
		echo "vmlinux | mkbtf | $here/mkbtf encode -f self-contained --detached -o {out} $base"
		continue
	fi
	file=$(find "$(readlink -f "$kernel/debug/modules")" -name "$m.ko" -print -quit)
	[ -n "$file" ] || die "no module $m in $kernel/debug/modules"
	echo "$m -j1 | pahole | $pahole $flags --btf_base $base $file"
	echo "$m -j1 | mkbtf | $here/mkbtf encode -j 1 -f split -b $base --detached -o {out} $file"
	echo "$m | pahole | $pahole $flags -j$(nproc) --btf_base $base $file"
	echo "$m | mkbtf | $here/mkbtf encode -f split -b $base --detached -o {out} $file"
done >"${TMPDIR:-/tmp}/mkbtf-bench.$$"
trap 'rm -f "${TMPDIR:-/tmp}/mkbtf-bench.$$"' EXIT
cd "$here"
go run ./internal/benchtool -n "$runs" <"${TMPDIR:-/tmp}/mkbtf-bench.$$"
