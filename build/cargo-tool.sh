#!/bin/sh
# Builds a tool of cargo's once into .tools/ and prints the folder that it is in.
# Usage: build/cargo-tool.sh NAME VERSION
set -eu

tools=$(pwd)/.tools
if ! "$tools/bin/$1" --version 2>/dev/null | grep -qF " $2"; then
	echo "Building $1 $2, which this machine lacks" >&2
	cargo install --quiet --locked --version "=$2" --root "$tools" "$1"
fi
echo "$tools/bin"
