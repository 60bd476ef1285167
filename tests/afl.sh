#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause-Patent
#
# afl.sh BUILD SECONDS TARGET...: each target under AFL++ for so many seconds, from the committed
# corpus. A finding stays in BUILD/findings/afl-TARGET and fails the run.

build=$1 seconds=$2
shift 2
failed=0
export AFL_SKIP_CPUFREQ=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 AFL_NO_UI=1 AFL_NO_AFFINITY=1
export ASAN_OPTIONS=abort_on_error=1:symbolize=0:detect_leaks=0 AFL_FAST_CAL=1

stat() {
	sed -n "s/^$1 *: //p" "$out/default/fuzzer_stats"
}

for target in "$@"; do
	out=$build/findings/afl-$target
	rm -rf "$out"
	mkdir -p "$out"
	afl-fuzz -V "$seconds" -m none -t 20000+ -i "tests/corpus/$target" -o "$out" -- \
		"$build/host-afl/$target" >"$out.log" 2>&1
	if [ -f "$out/default/fuzzer_stats" ] && [ "$(stat saved_crashes)" = 0 ] &&
			[ "$(stat saved_hangs)" = 0 ] && [ "$(stat execs_done)" -gt 0 ]; then
		echo "ok $target: $(stat execs_done) executions in $seconds s, AFL++"
	else
		failed=$((failed + 1))
		tail -n 20 "$out.log"
		echo "FAIL $target"
	fi
done
echo "$(($# - failed)) passed, $failed failed, 0 skipped"
[ $failed -eq 0 ]
