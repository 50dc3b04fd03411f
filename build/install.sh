#!/bin/sh
# Puts the module that was built into a folder of modules, without its debugging symbols, or takes it away again. A file
# that belongs to a package is left alone.
# Usage: build/install.sh install|uninstall DESTDIR MODULES_DIR      DESTDIR may be empty; MODULES_DIR too: Kamailio's own
set -eu

what=$1
modules=${3:-$(build/modules-folder.sh 2>/dev/null)} || {
	echo "No Kamailio package is installed here: say with MODULES_DIR=DIR where its modules are" >&2
	exit 1
}
file=$2$modules/http_async_client.so
# dpkg tells of diversions too, in lines of several words.
owner=$(dpkg -S "$file" 2>/dev/null | sed -n 's/^\([^ :]*\)\(:[^ ]*\)\{0,1\}: .*/\1/p')
if [ -n "$owner" ]; then
	echo "$file belongs to the package $owner: use 'make deb', whose package diverts it, or another MODULES_DIR" >&2
	exit 1
fi
case $what in
install)
	# Kamailio's own folder takes the module for that Kamailio alone.
	if [ -n "$3" ]; then version=$(build/host-version.sh); else version=$(build/for-installed.sh); fi
	install -D -m 644 -s "dist/kamailio-$version/http_async_client.so" "$file"
	echo "installed $file"
	;;
uninstall)
	rm -f "$file"
	echo "removed $file"
	;;
esac
