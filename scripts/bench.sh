#!/bin/bash
# Measures mkbtf against pahole on real modules and real kernels of Debian: medians
# of wall time, CPU time and peak memory, and how many times what mkbtf takes.
#
#	bench.sh [-n RUNS] [-q] [CASE...]
#
# CASE is the name of a module of the kernel's debug package, or
#
#	base            a module of nothing: what reading the kernel's BTF takes of each run
#	v4l2loopback    as DKMS builds it, against the headers of the same kernel
#	vmlinux         the cloud kernel itself, with one job and with as many as there are CPUs
#	vmlinux-amd64   the full kernel
#	all             the modules of the cloud kernel, one process each as kbuild runs
#	                them, and for mkbtf in one call; RUNS is 1 for these
#
# Default: all of these with veth nf_tables xfs amdgpu, which fetches 1.5 GB the first
# time. -q leaves out amdgpu, vmlinux-amd64 and all. Each case runs pahole 1.24 (Debian
# 12), which is the fastest for modules, the newest one, and mkbtf, in turn. All read the
# base from the kernel's vmlinux and write raw BTF.
. "$(dirname "$0")/lib.sh"
runs=5 quick=
while getopts n:q option; do
	case $option in
	n) runs=$OPTARG ;;
	q) quick=1 ;;
	*) exit 2 ;;
	esac
done
shift $((OPTIND - 1))
if [ $# = 0 ]; then
	set -- base veth v4l2loopback nf_tables xfs vmlinux
	[ -n "$quick" ] || set -- "$@" amdgpu vmlinux-amd64 all
fi
here=$(cd "$(dirname "$0")/.." && pwd)
mkbtf=$here/mkbtf
[ -x "$mkbtf" ] || die "build mkbtf first: make build"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
old=$("$here/scripts/fetch-pahole.sh" bookworm)
new=$("$here/scripts/fetch-pahole.sh" sid)
cpus=$(nproc)

# kernel FLAVOUR: the directory of the kernel, with its debug package.
kernel() { "$here/scripts/fetch-kernel.sh" --debug 6.12 "$1" deb12; }

# module CASE: sets file and base.
module() {
	local dir flavour=cloud-amd64
	case $1 in
	base)
		file=$here/testdata/hello.ko
		base=$(readlink -f "$(kernel cloud-amd64)/debug/vmlinux")
		return
		;;
	v4l2loopback)
		local release source
		release=$("$here/scripts/install-headers.sh")
		source=$("$here/scripts/fetch-dkms.sh" v4l2loopback-dkms trixie)
		cp -r "$source"/usr/src/v4l2loopback-* "$scratch/v4l2loopback"
		make -s -C "/lib/modules/$release/build" M="$scratch/v4l2loopback" CONFIG_DEBUG_INFO_BTF_MODULES= modules >&2
		file=$scratch/v4l2loopback/v4l2loopback.ko
		base=$(readlink -f "/lib/modules/$release/build/vmlinux")
		return
		;;
	esac
	# what the cloud kernel leaves out
	[ "$1" != amdgpu ] || flavour=amd64
	dir=$(kernel "$flavour")
	file=$(find "$(readlink -f "$dir/debug/modules")" -name "$1.ko" -print -quit)
	[ -n "$file" ] || die "no module $1 in $dir/debug/modules"
	base=$(readlink -f "$dir/debug/vmlinux")
}

# pahole_flags PAHOLE: what kbuild passes for that version.
pahole_flags() {
	local v
	v=$("$1" --version | tr -dc 0-9)
	if [ "$v" -ge 126 ]; then
		echo "-J --btf_features=encode_force,var,float,enum64,decl_tag,type_tag,optimized_func,consistent_func,decl_tag_kfuncs --lang_exclude=rust"
	else
		echo "-J --btf_gen_floats --lang_exclude=rust"
	fi
}
flags_old=$(pahole_flags "$old") flags_new=$(pahole_flags "$new")
name_old="pahole $("$old" --version | tr -d v)" name_new="pahole $("$new" --version | tr -d v)"

# whole NAME VMLINUX: cases for a kernel.
whole() {
	local j
	for j in 1 "$cpus"; do
		echo "$1 -j$j | $name_old | $old $flags_old -j$j --btf_encode_detached={out} $2"
		echo "$1 -j$j | $name_new | $new $flags_new -j$j --btf_encode_detached={out} $2"
		echo "$1 -j$j | mkbtf | $mkbtf encode -j $j -f self-contained --detached -o {out} $2"
	done
}

cases() {
	local m
	for m; do
		case $m in
		all) ;;
		vmlinux) whole vmlinux "$(readlink -f "$(kernel cloud-amd64)/debug/vmlinux")" ;;
		vmlinux-amd64) whole vmlinux-amd64 "$(readlink -f "$(kernel amd64)/debug/vmlinux")" ;;
		*)
			module "$m"
			echo "$m | $name_old | $old $flags_old --btf_base $base --btf_encode_detached={out} $file"
			echo "$m | $name_new | $new $flags_new --btf_base $base --btf_encode_detached={out} $file"
			echo "$m | mkbtf | $mkbtf encode -j 1 -f split -b $base --detached -o {out} $file"
			;;
		esac
	done
}

# distribution: cases for all modules of the cloud kernel.
distribution() {
	local dir base modules=$scratch/modules each=$scratch/each
	dir=$(kernel cloud-amd64)
	base=$(readlink -f "$dir/debug/vmlinux")
	mkdir "$modules"
	find "$(readlink -f "$dir/debug/modules")" -name '*.ko' -exec ln -s {} "$modules" \;
	cat >"$each" <<'EOF'
#!/bin/bash
# each COMMAND...: runs a command for each module, adding its name.
for m in "$(dirname "$0")"/modules/*.ko; do
	"$@" "$m" >/dev/null || exit 1
	rm -f "$OUT"
done
EOF
	cat >"$scratch/batch" <<'EOF'
#!/bin/bash
# batch COMMAND...: runs a command with the names of all modules.
"$@" "$(dirname "$0")"/modules/*.ko >/dev/null || exit 1
find "$(dirname "$0")/modules" -name '*.BTF' -delete
EOF
	chmod +x "$each" "$scratch/batch"
	export OUT=$scratch/out
	echo "all modules | $name_old, one by one | $each $old $flags_old --btf_base $base --btf_encode_detached=$OUT"
	echo "all modules | $name_new, one by one | $each $new $flags_new --btf_base $base --btf_encode_detached=$OUT"
	echo "all modules | mkbtf, one by one | $each $mkbtf encode -j 1 -f split -b $base --detached -o $OUT"
	echo "all modules | mkbtf -j$cpus, in one call | $scratch/batch $mkbtf encode -j $cpus -f split -b $base --detached"
	echo "all modules | mkbtf -j1, in one call | $scratch/batch $mkbtf encode -j 1 -f split -b $base --detached"
}

echo "$(kernel cloud-amd64 | xargs basename), $cpus CPUs, medians of $runs"
cases "$@" >"$scratch/cases"
cd "$here"
go run ./internal/benchtool -n "$runs" <"$scratch/cases"
case " $* " in
*" all "*)
	distribution >"$scratch/cases"
	go run ./internal/benchtool -n 1 <"$scratch/cases"
	;;
esac
