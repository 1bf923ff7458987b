#!/bin/bash
# Fetches the C compiler proper of the newest gcc in Debian sid, with the libraries it
# was built for, without installing it, and prints the path of a script that
# compiles C with it. Driver, assembler and linker are the machine's own gcc-12 and
# binutils. It cannot link-time optimize. About 20 MB to download.
#
#	fetch-gcc.sh
. "$(dirname "$0")/lib.sh"
dir=$cache/gcc-newest
if [ ! -x "$dir/gcc" ]; then
	private_apt
	package=$(apt-cache "${apt[@]}" search --names-only '^cpp-[0-9]+-x86-64-linux-gnu$' | awk '{print $1}' | sort -V | tail -n 1)
	[ -n "$package" ] || die "no cpp-N-x86-64-linux-gnu in the archive"
	# the empty status file makes apt name every library down to libc
	packages=$(apt-get "${apt[@]}" -s -y --no-install-recommends -t sid install "$package/sid" | awk '/^Inst/ {print $2}') ||
		die "$package of sid cannot be resolved"
	for package in $packages; do
		unpack_package "$package/sid" "$dir/root"
	done
	loader=$(find "$dir/root" -name 'ld-linux-*.so.*' -print -quit)
	path=$(find "$dir/root" \( -name 'libc.so.6' -o -name 'libmpfr.so.6' \) -printf '%h\n' | sort -u | paste -sd:)
	cc1=$(find "$dir/root" -type f -name cc1 -print -quit)
	[ -n "$cc1" ] || die "no cc1 in $package"
	mkdir -p "$dir/bin"
	printf '#!/bin/sh\nexec %q --library-path %q %q "$@"\n' "$loader" "$path" "$cc1" >"$dir/bin/cc1"
	printf '#!/bin/sh\nexec gcc-12 -B%q "$@"\n' "$dir/bin/" >"$dir/gcc"
	chmod +x "$dir/bin/cc1" "$dir/gcc"
fi
echo "$dir/gcc"
