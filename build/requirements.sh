#!/bin/sh
# Installs what this machine lacks, saying so; with everything there it only asks dpkg once.
# Usage: build/requirements.sh build|check|root|deb|measure|memcheck|test ...
set -eu

# Kamailio itself is needed unless another source tree is given: its tm.so tells which version and flags it accepts.
packages_of() {
	case $1 in
	build)
		echo build-essential pkg-config libcurl4-openssl-dev libssl-dev libevent-dev libc-ares-dev libclang-dev dpkg-dev
		[ -n "${KAMAILIO_SRC:-}" ] || echo kamailio
		;;
	check)
		echo clang-format
		# With rustup they come with it; Debian packages them apart.
		cargo fmt --version >/dev/null 2>&1 || echo rustfmt
		cargo clippy --version >/dev/null 2>&1 || echo rust-clippy
		;;
	root) echo debootstrap ;;
	deb) echo debhelper lintian ;;
	measure) echo nginx-light ;;
	memcheck) echo valgrind libc6-dbg ;;
	test) echo kamailio kamailio-extra-modules kamailio-lua-modules kamailio-python3-modules kamailio-tls-modules kamailio-utils-modules sip-tester rtpengine-daemon nghttp2-server openssl curl util-linux ;;
	*) echo "build/requirements.sh: unknown purpose $1: build, check, root, deb, measure, memcheck or test" >&2 && exit 2 ;;
	esac
}

is_installed() {
	[ "$(dpkg-query -W -f '${db:Status-Abbrev}' "$1" 2>/dev/null)" = "ii " ]
}

# The oldest Rust that Cargo.toml allows, from the release's own package; Debian 12's is older, and it packages a newer
# one for its browsers, as rustc-web.
rust_packages() {
	oldest=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
	if present=$(rustc --version 2>/dev/null) && command -v cargo >/dev/null; then
		version=$(echo "$present" | cut -d' ' -f2)
		is_enough "$version" && return
		echo "rustc $version is older than $oldest, which this project needs" >&2
	fi
	if is_enough "$(apt-cache policy rustc | sed -n 's/ *Candidate: //p')"; then echo rustc cargo; else echo rustc-web cargo-web; fi
}

is_enough() {
	dpkg --compare-versions "$1" ge "$oldest"
}

install() {
	echo "Installing what is missing here: $*" >&2
	as_root=
	if [ "$(id -u)" -ne 0 ]; then
		command -v sudo >/dev/null || {
			echo "This takes root: run 'apt-get install $*' and try again" >&2
			exit 1
		}
		as_root=sudo
	fi
	start_no_service
	$as_root apt-get update -qq >&2 || echo "apt-get update failed for some source; going on" >&2
	$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >&2
}

# Tests run instances of their own, so no package starts its service: invoke-rc.d(8) asks policy-rc.d, where there is one.
start_no_service() {
	policy=/usr/sbin/policy-rc.d
	[ ! -e $policy ] || return 0
	trap '$as_root rm -f $policy' EXIT
	trap 'exit 1' INT TERM HUP
	printf '#!/bin/sh\nexit 101\n' | $as_root tee $policy >/dev/null
	$as_root chmod 755 $policy
}

command -v dpkg-query >/dev/null || {
	echo "This needs Debian or a relative of it: dpkg-query is missing" >&2
	exit 1
}
missing=
for purpose in "$@"; do
	for package in $(packages_of "$purpose"); do
		is_installed "$package" || missing="$missing $package"
	done
done
# shellcheck disable=SC2086 # one word a package
[ -z "$missing" ] || install $missing
missing=$(rust_packages)
# shellcheck disable=SC2086
[ -z "$missing" ] || install $missing
