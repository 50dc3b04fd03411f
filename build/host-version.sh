#!/bin/sh
# Prints the version of the Kamailio source tree KAMAILIO_SRC, as its makefile tells it.
set -eu
env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -s --no-print-directory -C "$KAMAILIO_SRC/src" \
	--eval 'print-version:;@:$(info $(RELEASE))' print-version | tail -n 1
