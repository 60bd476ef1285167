#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause-Patent
#
# fuzz.sh BUILD SECONDS TARGET...: each target for so many seconds, from the committed corpus. What
# is new stays in BUILD/corpus; a finding stays in BUILD/findings and fails the run.

build=$1 seconds=$2
shift 2
failed=0
mkdir -p "$build/findings"
for target in "$@"; do
	mkdir -p "$build/corpus/$target" "tests/corpus/$target"
	log=$build/findings/$target.log
	if "$build/host-fuzz/$target" -max_total_time="$seconds" -max_len=262144 -timeout=20 \
		-rss_limit_mb=2048 -print_final_stats=1 \
		-artifact_prefix="$build/findings/$target-" \
		"$build/corpus/$target" "tests/corpus/$target" >"$log" 2>&1; then
		runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
		echo "ok $target: $runs executions in $seconds s"
	else
		failed=$((failed + 1))
		tail -n 40 "$log"
		echo "FAIL $target"
	fi
	# A folder of nothing is not to be committed.
	rmdir "tests/corpus/$target" 2>/dev/null
done
echo "$(($# - failed)) passed, $failed failed, 0 skipped"
[ $failed -eq 0 ]
