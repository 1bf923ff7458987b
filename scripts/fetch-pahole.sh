#!/bin/bash
# Fetches the pahole and the bpftool of a Debian suite, with the libraries they
# were built for, without installing them, and prints the path of a script that
# runs that pahole. bpftool lies beside it.
#
#	fetch-pahole.sh bookworm|trixie|sid        1.24, 1.30, the newest
. "$(dirname "$0")/lib.sh"
[ $# = 1 ] || die "usage: $self SUITE"
suite=$1
dir=$cache/pahole-$suite
if [ ! -x "$dir/bpftool" ]; then
	private_apt
	# the empty status file makes apt name every library down to libc
	packages=$(apt-get "${apt[@]}" -s -y --no-install-recommends -t "$suite" install "dwarves/$suite" "bpftool/$suite" | awk '/^Inst/ {print $2}') ||
		die "dwarves of $suite cannot be resolved"
	for package in $packages; do
		unpack_package "$package/$suite" "$dir/root"
	done
	loader=$(find "$dir/root" -name 'ld-linux-*.so.*' -print -quit)
	path=$(find "$dir/root" \( -name 'libelf.so.1' -o -name 'libc.so.6' \) -printf '%h\n' | sort -u | paste -sd:)
	for tool in pahole bpftool; do
		binary=$(find "$dir/root" -type f -path "*bin/$tool" -print -quit)
		[ -n "$binary" ] || die "no $tool in dwarves and bpftool of $suite"
		printf '#!/bin/sh\nexec %q --library-path %q %q "$@"\n' "$loader" "$path" "$binary" >"$dir/$tool"
		chmod +x "$dir/$tool"
	done
fi
echo "$dir/pahole"
