#!/bin/sh
# Prints the folder of the installed Kamailio's modules.
set -eu
dirname "$(dpkg -L kamailio | grep '/modules/tm\.so$')"
