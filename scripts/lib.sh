# Sourced by the scripts beside it. Everything that is fetched is kept under
# $MKBTF_CACHE (default ~/.cache/mkbtf), so that a second call finds it.
set -euo pipefail
cache=${MKBTF_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/mkbtf}
self=$(basename "$0")
export LC_ALL=C

die() {
	echo "$self: $*" >&2
	exit 1
}

# debian_mirror: the mirror that the machine's own sources name, else Debian's.
debian_mirror() {
	{ cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null || true; } |
		sed -n -e 's/^URIs: *\([^ ]*\).*/\1/p' -e 's/^deb \(\[[^]]*\] \)\{0,1\}\(http[^ ]*\) .*/\2/p' |
		sed 's,/*$,,' | grep '/debian$' | sort -u | head -n 1 | grep . || echo http://deb.debian.org/debian
}

# private_apt [ARCH[/SUITE]]: package lists of several Debian suites, or of one, apart
# from the machine's own, in the array apt; renewed once a day. Nothing is ever
# installed from them. ARCH is another architecture than the machine's.
private_apt() {
	command -v apt-get >/dev/null || die "apt-get not found: packages can only be fetched on Debian and its derivatives"
	local arch=${1-} only= dir mirror suite
	case $arch in */*) only=${arch#*/} arch=${arch%%/*} ;; esac
	dir=$cache/apt${arch:+-$arch}${only:+-$only}
	mirror=$(debian_mirror)
	mkdir -p "$dir"/{lists/partial,cache/archives/partial}
	: >"$dir/status"
	for suite in ${only:-bookworm trixie sid}; do
		echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main contrib"
	done >"$dir/sources.list"
	[ -n "$only" ] || for suite in bookworm-security trixie-security; do
		echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror-security $suite main"
	done >>"$dir/sources.list"
	apt=(
		-o Dir::Etc::SourceList="$dir/sources.list" -o Dir::Etc::SourceParts=/dev/null
		-o Dir::State::Lists="$dir/lists" -o Dir::State::Status="$dir/status" -o Dir::Cache="$dir/cache"
		-o APT::Sandbox::User=root -o Acquire::Languages=none -o Debug::NoLocking=1
		${arch:+-o APT::Architecture="$arch" -o APT::Architectures="$arch"}
	)
	[ -n "$(find "$dir/lists" -maxdepth 1 -name '*_Packages*' -mtime -1 -print -quit)" ] ||
		apt-get "${apt[@]}" -qq update >&2 || die "apt-get update failed"
}

# unpack_package NAME DIRECTORY [PATTERN...]: fetches a package (NAME or NAME/SUITE) and
# unpacks it there, or only the files that match one of the patterns, where / is nothing special.
unpack_package() {
	local tmp package=$1 to=$2
	shift 2
	tmp=$(mktemp -d "$cache/deb.XXXXXX")
	(cd "$tmp" && apt-get "${apt[@]}" -qq download "$package" >&2) || {
		rm -rf "$tmp"
		die "cannot download $package"
	}
	mkdir -p "$to"
	if [ $# = 0 ]; then
		dpkg-deb -x "$tmp"/*.deb "$to"
	else
		dpkg-deb --fsys-tarfile "$tmp"/*.deb | tar -C "$to" -x --wildcards "$@"
	fi
	rm -rf "$tmp"
}

# need COMMAND PACKAGE...: installs the packages of commands that are missing, if that is possible.
need() {
	local missing=()
	while [ $# -gt 1 ]; do
		command -v "$1" >/dev/null || missing+=("$2")
		shift 2
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	[ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || die "missing: ${missing[*]}"
	{ apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 -qq -y --no-install-recommends install "${missing[@]}"; } >&2 ||
		die "cannot install ${missing[*]}"
}
