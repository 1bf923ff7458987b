#!/bin/bash
# Writes what goes with the program to DIR: man pages and completions, which PROGRAM
# makes itself, the licences, examples with the hooks, and docs.
#
#	extras.sh PROGRAM DIR
set -euo pipefail
[ $# = 2 ] || {
	echo "usage: $(basename "$0") PROGRAM DIR" >&2
	exit 2
}
program=$(realpath "$1") dir=$(realpath -m "$2")
cd "$(dirname "$0")/.."
mkdir -p "$dir"
"$program" --generate-docs="$dir" >/dev/null
scripts/licenses.sh >"$dir/copyright"
{ git ls-files -z --error-unmatch examples docs README.md 2>/dev/null || find examples docs README.md -type f -print0; } |
	xargs -0 cp --parents -t "$dir"
find "$dir" -type f -exec chmod u=rwX,go=rX {} + -o -type d -exec chmod 755 {} +
