#!/bin/bash
# Prints the release of the newest Debian 6.12 kernel for amd64 whose headers are
# installed and can be built against with this system's compiler; installs them and
# what building takes if there are none. As root on Debian 12, as CI is.
. "$(dirname "$0")/lib.sh"
installed() {
	{ ls -d /lib/modules/6.12*+deb12-amd64/build/include 2>/dev/null || true; } | sed 's,/build/include$,,; s,.*/,,' | sort -V | tail -n 1
}
release=$(installed)
if [ -z "$release" ]; then
	[ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || die "no headers of Debian's 6.12 in /lib/modules, and they can only be installed as root on Debian"
	apt-get -qq update >&2
	package=$(apt-cache search --names-only '^linux-headers-6\.12\.[0-9.]*\+deb12-amd64$' | awk '{print $1}' | sort -V | tail -n 1)
	[ -n "$package" ] || die "the archive has no linux-headers-6.12 for Debian 12"
	DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 -qq -y --no-install-recommends install "$package" make >&2
	release=$(installed)
fi
echo "$release"
