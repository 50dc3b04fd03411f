#!/bin/sh
# Prints the root of the source tree of the installed Kamailio, after fetching it from the Debian mirror that the
# package came from. The tree is kept in .kamailio/, by its Debian version.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
version=$(dpkg-query -W -f '${Version}' kamailio)
folder=$root/.kamailio/$version
mark=$folder/ready

if [ ! -f "$mark" ]; then
	rm -rf "$folder"
	mkdir -p "$folder/lists/partial"
	# The package's own origin, turned into a source of source packages; the machine's configuration stays as it is.
	apt-cache madison kamailio | awk -F'|' -v version="$version" '
		{ gsub(/ /, "", $2) }
		$2 == version { split($3, origin, " "); split(origin[2], suite, "/"); print "deb-src", origin[1], suite[1], suite[2] }
	' | sort -u >"$folder/sources.list"
	[ -s "$folder/sources.list" ] || {
		echo "No Debian mirror in this machine's configuration offers kamailio $version, which is installed here." >&2
		echo "Run 'apt-get update', or give the source tree of that version with KAMAILIO_SRC=DIR." >&2
		rm -rf "$folder"
		exit 1
	}
	echo "Fetching the source package of kamailio $version" >&2
	set -- -qq -o "Dir::Etc::SourceList=$folder/sources.list" -o Dir::Etc::SourceParts=- \
		-o "Dir::State::Lists=$folder/lists" -o APT::Sandbox::User=root
	apt-get "$@" update >&2
	(cd "$folder" && apt-get "$@" source "kamailio=$version" >"$folder/log" 2>&1) || {
		cat "$folder/log" >&2
		exit 1
	}
	tree=$(find "$folder" -maxdepth 1 -type d -name 'kamailio-*' | head -n 1)
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -C "$tree" cfg >"$folder/log" 2>&1 || {
		cat "$folder/log" >&2
		exit 1
	}
	rm -rf "$folder/lists"
	basename "$tree" >"$mark"
fi
# The checkout may have moved since, or lie elsewhere in another root.
echo "$folder/$(cat "$mark")"
