#!/bin/bash
# Prints the licence of mkbtf and those of all that is linked into the program, as
# they must go with it.
set -euo pipefail
cd "$(dirname "$0")/.."
go=${GO:-go}
echo "mkbtf"
echo
cat LICENSE
echo
echo "The program contains what follows."
{
	echo "the Go standard library, $("$go" env GOVERSION)|$("$go" env GOROOT)"
	GOFLAGS='' CGO_ENABLED=0 GOOS=linux GOARCH=amd64 "$go" list -deps -f '{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}}|{{.Dir}}{{end}}{{end}}' ./cmd/mkbtf | sort -u
} | while IFS='|' read -r name dir; do
	printf '\n%s\n%s\n\n' "----------------------------------------------------------------" "$name"
	cat "$dir"/LICENSE* 2>/dev/null || {
		case $name in
		*"Go standard library"*) echo "Copyright The Go Authors, BSD-3-Clause: https://go.dev/LICENSE" ;; # where a distribution has packed Go without it
		*) echo "licenses.sh: $name has no licence" >&2 && exit 1 ;;
		esac
	}
done
