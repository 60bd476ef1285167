#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause-Patent
#
# static.sh BUILD: what can be shown of the sources without running them. gcc's -fanalyzer, cppcheck
# and clang-tidy find nothing; no array has a length of run time; of the EFI program, no function
# calls itself by any way of direct calls, and what it needs of the stack is bounded.
#
# The exceptions, all of them:
# - cppcheck comparePointers in handoff_x86_64.c: the distances within the trampoline are distances
#   between labels of one assembler file, which C sees as objects of their own.
# - cppcheck uninitvar in tools/attempt.c: the list is filled as far as it is counted.
# - cppcheck and clang-tidy do not read efi/protocol's and gnu-efi's headers for faults.
# - bugprone-easily-swappable-parameters, -reserved-identifier, -narrowing-conversions and
#   -implicit-widening-of-multiplication-result are matters of taste here: gcc's -Wconversion, which
#   the build has as an error, sees those that lose something.
# - bugprone-macro-parentheses cannot see that lists of X(...) want no parentheses.
# - bugprone-not-null-terminated-result: what it finds was filled with zeroes before.
# - tools/ is left to the other two: -fanalyzer wants every allocation of a host tool looked at.
# - gcc 12 takes crc32.c's static array, which nobody writes to, for uninitialized; clang does not.
# - security.insecureAPI wants memcpy_s, which no library has.
set -u
build=$1/static
cd "$(dirname "$0")/.." || exit 1
mkdir -p "$build"
efi_include='-isystem /usr/include/efi -isystem /usr/include/efi/x86_64 -DGNU_EFI_USE_MS_ABI'
core="-std=gnu11 -ffreestanding -Iinclude"
host="-std=gnu11 -D_GNU_SOURCE -DTHAW_VERSION=\"0\" -DTHAW_LIBDIR=\"/\" -Iinclude"
host="$host -isystem /usr/include/efivar -iquote efi -iquote imagefmt"
passed=0 failed=0
export build efi_include core host

folders=
for folder in imagefmt loader locate efi tools writer; do
	[ -d $folder ] && folders="$folders $folder"
done
sources=$(for folder in $folders; do echo $folder/*.c; done | tr ' ' '\n' | grep -v efi/nxcompat)

# How a file is compiled, but for its code generation.
flags='case $1 in
efi/*) flags="$core $efi_include -fshort-wchar -mno-red-zone" ;;
imagefmt/crc32.c) flags="$core -Wno-analyzer-use-of-uninitialized-value" ;;
imagefmt/*|loader/*|locate/*) flags=$core ;;
*) flags=$host ;;
esac'
export flags

# NAME SELECTION COMMAND: the command for each file, in $1; whatever it says is a finding.
each() {
	name=$1
	chosen=$(echo "$sources" | grep -E $2)
	out=$(echo "$chosen" | xargs -P "$(nproc)" -I{} sh -c "$flags
$3" sh {} 2>&1)
	if [ -z "$out" ]; then
		echo "ok $name: $(echo "$chosen" | wc -l) files"
		passed=$((passed + 1))
	else
		echo "$out"
		echo "FAIL $name"
		failed=$((failed + 1))
	fi
}

each 'gcc -fanalyzer' '-v ^tools/' 'gcc $flags -O2 -fanalyzer -Wall -Wextra -Wvla -c -o /dev/null "$1"'
each 'clang-tidy' . 'clang-tidy --quiet --checks="-*,clang-analyzer-*,bugprone-*,misc-no-recursion,\
-clang-analyzer-security.insecureAPI.*,-bugprone-easily-swappable-parameters,\
-bugprone-reserved-identifier,-bugprone-macro-parentheses,-bugprone-narrowing-conversions,-bugprone-suspicious-string-compare,\
-bugprone-not-null-terminated-result,-bugprone-implicit-widening-of-multiplication-result" "$1" -- $flags -Wno-unknown-warning-option 2>/dev/null'
each 'cppcheck' . 'cppcheck --quiet --std=c11 --enable=warning,performance,portability \
	--suppress=comparePointers:loader/handoff_x86_64.c \
	--suppress=uninitvar:tools/attempt.c -Iinclude "$1"'

# As firmware gets it; the call graph is gcc's, after inlining.
each 'stack of each function' '^(imagefmt|loader|locate|efi)/' 'case $1 in
efi/*) flags="$flags -maccumulate-outgoing-args" ;;
esac
o=$build/$(echo "$1" | tr / -).o
gcc $flags -O2 -fpic -fshort-wchar -mno-red-zone -fno-stack-protector \
	-fcallgraph-info=su -Wstack-usage=9216 -c -o "$o" "$1"'
if python3 tests/callgraph.py "$build"/stack.txt "$build"/*.ci; then
	passed=$((passed + 1))
else
	failed=$((failed + 1))
fi
echo "$passed passed, $failed failed, 0 skipped"
[ $failed -eq 0 ]
