#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause-Patent
#
# figures.sh LOG: how much was tried, added up from what the tests said of themselves. That no image
# was lost, none restored twice and no frame written that was not claimed is what their passing means.
cd "$(dirname "$0")/.." || exit 1
rows=$(sed -n 's/^| \(T[0-9T, ]*\)|.*/\1/p' docs/FAULTS.md | tr ',' '\n' | grep -c T)
awk -v rows="$rows" '
# The number in front of these words; 0 where the line has none.
function number(words) {
	return match($0, "[0-9]+ " words) ? substr($0, RSTART) + 0 : 0
}
/^ *# / {
	spoilt += number("corruptions") + number("flips") + number("wrong bits") + number("changes")
	runs += number("runs with a failure") + number("boots,")
	booted += number("boots of the EFI program")
	runs += number("failing calls") + number("wrong bits") + number("changes")
}
{ fuzzed += number("executions in") }
/ … ok/ {
	cycles += number("cycles,")
	if (/ powercut/)
		cuts += number("cuts, seed") ? number("cuts, seed") : 1
}
END {
	printf "%d faults have a row in docs/FAULTS.md\n", rows
	printf "%d images spoilt, %d restores in the simulator, %d executions of fuzz targets\n",
	       spoilt, runs, fuzzed
	printf "%d boots of the EFI program on firmware that fails\n", booted
	printf "%d power cuts and %d cycles of hibernation in guests\n", cuts, cycles
}' "$1"
