#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause-Patent
#
# thawctl_test.sh [BUILD]: what BUILD/thawctl says about small disks, and about real ones if the
# environment's THAW_TEST_IMAGES names any.

tests=$(dirname "$0")
thawctl=${1:-build}/thawctl
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
passed=0 failed=0 skipped=0

pass() {
	echo "ok $1"
	passed=$((passed + 1))
}

fail() {
	echo "FAIL $1"
	echo "$out" | sed 's/^/  /'
	failed=$((failed + 1))
}

skip() {
	echo "skip $1: $2"
	skipped=$((skipped + 1))
}

# NAME STATUS TEXT ARGUMENT...: the exit status, and a part of what is said
says() {
	name=$1 want=$2 text=$3
	shift 3
	out=$("$thawctl" "$@" 2>&1)
	got=$?
	case $out in
	*"$text"*) [ $got -eq "$want" ] && pass "$name" && return ;;
	esac
	out="status $got, not $want; or without: $text
$out"
	fail "$name"
}

check() {
	name=$1 want=$2 text=$3
	shift 3
	says "$name" "$want" "$text" check "$@"
}

# NAME EXPRESSION ARGUMENT...: Python's d is the answer
json() {
	name=$1 expression=$2
	shift 2
	out=$("$thawctl" check --json "$@" 2>&1)
	if echo "$out" | python3 -c "import json, sys; d = json.load(sys.stdin); sys.exit(not ($expression))"
	then
		pass "$name"
	else
		fail "$name"
	fi
}

python3 "$tests/thawctl_disks.py" "$folder" || exit 1
before=$(cd "$folder" && sha256sum -- * 2>/dev/null)
f=$folder

# what would be restored
check 'image' 0 'would restore this image' "$f/image"
check 'image, map' 0 'thaw would restore this image.' "$f/image" --memmap "$f/map"
check 'image, map: placement' 0 '5 frames in place, 1 staged, 2 zeroed' "$f/image" --memmap "$f/map"
check 'image, map from a log' 0 'thaw would restore this image.' "$f/image" --memmap "$f/map-log"
check 'image, map of Linux' 0 'thaw would restore this image.' "$f/image" --memmap "$f/memmap"
check 'map with more memory' 0 'if each of the ACPI tables is where it was.' \
	"$f/image" --memmap "$f/map-grown"
check 'map, and no digest' 0 "ranges in $f/map, digest 0x551dcaa3, the image has none" \
	"$f/without-digest" --memmap "$f/map"
check 'swap file' 0 'would restore' "$f/swap-file" --offset 10
check 'MBR' 0 'partition 2' "$f/mbr"
check 'GPT, 512' 0 'partition 1' "$f/gpt-512"
check 'GPT, 4096' 0 'partition 1' "$f/gpt-4096"
check 'verbose' 0 'phases' "$f/image" --verbose

# no image
check 'swap' 1 'not restored: no-image: There is no hibernation image.' "$f/swap"
check 'empty' 1 'no-image' "$f/empty"
check 'shorter than a page' 1 'no-image' "$f/short"
check 'swap file without offset' 1 'no-image' "$f/swap-file"
check 'offset without image' 1 'no-image' "$f/swap-file" --offset 9

# refused
check 'LUKS' 2 'not restored: foreign-signature: The area belongs to something else. (crypto_LUKS)' \
	"$f/luks"
check 'RAID' 2 '(linux_raid_member)' "$f/raid"
check 'bcache' 2 '(bcache)' "$f/bcache"
check 'ZFS' 2 '(zfs_member)' "$f/zfs"
check 'bcache over an image' 2 '(bcache)' "$f/bcache-over-image"
check 'RAID over an image' 2 '(linux_raid_member)' "$f/raid-over-image"
check 'leg of a mirror' 2 'foreign-signature: The area belongs to something else. (md raid 1.0' "$f/leg"
check 'leg of a mirror, 4096' 2 '(md raid 1.0' "$f/leg-4096"
check 'leg of a mirror, 0.90' 2 '(md raid 0.90' "$f/leg-old"
check 'leg of firmware, Intel' 2 '(Intel RAID' "$f/leg-intel"
check 'leg of firmware, DDF' 2 '(DDF RAID' "$f/leg-ddf"
check 'LUKS in a partition' 2 '(crypto_LUKS)' "$f/mbr-luks"
check 'LUKS over an image' 2 '(crypto_LUKS)' "$f/image-under-luks"
check 'two images' 2 'several-images' "$f/mbr-two"
check 'flags' 2 'not restored: header-flags' "$f/bad-flags"
check 'info page' 2 'info-counts' "$f/bad-info"
check 'record' 2 'record-magic' "$f/bad-magic"
check 'list' 2 'frames-order' "$f/bad-list"
check 'chain' 2 'map-bounds' "$f/bad-chain"
check 'entry' 2 'entry-tables' "$f/bad-entry"
check 'cut off' 2 'map-bounds' "$f/cut"
check 'map moved' 2 'not restored: memory-map' "$f/image" --memmap "$f/map-moved"
check 'too little RAM' 2 'frame-not-ram' "$f/image" --memmap "$f/map-small"
check 'firmware in the way' 2 'frame-firmware' "$f/image" --memmap "$f/map-runtime"
if command -v mkfs.ext4 >/dev/null; then
	truncate -s 4M "$f/ext4" && mkfs.ext4 -q "$f/ext4"
	check 'ext4' 2 '(ext4)' "$f/ext4"
	rm "$f/ext4"
