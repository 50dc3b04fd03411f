#!/bin/sh
# Installs, uses, upgrades, removes and purges the package in a fresh root of its release. Runs inside the root.
# Usage: packaging/test.sh INPUT      a folder with the package, the demo program and the module as it was packaged
set -eu

package=$(ls "$1"/*.deb)
name=kamailio-http-async-client
documents=/usr/share/doc/$name
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

step() { echo "package: $*"; }
fail() { echo "package: $*" >&2 && exit 1; }
sum_of() { [ ! -f "$1" ] || sha256sum <"$1"; }
apt() {
	DEBIAN_FRONTEND=noninteractive apt-get -y -qq --no-install-recommends "$@" >"$scratch/log" 2>&1 || {
		cat "$scratch/log" >&2
		return 1
	}
}

# The same package with something changed: packed_with NAME COMMAND ... in its unpacked tree.
packed_with() {
	rm -rf "$scratch/tree"
	dpkg-deb -R "$package" "$scratch/tree"
	(cd "$scratch/tree" && shift && "$@")
	dpkg-deb -b "$scratch/tree" "$scratch/$1.deb" >/dev/null
}

# Whether installing that version of Kamailio would take the package away.
is_removed_by() {
	mkdir -p "$scratch/empty/DEBIAN"
	printf 'Package: kamailio\nVersion: %s\nArchitecture: %s\nMaintainer: none <none@example.org>\nDescription: empty\n' \
		"$1" "$(dpkg --print-architecture)" >"$scratch/empty/DEBIAN/control"
	dpkg-deb -b "$scratch/empty" "$scratch/kamailio.deb" >/dev/null
	apt-get install -s --allow-downgrades "$scratch/kamailio.deb" >"$scratch/simulation" 2>&1 || true
	grep -q "^Remv $name " "$scratch/simulation"
}

# Kamailio's own module is out of the way, unchanged, while ours is in its place.
is_diverted() {
	[ "$(sum_of "$module")" = "$(sum_of "$1")" ] || fail "the module is not in its place"
	[ "$(sum_of "$module.distrib")" = "$original" ] || fail "the original is not at $module.distrib"
}
is_given_back() {
	[ "$(sum_of "$module")" = "$original" ] || fail "the original did not come back"
	[ -z "$(dpkg-divert --list "$name")" ] || fail "a diversion is left"
}

apt-get update -qq
step "install, with nothing there before but what it depends on"
apt install "$package"
module=$(dpkg -L "$name" | grep '/http_async_client\.so$')
cmp "$1/http_async_client.so" "$module" || fail "another module was installed"
[ "$(stat -c '%a %U %G' "$module")" = "644 root root" ] || fail "$module has a mode of its own"
# Half of it is the standard library, and the tables of Unicode for host names.
[ "$(stat -c %s "$module")" -lt 1300000 ] || fail "$module has 1.3 MB or more"
! ldd "$module" | grep "not found" || fail "a library is missing"
for document in manual migration compatibility architecture; do
	gzip -t "$documents/$document.md.gz" && [ "$(zcat "$documents/$document.md.gz" | wc -c)" -gt 5000 ] || fail "$document is missing"
done
for file in copyright changelog.gz examples/lookup.cfg examples/http-api.cfg; do
	[ -s "$documents/$file" ] || fail "$file is missing"
done

step "make uninstall leaves a package's file alone"
! build/install.sh uninstall "" "" 2>"$scratch/log" || fail "it took the file away"
grep -q "belongs to the package $name" "$scratch/log" && [ -f "$module" ] || fail "it did not say whose the file is"

step "Kamailio's own module arrives later, and gives way"
original=
apt install kamailio-extra-modules kamailio-utils-modules sip-tester curl openssl util-linux
original=$(sum_of "$module.distrib")
. /etc/os-release
[ "$VERSION_CODENAME" = bookworm ] || [ -n "$original" ] || fail "this release has no module of that name to divert"
is_diverted "$1/http_async_client.so"

step "a SIP call through the installed module"
HTTP_ASYNC_CLIENT_MODULE=$module KAMAILIO_MODULES=$(dirname "$module") PATH=$PATH:/usr/sbin "$1/demo" >"$scratch/demo" 2>&1 || {
	cat "$scratch/demo" >&2
	exit 1
}
grep -q "302 Moved Temporarily" "$scratch/demo" || fail "the demo's call was not answered"

upstream=$(dpkg-query -W -f '${source:Upstream-Version}' kamailio)
step "Kamailio $upstream may change its revision, not its version"
! is_removed_by "$upstream-99+deb99u9" || fail "a security update would remove the package"
for version in "$upstream.1-1" "${upstream%.*}.$((${upstream##*.} + 1))-1" "${upstream%.*}-1"; do
	is_removed_by "$version" || fail "Kamailio $version would be installed beside it"
done

step "upgrade"
packed_with upgrade sed -i "s/^Version: .*/&.1/" DEBIAN/control
apt install "$scratch/upgrade.deb"
is_diverted "$1/http_async_client.so"

step "remove"
apt remove "$name"
is_given_back

step "an installation that fails half-way"
packed_with broken sed -i '$a exit 1' DEBIAN/preinst
! dpkg -i "$scratch/broken.deb" >"$scratch/log" 2>&1 || fail "the broken package was installed"
is_given_back

step "install again, purge"
apt install "$package"
is_diverted "$1/http_async_client.so"
apt purge "$name"
is_given_back
! ls -d "$documents" "$module.distrib" 2>/dev/null || fail "files are left"
step "done"
