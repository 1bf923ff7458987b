#!/bin/bash
# Fetches the newest linux-kbuild package of Debian whose version starts with VERSION
# without installing it, and prints the directory that holds its scripts/ and tools/.
#
#	fetch-kbuild.sh 7
. "$(dirname "$0")/lib.sh"
[ $# = 1 ] || die "usage: $self VERSION"
dir=$({ ls -d "$cache"/kbuild/*/usr/lib/linux-kbuild-"$1"* 2>/dev/null || true; } | sort -V | tail -n 1)
if [ -z "$dir" ]; then
	private_apt
	package=$(apt-cache "${apt[@]}" search --names-only "^linux-kbuild-${1//./\\.}[.~-]" | awk '{print $1}' | sort -V | tail -n 1)
	[ -n "$package" ] || die "no linux-kbuild-$1 in the archive"
	unpack_package "$package" "$cache/kbuild/$package"
	dir=$(ls -d "$cache/kbuild/$package"/usr/lib/linux-kbuild-*)
fi
echo "$dir"