else
	skip 'ext4' 'mkfs.ext4 is not installed'
fi

# environment
check 'missing' 3 'No such file' "$f/missing"
check 'directory' 3 'neither a block device nor a regular file' "$f"
check 'map missing' 3 'No such file' "$f/image" --memmap "$f/missing"
for bad in nonsense odd type; do
	check "map $bad" 3 ':1: not a range of a memory map' "$f/image" --memmap "$f/map-$bad"
done
cp -r "$f/memmap" "$f/memmap-type" && echo 'Persistent Memory (legacy)' >"$f/memmap-type/0/type"
check 'map of Linux, type' 3 '/0: memory of a type that thaw does not know' "$f/image" --memmap "$f/memmap-type"
echo 0x123 >"$f/memmap-type/0/end"
check 'map of Linux, odd' 3 '/0: not a range of whole pages' "$f/image" --memmap "$f/memmap-type"
check 'map without an end' 3 'File too large' "$f/image" --memmap /dev/zero
check 'map overlapping' 3 'no memory map' "$f/image" --memmap "$f/map-overlap"
check 'map empty' 3 'no memory map' "$f/image" --memmap "$f/map-none"

# usage
check 'no path' 64 'no path' --offset 1
check 'two paths' 64 'more than one path' "$f/image" "$f/image"
check 'unknown option' 64 "'--wrong' is not understood" --wrong "$f/image"
check 'negative offset' 64 'not understood' --offset -1 "$f/image"
check 'help' 0 'Usage: thawctl check' --help
check 'help, short' 0 'Usage: thawctl check' -h
check 'short options' 64 "'-xy' is not understood" --json -xy
says 'short options of a place' 64 "'-vx' is not understood" status --json -vx
says 'help of image, short' 0 'Usage: thawctl image' image -h
says 'help, as a word' 0 'Usage: thawctl COMMAND' help
if [ -e /sys/firmware/efi ] || [ -e /efi/EFI ] || [ -e /boot/EFI ] || [ -e /boot/efi/EFI ]; then
	skip 'no UEFI' 'this machine has it'
else
	says 'no UEFI' 3 'was not booted by UEFI' status
fi
says 'no command' 64 'no command'
says 'unknown command' 64 "no command 'wrong'" wrong
says 'option without a value' 64 "'--mode' wants a value" install --mode
says 'option of another verb' 64 "image verify: '--json' is not understood" image verify --json "$f/image"
says 'error without a hint' 64 "  'thawctl image --help' shows" image
says 'commands' 0 'check' --help
says 'version' 0 'thawctl ' --version
out=$("$thawctl" check --json "$f/image" 2>&1 >/dev/full)
got=$?
case $got$out in
3*'standard output cannot be written'*) pass 'output to a full disk' ;;
*) fail 'output to a full disk' ;;
esac

