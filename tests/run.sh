#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause-Patent
#
# run.sh BUILD PROGRAM...: runs the host's test programs, as many at a time as there are processors,
# checks the layers, and prints the sum of all. A program ends with "N passed, M failed"; one that
# dies before counts as a failure.

build=$1
shift
passed=0 failed=0 skipped=0
results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT

# The objects' own lists of what they were made from: nobody includes across layers.
check_layer() {
	if grep -lE "$3" "$build"/host*/"$2"/*.d; then
		echo "FAIL layer $1"
		failed=$((failed + 1))
	else
		echo "ok layer $1"
		passed=$((passed + 1))
	fi
}

# One program, into files; a fuzz target is fed its corpus, a test nothing.
run_one='
name=$(basename "$(dirname "$1")")-$(basename "$1")
target=$(basename "$1")
began=$(date +%s%N)
case $target in
replay_*) "$1" "tests/corpus/fuzz_${target#replay_}" ;;
*) "$1" ;;
esac >"$0/$name.out" 2>&1
echo $? $((($(date +%s%N) - began) / 1000000)) >"$0/$name.end"
'

# Those that took longest last time go first, so that none is left to run alone at the end.
times=$build/host-times
in_order() {
	{ cat "$times" 2>/dev/null; printf '%s\n' "$@"; } |
		awk 'NF == 2 { ms[$2] = $1; next } { print ms[$1] + 0, $1 }' |
		sort -s -r -n -k 1,1 | cut -d ' ' -f 2
}

count() {
	sed -n "s/^\([0-9]*\) passed, \([0-9]*\) failed.*/\\$1/p" "$out" | tail -n 1
}

tell() {
	name=$(basename "$(dirname "$1")")-$(basename "$1")
	out=$results/$name.out
	read -r status ms <"$results/$name.end"
	echo "$ms $1" >>"$results/times"
	good=$(count 1) bad=$(count 2)
	skips=$(grep -c '^skip ' "$out")
	if [ "$status" -ne 0 ] || [ -z "$good" ]; then
		tail -n 60 "$out"
		[ "${bad:-0}" -gt 0 ] || bad=1
		echo "FAIL $name: ${good:-0} passed, $bad failed, status $status"
	else
		echo "ok $name: $good passed in $ms ms"
		grep -E '^(skip |# )' "$out" | sed 's/^/  /'
	fi
	passed=$((passed + ${good:-0})) failed=$((failed + ${bad:-0}))
	skipped=$((skipped + skips))
}

check_layer imagefmt imagefmt '(^|[ :])(locate|loader|efi|tests|tools|writer)/|/usr/include'
check_layer locate locate '(^|[ :])(imagefmt|loader|efi|tests|tools|writer)/|/usr/include/([^j]|j[^s])'
check_layer loader loader '(^|[ :])(imagefmt|locate|efi|tests|tools|writer)/|/usr/include'
check_layer writer writer '(^|[ :])(locate|loader|efi|tests|tools)/'
in_order "$@" | xargs -P "$(nproc)" -I{} sh -c "$run_one" "$results" {}
for program in "$@"; do
	tell "$program"
done
mv "$results/times" "$times"
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ]
