#!/bin/sh
# licenses.sh FILE [GOOS...]: writes to FILE, relative to the root of the
# repository, the licence texts of all third-party code in the binaries for these
# systems (default: those of .goreleaser.yaml): Go's standard library, each linked
# module, and the embedded Swagger UI.
#
# It reads the module cache and never the network: run `go mod download` before.
set -eu
cd "$(dirname "$0")/.."
file=$1; shift
[ $# -gt 0 ] || set -- linux darwin windows
export GOPROXY=off GOFLAGS=-mod=readonly LC_ALL=C
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
trap 'exit 1' HUP INT TERM

texts() { # NAME DIRECTORY: the licence files of one directory
	for text in "$2"/LICEN[CS]E* "$2"/COPYING* "$2"/NOTICE* "$2"/PATENTS* "$2"/*.LICENSE.txt; do
		[ -f "$text" ] || continue
		printf '%s\n%s: %s\n%s\n\n' "$rule" "$1" "${text##*/}" "$rule"
		cat "$text"
		printf '\n'
	done
}
rule=================================================================================

# A module has a licence in its root, and may have others beside single packages.
for os; do
	GOOS=$os CGO_ENABLED=0 go list -deps -f '{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}} {{.Dir}}
{{.Path}} {{.Version}} {{$.Dir}}{{end}}{{end}}' ./cmd/docket >>"$temp/list"
done
sort -u "$temp/list" >"$temp/sorted"

texts "Go's standard library" "$(go env GOROOT)" >"$temp/out"
[ -s "$temp/out" ] || { echo "licenses.sh: $(go env GOROOT) has no licence" >&2; exit 1; }
module=
while read -r path version directory; do
	[ -n "$path" ] || continue
	texts "$path $version" "$directory" >"$temp/texts"
	if [ "$path" != "$module" ] && [ ! -s "$temp/texts" ]; then # the root sorts before its packages
		echo "licenses.sh: $path $version has no licence" >&2
		exit 1
	fi
	module=$path
	cat "$temp/texts" >>"$temp/out"
done <"$temp/sorted"
for directory in internal/*/static/swagger-ui; do
	texts "Swagger UI" "$directory" >>"$temp/out"
done
cat "$temp/out" >"$file"