# preflight: machines of paper
secure_boot=sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c
machine() {
	m=$f/machine
	rm -rf "$m"
	mkdir -p "$m/proc/sys/kernel" "$m/sys/power" "$m/sys/kernel/security" \
		"$m/sys/firmware/efi/efivars" "$m/sys/class/block"
	echo 6.12.90 >"$m/proc/sys/kernel/osrelease"
	echo 'root=/dev/vda1 resume=/dev/vda2 quiet' >"$m/proc/cmdline"
	echo 'MemTotal:        2000000 kB' >"$m/proc/meminfo"
	printf 'Filename Type Size Used Priority\n/dev/vda2 partition 2000000 0 -2\n' >"$m/proc/swaps"
	echo 'freeze mem disk' >"$m/sys/power/state"
	echo '[platform] shutdown' >"$m/sys/power/disk"
	echo 800000000 >"$m/sys/power/image_size"
	echo 254:2 >"$m/sys/power/resume"
	echo '[none] integrity confidentiality' >"$m/sys/kernel/security/lockdown"
	printf '\006\000\000\000\000' >"$m/$secure_boot"
}
ahead() {
	check "preflight: $1" "$2" "$3" --root "$m"
}
swap() {
	printf 'Filename Type Size Used Priority\n%s 2000000 0 -2\n' "$1" >"$m/proc/swaps"
}
machine && ahead 'all is well' 0 'thaw could restore this machine'
json 'preflight: JSON' 'd["ready"] and all(x["level"] == "ok" for x in d["findings"])' --root "$m"
cp -r "$f/memmap" "$m/sys/firmware/memmap"
check 'map of the machine' 0 "ranges in $m/sys/firmware/memmap" "$f/image" --root "$m"
check 'map of the machine: placement' 0 'frames in place' "$f/image" --root "$m"
check 'no map' 0 "if the firmware's memory map is the image's" "$f/image" --root "$m" --memmap none
rm -r "$m/sys/firmware/efi"
check 'no UEFI, no map' 0 "if the firmware's memory map is the image's" "$f/image" --root "$m"
machine
printf '\006\000\000\000\001' >"$m/$secure_boot"
ahead 'Secure Boot' 2 'no  Secure Boot    on'
machine && rm -r "$m/sys/firmware" && ahead 'no UEFI' 2 'not booted by UEFI'
machine && echo 'none [integrity] confidentiality' >"$m/sys/kernel/security/lockdown"
ahead 'lockdown' 2 'no  lockdown       on'
machine && echo 4.9.0 >"$m/proc/sys/kernel/osrelease" && ahead 'old kernel' 2 'no  kernel         4.9.0'
machine && echo 4.10.0 >"$m/proc/sys/kernel/osrelease" && ahead 'oldest kernel' 0 'ok  kernel         4.10.0'
machine && echo freeze >"$m/sys/power/state" && ahead 'no hibernation' 2 'does not offer it'
machine && swap '/dev/zram0 partition' && ahead 'zram only' 2 'compressed memory'
machine && swap '/dev/dm-0 partition' && mkdir -p "$m/sys/class/block/dm-0/dm" &&
	echo CRYPT-LUKS2-0-x >"$m/sys/class/block/dm-0/dm/uuid" && ahead 'LUKS' 2 'is on LUKS'
machine && swap '/dev/md0 partition' && ahead 'RAID' 2 'is on RAID'
machine && swap '/dev/bcache0p1 partition' && ahead 'bcache' 2 'is on bcache'
machine && swap '/dev/zd16 partition' && ahead 'ZFS' 2 'is on ZFS'
volume() {
	machine && swap '/dev/dm-0 partition' && mkdir -p "$m/sys/class/block/dm-0/dm" \
		"$m/sys/class/block/dm-0/slaves/$1" && echo LVM-0x >"$m/sys/class/block/dm-0/dm/uuid"
}
volume vda3 && ahead 'LVM' 0 'ok  swap           /dev/dm-0'
volume dm-1 && ahead 'LVM, thin' 2 'neither linear nor striped'
volume md0 && ahead 'LVM on RAID' 2 'is on RAID'
machine && echo 'platform [shutdown]' >"$m/sys/power/disk" && ahead 'mode' 0 "without ACPI's S4"
# SMI_CMD and PM1a_CNT_BLK of a FADT, and the ports: SCI_EN is bit 0 of the fifth
fadt() {
	printf "\\$2" | dd of="$m/sys/firmware/acpi/tables/FACP" bs=1 "seek=$1" conv=notrunc 2>/dev/null
}
acpi() {
	machine && mkdir -p "$m/sys/firmware/acpi/tables" "$m/dev"
	head -c 244 /dev/zero >"$m/sys/firmware/acpi/tables/FACP"
	fadt 48 "$1" && fadt 64 004 && printf "\0\0\0\0\\$2" >"$m/dev/port"
}
acpi_unsaid() {
	json "preflight: $1" 'all(x["topic"] != "ACPI" for x in d["findings"])' --root "$m"
}
acpi 262 000 && ahead 'ACPI off' 0 'ACPI           off since'
acpi 262 001 && acpi_unsaid 'ACPI on'
acpi 000 000 && acpi_unsaid 'ACPI, no other mode'
acpi 262 000 && fadt 114 020 && acpi_unsaid 'ACPI, no registers'
acpi 262 000 && rm "$m/dev/port" && acpi_unsaid 'ACPI, ports unseen'
machine && swap '/swap.img file' && ahead 'swap file' 0 'older than 254, thaw.conf needs device and offset'
machine && : >"$m/proc/swaps" && ahead 'no swap' 2 'there is none'
partition() {
	mkdir -p "$m/sys/class/block/vda3" "$m/run/udev/data"
	echo 254:3 >"$m/sys/class/block/vda3/dev"
	echo "$1" >"$m/sys/class/block/vda3/size"
	printf 'I:1\nE:ID_PART_ENTRY_TYPE=%s\nG:x\n' "$2" >"$m/run/udev/data/b254:3"
}
own=548a19f8-7ec7-4ac1-9831-5d728dca167e
machine && : >"$m/proc/swaps" && partition 4000000 $own && ahead 'own partition alone' 0 'for images of'
ahead 'own partition, room' 0 "ok  size           1953 MiB of thaw's partition"
machine && partition 200000 $own && ahead 'own partition, small' 0 'for want of space'
machine && : >"$m/proc/swaps" && partition 4000000 0657fd6d-a4ab-43c4-84e5-0933c84b4f4f &&
	ahead 'a partition of another type' 2 'there is none'
