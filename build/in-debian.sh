#!/bin/sh
# Runs a command in this checkout, under its own path, in the root of a Debian release: with processes and mounts of its own, which
# end with it, and with crates that were fetched outside. What cargo builds there stays in the root.
# In sid, whose source package Debian lacks, KAMAILIO_SRC is there too.
# Usage: build/in-debian.sh NAME COMMAND ...      NAME: see debian-root.sh
set -eu

name=$1
shift
[ "$(id -u)" -eq 0 ] || {
	echo "build/in-debian.sh: changing the root folder takes root" >&2
	exit 1
}
here=$(cd "$(dirname "$0")/.." && pwd)
root=$("$here/build/debian-root.sh" "$name")
crates=$here/.debian/crates

# The root has neither this machine's registry configuration nor its cargo.
if ! cmp -s "$here/Cargo.lock" "$crates.lock"; then
	echo "Fetching the crates of Cargo.lock for the roots of other releases" >&2
	rm -rf "$crates"
	cargo vendor --quiet --locked --versioned-dirs --manifest-path "$here/Cargo.toml" "$crates" >/dev/null
	cp "$here/Cargo.lock" "$crates.lock"
fi
mkdir -p "$root$here" "$root/root/.cargo" "$root/kamailio"
cat >"$root/root/.cargo/config.toml" <<CONFIGURATION
[source.crates-io]
replace-with = "fetched"
[source.fetched]
directory = "$crates"
CONFIGURATION

[ "$name" = sid ] || KAMAILIO_SRC=
export KAMAILIO_SRC="${KAMAILIO_SRC:-}"
# shellcheck disable=SC2016 # the inner shell expands these
exec unshare --mount --pid --fork --kill-child sh -eu -c '
	root=$1 here=$2
	shift 2
	# A mount of its own, so that a process inside may change mounts as it can outside.
	mount --bind "$root" "$root"
	mount --bind "$here" "$root$here"
	[ -z "$KAMAILIO_SRC" ] || mount --bind "$KAMAILIO_SRC" "$root/kamailio"
	mount -t proc proc "$root/proc"
	mount --rbind /dev "$root/dev"
	mount --rbind /sys "$root/sys"
	exec chroot "$root" /usr/bin/env -i HOME=/root LANG=C.UTF-8 TERM="${TERM:-dumb}" \
		PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		CARGO_TARGET_DIR=/var/cache/http_async_client ${KAMAILIO_SRC:+KAMAILIO_SRC=/kamailio} \
		${http_proxy:+http_proxy=$http_proxy} ${https_proxy:+https_proxy=$https_proxy} \
		sh -c "cd \"$here\" && exec \"\$@\"" sh "$@"
' sh "$root" "$here" "$@"
