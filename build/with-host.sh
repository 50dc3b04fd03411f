#!/bin/sh
# Runs a command with the Kamailio to build against in its environment: KAMAILIO_SRC where that is set, otherwise the
# source tree of the installed Kamailio, held against the strings that its tm.so carries.
set -eu

if [ -z "${KAMAILIO_SRC:-}" ]; then
	KAMAILIO_SRC=$("$(dirname "$0")/kamailio-source.sh")
	KAMAILIO_TM_MODULE=$(dpkg -L kamailio | grep '/modules/tm\.so$')
	export KAMAILIO_SRC KAMAILIO_TM_MODULE
fi
exec "$@"
