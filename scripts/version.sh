#!/bin/bash
# Prints the version of this source tree: $VERSION if that is set, else what git
# knows (the last tag v1.2, commits since, changes that are not committed), else the
# file VERSION, which an archive of the source may have. Without a tag it sorts before
# every release: 0~git20261126.bbc6068. With -d also the date of the source, in
# seconds since 1970: SOURCE_DATE_EPOCH, else that of the commit, else of the file.
set -euo pipefail
cd "$(dirname "$0")/.."
commit() { git log -1 --no-show-signature --abbrev=7 --date=format-local:%Y%m%d --format="$1" 2>/dev/null; }

# a directory of its own, not one that lies somewhere in another project
own=
[ "$(git rev-parse --show-prefix 2>/dev/null || echo none)" ] || own=1
version=${VERSION-} date=${SOURCE_DATE_EPOCH-}
if [ -z "$version" ] && [ -n "$own" ]; then
	version=$(git describe --tags --match 'v[0-9]*' --dirty 2>/dev/null) ||
		version=0~git$(TZ=UTC commit %cd.%h)$(git diff --quiet HEAD 2>/dev/null || echo -dirty)
fi
[ -n "$version" ] || version=$(cat VERSION 2>/dev/null) || {
	echo "version.sh: no git, no file VERSION: set VERSION=" >&2
	exit 1
}
version=${version#v}
[[ $version =~ ^[0-9][A-Za-z0-9.+~-]*$ ]] || {
	echo "version.sh: $version: want a version that begins with a digit" >&2
	exit 1
}
echo "$version"
[ "${1-}" = -d ] || exit 0
[ -n "$date" ] || [ -z "$own" ] || date=$(commit %ct)
[ -n "$date" ] || date=$(stat -c %Y VERSION 2>/dev/null || stat -c %Y go.mod)
echo "$date"
