#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause-Patent
#
# real.sh PROGRAM: runs it on each of the hibernated disks in THAW_TEST_AREAS (FILE:BYTE ...), as many
# at a time as there are processors.

if [ -z "${THAW_TEST_AREAS-}" ]; then
	echo "skip $(basename "$1"): THAW_TEST_AREAS is not set"
	echo "0 passed, 0 failed, 1 skipped"
	exit 0
fi
THAW_SEED=${THAW_SEED:-$(date +%s)}
export THAW_SEED
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# The texts of two disks must not mix.
printf '%s\n' $THAW_TEST_AREAS | xargs -P "$(nproc)" -I{} sh -c 'said=$("$0" "$1" 2>&1) ||
	said="$said
status $?"
echo "$said"' "$1" {} | tee "$log"
passed=$(grep -c '^1 passed, 0 failed$' "$log")
set -- $THAW_TEST_AREAS
echo "$passed passed, $(($# - passed)) failed, 0 skipped"
[ "$passed" -eq $# ]
