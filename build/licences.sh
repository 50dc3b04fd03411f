#!/bin/sh
# Holds the crates of Cargo.lock against deny.toml with cargo deny, which is built once into .tools/. Advisories are
# checked where the RustSec database can be had.
set -eu

tools=$(build/cargo-tool.sh cargo-deny 0.18.3)
PATH=$tools:$PATH
# The crates that are linked into the module, a line each.
linked() {
	cargo tree --locked --edges normal,no-proc-macro --package http_async_client --prefix none --format "$1" | tail -n +2 | sort -u
}
cargo deny --log-level error --workspace --locked check licenses bans sources
other=$(linked '{p}: {l}' | grep -vE 'MIT|: Unicode-3.0( |$)' || true)
[ -z "$other" ] || {
	echo "linked into the module, and neither under MIT nor Unicode-3.0: $other" >&2
	exit 1
}
for crate in $(linked '{p}' | cut -d ' ' -f 1); do
	grep -qE "^(Files:)?.* $crate( |$)" packaging/debian/copyright || {
		echo "$crate is linked into the module: name it and its copyright in packaging/debian/copyright" >&2
		exit 1
	}
done
if timeout 60 cargo deny --log-level error fetch db 2>/dev/null; then
	cargo deny --log-level error --workspace --locked check advisories
else
	echo "The RustSec database cannot be had here: advisories are not checked"
fi
