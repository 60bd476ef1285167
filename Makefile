# SPDX-License-Identifier: BSD-2-Clause-Patent
#
# make          build/thaw.efi and build/thawctl
# make test     the host part of the tests, under a minute
# make check    all tests, on real guests in QEMU too; installs what it needs (as root)
# make demo     hibernates a real kernel, restores it, shows both timelines
# make bench    measures; make fuzz T=seconds fuzzes; make check-all runs the whole matrix

BUILD := build
VERSION := 0.1.0
PREFIX ?= /usr

CC ?= gcc
CLANG ?= clang
PYTHON ?= python3

# What the program is built from, whoever builds it.
IMAGEFMT := $(wildcard imagefmt/*.c)
LOADER := $(wildcard loader/*.c) $(wildcard loader/*.S)
WRITER := $(wildcard writer/*.c)

# Only what goes wrong is worth reading; V=1 shows the commands.
ifndef V
.SILENT:
MAKEFLAGS += --no-print-directory
endif

WARNINGS := -Wall -Wextra -Wconversion -Werror
CPPFLAGS += -DTHAW_VERSION='"$(VERSION)"'

.PHONY: all test check check-all demo bench fuzz clean setup packages
all: $(BUILD)/thaw.efi $(BUILD)/thawctl

# Names the one apt line for what is missing, before the compiler stumbles over it.
$(BUILD)/thaw.efi $(BUILD)/thaw-test.efi $(BUILD)/thawctl: | packages
packages:
	test-images/setup.sh --check build

include efi/efi.mk
include tests/tests.mk
include tools/tools.mk
include tests/bench.mk

# As root these install what is missing, so that they work on a fresh machine.
setup:
	test-images/setup.sh

check: setup
	$(MAKE) all $(BUILD)/thaw-test.efi
	tests/check check
check-all: setup
	$(MAKE) all $(BUILD)/thaw-test.efi
	tests/check all
demo: setup
	$(MAKE) $(BUILD)/thaw.efi
	test-images/demo

clean:
	rm -rf $(BUILD)
