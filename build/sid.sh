#!/bin/sh
# Builds against KAMAILIO_SRC and runs the tests in the installed Kamailio, which CMake built from another patch level of
# the same series. Runs in the root of Debian sid, whose Kamailio is such a one and whose source package Debian lacks.
set -eu

build/requirements.sh build test
installed=$(dpkg-query -W -f '${source:Upstream-Version}' kamailio)
tree=$(build/host-version.sh)
[ "${tree%.*}" = "${installed%.*}" ] || {
	echo "KAMAILIO_SRC is Kamailio $tree; the installed one is $installed, of another series" >&2
	exit 1
}
[ "$tree" = "$installed" ] || echo "KAMAILIO_SRC is Kamailio $tree, the installed one $installed: where tm's structures differ between \
them, tests fail, and the module must not be used" >&2
# Where CMake's definitions differ from those of the tree's makefile; the build holds the result against tm.so.
export KAMAILIO_FLAGS="-UVERSION -DVERSION='\"$installed\"' -UOS_QUOTED -DOS_QUOTED='\"Linux\"' \
-UFAST_LOCK -UADAPTIVE_WAIT -UADAPTIVE_WAIT_LOOPS"
KAMAILIO_TM_MODULE=$(build/modules-folder.sh)/tm.so
export KAMAILIO_TM_MODULE
exec make test
