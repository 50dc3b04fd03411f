#!/bin/sh
# Puts the module that was built into a folder of modules, without its debugging symbols, or takes it away again. A file
# that belongs to a package is left alone.
# Usage: build/install.sh install|uninstall DESTDIR MODULES_DIR      DESTDIR may be empty; MODULES_DIR too: Kamailio's own
set -eu

what=$1
built=$(build/host-version.sh)
if [ -n "$3" ]; then
	folder=$2$3
else
	folder=$2$(build/modules-folder.sh 2>/dev/null) || {
		echo "No Kamailio package is installed here: say with MODULES_DIR=DIR where its modules are" >&2
		exit 1
	}
	installed=$(dpkg-query -W -f '${source:Upstream-Version}' kamailio)
	[ "$built" = "$installed" ] || {
		echo "The module is for Kamailio $built, the one installed is $installed: give MODULES_DIR=DIR for another one" >&2
		exit 1
	}
fi
file=$folder/http_async_client.so
if owner=$(dpkg -S "$file" 2>/dev/null); then
	echo "$file belongs to the package ${owner%%:*}: use 'make deb', whose package diverts it, or another MODULES_DIR" >&2
	exit 1
fi
case $what in
install)
	install -D -m 644 -s "dist/kamailio-$built/http_async_client.so" "$file"
	echo "installed $file"
	;;
uninstall)
	rm -f "$file"
	echo "removed $file"
	;;
esac
