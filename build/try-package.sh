#!/bin/sh
# Builds the package of a release, in its root or on this machine when it runs that release, and tries it in a fresh root.
# Usage: build/try-package.sh CODENAME
set -eu

release=$1
. /etc/os-release
if [ "$release" = "$VERSION_CODENAME" ]; then
	in_release=
	built=$(realpath "${CARGO_TARGET_DIR:-target}")
else
	in_release="build/in-debian.sh $release"
	built=$(build/debian-root.sh "$release")/var/cache/http_async_client
fi
$in_release make deb
$in_release sh -c 'build/with-host.sh cargo build --quiet --locked --package end-to-end --bins'
# What the fresh root needs, where it can see it.
input=$(pwd)/.debian/$release-package-input
rm -rf --one-file-system ".debian/$release-package" ".debian/$release-package".*.complete "$input"
mkdir -p "$input"
cp "$(ls -t "$built"/deb/*.deb | head -n 1)" "$input/"
cp "$built/debug/demo" "$input/"
find "$built/deb/source/debian/kamailio-http-async-client" -name http_async_client.so -exec cp {} "$input/" \;
build/in-debian.sh "$release-package" packaging/test.sh "$input"
rm -rf --one-file-system ".debian/$release-package" ".debian/$release-package".*.complete "$input"
