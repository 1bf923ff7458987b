#!/bin/bash
# Shows how mkbtf's cost grows with the size of .debug_info: encodes each module of
# a Debian kernel by itself, with one worker, and draws CPU time and peak memory.
#
#	growth.sh [-n RUNS] [PREFIX]
#
# Writes PREFIX-time.svg, PREFIX-memory.svg and PREFIX.csv (default: docs/growth), and
# prints the fitted lines. The modules are all of 6.12's cloud flavour. If the large
# flavour's debug package is in the cache (fetch-kernel.sh --debug 6.12 amd64 deb12), its
# 30 largest modules are measured too, amdgpu among them. The base is raw BTF.
. "$(dirname "$0")/lib.sh"
runs=3
while getopts n: option; do
	case $option in
	n) runs=$OPTARG ;;
	*) exit 2 ;;
	esac
done
shift $((OPTIND - 1))
here=$(cd "$(dirname "$0")/.." && pwd)
prefix=$(realpath -m "${1-$here/docs/growth}")
[ -x "$here/mkbtf" ] || die "build mkbtf first: make build"
kernel=$("$here/scripts/fetch-kernel.sh" --debug 6.12 cloud-amd64 deb12)
large=$(find "$cache/kernel" -maxdepth 3 -path '*/6.12*+deb12-amd64/debug/modules' | sort -V | tail -n 1)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# cases NAME KERNEL N writes a line for each of the N largest modules of a kernel.
cases() {
	local size file
	"$here/mkbtf" base "$(readlink -f "$2/debug/vmlinux")" -o "$tmp/$1"
	find "$(readlink -f "$2/debug/modules")" -name '*.ko' -type f -printf '%s %p\n' | sort -k1,1rn -k2 | sed -n "1,$3p" | while read -r size file; do
		echo "$1 | $file | $here/mkbtf encode -j 1 -f split -b $tmp/$1 --detached -o {out} $file"
	done
}

cases "$(cat "$kernel/release")" "$kernel" 100000 >"$tmp/cases"
if [ -n "$large" ]; then
	large=${large%/debug/modules}
	cases "$(cat "$large/release")" "$large" 30 >>"$tmp/cases"
fi
echo "$(wc -l <"$tmp/cases") modules, encode -j 1 -f split, least CPU time and median peak memory of $runs"
cd "$here"
go run ./internal/benchtool -growth "$prefix" -n "$runs" <"$tmp/cases"
