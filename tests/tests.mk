# SPDX-License-Identifier: BSD-2-Clause-Patent
#
# tests.mk: everything that runs on the host.
#
#   make test              all host tests under ASan and UBSan, corpora replayed, layers checked
#   make test-real         the simulator on the hibernated disks that THAW_TEST_AREAS names
#   make static            analyzers, stack use and recursion; nothing is run
#   make fuzz T=seconds    libFuzzer on every tests/fuzz_*.c, T seconds each
#   make fuzz ENGINE=afl   the same with AFL++
#   make tsan              the pipeline with threads under ThreadSanitizer
#   make coverage          lines of imagefmt/, loader/ and locate/ that the host tests reach: 95 of 100
#   build/host/libthaw.a   imagefmt/, locate/ and loader/ with release flags, for thawctl and benchmarks
#   build/host/libwriter.a writer/ likewise
#
# imagefmt/, locate/ and loader/ are compiled as for firmware: the compiler's own headers and include/,
# no library's but jsmn's one header. Works alone too: make -f tests/tests.mk test

BUILD ?= build
CC ?= gcc
CLANG ?= clang
IMAGEFMT ?= $(wildcard imagefmt/*.c)
LOCATE ?= $(wildcard locate/*.c)
JSMN_INCLUDE ?= /usr/include
EFI_INCLUDE ?= /usr/include/efi
LOADER ?= $(wildcard loader/*.c) $(wildcard loader/*.S)
WRITER ?= $(wildcard writer/*.c)
WERROR ?= -Werror
WARNINGS ?= -Wall -Wextra -Wconversion -Wvla $(WERROR)
T ?= 60
HOST_MAKE := -f $(firstword $(MAKEFILE_LIST))

HOST_CORE := $(IMAGEFMT) $(LOCATE) $(LOADER)
HOST_TESTS := test_firmware $(filter-out test_real,$(patsubst tests/%.c,%,$(wildcard tests/test_*.c)))
HOST_FUZZ := $(filter-out $(if $(wildcard efi/config_parse.c),,fuzz_config), \
	$(patsubst tests/%.c,%,$(wildcard tests/fuzz_*.c)))
HOST_BENCH := $(patsubst tests/%.c,%,$(wildcard tests/bench_*.c))
# What several tests share.
HOST_SUPPORT := $(filter-out tests/test_% tests/fuzz_% tests/bench_% tests/replay.c, \
	$(wildcard tests/*.c))
# The one parser of efi/ that touches no firmware.
HOST_CONFIG := $(wildcard efi/config_parse.c)

# The EFI program, but for what only a processor in ring 0 can do, and the firmware it is tested on.
HOST_FIRMWARE := $(filter-out efi/config_parse.c efi/cpu.c efi/mem.c efi/nxcompat.c efi/sbat.c, \
	$(wildcard efi/*.c)) $(filter-out tests/firmware/test_firmware.c,$(wildcard tests/firmware/*.c))
HOST_EFI_FLAGS := -fshort-wchar -DGNU_EFI_USE_MS_ABI \
	-isystem $(EFI_INCLUDE) -isystem $(EFI_INCLUDE)/x86_64

# Of thawctl what shows and converts images.
HOST_IMAGE := $(patsubst tools/%.c,%.o,$(wildcard tools/image.c tools/image_*.c)) advice.o area.o json.o plain.o \
	host_disk.o host_memory.o

# A target's own objects come behind the archives.
HOST_GROUP = -Wl,--start-group $(1) -Wl,--end-group

HOST_LIBS := -llzo2 -llz4 -lz -lxxhash -lblkid -lpthread
HOST_CORE_FLAGS := -std=gnu11 -ffreestanding -Iinclude $(WARNINGS)
HOST_TEST_FLAGS := -std=gnu11 -D_GNU_SOURCE -Iinclude \
	-iquote imagefmt -iquote locate -iquote loader -iquote efi -iquote tests -Wall -Wextra -Werror

HOST_GCC_INCLUDE := $(shell $(CC) -print-file-name=include)
HOST_CLANG_INCLUDE := $(shell $(CLANG) -print-resource-dir 2>/dev/null)/include

HOST_ASAN := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all \
	-fno-omit-frame-pointer
HOST_TSAN := -O1 -g -fsanitize=thread
HOST_FUZZER := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
HOST_COVERAGE := -O1 -g -fprofile-instr-generate -fcoverage-mapping

# $(1): directory below build, $(2): compiler, $(3): its own headers, $(4): flags of the variant
define HOST_RULES
$(BUILD)/$(1)/imagefmt/%.o: imagefmt/%.c
	@mkdir -p $$(@D)
	$(2) -nostdinc -isystem $(3) $(HOST_CORE_FLAGS) $(4) -MMD -MP -c -o $$@ $$<

$(BUILD)/$(1)/locate/%.o: locate/%.c
	@mkdir -p $$(@D)
	$(2) -nostdinc -isystem $(3) $(HOST_CORE_FLAGS) $(4) $$(LOCATE_FLAGS) -MMD -MP -c -o $$@ $$<

$(BUILD)/$(1)/locate/location.o: LOCATE_FLAGS := -idirafter $(JSMN_INCLUDE)

$(BUILD)/$(1)/loader/%.o: loader/%.c
	@mkdir -p $$(@D)
	$(2) -nostdinc -isystem $(3) $(HOST_CORE_FLAGS) $(4) -MMD -MP -c -o $$@ $$<

$(BUILD)/$(1)/loader/%.o: loader/%.S
	@mkdir -p $$(@D)
	$(2) -Iinclude -MMD -MP -c -o $$@ $$<

$(BUILD)/$(1)/writer/%.o: writer/%.c
	@mkdir -p $$(@D)
	$(2) -std=gnu11 -D_GNU_SOURCE -Iinclude $(WARNINGS) $(4) -MMD -MP -c -o $$@ $$<

$(BUILD)/$(1)/tools/%.o: tools/%.c
	@mkdir -p $$(@D)
	$(2) -std=gnu11 -D_GNU_SOURCE -DTHAW_VERSION='"tested"' -Iinclude $(WARNINGS) $(4) -MMD -MP \
		-c -o $$@ $$<

$(BUILD)/$(1)/tests/%.o: tests/%.c
	@mkdir -p $$(@D)
	$(2) $(HOST_TEST_FLAGS) $(4) -MMD -MP -c -o $$@ $$<

$(BUILD)/$(1)/efi/config_parse.o: efi/config_parse.c
	@mkdir -p $$(@D)
	$(2) $(HOST_TEST_FLAGS) $(4) -MMD -MP -c -o $$@ $$<

$(BUILD)/$(1)/efi/%.o: efi/%.c
	@mkdir -p $$(@D)
	$(2) $(HOST_TEST_FLAGS) $(HOST_EFI_FLAGS) $(4) -MMD -MP -c -o $$@ $$<

$(BUILD)/$(1)/tests/firmware/%.o: tests/firmware/%.c
	@mkdir -p $$(@D)
	$(2) $(HOST_TEST_FLAGS) $(HOST_EFI_FLAGS) -iquote efi/protocol $(4) -MMD -MP -c -o $$@ $$<

$(BUILD)/$(1)/libthaw.a: $$(call HOST_OBJECTS,$(1),$(HOST_CORE))
	@rm -f $$@
	ar rcs $$@ $$^

$(BUILD)/$(1)/libwriter.a: $$(call HOST_OBJECTS,$(1),$(WRITER))
	@rm -f $$@
	ar rcs $$@ $$^

$(BUILD)/$(1)/libtest.a: $$(call HOST_OBJECTS,$(1),$(HOST_SUPPORT) $(HOST_CONFIG))
	@rm -f $$@
	ar rcs $$@ $$^

$(BUILD)/$(1)/test_%: $(BUILD)/$(1)/tests/test_%.o $(BUILD)/$(1)/libtest.a $(BUILD)/$(1)/libwriter.a \
		$(BUILD)/$(1)/libthaw.a
	$(2) $(4) -o $$@ $$^ $(HOST_LIBS)

# The EFI program as a process, on firmware that never was: all but what needs ring 0.
$(BUILD)/$(1)/test_firmware: $(BUILD)/$(1)/tests/firmware/test_firmware.o \
		$(call HOST_OBJECTS,$(1),$(HOST_FIRMWARE)) $(BUILD)/$(1)/libtest.a $(BUILD)/$(1)/libwriter.a \
		$(BUILD)/$(1)/libthaw.a
	$(2) $(4) -Wl,--wrap=thaw_handoff_jump -o $$@ $$^ $(HOST_LIBS)

# What of thawctl needs no machine to be tested.
$(BUILD)/$(1)/test_hibernate: $(BUILD)/$(1)/tools/hibernate_stream.o $(BUILD)/$(1)/tools/snapshot.o

$(BUILD)/$(1)/replay_thawctl $(BUILD)/$(1)/fuzz_thawctl: \
		$(addprefix $(BUILD)/$(1)/tools/,$(HOST_IMAGE))

$(BUILD)/$(1)/bench_%: $(BUILD)/$(1)/tests/bench_%.o $(BUILD)/$(1)/libtest.a \
		$(BUILD)/$(1)/libwriter.a $(BUILD)/$(1)/libthaw.a
	$(2) $(4) -o $$@ $$^ $(HOST_LIBS)

# A fuzz target that is fed files instead of by libFuzzer.
$(BUILD)/$(1)/replay_%: $(BUILD)/$(1)/tests/fuzz_%.o $(BUILD)/$(1)/tests/replay.o \
		$(BUILD)/$(1)/libtest.a $(BUILD)/$(1)/libwriter.a $(BUILD)/$(1)/libthaw.a
	$(2) $(4) -o $$@ $(call HOST_GROUP,$$^) $(HOST_LIBS)

-include $$(wildcard $(BUILD)/$(1)/*/*.d $(BUILD)/$(1)/*/*/*.d)
endef

