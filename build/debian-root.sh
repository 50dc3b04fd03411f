#!/bin/sh
# Prints the root folder of another Debian release, after making it with debootstrap from the mirrors that this
# machine's own apt configuration names. Kept in .debian/. Takes root.
# Usage: build/debian-root.sh NAME      a codename; after a hyphen, what that root is for: trixie-package
set -eu

codename=${1%%-*}
here=$(cd "$(dirname "$0")/.." && pwd)
root=$here/.debian/$1
# A root is made again when what is put into it has changed.
mark=$root.$(cat "$here/build/debian-root.sh" "$here/build/requirements.sh" | sha256sum | cut -c 1-12).complete

# The address from which this machine takes its packages with that label: "Debian" or "Debian-Security".
mirror_of() {
	apt-get indextargets --format '$(REPO_URI)' 'Identifier: Packages' 'Origin: Debian' "Label: $1" | head -n 1
}

sources() {
	echo "deb $archive $codename main"
	[ "$codename" != sid ] || return 0
	echo "deb $archive $codename-updates main"
	security=$(mirror_of Debian-Security)
	[ -z "$security" ] || echo "deb $security $codename-security main"
}

# How this machine reaches its mirrors: names, proxies, certificates.
network() {
	cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
	apt-config dump | grep -iE '^Acquire::(http|https)::' >"$root/etc/apt/apt.conf.d/50network" || true
	mkdir -p "$root/usr/local/share/ca-certificates"
	cp -RL /usr/local/share/ca-certificates/. "$root/usr/local/share/ca-certificates/" 2>/dev/null || true
}

if [ ! -f "$mark" ]; then
	[ "$(id -u)" -eq 0 ] || {
		echo "A root of Debian $codename is made with debootstrap and chroot, which take root: run this as root" >&2
		exit 1
	}
	"$here/build/requirements.sh" root
	archive=$(mirror_of Debian)
	# Only apt's lists tell whose a mirror is.
	[ -n "$archive" ] || { apt-get update -qq >&2 && archive=$(mirror_of Debian); }
	[ -n "$archive" ] || {
		echo "This machine's apt configuration names no mirror of Debian" >&2
		exit 1
	}
	rm -rf --one-file-system "$root" "$root".*.complete
	mkdir -p "$root"
	echo "Making a root of Debian $codename in $root" >&2
	# In a mount namespace of its own, so that nothing stays mounted when it is interrupted.
	unshare --mount debootstrap --variant=minbase --include=ca-certificates,make "$codename" "$root" "$archive" >"$root.log" 2>&1 || {
		tail -n 20 "$root.log" >&2
		exit 1
	}
	sources >"$root/etc/apt/sources.list"
	network
	chroot "$root" update-ca-certificates >>"$root.log" 2>&1
	touch "$mark"
fi
echo "$root"
