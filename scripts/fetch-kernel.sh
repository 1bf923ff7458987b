#!/bin/bash
# Fetches a kernel of Debian's archive without installing it and prints the
# directory it lies in.
#
#	fetch-kernel.sh [OPTION...] VERSION FLAVOUR [WORD [N]]
#
#	fetch-kernel.sh --debug 6.12 cloud-amd64 deb12
#	fetch-kernel.sh 6.1 amd64
#	fetch-kernel.sh --arch s390x/sid --image --headers 7 s390x
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
# Options:
#
#	--arch ARCH[/SUITE]  a kernel for another machine, of that suite only if it is named
#	--debug              the debug package as well
#	--debug-vmlinux      of the debug package the vmlinux alone
#	--headers            headers/vmlinux: the BTF that the headers package has, if it has any
#	--image              of packages that have no more (7.x) the boot image alone, no modules
#	--update             look for a newer one than the cache has
#
# A kernel takes 35 to 110 MB to download (10 MB the image of a 7.x alone), its debug
# package 320 MB (cloud) to 1.2 GB.
. "$(dirname "$0")/lib.sh"
arch= debug= headers= image= update=
while :; do
	case ${1-} in
	--arch)
		arch=${2-}
		shift
		;;
	--debug) debug=all ;;
	--debug-vmlinux) debug=vmlinux ;;
	--headers) headers=1 ;;
	--image) image=1 ;;
	--update) update=1 ;;
	*) break ;;
	esac
	shift
done
[ $# -ge 2 ] || die "usage: $self [OPTION...] VERSION FLAVOUR [WORD [N]]"
version=$1 flavour=$2 word=${3-} nth=${4-1}
pattern="${version//./\\.}([.~-][0-9.~rc-]*)?(\\+deb[0-9]+)?-$flavour"

pick() { { grep -xE "$pattern" || true; } | { grep -F -- "$word" || true; } | sort -uV | tail -n "$nth" | head -n 1; }
has() { apt-cache "${apt[@]}" show "$1" >/dev/null 2>&1; }
missing() {
	[ ! -e "$dir/release" ] || { [ -z "$image" ] && [ ! -e "$dir/modules" ]; } ||
		{ [ -n "$headers" ] && [ ! -d "$dir/headers" ]; } ||
		{ [ -n "$debug" ] && [ ! -e "$dir/debug/vmlinux" ]; } ||
		{ [ "$debug" = all ] && [ ! -e "$dir/debug/modules" ]; }
}

release=
[ -n "$update" ] || release=$({ ls "$cache/kernel" 2>/dev/null || true; } | pick)
dir=$cache/kernel/$release
if [ -z "$release" ] || missing; then private_apt "$arch"; fi
# 7.x splits linux-image into linux-binary, linux-modules and linux-base
[ -n "$release" ] || release=$(apt-cache "${apt[@]}" search --names-only '^linux-(image|binary)-' | awk '{print $1}' |
	sed -E 's/^linux-(image|binary)-//' | pick)
[ -n "$release" ] || die "no kernel $version $flavour${word:+ with $word in its release} in the archive"
dir=$cache/kernel/$release
root=$dir/root

if [ ! -e "$dir/release" ]; then
	for package in linux-image linux-binary; do
		if has "$package-$release"; then unpack_package "$package-$release" "$root"; fi
	done
	file=$(find "$root" -type f \( -name "vmlinu[xz]-$release" -o -path "*/$release/vmlinu[xz]" \) -not -path '*/lib/debug/*' -print -quit)
	[ -n "$file" ] || die "linux-image-$release has no boot image"
	ln -sfn "$file" "$dir/vmlinuz"
	echo "$release" >"$dir/release"
fi
if [ -z "$image" ] && [ ! -e "$dir/modules" ]; then
	if has "linux-modules-$release"; then unpack_package "linux-modules-$release" "$root"; fi
	modules=$(find "$root" -type d -path "*lib/modules/$release/kernel" -not -path '*/lib/debug/*' -print -quit)
	[ -n "$modules" ] || die "linux-image-$release has no modules"
	ln -sfn "$modules" "$dir/modules"
fi
if [ -n "$headers" ] && [ ! -d "$dir/headers" ]; then
	unpack_package "linux-headers-$release" "$root"
	mkdir -p "$dir/headers"
	file=$root/usr/src/linux-headers-$release/vmlinux
	if [ -e "$file" ]; then ln -sfn "$file" "$dir/headers/vmlinux"; fi
fi
if [ -n "$debug" ]; then
	if [ "$debug" = all ] && [ ! -e "$dir/debug/modules" ]; then
		unpack_package "linux-image-$release-dbg" "$root"
		modules=$(find "$root/usr/lib/debug" -type d -path "*/modules/$release/kernel" -print -quit)
		[ -n "$modules" ] || die "linux-image-$release-dbg has no modules"
		mkdir -p "$dir/debug"
		ln -sfn "$modules" "$dir/debug/modules"
	elif [ ! -e "$dir/debug/vmlinux" ]; then
		unpack_package "linux-image-$release-dbg" "$root" "*/vmlinux-$release" '*/vmlinux'
	fi
	file=$(find "$root/usr/lib/debug" -type f \( -name "vmlinux-$release" -o -name vmlinux \) -print -quit)
	[ -n "$file" ] || die "linux-image-$release-dbg has no vmlinux"
	mkdir -p "$dir/debug"
	ln -sfn "$file" "$dir/debug/vmlinux"
fi
echo "$dir"
