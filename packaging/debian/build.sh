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

put() { # MODE FILE TO...: with its directories
	install -D -m "$1" "$2" "$root/$3"
}
zip() { # TO: standard input, compressed as Debian's policy wants it
	mkdir -p "$(dirname "$root/$1")"
	gzip -9n >"$root/$1"
	chmod 644 "$root/$1"
}

put 755 "$program" usr/bin/mkbtf
for page in "$extras"/man1/*.1; do
	zip "usr/share/man/man1/$(basename "$page").gz" <"$page"
done
put 644 "$extras/completions/mkbtf.bash" usr/share/bash-completion/completions/mkbtf
put 644 "$extras/completions/_mkbtf" usr/share/zsh/vendor-completions/_mkbtf
put 644 "$extras/completions/mkbtf.fish" usr/share/fish/vendor_completions.d/mkbtf.fish

# what kernel updates call
put 755 "$extras/examples/hooks/kernel-update" usr/libexec/mkbtf/kernel-update
put 755 "$extras/examples/hooks/00-mkbtf" etc/kernel/postinst.d/00-mkbtf
put 755 "$extras/examples/hooks/39-mkbtf.install" usr/lib/kernel/install.d/39-mkbtf.install
# what DKMS calls once framework.conf of the examples is in its place
put 755 "$extras/examples/dkms/all/strip" usr/libexec/mkbtf/dkms/strip
ln -s strip "$root/usr/libexec/mkbtf/dkms/llvm-strip"
# what kbuild calls: PAHOLE=/usr/libexec/mkbtf/kbuild/pahole
mkdir "$root/usr/libexec/mkbtf/kbuild"
ln -s ../../../bin/mkbtf "$root/usr/libexec/mkbtf/kbuild/pahole"
ln -s ../../../bin/mkbtf "$root/usr/libexec/mkbtf/kbuild/resolve_btfids"

doc=usr/share/doc/mkbtf
put 644 "$extras/copyright" $doc/copyright
for page in "$extras"/README.md "$extras"/docs/*.md; do
	put 644 "$page" "$doc/$(basename "$page")"
done
cp -r "$extras/examples" "$root/$doc"
maintainer=${MAINTAINER:-The mkbtf authors <mkbtf@packages.invalid>}
zip $doc/changelog.gz <<EOF
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
