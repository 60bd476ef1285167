#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause-Patent
#
# run.sh BUILD PROGRAM...: runs the host's test programs, checks the layers, prints the sum of all.
# A program ends with "N passed, M failed"; one that dies before counts as a failure.

build=$1
shift
passed=0 failed=0 skipped=0

# The objects' own lists of what they were made from: nobody includes across layers.
check_layer() {
	if grep -lE "$3" "$build"/*/"$2"/*.d; then
		echo "FAIL layer $1"
		failed=$((failed + 1))
	else
		echo "ok layer $1"
		passed=$((passed + 1))
	fi
}

count() {
	echo "$out" | sed -n "s/^\([0-9]*\) passed, \([0-9]*\) failed.*/\\$1/p" | tail -n 1
}

run() {
	name=$(basename "$(dirname "$1")")/$(basename "$1")
	began=$(date +%s%N)
	out=$(corpus "$1" 2>&1)
	status=$?
	ms=$((($(date +%s%N) - began) / 1000000))
	good=$(count 1) bad=$(count 2)
	skips=$(echo "$out" | grep -c '^skip ')
	if [ $status -ne 0 ] || [ -z "$good" ]; then
		echo "$out" | tail -n 60
		[ "${bad:-0}" -gt 0 ] || bad=1
		echo "FAIL $name: ${good:-0} passed, $bad failed, status $status"
	else
		echo "$out" | grep -E '^(skip |# )' | sed 's/^/  /'
		echo "ok $name: $good passed in $ms ms"
	fi
	passed=$((passed + ${good:-0})) failed=$((failed + ${bad:-0}))
	skipped=$((skipped + skips))
}

# A fuzz target is fed its corpus, a test nothing.
corpus() {
	target=$(basename "$1")
	case $target in
	replay_*) "$1" "tests/corpus/fuzz_${target#replay_}" ;;
	*) "$1" ;;
	esac
}

check_layer imagefmt imagefmt '(^|[ :])(loader|efi|tests|tools)/|/usr/include'
check_layer loader loader '(^|[ :])(imagefmt|efi|tests|tools)/|/usr/include'
for program in "$@"; do
	run "$program"
done
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ]
