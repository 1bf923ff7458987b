#!/bin/bash
# Measures what each form of BTF costs the modules of a Debian kernel: fetches the
# kernel with its debug package, without installing either, and prints the table.
#
#	debian.sh [--modules FOLDER] [--against KERNEL]... [VERSION FLAVOUR [WORD]] [-- OPTION...]
#
#	debian.sh
#	debian.sh --against "7 cloud-amd64" 6.12 cloud-amd64 deb12 -- --html sizes.html
#	debian.sh --modules drivers/block -- --compress none
#
# VERSION, FLAVOUR and WORD say which kernel, as for scripts/fetch-kernel.sh; without
# them it is 6.12 cloud-amd64 deb12. --against names another one in the same way,
# which the modules are then tried on: those tell how portable a form is. --modules
# takes only the modules of a folder. OPTIONs are those of mkbtf compare.
#
# The debug package is 320 MB (cloud-amd64) to 1 GB (amd64) to fetch, and some minutes
# to measure. Both stay in ~/.cache/mkbtf. MKBTF names the program, if it is not in PATH.
set -euo pipefail
fetch=$(dirname "$0")/../../scripts/fetch-kernel.sh
[ -x "$fetch" ] || {
	echo "${0##*/}: $fetch is not there: run this in mkbtf's source tree" >&2
	exit 1
}
usage() {
	sed -n 's/^#\t/\t/p' "$0" >&2
	exit 2
}

folder= against=() kernel=()
while [ $# -gt 0 ]; do
	case $1 in
	--modules | --against)
		[ $# -ge 2 ] || usage
		if [ "$1" = --modules ]; then folder=$2; else against+=("$2"); fi
		shift 2
		;;
	--)
		shift
		break
		;;
	-*) usage ;;
	*)
		kernel+=("$1")
		shift
		;;
	esac
done
[ ${#kernel[@]} -gt 0 ] || kernel=(6.12 cloud-amd64 deb12)

dir=$("$fetch" --debug "${kernel[@]}")
bases=(-b "$dir/debug/vmlinux")
for k in "${against[@]}"; do
	read -ra words <<<"$k"
	other=$("$fetch" "${words[@]}")
	bases+=(-b "$other/vmlinuz")
done
# the version of the package, for whoever cites the figures
grep -aom1 'Linux version [0-9].*' "$dir/debug/vmlinux" >&2 || true
exec "${MKBTF:-mkbtf}" compare "${bases[@]}" "$@" "$dir/debug/modules/$folder"
