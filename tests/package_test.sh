#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause-Patent
#
# package_test.sh BUILD: the Debian package: lintian has nothing to say, every file is where it
# belongs, and nothing in it touches the boot by itself.
build=${1:-build}
deb=$(echo "$build"/deb/thaw_*.deb)
passed=0 failed=0

check() {
	name=$1
	shift
	if out=$("$@" 2>&1); then
		passed=$((passed + 1))
	else
		echo "FAIL $name"
		echo "$out" | sed 's/^/  /'
		failed=$((failed + 1))
	fi
}

says_nothing() {
	out=$("$@" 2>&1 | grep -v 'root privileges')
	echo "$out"
	[ -z "$out" ]
}

contents=$(dpkg-deb -c "$deb")
for file in sbin/thawctl lib/thaw/thaw.efi lib/systemd/system-sleep/thaw \
	share/man/man7/thaw.7.gz share/man/man8/thawctl.8.gz share/man/man5/thaw.conf.5.gz \
	share/bash-completion/completions/thawctl; do
	check "$file" sh -c 'echo "$1" | grep -q " ./usr/$2\$"' - "$contents" "$file"
done
check 'the unit' sh -c 'echo "$1" | grep -q "systemd/system/thaw-report.service$"' - "$contents"
check 'nothing below /boot or /efi' sh -c '! echo "$1" | grep -q " \./\(boot\|efi\)"' - "$contents"
check 'no install by itself' sh -c '! dpkg-deb -I "$1" postinst | grep -q "thawctl install"' - "$deb"
check 'an upgrade leaves the boot alone' sh -c \
	'! dpkg-deb -I "$1" postinst | grep "thawctl update -" | grep -v -e --no-variables' - "$deb"
check 'lintian' says_nothing lintian --fail-on error,warning "$deb"

# for everyone else
folder=$(mktemp -d)
check 'make install' make --no-print-directory install DESTDIR="$folder" PREFIX=/usr/local
check 'runs' "$folder/usr/local/sbin/thawctl" --version
check 'finds its program' test -f "$folder/usr/local/lib/thaw/thaw.efi"
rm -rf "$folder"
echo "$passed passed, $failed failed, 0 skipped"
[ $failed -eq 0 ]
