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

staged=$(mktemp -d) || exit 1
check 'make install' make install DESTDIR="$staged"
check 'make uninstall' make uninstall DESTDIR="$staged"
check 'make uninstall leaves nothing' says_nothing find "$staged" ! -type d
rm -r "$staged"

contents=$(dpkg-deb -c "$deb")
for file in sbin/thawctl lib/thaw/thaw.efi lib/systemd/system-sleep/thaw \
	share/man/man7/thaw.7.gz share/man/man8/thawctl.8.gz share/man/man5/thaw.conf.5.gz \
	share/bash-completion/completions/thawctl; do
	check "$file" sh -c 'echo "$1" | grep -q " ./usr/$2\$"' - "$contents" "$file"
done
check 'the unit' sh -c 'echo "$1" | grep -q "systemd/system/thaw-report.service$"' - "$contents"
check 'the unit is wanted' sh -c 'echo "$1" | grep -q \
	"/system/sysinit.target.wants/thaw-report.service -> ../thaw-report.service$"' - "$contents"
check 'nothing below /boot or /efi' sh -c '! echo "$1" | grep -q " \./\(boot\|efi\)"' - "$contents"
check 'no install by itself' sh -c '! dpkg-deb -I "$1" postinst | grep -q "thawctl install"' - "$deb"
check 'an upgrade leaves the boot alone' sh -c \
	'! dpkg-deb -I "$1" postinst | grep "thawctl update -" | grep -v -e --no-variables' - "$deb"

# removal, with a thawctl that answers STATUS, and UNINSTALL when it is to take thaw away
folder=$(mktemp -d)
dpkg-deb -e "$deb" "$folder/DEBIAN"
cat >"$folder/thawctl" <<'EOF'
#!/bin/sh
echo "$1" >>"${0%/*}/asked"
[ "$1" = status ] && exit "$STATUS"
exit "$UNINSTALL"
EOF
chmod 755 "$folder/thawctl"

# STATUS UNINSTALL ASKED TEXT: what prerm asks of it, and says; it never fails
removes() {
	rm -f "$folder/asked"
	said=$(STATUS=$1 UNINSTALL=$2 EFIVARFS_PATH="$folder/vars/" PATH="$folder:$PATH" \
		"$folder/DEBIAN/prerm" remove 2>&1) || { echo "status $?: $said"; return 1; }
	echo "$said"
	[ "$(echo $(cat "$folder/asked"))" = "$3" ] || { cat "$folder/asked"; return 1; }
	case $said in
	*"$4"*) [ -n "$4" ] || [ -z "$said" ] ;;
	*) false ;;
	esac
}

mkdir "$folder/vars"
check 'removal' removes 0 0 'status uninstall' ''
check 'removal, in disorder' removes 2 0 'status uninstall' ''
check 'removal, not installed' removes 1 0 'status' ''
check 'removal, fails' removes 0 3 'status uninstall' 'efibootmgr -B -b NUMBER'
check 'removal, nothing known' removes 3 0 'status' ''
: >"$folder/vars/ThawStatus-7e2a3d1c-54b8-4c0e-9d5f-2b6a91c7e043"
check 'removal, partition not mounted' removes 3 0 'status' 'efibootmgr -B -b NUMBER'
check 'an upgrade removes nothing' sh -c 'PATH="$1:$PATH" STATUS=0 UNINSTALL=0 "$1/DEBIAN/prerm" upgrade 2 &&
	[ "$(grep -c uninstall "$1/asked")" = 0 ]' - "$folder"
rm -rf "$folder"

check 'lintian' says_nothing lintian --fail-on error,warning "$deb"

# for everyone else
folder=$(mktemp -d)
check 'make install' make --no-print-directory install DESTDIR="$folder" PREFIX=/usr/local
check 'runs' "$folder/usr/local/sbin/thawctl" --version
check 'finds its program' test -f "$folder/usr/local/lib/thaw/thaw.efi"
check 'its hook is where systemd looks' test -x "$folder/usr/lib/systemd/system-sleep/thaw"
check 'its unit is wanted' test -f \
	"$folder/usr/local/lib/systemd/system/sysinit.target.wants/thaw-report.service"

# a signature, by whoever has a key; the program as it was built stays
cp "$build/thaw.efi" "$folder/"
openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=test -keyout "$folder/key" -out "$folder/cert" \
	2>/dev/null
check 'make sign, without a key' sh -c '! make --no-print-directory sign' -
check 'make sign' make --no-print-directory -o "$folder/thaw.efi" sign BUILD="$folder" \
	KEY="$folder/key" CERT="$folder/cert"
check 'signed' sbverify --cert "$folder/cert" "$folder/thaw.efi"
rm -rf "$folder"
echo "$passed passed, $failed failed, 0 skipped"
[ $failed -eq 0 ]
