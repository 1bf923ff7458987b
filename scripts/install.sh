#!/bin/bash
# Installs a program and its extras as every package does, below $DESTDIR$PREFIX
# (default /usr/local). ZSHDIR, DOCDIR: where some distributions have it otherwise.
#
#	install.sh PROGRAM EXTRAS
#
# EXTRAS is what extras.sh writes. The hooks know PREFIX afterwards.
set -euo pipefail
[ $# = 2 ] || {
	echo "usage: [DESTDIR=] [PREFIX=] $(basename "$0") PROGRAM EXTRAS" >&2
	exit 2
}
program=$1 extras=$2
prefix=${PREFIX:-/usr/local}
root=${DESTDIR-}
zshdir=${ZSHDIR:-$prefix/share/zsh/site-functions}
docdir=${DOCDIR:-$prefix/share/doc/mkbtf}
libexec=$prefix/libexec/mkbtf

put() { install -D -m "$1" "$2" "$root$3"; } # MODE FILE TO
hook() {                                     # FILE TO
	put 755 "$1" "$2"
	sed -i "s|/usr/libexec/mkbtf|$libexec|g; s|/usr/bin/mkbtf|$prefix/bin/mkbtf|g" "$root$2"
}

put 755 "$program" "$prefix/bin/mkbtf"
for page in "$extras"/man1/*.1; do
	put 644 "$page" "$prefix/share/man/man1/$(basename "$page")"
done
put 644 "$extras/completions/mkbtf.bash" "$prefix/share/bash-completion/completions/mkbtf"
put 644 "$extras/completions/_mkbtf" "$zshdir/_mkbtf"
put 644 "$extras/completions/mkbtf.fish" "$prefix/share/fish/vendor_completions.d/mkbtf.fish"
# what kernel updates call
hook "$extras/examples/hooks/kernel-update" "$libexec/kernel-update"
hook "$extras/examples/hooks/39-mkbtf.install" "$prefix/lib/kernel/install.d/39-mkbtf.install"
# what DKMS calls once framework.conf of the examples is in its place
hook "$extras/examples/dkms/all/strip" "$libexec/dkms/strip"
ln -sfn strip "$root$libexec/dkms/llvm-strip"
# what kbuild calls: PAHOLE=/usr/libexec/mkbtf/kbuild/pahole
mkdir -p "$root$libexec/kbuild"
ln -sfn ../../../bin/mkbtf "$root$libexec/kbuild/pahole"
ln -sfn ../../../bin/mkbtf "$root$libexec/kbuild/resolve_btfids"
put 644 "$extras/copyright" "$docdir/copyright"
for page in "$extras"/README.md "$extras"/docs/*.md; do
	put 644 "$page" "$docdir/$(basename "$page")"
done
rm -rf "$root$docdir/examples"
cp -r "$extras/examples" "$root$docdir"
