#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause-Patent
#
# coverage.sh BUILD PROGRAM...: runs the programs and prints the lines of imagefmt/, loader/ and
# locate/ that were reached; fails where it is less than LEAST of 100 of all, or of a folder. Lines
# that were not are in BUILD/host-coverage/lines.txt.
LEAST=95

build=$1
shift
cov=$(command -v llvm-cov || echo llvm-cov-14)
profdata=$(command -v llvm-profdata || echo llvm-profdata-14)
cd "$(dirname "$0")/.." || exit 1
rm -f "$build"/host-coverage/*.profraw
sources=$(echo imagefmt/*.[ch] loader/*.[ch] locate/*.[ch])

# One program; a fuzz target is fed its corpus.
run_one='
name=$(basename "$1")
corpus=
case $name in
replay_*) corpus=tests/corpus/fuzz_${name#replay_} ;;
esac
LLVM_PROFILE_FILE=$0/host-coverage/$name.profraw "$1" $corpus >/dev/null 2>&1 || echo "FAIL $name"
'
printf '%s\n' "$@" | xargs -P "$(nproc)" -I{} sh -c "$run_one" "$build" {}
objects=$(printf -- '-object %s ' "$@")
objects=${objects#-object }
"$profdata" merge -o "$build/host-coverage/all.profdata" "$build"/host-coverage/*.profraw
"$cov" show $objects -instr-profile="$build/host-coverage/all.profdata" $sources \
	>"$build/host-coverage/lines.txt"
"$cov" report $objects -instr-profile="$build/host-coverage/all.profdata" $sources |
	awk -v least=$LEAST '
	/\.[ch] / {
		lines = $8; missed = $9; file = $1
		if (!lines)
			next
		printf "%6d of %-5d lines  %6.2f  %s\n", lines - missed, lines, 100 - 100 * missed / lines, file
		sub("/.*", "", file)
		all[file] += lines; all["all"] += lines; not[file] += missed; not["all"] += missed
	}
	END {
		for (folder in all) {
			good = 100 * not[folder] <= (100 - least) * all[folder]
			printf "%s coverage %s: %.2f of 100 lines, %d at least\n", good ? "ok" : "FAIL", folder,
			       100 - 100 * not[folder] / all[folder], least
			passed += good; failed += !good
		}
		failed += !passed
		printf "%d passed, %d failed, 0 skipped\n", passed, failed
		exit failed != 0
	}'
