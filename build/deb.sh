#!/bin/sh
# Makes dist/kamailio-http-async-client_VERSION_ARCHITECTURE.deb from the module that was built for the installed Kamailio.
# Its version is the module's and Kamailio's: a package for the next Kamailio is an upgrade.
set -eu

checkout=$(pwd)
kamailio=$(build/for-installed.sh)
# The package's files belong to root without its being built by root.
export DEB_RULES_REQUIRES_ROOT=no
module=$checkout/dist/kamailio-$kamailio/http_async_client.so
modules=$(build/modules-folder.sh)
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)+kamailio$kamailio
work=${CARGO_TARGET_DIR:-target}/deb
as_text() { printf '%s' "$1" | sed 's/[&|\\]/\\&/g'; }
maintainer="${DEBFULLNAME:-http_async_client} <${DEBEMAIL:-packages@example.org}>"

rm -rf "$work"
mkdir -p "$work/source"
cp -R packaging/debian "$work/source/debian"
cd "$work/source"
sed -i "s|@MODULE@|$(as_text "$modules/http_async_client.so")|g; s|@MAINTAINER@|$(as_text "$maintainer")|" debian/preinst debian/postrm debian/control
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
lintian --fail-on error --allow-root kamailio-http-async-client_*.deb
mkdir -p "$checkout/dist"
cp kamailio-http-async-client_*.deb "$checkout/dist/"
echo "built dist/$(ls kamailio-http-async-client_*.deb)"
