#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause-Patent
#
# efi_form.sh FILE: is the program what strict firmware accepts? Reads the file, not the makefile.
set -u
file=$1
passed=0 failed=0
headers=$(objdump -x "$file")
sections=$(echo "$headers" | grep -A1 -E '^ +[0-9]+ \.')

expect() {
	name=$1
	shift
	if "$@" >/dev/null 2>&1; then
		echo "ok $name"
		passed=$((passed + 1))
	else
		echo "FAIL $name"
		failed=$((failed + 1))
	fi
}

says() { echo "$headers" | grep -qE "$1"; }
# objdump prints a section's flags on the line behind it; what is not READONLY is writable.
writable_code() { echo "$sections" | grep CODE | grep -vq READONLY; }
not() { ! "$@"; }

expect 'PE32+ for x86-64' says 'file format pei-x86-64'
expect 'EFI application' says '^Subsystem.*EFI application'
expect 'NX_COMPAT' says '^DllCharacteristics.*0*[1-9a-f]?1[0-9a-f]{2}$'
expect 'sections aligned to pages' says '^SectionAlignment.*0*1000$'
expect 'there is code' says ' CODE'
expect 'no section both writable and executable' not writable_code
expect 'an .sbat section' says '^ +[0-9]+ \.sbat '
expect 'smaller than 200 KiB' test "$(stat -c %s "$file")" -lt 204800
echo "$passed passed, $failed failed"
[ $failed = 0 ]
