#!/bin/sh
# Runs the tests that tests/memcheck.tests names with Kamailio under valgrind's memcheck, and before them, under memcheck as
# well, the unit tests of the query block, which lies in the C library's heap there and in a pool of Kamailio's otherwise, and those
# of the bytes that Kamailio writes behind.
# HTTP_ASYNC_CLIENT_MODULE names the module under test.
set -eu

valgrind="valgrind --quiet --error-exitcode=1 --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite"
cargo test --locked --config "target.'cfg(unix)'.runner = '$valgrind'" --lib --package http_async_client -- shared::query host::bytes

tests=$(sed '/^#/d; /^$/d' tests/memcheck.tests)
suite() {
	# shellcheck disable=SC2086 # one word a test
	cargo test --locked --package end-to-end --test end_to_end -- --exact "$@" $tests
}
# A name that no test has would be passed over in silence.
[ "$(suite --list | grep -c ': test$')" -eq "$(echo "$tests" | wc -l)" ] || {
	echo "tests/memcheck.tests names a test that does not exist" >&2
	exit 1
}
export HTTP_ASYNC_CLIENT_MEMCHECK="$PWD/tests/memcheck.supp"
suite --test-threads=2
