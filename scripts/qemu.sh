#!/bin/bash
# Boots an x86-64 kernel in QEMU with an initramfs made for the occasion, inserts
# modules and reports what the kernel made of their BTF. Emulated (no KVM): one
# boot takes 4 to 10 seconds.
#
#	qemu.sh [-o DIR] [-t SECONDS] [-v] VMLINUZ ITEM...
#
# The items are handled in order:
#
#	x.ko[:PARAMETERS]   insert a module; .xz, .gz and .zst are unpacked first
#	-f                  the next module ignores modversions and vermagic
#	-z                  the next module stays compressed: the kernel unpacks it
#	run=COMMAND         a shell command in the guest (busybox)
#	file=PATH           put a file into the guest's root directory
#
# Printed, one a line:
#
#	kernel RELEASE
#	insmod NAME ok | insmod NAME ERRNO (message)
#	btf NAME SIZE SHA256 | btf NAME none
#	out LINE            from run=
#	log LINE            from the kernel's log, since the first item
#	end                 the guest ran to its end (else exit status 1)
#
# -o keeps the guest's /sys/kernel/btf/NAME of every module as DIR/NAME.btf; -t
# ends a guest that hangs (default 120); -v prints the whole console.
. "$(dirname "$0")/lib.sh"
out= seconds=120 verbose=
while getopts o:t:v option; do
	case $option in
	o) out=$OPTARG ;;
	t) seconds=$OPTARG ;;
	v) verbose=1 ;;
	*) exit 2 ;;
	esac
done
shift $((OPTIND - 1))
[ $# -ge 1 ] || die "usage: $self [-o DIR] [-t SECONDS] [-v] VMLINUZ ITEM..."
kernel=$1
shift
need qemu-system-x86_64 qemu-system-x86 busybox busybox-static cpio cpio xz xz-utils
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
mkdir -p "$root"/{bin,proc,sys,dev,modules,btf}
cp "$(command -v busybox)" "$root/bin/busybox"
# Debian's "busybox" is dynamic, its "busybox-static" is not: only that one runs without a root file system
! ldd "$root/bin/busybox" >/dev/null 2>&1 || die "this busybox is not static: install busybox-static"
ln -s busybox "$root/bin/sh"
(cd "$(dirname "$0")/.." && CGO_ENABLED=0 GOARCH=amd64 go build -trimpath -ldflags=-s -o "$root/bin/guest" ./scripts/guest)

{
	cat <<'INIT'
#!/bin/sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mount -t debugfs debug /sys/kernel/debug 2>/dev/null
mount -t bpf bpf /sys/fs/bpf 2>/dev/null
echo "kernel $(uname -r)"
echo @begin@ >/dev/kmsg
INIT
	force= packed=
	for item; do
		case $item in
		-f) force=-f ;;
		-z) packed=-z ;;
		run=*) printf '{ %s\n} 2>&1 | sed "s/^/out /"\n' "${item#run=}" ;;
		file=*) cp -L "${item#file=}" "$root/" ;;
		*)
			path=${item%%:*} parameters=
			[ "$path" = "$item" ] || parameters=${item#*:}
			file=$(basename "$path")
			case $packed$file in
			-z*) cat "$path" ;;
			*.xz) file=${file%.xz} && xz -dc "$path" ;;
			*.gz) file=${file%.gz} && gzip -dc "$path" ;;
			*.zst) file=${file%.zst} && zstd -qdc "$path" ;;
			*) cat "$path" ;;
			esac >"$work/module"
			mv "$work/module" "$root/modules/$file"
			printf "guest %s '/modules/%s' '%s'\n" "$force $packed" "$file" "$parameters"
			force= packed=
			;;
		esac
	done
	[ -z "$out" ] || cat <<'INIT'
stty -F /dev/ttyS1 raw -echo
for f in /sys/kernel/btf/*; do [ "$f" = /sys/kernel/btf/vmlinux ] || cat "$f" >"/btf/${f##*/}.btf"; done
tar -C /btf -czf - . >/dev/ttyS1
INIT
	cat <<'INIT'
dmesg | sed '1,/@begin@/d; s/^/log /'
echo end
poweroff -f
INIT
} >"$root/init"
chmod +x "$root/init"
(cd "$root" && find . | cpio -o -H newc --quiet) >"$work/initramfs"

second=null
[ -z "$out" ] || second=file:$work/second
timeout -s KILL "$seconds" qemu-system-x86_64 -accel tcg -cpu max -m 768 -display none -nodefaults -no-reboot \
	-serial "file:$work/first" -serial "$second" -kernel "$kernel" -initrd "$work/initramfs" \
	-append "console=ttyS0 quiet loglevel=0 panic=-1 nokaslr mitigations=off tsc=reliable no_timer_check random.trust_cpu=on" \
	</dev/null >"$work/qemu" 2>&1 || echo "qemu ended with status $?" >>"$work/qemu"
tr -d '\r' <"$work/first" >"$work/console" || true
if [ -n "$verbose" ]; then
	cat "$work/console"
else
	grep -aE '^(kernel|insmod|btf|out|log|error|end)( |$)|Kernel panic|Oops|BUG:' "$work/console" || true
fi
if [ -n "$out" ]; then
	mkdir -p "$out"
	tar -xzf "$work/second" -C "$out" 2>/dev/null || die "the guest's BTF did not arrive"
fi
grep -aqx end "$work/console" || {
	cat "$work/qemu" >&2
	tail -n 5 "$work/console" >&2
	die "the guest did not run to its end"
}
