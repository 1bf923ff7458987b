#!/bin/bash
# Installs the programs that tests use beside Go, as root on Debian; elsewhere it
# says which are missing. Tests that miss one are skipped and say so, so this
# never fails. MKBTF_NO_INSTALL=1 keeps it from installing anything.
set -uo pipefail
missing=()
while read -r command package; do
	command -v "$command" >/dev/null || missing+=("$package")
done <<'LIST'
pahole pahole
bpftool bpftool
objcopy binutils
gcc-12 gcc-12
clang-14 clang-14
ld.lld-14 lld-14
dwz dwz
aarch64-linux-gnu-gcc-12 gcc-12-aarch64-linux-gnu
s390x-linux-gnu-gcc-12 gcc-12-s390x-linux-gnu
i686-linux-gnu-gcc-12 gcc-12-i686-linux-gnu
arm-linux-gnueabihf-gcc-12 gcc-12-arm-linux-gnueabihf
riscv64-linux-gnu-gcc-12 gcc-12-riscv64-linux-gnu
powerpc64le-linux-gnu-gcc-12 gcc-12-powerpc64le-linux-gnu
qemu-system-x86_64 qemu-system-x86
busybox busybox-static
cpio cpio
chromium chromium
xz xz-utils
zstd zstd
eu-strip elfutils
llvm-strip-14 llvm-14
rpm rpm
make make
mandoc mandoc
groff groff
man man-db
zsh zsh
fish fish
script bsdutils
lz4 lz4
lzop lzop
bzip2 bzip2
LIST
[ ${#missing[@]} -gt 0 ] || exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null && [ -z "${MKBTF_NO_INSTALL-}" ]; then
	echo "installing for the tests: ${missing[*]}"
	apt-get -qq update >/dev/null 2>&1
	for package in "${missing[@]}"; do
		DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 -qq -y --no-install-recommends install "$package" >/dev/null 2>&1 ||
			echo "$package cannot be installed: tests that need it are skipped"
	done
else
	echo "missing, tests that need them are skipped: ${missing[*]}"
fi
exit 0
