#!/bin/sh
# Builds the package of a release, in its root or on this machine when it runs that release, and tries it in a fresh root.
# Usage: build/try-package.sh CODENAME
set -eu

release=$1
. /etc/os-release
if [ "$release" = "$VERSION_CODENAME" ]; then
	in_release=
	built=${CARGO_TARGET_DIR:-$(pwd)/target}
else
	in_release="build/in-debian.sh $release"
	built=$(build/debian-root.sh "$release")/var/cache/http_async_client
fi
$in_release make deb
$in_release sh -c 'build/with-host.sh cargo build --quiet --locked --package end-to-end --bins'
package=$(ls -t "$built"/deb/*.deb | head -n 1)
rm -rf ".debian/$release-package" ".debian/$release-package.complete"
build/in-debian.sh "$release-package" packaging/test.sh "$package" "$built/debug/demo"
rm -rf ".debian/$release-package" ".debian/$release-package.complete"
