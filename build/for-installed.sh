#!/bin/sh
# Prints the version of the installed Kamailio, and ends with a sentence when the source tree is that of another one.
set -eu
installed=$(dpkg-query -W -f '${source:Upstream-Version}' kamailio)
tree=$(build/host-version.sh)
[ "$tree" = "$installed" ] || {
	echo "The source tree (KAMAILIO_SRC) is Kamailio $tree, the installed one is $installed" >&2
	exit 1
}
echo "$installed"
