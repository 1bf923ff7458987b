#!/bin/bash
# Fetches a kernel of Debian's archive without installing it and prints the
# directory it lies in.
#
#	fetch-kernel.sh [--debug] [--update] VERSION FLAVOUR [WORD [N]]
#
#	fetch-kernel.sh --debug 6.12 cloud-amd64 deb12
#	fetch-kernel.sh 6.1 amd64
#
# The newest kernel whose release starts with VERSION is taken: the newest in the
# cache if there is one and --update is not given, else the newest in bookworm,
# trixie, sid and their security suites. WORD must occur in the release (deb12:
# built by Debian 12's compiler); N takes the N-th newest. The directory holds
#
#	release       the release string
#	vmlinuz       the boot image
#	modules/      the modules as shipped: stripped, signed, compressed
#	debug/        with --debug: vmlinux and modules/, complete with DWARF
#
# A kernel takes 35 to 110 MB to download, its debug package 320 MB (cloud) to 1 GB.
. "$(dirname "$0")/lib.sh"
debug= update=
while :; do
	case ${1-} in
	--debug) debug=1 ;;
	--update) update=1 ;;
	*) break ;;
	esac
	shift
done
[ $# -ge 2 ] || die "usage: $self [--debug] [--update] VERSION FLAVOUR [WORD [N]]"
version=$1 flavour=$2 word=${3-} nth=${4-1}
pattern="${version//./\\.}([.~-][0-9.~rc-]*)?(\\+deb[0-9]+)?-$flavour"

pick() { { grep -xE "$pattern" || true; } | { grep -F -- "$word" || true; } | sort -uV | tail -n "$nth" | head -n 1; }

release=
[ -n "$update" ] || release=$({ ls "$cache/kernel" 2>/dev/null || true; } | pick)
if [ -z "$release" ] || [ ! -e "$cache/kernel/$release/release" ] || { [ -n "$debug" ] && [ ! -e "$cache/kernel/$release/debug/vmlinux" ]; }; then
	private_apt
fi
# 7.x splits linux-image into linux-binary, linux-modules and linux-base
[ -n "$release" ] || release=$(apt-cache "${apt[@]}" search --names-only '^linux-(image|binary)-' | awk '{print $1}' |
	sed -E 's/^linux-(image|binary)-//' | pick)
[ -n "$release" ] || die "no kernel $version $flavour${word:+ with $word in its release} in the archive"
dir=$cache/kernel/$release

if [ ! -e "$dir/release" ]; then
	for package in linux-image linux-binary linux-modules; do
		if apt-cache "${apt[@]}" show "$package-$release" >/dev/null 2>&1; then unpack_package "$package-$release" "$dir/root"; fi
	done
	image=$(find "$dir/root" -type f \( -name "vmlinuz-$release" -o -path "*/$release/vmlinuz" \) -print -quit)
	modules=$(find "$dir/root" -type d -path "*lib/modules/$release/kernel" -print -quit)
	[ -n "$image" ] && [ -n "$modules" ] || die "linux-image-$release has no boot image or no modules"
	ln -sfn "$image" "$dir/vmlinuz"
	ln -sfn "$modules" "$dir/modules"
	echo "$release" >"$dir/release"
fi
if [ -n "$debug" ] && [ ! -e "$dir/debug/vmlinux" ]; then
	unpack_package "linux-image-$release-dbg" "$dir/root"
	root=$dir/root/usr/lib/debug
	image=$(find "$root" -type f \( -name "vmlinux-$release" -o -name vmlinux \) -print -quit)
	modules=$(find "$root" -type d -path "*/modules/$release/kernel" -print -quit)
	[ -n "$image" ] && [ -n "$modules" ] || die "linux-image-$release-dbg has no vmlinux or no modules"
	mkdir -p "$dir/debug"
	ln -sfn "$modules" "$dir/debug/modules"
	ln -sfn "$image" "$dir/debug/vmlinux"
fi
echo "$dir"