machine && echo 9000000000 >"$m/sys/power/image_size" && ahead 'small swap' 0 'for want of space'
machine && echo 0:0 >"$m/sys/power/resume" && echo quiet >"$m/proc/cmdline" &&
	ahead 'no resume=' 0 'does not know where to resume'
machine && echo 'resume=/dev/vda2 noresume' >"$m/proc/cmdline" && ahead 'noresume' 0 'told not to'
# what a boot kernel would have switched off, and the saved one does not
unsaid() {
	json "preflight: $2, not said" "all(x['topic'] != '$1' for x in d['findings'])" --root "$m"
}
vtd() {
	machine && mkdir -p "$m/sys/firmware/acpi/tables" && : >"$m/sys/firmware/acpi/tables/$1"
}
vtd DMAR && ahead 'VT-d unused' 0 '??  VT-d           the kernel does not use it'
json 'preflight: VT-d unused, JSON' 'd["ready"] and [x for x in d["findings"] if x["topic"] == "VT-d"][0]["level"]
	== "warning" and "intel_iommu=on" in str(d)' --root "$m"
mkdir -p "$m/sys/class/iommu/dmar1" && unsaid VT-d 'VT-d used'
vtd IVRS && echo 'root=/dev/vda1 amd_iommu=off' >"$m/proc/cmdline" && unsaid VT-d "AMD's IOMMU"
x2apic() {
	machine && echo "$1" >"$m/proc/sys/kernel/osrelease" && echo "$2" >"$m/proc/cmdline"
	printf 'processor\t: 0\nflags\t\t: fpu %s\nbugs\t\t:\n' "$3" >"$m/proc/cpuinfo"
}
while IFS='|' read -r release words flags; do
	x2apic "$release" "$words" "$flags"
	ahead "x2APIC: $release, $words" 0 '??  x2APIC         the kernel was told to do without'
done <<-'END'
	6.12.77|quiet nox2apic|pae
	6.12.77|"nox2apic"|pae
	6.1.0-43-amd64|nox2apic quiet|pae
	6.18.5|nointremap|x2apic pae
	6.12.77|intremap=nosid,off|pae x2apic
	6.12.77|intremap=on intremap=off|pae x2apic
	6.12.77|intremap="off" -- single|pae x2apic
END
while IFS='|' read -r release words flags; do
	x2apic "$release" "$words" "$flags"
	unsaid x2APIC "x2APIC: $release, $words"
done <<-'END'
	6.12.78+deb13-amd64|nox2apic|pae
	6.1.167|nox2apic|pae
	7.0.0|nox2apic|pae
	6.12.77|nox2apic|pae x2apic
	6.12.77|quiet|pae
	6.12.77|nox2apics xnox2apic nox2apic=1|pae
	6.12.77|quiet -- nox2apic|pae
	6.12.77|dyndbg="file a nox2apic b" quiet|pae
	6.12.77|intremap=nosid|pae x2apic
	6.12.77|intremap=off,on|pae x2apic
	6.12.77|intremap=off|pae
	6.12.77|xintremap=off intremap=nosid|pae x2apic
