# SPDX-License-Identifier: BSD-2-Clause-Patent
#
# make          build/thaw.efi and build/thawctl
# make test     the host part of the tests, under a minute
# make check    all tests, on real guests in QEMU too; installs what it needs (as root)
# make demo     hibernates a real kernel, restores it, shows both timelines
# make install  into DESTDIR and PREFIX (/usr); make uninstall takes it out again
# make deb      builds a Debian package; make sign KEY= CERT= signs
# make bench    measures; make fuzz T=seconds fuzzes
# make check-all   runs what has changed of the whole matrix, writes docs/COMPATIBILITY.md

BUILD := build
VERSION := 0.1.0
PREFIX ?= /usr

CC ?= gcc
CLANG ?= clang
PYTHON ?= python3

# What the program is built from, whoever builds it.
IMAGEFMT := $(wildcard imagefmt/*.c)
LOCATE := $(wildcard locate/*.c)
LOADER := $(wildcard loader/*.c) $(wildcard loader/*.S)
WRITER := $(wildcard writer/*.c)

# Only what goes wrong is worth reading; V=1 shows the commands.
ifndef V
.SILENT:
MAKEFLAGS += --no-print-directory
endif

# Compilers to come know warnings that nobody has met yet: make WERROR=
WERROR ?= -Werror
WARNINGS := -Wall -Wextra -Wconversion -Wvla $(WERROR)
CPPFLAGS += -DTHAW_VERSION='"$(VERSION)"'

.PHONY: all test check check-all demo bench fuzz clean setup packages install uninstall deb sign
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
	$(MAKE) all $(BUILD)/thaw-test.efi $(MADE_UP) bench-programs
	tests/check check
check-all: setup
	$(MAKE) all $(BUILD)/thaw-test.efi $(MADE_UP) bench-programs
	tests/check all
demo: setup
	$(MAKE) $(BUILD)/thaw.efi
	test-images/demo

# Files only: the boot changes with "thawctl install", never before.
SBINDIR := $(DESTDIR)$(PREFIX)/sbin
SHAREDIR := $(DESTDIR)$(PREFIX)/share
UNITDIR := $(DESTDIR)$(PREFIX)/lib/systemd/system
# The only one that systemd-sleep looks into, whatever the prefix.
SLEEPDIR := $(DESTDIR)/usr/lib/systemd/system-sleep
install: all
	install -D -m 755 $(BUILD)/thawctl $(SBINDIR)/thawctl
	install -D -m 644 $(BUILD)/thaw.efi $(DESTDIR)$(PREFIX)/lib/thaw/thaw.efi
	install -D -m 644 docs/thawctl.8 $(SHAREDIR)/man/man8/thawctl.8
	install -D -m 644 docs/thaw.7 $(SHAREDIR)/man/man7/thaw.7
	install -D -m 644 docs/thaw.conf.5 $(SHAREDIR)/man/man5/thaw.conf.5
	install -D -m 644 tools/thawctl.bash $(SHAREDIR)/bash-completion/completions/thawctl
	install -D -m 755 tools/systemd/sleep $(SLEEPDIR)/thaw
	install -D -m 644 tools/systemd/thaw-report.service $(UNITDIR)/thaw-report.service
	install -d $(UNITDIR)/sysinit.target.wants
	ln -sf ../thaw-report.service $(UNITDIR)/sysinit.target.wants/thaw-report.service

# The boot first: "thawctl uninstall".
uninstall:
	rm -f $(SBINDIR)/thawctl $(DESTDIR)$(PREFIX)/lib/thaw/thaw.efi $(SHAREDIR)/man/man8/thawctl.8 \
		$(SHAREDIR)/man/man7/thaw.7 $(SHAREDIR)/man/man5/thaw.conf.5 \
		$(SHAREDIR)/bash-completion/completions/thawctl $(SLEEPDIR)/thaw \
		$(UNITDIR)/thaw-report.service $(UNITDIR)/sysinit.target.wants/thaw-report.service
	rmdir --ignore-fail-on-non-empty $(DESTDIR)$(PREFIX)/lib/thaw

# Built from a copy, so that the tree and its parent stay as they are.
deb:
	test-images/setup.sh --check package
	rm -rf $(BUILD)/deb && mkdir -p $(BUILD)/deb/thaw
	tar -c --exclude=./$(BUILD) --exclude=./.git . | tar -x -C $(BUILD)/deb/thaw
	cd $(BUILD)/deb/thaw && env -u MAKEFLAGS -u MAKELEVEL dpkg-buildpackage -b -us -uc >../log 2>&1 || \
		{ tail -30 ../log; false; }
	rm -rf $(BUILD)/deb/thaw
	ls $(BUILD)/deb/*.deb

sign: $(BUILD)/thaw.efi
	@test -n "$(KEY)" && test -n "$(CERT)" || { echo 'make sign KEY=key.pem CERT=cert.pem' >&2; exit 1; }
	sbsign --key $(KEY) --cert $(CERT) --output $(BUILD)/thaw.efi.signed $(BUILD)/thaw.efi
	mv $(BUILD)/thaw.efi.signed $(BUILD)/thaw.efi

clean:
	rm -rf $(BUILD)
