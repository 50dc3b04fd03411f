#!/bin/sh
# Installs, uses, upgrades, removes and purges the package in a fresh root of its release. Runs inside the root.
# Usage: packaging/test.sh PACKAGE.deb DEMO      DEMO: the demo program, built already
set -eu

package=$1
demo=$2
name=kamailio-http-async-client
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

step() { echo "package: $*"; }
sum_of() { [ ! -f "$1" ] || sha256sum <"$1"; }
fail() { echo "package: $*" >&2 && exit 1; }
install() { DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >"$scratch/log" 2>&1 || { cat "$scratch/log" >&2; return 1; }; }

# The same package under another version, or an empty one with that name and version.
renumbered() {
	dpkg-deb -R "$package" "$scratch/tree"
	sed -i "s/^Version: .*/&.1/" "$scratch/tree/DEBIAN/control"
	dpkg-deb -b "$scratch/tree" "$scratch/upgrade.deb" >/dev/null
}
empty_kamailio() {
	mkdir -p "$scratch/empty/DEBIAN"
	printf 'Package: kamailio\nVersion: %s\nArchitecture: %s\nMaintainer: none <none@example.org>\nDescription: empty\n' \
		"$1" "$(dpkg --print-architecture)" >"$scratch/empty/DEBIAN/control"
	dpkg-deb -b "$scratch/empty" "$scratch/kamailio.deb" >/dev/null
}
# Whether installing that version of Kamailio would take the package away.
is_removed_by() {
	empty_kamailio "$1"
	apt-get install -s --allow-downgrades "$scratch/kamailio.deb" >"$scratch/simulation" 2>&1 || true
	grep -q "^Remv $name " "$scratch/simulation"
}

apt-get update -qq
install kamailio kamailio-extra-modules kamailio-utils-modules sip-tester curl openssl util-linux
modules=$(dirname "$(dpkg -L kamailio | grep '/modules/tm\.so$')")
module=$modules/http_async_client.so
original=$(sum_of "$module")
kamailio_version=$(dpkg-query -W -f '${Version}' kamailio)
upstream=$(dpkg-query -W -f '${source:Upstream-Version}' kamailio)

step "install"
install "$package"
[ "$(dpkg-query -S "$module")" ] || fail "$module belongs to nobody"
if [ -n "$original" ]; then
	[ "$(sum_of "$module.distrib")" = "$original" ] || fail "the original was not diverted"
	[ "$(sum_of "$module")" != "$original" ] || fail "the original is still in its place"
fi
ls "/usr/share/doc/$name/manual.md.gz" "/usr/share/doc/$name/examples/lookup.cfg" >/dev/null

step "a SIP call through the installed module"
HTTP_ASYNC_CLIENT_MODULE=$module KAMAILIO_MODULES=$modules PATH=$PATH:/usr/sbin "$demo" >"$scratch/demo" 2>&1 || { cat "$scratch/demo" >&2; exit 1; }
grep -q "302 Moved Temporarily" "$scratch/demo" || fail "the demo's call was not answered"

step "Kamailio $kamailio_version may be updated to another revision of $upstream, not to another version"
! is_removed_by "$upstream-99+deb99u9" || fail "a security update would remove the package"
is_removed_by "$upstream.1-1" || fail "Kamailio $upstream.1 would be installed beside it"
is_removed_by "${upstream%.*}.$((${upstream##*.} + 1))-1" || fail "the next Kamailio would be installed beside it"

step "upgrade"
renumbered
install "$scratch/upgrade.deb"
[ -z "$original" ] || [ -f "$module.distrib" ] || fail "the diversion did not live through the upgrade"

step "remove, then purge"
apt-get remove -y -qq "$name" >/dev/null
[ "$(sum_of "$module")" = "$original" ] || fail "the original did not come back"
[ -z "$(dpkg-divert --list "$name")" ] || fail "a diversion is left"
apt-get purge -y -qq "$name" >/dev/null
! ls -d "/usr/share/doc/$name" "$module.distrib" 2>/dev/null || fail "files are left"
step "done"
