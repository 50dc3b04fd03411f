#!/bin/sh
# Fuzzes what parses bytes of a peer or of the script, with AddressSanitizer and LeakSanitizer.
# Usage: build/fuzz.sh SECONDS [TARGET ...]
#   SECONDS   how long each target runs, after its kept corpus; 0 runs that corpus alone
#   TARGET    names of fuzz/targets/, all of them without any; `minimise` instead of SECONDS puts what was found into the
#             corpus, as few inputs as reach the same code
# What is found anew lies in fuzz/found/, an input that shows a fault in fuzz/artifacts/.
set -eu

tools=$(build/cargo-tool.sh cargo-fuzz 0.13.2)
PATH=$tools:$PATH
seconds=$1
shift
cd fuzz
[ $# -gt 0 ] || set -- $(cargo fuzz list)
# The sanitizers are not stable; the stable compiler takes them when it is told that it is none.
RUSTC_BOOTSTRAP=1 cargo fuzz build
programs=target/$(rustc -vV | sed -n 's/^host: //p')/release

for target in "$@"; do
	mkdir -p "found/$target" "artifacts/$target"
	if [ "$seconds" = minimise ]; then
		rm -rf "found/$target.minimal" && mkdir "found/$target.minimal"
		"$programs/$target" -set_cover_merge=1 -max_len=4096 "found/$target.minimal" "corpus/$target" "found/$target"
		rm -rf "corpus/$target" && mv "found/$target.minimal" "corpus/$target"
	elif [ "$seconds" = 0 ]; then
		output=$("$programs/$target" -runs=0 "corpus/$target" 2>&1) || {
			echo "$output"
			exit 1
		}
		echo "fuzz target $target, its corpus: $(echo "$output" | tail -n 1)"
	else
		echo "fuzz target $target: $seconds s"
		"$programs/$target" -max_total_time="$seconds" -max_len=4096 -print_final_stats=1 -verbosity=0 \
			-artifact_prefix="artifacts/$target/" "found/$target" "corpus/$target"
	fi
done
