#!/bin/sh
# Runs a command with the Kamailio to build against in its environment:
#   KAMAILIO_SRC         the source tree: as set by the caller, otherwise that of the installed Kamailio
#   KAMAILIO_TM_MODULE   the installed tm.so, where the tree has the installed version: the build compares with it
#   KAMAILIO_MODULES     folder of the installed Kamailio's modules, for the tests
set -eu
here=$(dirname "$0")
# Debian keeps kamailio and kamcmd where an ordinary user does not look.
PATH=$PATH:/usr/sbin

if [ -z "${KAMAILIO_SRC:-}" ]; then
	KAMAILIO_SRC=$("$here/kamailio-source.sh")
	export KAMAILIO_SRC
fi
if KAMAILIO_MODULES=$("$here/modules-folder.sh" 2>/dev/null); then
	export KAMAILIO_MODULES
	installed=$(dpkg-query -W -f '${source:Upstream-Version}' kamailio)
	if [ -z "${KAMAILIO_TM_MODULE+set}" ] && [ "$("$here/host-version.sh" 2>/dev/null)" = "$installed" ]; then
		KAMAILIO_TM_MODULE=$KAMAILIO_MODULES/tm.so
		export KAMAILIO_TM_MODULE
	fi
fi
exec "$@"
