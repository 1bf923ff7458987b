#!/bin/bash
# Fetches a DKMS package of a Debian suite, or another dkms, without installing it,
# and prints the directory that it is unpacked in. Installs dkms itself.
#
#	fetch-dkms.sh PACKAGE SUITE        v4l2loopback-dkms trixie
. "$(dirname "$0")/lib.sh"
[ $# = 2 ] || die "usage: $self PACKAGE SUITE"
need dkms dkms openssl openssl xz xz-utils
dir=$cache/dkms/$1-$2
if [ ! -e "$dir/usr" ]; then
	private_apt
	unpack_package "$1/$2" "$dir"
fi
echo "$dir"
