#!/bin/sh
# Makes dist/kamailio-http-async-client_VERSION_ARCHITECTURE.deb from the module that was built for the installed Kamailio.
# Its version is the module's and Kamailio's: a package for the next Kamailio is an upgrade.
set -eu

checkout=$(pwd)
kamailio=$(dpkg-query -W -f '${source:Upstream-Version}' kamailio)
module=$checkout/dist/kamailio-$kamailio/http_async_client.so
modules=$(build/modules-folder.sh)
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)+kamailio$kamailio
work=${CARGO_TARGET_DIR:-target}/deb
maintainer="${DEBFULLNAME:-http_async_client} <${DEBEMAIL:-packages@example.org}>"

rm -rf "$work"
mkdir -p "$work/source"
cp -R packaging/debian "$work/source/debian"
cd "$work/source"
sed -i "s|@MODULE@|$modules/http_async_client.so|g; s|@MAINTAINER@|$maintainer|" debian/preinst debian/postrm debian/control
cat >debian/changelog <<CHANGELOG
kamailio-http-async-client ($version) unstable; urgency=medium

  * For Kamailio $kamailio. What is new in the module: see changelog.gz.

 -- $maintainer  $(date -R -r "$checkout/CHANGELOG.md")
CHANGELOG
CHECKOUT=$checkout MODULE=$module MODULES_DIR=$modules KAMAILIO_VERSION=$kamailio debian/rules binary >../log 2>&1 || {
	cat ../log >&2
	exit 1
}
cd ..
cp kamailio-http-async-client_*.deb "$checkout/dist/"
lintian --fail-on error kamailio-http-async-client_*.deb
echo "built dist/$(ls kamailio-http-async-client_*.deb)"
