# SPDX-License-Identifier: BSD-2-Clause-Patent
#
# bench.mk: the programs that `make bench` runs. test-images/bench runs them on pages of real
# images, and the rest in QEMU. The measured code is what libthaw.a holds, made with release flags.

BENCH_TOOLS := $(addprefix $(BUILD)/tools/,host_machine.o host_memory.o memmap_made_up.o \
	descriptors.o)
BENCH_PROGRAMS := $(addprefix $(BUILD)/host/,bench_codec bench_load bench_convert test_plan)

$(BUILD)/host/bench_load: $(BUILD)/host/tests/bench_load.o $(BENCH_TOOLS) $(BUILD)/host/libthaw.a
	$(CC) -O2 -g -o $@ $^ -pthread

# Programs that firmware starts instead of thaw, from the same objects: all of thaw but its main.c. One
# of them measures nothing, but fills firmware's variables.
BENCH_EFI := $(addprefix $(BUILD)/,floor.efi stopwatch.efi full.efi)
BENCH_EFI_OBJECTS := $(addprefix build/efi/,$(filter-out efi/main.o,$(EFI_OBJECTS)))

$(BUILD)/efi/tests/%.o: tests/efi/%.c
	@mkdir -p $(@D)
	$(EFI_CC) $(EFI_CPPFLAGS) -iquote efi $(EFI_CFLAGS) $(EFI_FIRMWARE_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/efi/tests/%.so: $(BUILD)/efi/tests/%.o $(BENCH_EFI_OBJECTS) efi/thaw.lds
	$(EFI_LD) $(EFI_LDFLAGS) -o $@ \
		$(EFI_CRT0) $(filter %.o,$^) $(EFI_LIB)/libgnuefi.a

$(BENCH_EFI): $(BUILD)/%.efi: $(BUILD)/efi/tests/%.so
	$(EFI_OBJCOPY) $(addprefix -j ,$(EFI_SECTIONS)) --strip-all --target efi-app-x86_64 $< $@

.PHONY: bench-programs
bench-programs: $(BENCH_PROGRAMS) $(BENCH_EFI)

bench: setup
	$(MAKE) $(BUILD)/thaw.efi bench-programs
	test-images/bench

-include $(wildcard $(BUILD)/efi/tests/*.d)