HOST_OBJECTS = $(patsubst %,$(BUILD)/$(1)/%.o,$(basename $(2)))

$(eval $(call HOST_RULES,host,$(CC),$(HOST_GCC_INCLUDE),-O2 -g))
$(eval $(call HOST_RULES,host-asan,$(CC),$(HOST_GCC_INCLUDE),$(HOST_ASAN)))
$(eval $(call HOST_RULES,host-tsan,$(CC),$(HOST_GCC_INCLUDE),$(HOST_TSAN)))
$(eval $(call HOST_RULES,host-clang,$(CLANG),$(HOST_CLANG_INCLUDE),-O2))
$(eval $(call HOST_RULES,host-fuzz,$(CLANG),$(HOST_CLANG_INCLUDE),$(HOST_FUZZER)))
$(eval $(call HOST_RULES,host-coverage,$(CLANG),$(HOST_CLANG_INCLUDE),$(HOST_COVERAGE)))

AFL_CC ?= AFL_QUIET=1 afl-clang-fast
ifeq ($(ENGINE),afl)
$(eval $(call HOST_RULES,host-afl,$(AFL_CC),$(HOST_CLANG_INCLUDE),$(HOST_FUZZER)))
endif

# Images of machines that never were, and what runs in them: for test-images/run.
MADE_UP := $(BUILD)/host/made_up $(BUILD)/payload.bin

