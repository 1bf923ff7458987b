#!/bin/bash
# Makes a Debian system of a suite in DIR, which must not exist: the smallest one, with
# PACKAGEs and what they need. The packages are fetched once and kept as an archive,
# so that every test gets a system that nobody has touched. As root.
#
#	debian-root.sh SUITE DIR [PACKAGE...]
#
# Commands in it are run by in-root.sh.
. "$(dirname "$0")/lib.sh"
[ $# -ge 2 ] || die "usage: $self SUITE DIR [PACKAGE...]"
suite=$1 dir=$2
shift 2
[ ! -e "$dir" ] || die "$dir is there already"
need mmdebstrap mmdebstrap
archive=$cache/root/$suite-$(printf '%s\n' "$@" | sort | sha256sum | cut -c1-12).tar
if [ ! -e "$archive" ] || [ -n "$(find "$archive" -mtime +7)" ]; then
	mkdir -p "$cache/root"
	include=$(IFS=, && echo "$*")
	# an outdated mirror is as good as the machine's own settings say
	eval "$(apt-config shell valid Acquire::Check-Valid-Until)"
	mmdebstrap --quiet --mode=root --variant=minbase ${include:+--include="$include"} \
		--aptopt="Acquire::Check-Valid-Until \"${valid:-true}\"" "$suite" "$archive.new.tar" "$(debian_mirror)" >&2 ||
		die "mmdebstrap failed"
	mv "$archive.new.tar" "$archive"
fi
mkdir -p "$dir"
tar -C "$dir" --numeric-owner --exclude='./dev/*' -xpf "$archive"
