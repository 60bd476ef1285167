#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause-Patent
#
# Installs what building and testing thaw needs, on Debian 12.
#   setup.sh            install what is missing (as root; otherwise print the apt line and fail)
#   setup.sh --list     print the packages, one per line
#   setup.sh --missing  print the missing ones, fail if there are any
# The only list of packages in the tree. sh, because python3 is on it.
set -eu

packages='
	gcc make binutils git
	gnu-efi libblkid-dev zlib1g-dev liblz4-dev liblzo2-dev libxxhash-dev
	clang libclang-rt-14-dev
	python3 liblz4-1 liblzo2-2
	qemu-system-x86 ovmf swtpm
	mtools dosfstools
'

installed() {
	[ "$(dpkg-query -W -f '${db:Status-Abbrev}' "$1" 2>/dev/null)" = 'ii ' ]
}

missing=
for package in $packages; do
	installed "$package" || missing="$missing $package"
done

case ${1-} in
--list)
	printf '%s\n' $packages
	exit 0
	;;
--missing)
	[ -z "$missing" ] || { printf '%s\n' $missing; exit 1; }
	exit 0
	;;
esac

[ -n "$missing" ] || exit 0

if [ "$(id -u)" != 0 ]; then
	echo "setup: missing packages; as root:" >&2
	echo "apt-get install --no-install-recommends$missing" >&2
	exit 1
fi

echo "setup: installing$missing"
export DEBIAN_FRONTEND=noninteractive
# Lists that are missing or too old to name files which still exist are the common trouble.
install() {
	apt-get install -y --no-install-recommends $missing
}
apt-cache show qemu-system-x86 >/dev/null 2>&1 || apt-get update
install || { apt-get update && install; }
echo "setup: done"
