#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause-Patent
#
# coverage.sh BUILD PROGRAM...: runs the programs and prints the lines of imagefmt/ and loader/ that
# were reached. Lines that were not are in BUILD/host-coverage/lines.txt.

build=$1
shift
cov=$(command -v llvm-cov || echo llvm-cov-14)
profdata=$(command -v llvm-profdata || echo llvm-profdata-14)
cd "$(dirname "$0")/.." || exit 1
rm -f "$build"/host-coverage/*.profraw
objects=
sources=$(echo imagefmt/*.[ch] loader/*.[ch])
for program in "$@"; do
	name=$(basename "$program")
	corpus=
	case $name in
	replay_*) corpus=tests/corpus/fuzz_${name#replay_} ;;
	esac
	LLVM_PROFILE_FILE=$build/host-coverage/$name.profraw "$program" $corpus >/dev/null 2>&1 ||
		echo "FAIL $name"
	objects="$objects${objects:+ -object} $program"
done
"$profdata" merge -o "$build/host-coverage/all.profdata" "$build"/host-coverage/*.profraw
"$cov" report $objects -instr-profile="$build/host-coverage/all.profdata" $sources |
	awk '/^Filename/ {print "missed/lines  covered  file"} /\.[ch] |^TOTAL/ {
		printf "%6d/%-6d %8s  %s\n", $9, $8, $10, $1 }'
"$cov" show $objects -instr-profile="$build/host-coverage/all.profdata" $sources \
	>"$build/host-coverage/lines.txt"
