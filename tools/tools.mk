# SPDX-License-Identifier: BSD-2-Clause-Patent
#
# tools.mk: build/thawctl: the loader and the formats as firmware has them, and the host's side.
# Only tools/ and writer/ see the C library and other libraries; build/host/*.a are made in
# tests/tests.mk. Of efi/ it takes the parser of thaw.conf, which touches no firmware.

TOOLS_CFLAGS ?= -O2 -g
TOOLS_LIBS := -lefiboot -lefivar -lblkid -llz4 -pthread
TOOLS_PACKAGES := libblkid-dev libefivar-dev libefiboot-dev liblz4-dev
TOOLS_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tools/*.c)) $(BUILD)/tools/config_parse.o

# libefivar's headers are the system's, so that they need not pass our warnings.
TOOLS_ALL_CFLAGS = -std=gnu11 -D_GNU_SOURCE $(CPPFLAGS) -Iinclude -isystem /usr/include/efivar \
	$(WARNINGS) $(TOOLS_CFLAGS) $(CFLAGS)

$(BUILD)/thawctl: $(TOOLS_OBJECTS) $(BUILD)/host/libwriter.a $(BUILD)/host/libthaw.a
	$(CC) $(TOOLS_CFLAGS) $(CFLAGS) -Wl,-z,now $(LDFLAGS) -o $@ $^ $(TOOLS_LIBS)

$(BUILD)/tools/%.o: tools/%.c | $(BUILD)/tools/has-libraries
	@mkdir -p $(@D)
	$(CC) $(TOOLS_ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/tools/config_parse.o: efi/config_parse.c
	@mkdir -p $(@D)
	$(CC) $(TOOLS_ALL_CFLAGS) -MMD -MP -c -o $@ $<

# What its test preloads.
$(BUILD)/efivarfs.so: tests/host/efivarfs.c
	$(CC) -shared -fPIC -O1 $(filter-out -Wconversion,$(WARNINGS)) -D_GNU_SOURCE -o $@ $< -ldl

$(BUILD)/badwrite.so: tests/host/badwrite.c
	$(CC) -shared -fPIC -O1 $(WARNINGS) -D_GNU_SOURCE -o $@ $< -ldl

.PHONY: test-thawctl
test-thawctl: $(BUILD)/thawctl
	@tests/thawctl_test.sh $(BUILD)

.PHONY: test-package
test-package:
	@$(MAKE) deb >/dev/null
	@tests/package_test.sh $(BUILD)

.PHONY: test-image
test-image: $(BUILD)/thawctl $(BUILD)/host/made_up $(BUILD)/badwrite.so $(BUILD)/efivarfs.so
	@$(PYTHON) tests/image_test.py $(BUILD)

.PHONY: test-install
test-install: $(BUILD)/thawctl $(BUILD)/thaw.efi $(BUILD)/efivarfs.so
	@$(PYTHON) tests/install_test.py $(BUILD)

# What is missing is named once, before a compiler names it in its own words.
$(BUILD)/tools/has-libraries:
	@mkdir -p $(@D)
	@printf '#include <%s>\n' blkid/blkid.h efivar/efivar.h efivar/efiboot.h lz4.h | \
		$(CC) -E -isystem /usr/include/efivar -x c - >$@ 2>/dev/null || { rm -f $@; \
		echo 'thawctl needs libraries; on Debian: apt install $(TOOLS_PACKAGES)' >&2; exit 1; }

-include $(TOOLS_OBJECTS:.o=.d)
