# SPDX-License-Identifier: BSD-2-Clause-Patent
#
# tools.mk: build/thawctl: the loader and the formats as firmware has them, and the host's side.
# Only tools/ sees the C library and libblkid; build/host/libthaw.a is made in tests/tests.mk.

TOOLS_CFLAGS ?= -O2 -g
TOOLS_LIBS := -lblkid -pthread
TOOLS_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tools/*.c))

$(BUILD)/thawctl: $(TOOLS_OBJECTS) $(BUILD)/host/libthaw.a
	$(CC) $(TOOLS_CFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(TOOLS_LIBS)

$(BUILD)/tools/%.o: tools/%.c | $(BUILD)/tools/has-blkid
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -D_GNU_SOURCE $(CPPFLAGS) -Iinclude $(WARNINGS) $(TOOLS_CFLAGS) $(CFLAGS) \
		-MMD -MP -c -o $@ $<

.PHONY: test-thawctl
test-thawctl: $(BUILD)/thawctl
	@tests/thawctl_test.sh $(BUILD)

# What is missing is named once, before a compiler names it in its own words.
$(BUILD)/tools/has-blkid:
	@mkdir -p $(@D)
	@echo '#include <blkid/blkid.h>' | $(CC) -E -x c - >$@ 2>/dev/null || { rm -f $@; \
		echo 'thawctl needs libblkid: apt install gcc make gnu-efi libblkid-dev' >&2; exit 1; }

-include $(TOOLS_OBJECTS:.o=.d)
