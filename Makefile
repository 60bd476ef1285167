# SPDX-License-Identifier: BSD-2-Clause-Patent
#
# make          build/thaw.efi and build/thawctl
# make test     the host part of the tests, under a minute
# make check    all tests, on real guests in QEMU too; installs what it needs (as root)
# make demo     hibernates a real kernel, restores it, shows both timelines
# make bench    measures; make fuzz T=seconds fuzzes; make check-all runs the whole matrix

BUILD := build
VERSION := 0.1.0

CC ?= gcc
CLANG ?= clang
PYTHON ?= python3

# What the program is built from, whoever builds it.
IMAGEFMT := $(wildcard imagefmt/*.c)
LOADER := $(wildcard loader/*.c) $(wildcard loader/*.S)

WARNINGS := -Wall -Wextra -Wconversion -Werror
CPPFLAGS += -DTHAW_VERSION='"$(VERSION)"'

.PHONY: all efi test check check-all demo bench fuzz clean need
all: efi $(BUILD)/thawctl
efi: $(BUILD)/thaw.efi

include efi/efi.mk
include tests/tests.mk
include tools/tools.mk

# The real guests: one runner, cases are data.
check: setup
	$(MAKE) all test-efi
	tests/check --group check
check-all: setup
	$(MAKE) all test-efi
	tests/check --group all
demo: setup
	$(MAKE) efi
	test-images/demo
.PHONY: setup test-efi
setup:
	@test-images/setup.sh
test-efi: $(BUILD)/thaw-test.efi

clean:
	rm -rf $(BUILD)
