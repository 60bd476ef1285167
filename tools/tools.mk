# SPDX-License-Identifier: BSD-2-Clause-Patent
#
# tools.mk: build/thawctl, from the sources of the firmware's program and those of the host.
#
# imagefmt/ and loader/ are compiled against include/ and the compiler's own headers only, as for
# firmware; only tools/ sees the C library and libblkid.

TOOLS_CFLAGS ?= -O2 -g
TOOLS_LIBS := -lblkid -pthread
TOOLS_BASE := -std=gnu11 $(CPPFLAGS) $(WARNINGS) $(TOOLS_CFLAGS) $(CFLAGS) -Iinclude
TOOLS_FREESTANDING := -ffreestanding -nostdinc -isystem $(shell $(CC) -print-file-name=include)

TOOLS_SOURCES := $(IMAGEFMT) $(LOADER) $(wildcard tools/*.c)
TOOLS_OBJECTS := $(patsubst %,$(BUILD)/tools/%.o,$(basename $(TOOLS_SOURCES)))

$(BUILD)/thawctl: $(TOOLS_OBJECTS)
	$(CC) $(TOOLS_CFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(TOOLS_LIBS)

$(BUILD)/tools/imagefmt/%.o: imagefmt/%.c
	@mkdir -p $(@D)
	$(CC) $(TOOLS_BASE) $(TOOLS_FREESTANDING) -MMD -MP -c -o $@ $<

$(BUILD)/tools/loader/%.o: loader/%.c
	@mkdir -p $(@D)
	$(CC) $(TOOLS_BASE) $(TOOLS_FREESTANDING) -MMD -MP -c -o $@ $<

$(BUILD)/tools/loader/%.o: loader/%.S
	@mkdir -p $(@D)
	$(CC) $(TOOLS_BASE) -MMD -MP -c -o $@ $<

$(BUILD)/tools/tools/%.o: tools/%.c | $(BUILD)/tools/has-blkid
	@mkdir -p $(@D)
	$(CC) $(TOOLS_BASE) -D_GNU_SOURCE -MMD -MP -c -o $@ $<

# What is missing is named once, before a compiler names it in its own words.
$(BUILD)/tools/has-blkid:
	@mkdir -p $(@D)
	@echo '#include <blkid/blkid.h>' | $(CC) -E -x c - >$@ 2>/dev/null || { rm -f $@; \
		echo 'thawctl needs libblkid: apt install gcc make gnu-efi libblkid-dev' >&2; exit 1; }

-include $(TOOLS_OBJECTS:.o=.d)