$(BUILD)/host/made_up: $(BUILD)/host/tests/machine/made_up.o $(BUILD)/host/libwriter.a \
		$(BUILD)/host/libthaw.a
	$(CC) -O2 -g -o $@ $^ $(HOST_LIBS)

$(BUILD)/payload.bin: tests/machine/payload.c tests/machine/payload.lds tests/machine/made_up.h
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -O2 -ffreestanding -fno-pic -mcmodel=kernel -mno-red-zone -mgeneral-regs-only \
		-fno-stack-protector -fcf-protection=none -fno-asynchronous-unwind-tables -fno-builtin \
		$(WARNINGS) -nostdlib -static -Wl,--build-id=none -T tests/machine/payload.lds -o $@ $<

.SECONDARY:
.PHONY: test test-build test-real static fuzz fuzz-build tsan coverage coverage-build bench-host

HOST_REPLAYS := $(patsubst fuzz_%,replay_%,$(HOST_FUZZ))
HOST_PROGRAMS := $(addprefix $(BUILD)/host-asan/,$(HOST_TESTS) $(HOST_REPLAYS))
HOST_TSAN_PROGRAMS := $(addprefix $(BUILD)/host-tsan/,$(filter test_load test_writer,$(HOST_TESTS)))

test-build: $(HOST_PROGRAMS) $(HOST_TSAN_PROGRAMS) $(BUILD)/host/libthaw.a \
	$(call HOST_OBJECTS,host-clang,$(HOST_CORE))

# One make of its own, so that it builds on all processors however this one was called.
test:
	@$(MAKE) --no-print-directory -s -j$$(nproc) $(HOST_MAKE) test-build
	@tests/run.sh $(BUILD) $(HOST_PROGRAMS) $(HOST_TSAN_PROGRAMS)

# Disks cost time: without sanitizers.
test-real: $(BUILD)/host/test_real
	@tests/real.sh $(BUILD)/host/test_real

static:
	@tests/static.sh $(BUILD)

tsan: $(HOST_TSAN_PROGRAMS)
	@tests/run.sh $(BUILD) $(HOST_TSAN_PROGRAMS)

$(BUILD)/host-fuzz/fuzz_%: $(BUILD)/host-fuzz/tests/fuzz_%.o $(BUILD)/host-fuzz/libtest.a \
		$(BUILD)/host-fuzz/libwriter.a $(BUILD)/host-fuzz/libthaw.a
	$(CLANG) $(HOST_FUZZER) -fsanitize=fuzzer -o $@ $(call HOST_GROUP,$^) $(HOST_LIBS)

fuzz-build: $(addprefix $(BUILD)/host-fuzz/,$(HOST_FUZZ))

# The same targets under AFL++: another engine finds other things.
$(BUILD)/host-afl/fuzz_%: $(BUILD)/host-afl/tests/fuzz_%.o $(BUILD)/host-afl/libtest.a \
		$(BUILD)/host-afl/libwriter.a $(BUILD)/host-afl/libthaw.a
	$(AFL_CC) $(HOST_FUZZER) -fsanitize=fuzzer -o $@ $(call HOST_GROUP,$^) $(HOST_LIBS)

ENGINE ?= libfuzzer
ifeq ($(ENGINE),afl)
fuzz: $(addprefix $(BUILD)/host-afl/,$(HOST_FUZZ))
	@tests/afl.sh $(BUILD) $(T) $(HOST_FUZZ)
else
fuzz: fuzz-build
	@tests/fuzz.sh $(BUILD) $(T) $(HOST_FUZZ)
endif

HOST_COVERAGE_PROGRAMS := $(addprefix $(BUILD)/host-coverage/,$(HOST_TESTS) $(HOST_REPLAYS))

coverage-build: $(HOST_COVERAGE_PROGRAMS)

coverage:
	@$(MAKE) --no-print-directory -s -j$$(nproc) $(HOST_MAKE) coverage-build
	@tests/coverage.sh $(BUILD) $(HOST_COVERAGE_PROGRAMS)