END
rm -rf "$m"

# JSON
json 'JSON, restored' 'd["verdict"] == "restore" and d["reason"] is None and
	d["image"]["data_pages"] == 6 and d["image"]["zero_pages"] == 2 and
	d["firmware"]["digest_equal"] and d["firmware"]["staged"] == 1 and
	d["loaded"]["paging_levels"] == 4 and not d["firmware"]["tables_unseen"]' "$f/image" --memmap "$f/map"
json 'JSON, more memory' 'd["verdict"] == "restore" and d["firmware"]["tables_unseen"]' \
	"$f/image" --memmap "$f/map-grown"
out=$("$thawctl" image info --json "$f/image" | tail -n 1)
if [ "$out" = '}' ]; then pass 'JSON, one newline at the end'; else fail 'JSON, one newline at the end'; fi
json 'JSON, no digest' 'd["verdict"] == "restore" and d["firmware"]["digest_equal"] is None' \
	"$f/without-digest" --memmap "$f/map"
json 'JSON, no map' 'd["verdict"] == "restore" and d["firmware"] is None' "$f/image"
json 'JSON, no image' 'd["verdict"] == "no-image" and d["image"] is None' "$f/swap"
json 'JSON, refused' 'd["verdict"] == "refuse" and d["reason"]["name"] == "memory-map" and
	d["reason"]["code"] == "0x230" and
	len(d["firmware"]["differences"]) > 0' "$f/image" --memmap "$f/map-moved"
json 'JSON, foreign' 'd["reason"]["where"] == "crypto_LUKS"' "$f/luks"
cp "$f/swap" "$f/$(printf 'odd "\\\377\001')"
json 'JSON, odd path' '"odd \"" in d["path"]' "$f/$(printf 'odd "\\\377\001')"
rm "$f/odd"*

out=$(cd "$folder" && sha256sum -- * 2>/dev/null)
if [ "$out" = "$before" ]; then pass 'nothing written'; else fail 'nothing written'; fi

# what the manual pages must not forget
out=$(grep -o 'X([A-Z_0-9]*, 0x[0-9a-f]*, "[a-z-]*"' "$tests/../include/thaw/err.h" | tr -d ',"' |
	while read -r _ code name; do
		grep -q "^\.It Cm $name Pq $code\$" "$tests/../docs/thaw.7" || echo "$name $code"
		grep -q "^| $code | .$name. |" "$tests/../docs/REASONS.md" || echo "REASONS.md $name $code"
	done)
if [ -z "$out" ]; then pass 'reasons are documented'; else fail 'reasons are documented'; fi
out=$(for command in $("$thawctl" --help | sed -n 's/^  \([a-z][a-z-]*\) .*/\1/p'); do
	grep -q "^\.Ss $command\$" "$tests/../docs/thawctl.8" || echo "thawctl.8 $command"
	grep -q "^	$command) options=" "$tests/../tools/thawctl.bash" || echo "thawctl.bash $command"
	for option in $("$thawctl" "$command" --help | grep -o -e '--[a-z][a-z-]*' | sort -u); do
		grep -q "Fl -${option#--}" "$tests/../docs/thawctl.8" ||
			echo "thawctl.8 $command $option"
		grep -q -e "$option" "$tests/../tools/thawctl.bash" ||
			echo "thawctl.bash $command $option"
	done
done)
if [ -z "$out" ]; then pass 'commands in thawctl(8)'; else fail 'commands in thawctl(8)'; fi

# what fits a terminal
out=$(for command in '' $("$thawctl" --help | sed -n 's/^  \([a-z][a-z-]*\) .*/\1/p'); do
	"$thawctl" $command --help | awk -v c="$command" 'length > 80 { print c ": " $0 }
		END { if (NR > 28) print c ": " NR " lines" }'
done)
if [ -z "$out" ]; then pass 'help fits 80 columns'; else fail 'help fits 80 columns'; fi

# real images
if [ -z "$THAW_TEST_IMAGES" ]; then
	skip 'real images' 'THAW_TEST_IMAGES is not set'
fi
for image in $THAW_TEST_IMAGES; do
	check "$image" 0 'would restore' "$image"
done

echo "$passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ]
