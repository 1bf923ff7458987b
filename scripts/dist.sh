#!/bin/bash
# Builds what is released, in DIR (default dist), instead of what was built there before:
#
#	mkbtf-VERSION-linux-ARCH      the program, static
#	mkbtf_VERSION_ARCH.deb        the Debian package of it
#	mkbtf-VERSION-extras.tar.gz   man pages, completions, hooks, examples, docs: what
#	                              other packages need besides the program
#	SHA256SUMS
#
#	dist.sh [-o DIR] [GOARCH...]
#
# The same source gives the same bytes, with the same Go and dpkg, wherever it lies
# and whenever it is built. VERSION and SOURCE_DATE_EPOCH override what scripts/version.sh
# says. Without dpkg-deb there are no Debian packages.
set -euo pipefail
umask 022
export LC_ALL=C TZ=UTC
self=$(basename "$0")
die() {
	echo "$self: $*" >&2
	exit 1
}
out=dist
while getopts o: option; do
	case $option in
	o) out=$OPTARG ;;
	*) exit 2 ;;
	esac
done
shift $((OPTIND - 1))
[ $# -gt 0 ] || set -- amd64 arm64 s390x ppc64le riscv64 386 arm
out=$(realpath -m "$out")
cd "$(dirname "$0")/.."
{ read -r version && read -r SOURCE_DATE_EPOCH; } <<<"$(scripts/version.sh -d)" || die "no version"
export SOURCE_DATE_EPOCH
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# What a user's environment would change in the program.
unset GOEXPERIMENT GOAMD64 GOARM64 GO386 GORISCV64 GOPPC64
export CGO_ENABLED=0 GOARM=6 GOFLAGS=-trimpath # not empty, which would be what "go env -w" has set
build() { # OUT GOOS GOARCH
	GOOS=$2 GOARCH=$3 "${GO:-go}" build -trimpath -buildvcs=false -ldflags "-s -w -buildid= -X main.release=$version" -o "$1" ./cmd/mkbtf
}

mkdir -p "$out"
other=$(find "$out" -mindepth 1 -maxdepth 1 ! -name 'mkbtf[-_]*' ! -name SHA256SUMS -print -quit)
[ -z "$other" ] || die "$other is not from here: choose another directory with -o"
rm -rf "$out"
mkdir "$out"
extras=$work/mkbtf-$version
build "$work/host" "$("${GO:-go}" env GOHOSTOS)" "$("${GO:-go}" env GOHOSTARCH)"
scripts/extras.sh "$work/host" "$extras"
find "$extras" -exec touch -d "@$SOURCE_DATE_EPOCH" {} +
tar -C "$work" --sort=name --format=gnu --owner=0 --group=0 --numeric-owner -cf - "mkbtf-$version" | gzip -9n >"$out/mkbtf-$version-extras.tar.gz"

deb=$(command -v dpkg-deb) || echo "$self: no dpkg-deb: no Debian packages"
for arch; do
	program=$out/mkbtf-$version-linux-$arch
	build "$program" linux "$arch"
	[ -z "$deb" ] || packaging/debian/build.sh "$program" "$arch" "$version" "$extras" "$out"
done
(cd "$out" && sha256sum -- * >SHA256SUMS)
