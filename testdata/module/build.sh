#!/bin/bash
# Builds hello.ko and kfuncs.ko with DWARF and without .BTF.
#
#	build.sh [KERNEL_BUILD_DIRECTORY [OUTPUT_DIRECTORY]]
#
# By default for the newest kernel in /lib/modules that has headers, into
# testdata/. BTF is left to mkbtf: kbuild's own step is switched off.
set -euo pipefail
cd "$(dirname "$0")"
build=${1:-$(ls -d /lib/modules/*/build | sort -V | tail -1)}
out=${2:-..}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp Kbuild hello.c kfuncs.c "$work/"
make -C "$build" M="$work" PAHOLE=true RESOLVE_BTFIDS=true KCFLAGS="-fdebug-prefix-map=$work=/src" KBUILD_BUILD_TIMESTAMP=1970-01-01 modules
for m in hello kfuncs; do
	install -m 644 "$work/$m.ko" "$out/$m.ko"
done
