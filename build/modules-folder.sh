#!/bin/sh
# Prints the folder of the installed Kamailio's modules.
set -eu
tm=$(dpkg -L kamailio | grep '/modules/tm\.so$')
dirname "$tm"
