#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause-Patent
#
# Installs what building and testing thaw needs, on Debian 12.
#   setup.sh                     install all that is missing (as root)
#   setup.sh --check [build]     fail and name the one apt line when something is missing;
#                                build: only what building needs, and nothing where there is no
#                                dpkg: the compiler says what is missing there;
#                                package: only what 'make deb' needs
#   setup.sh --list [build]      the packages, one per line
# The only list of packages in the tree. sh, because python3 is on it.
set -eu

build='make gcc binutils libc6-dev gnu-efi libblkid-dev libefivar-dev libefiboot-dev liblz4-dev libjsmn-dev'
tests='
	python3 git liblz4-1 liblzo2-2 gdb
	clang clang-tidy cppcheck llvm libclang-rt-14-dev afl++ zlib1g-dev liblzo2-dev libxxhash-dev
	qemu-system-x86 ovmf swtpm mtools e2fsprogs mmdebstrap openssl
	btrfs-progs xfsprogs lvm2 libsystemd-shared
'
package='dpkg-dev debhelper lintian sbsigntool'

case ${2-} in
build) packages=$build ;;
package) packages="$build $package" ;;
'') packages="$build $tests $package" ;;
*) echo "setup: no group $2" >&2; exit 2 ;;
esac

installed() {
	[ "$(dpkg-query -W -f '${db:Status-Abbrev}' "$1" 2>/dev/null)" = 'ii ' ]
}

missing=
for package in $packages; do
	installed "$package" || missing="$missing $package"
done

complain() {
	echo "Packages are missing. As root:" >&2
	echo "apt-get install --no-install-recommends$missing" >&2
	exit 1
}

# Lists that are missing, or too old to name files which still exist, are the common trouble.
install() {
	echo "setup: installing$missing"
	export DEBIAN_FRONTEND=noninteractive
	apt-cache show qemu-system-x86 >/dev/null 2>&1 || apt-get update
	apt-get install -y --no-install-recommends $missing ||
		{ apt-get update && apt-get install -y --no-install-recommends $missing; }
	echo "setup: done"
}

if [ "${1-} ${2-}" = '--check build' ] && ! command -v dpkg-query >/dev/null; then
	exit 0
fi

case ${1-} in
--list) printf '%s\n' $packages ;;
--check) [ -z "$missing" ] || complain ;;
'')
	[ -n "$missing" ] || exit 0
	[ "$(id -u)" = 0 ] || complain
	install
	;;
*) echo "setup: what is $1?" >&2; exit 2 ;;
esac
