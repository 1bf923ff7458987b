#!/bin/bash
# Makes a Debian package of a program that is built: no debhelper, no source package.
# The same input gives the same bytes with the same dpkg. Called by scripts/dist.sh.
#
#	build.sh PROGRAM GOARCH VERSION EXTRAS OUTDIR
#
# EXTRAS is what is in the archive of that name. File times come from
# SOURCE_DATE_EPOCH. MAINTAINER is who the package is of, with an address.
set -euo pipefail
[ $# = 5 ] && [ -n "${SOURCE_DATE_EPOCH-}" ] || {
	echo "usage: SOURCE_DATE_EPOCH=N $(basename "$0") PROGRAM GOARCH VERSION EXTRAS OUTDIR" >&2
	exit 2
}
program=$1 version=${3//-/+} extras=$4 out=$5 # a hyphen would begin Debian's own revision
case $2 in
386) arch=i386 ;;
arm) arch=armhf ;;
ppc64le) arch=ppc64el ;;
*) arch=$2 ;;
esac
here=$(cd "$(dirname "$0")" && pwd)
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
export LC_ALL=C TZ=UTC

doc=usr/share/doc/mkbtf
PREFIX=/usr DESTDIR=$root ZSHDIR=/usr/share/zsh/vendor-completions "$here/../../scripts/install.sh" "$program" "$extras"
install -D -m 755 "$extras/examples/hooks/00-mkbtf" "$root/etc/kernel/postinst.d/00-mkbtf"
gzip -9n "$root"/usr/share/man/man1/*
maintainer=${MAINTAINER:-The mkbtf authors <mkbtf@packages.invalid>}
gzip -9n >"$root/$doc/changelog.gz" <<EOF
mkbtf ($version) unstable; urgency=medium

  * Version ${3} of mkbtf.

 -- $maintainer  $(date -u -d "@$SOURCE_DATE_EPOCH" '+%a, %d %b %Y %H:%M:%S +0000')
EOF

install -d -m 755 "$root/DEBIAN"
install -m 755 "$here/prerm" "$root/DEBIAN/prerm"
echo /etc/kernel/postinst.d/00-mkbtf >"$root/DEBIAN/conffiles"
(cd "$root" && find etc usr -type f -print0 | sort -z | xargs -0 md5sum) >"$root/DEBIAN/md5sums"
size=$(find "$root/etc" "$root/usr" -type f -printf '%s\n' | awk '{kb += int(($1 + 1023) / 1024)} END {print kb}')
sed -e "s/@VERSION@/$version/; s/@ARCH@/$arch/; s/@SIZE@/$size/; s|@MAINTAINER@|$maintainer|" "$here/control" >"$root/DEBIAN/control"
chmod 644 "$root"/DEBIAN/{conffiles,md5sums,control}
chmod 755 "$root"
find "$root" -type d -exec chmod 755 {} +
find "$root" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
DPKG_DEB_THREADS_MAX=1 dpkg-deb --root-owner-group --uniform-compression -Zxz -z6 --build "$root" "$out/mkbtf_${version}_$arch.deb" >/dev/null
