# SPDX-License-Identifier: BSD-2-Clause-Patent
#
# efi.mk: build/thaw.efi, and build/thaw-test.efi with checkpoints compiled in.
#
# imagefmt/, loader/ and locate/ see the compiler's own headers and include/ and nothing else; only efi/ sees
# gnu-efi. So the compiler keeps the layers apart.

EFI_CC ?= gcc
EFI_LD ?= ld
EFI_OBJCOPY ?= objcopy
EFI_HOSTCC ?= cc
WERROR ?= -Werror
EFI_VERSION ?= $(if $(VERSION),$(VERSION),0)

# gnu-efi where Debian and Arch have it, or where Fedora does.
EFI_INCLUDE ?= /usr/include/efi
EFI_LIB ?= $(if $(wildcard /usr/lib/gnuefi/x64/libgnuefi.a),/usr/lib/gnuefi/x64,/usr/lib)
EFI_CRT0 ?= $(firstword $(wildcard $(EFI_LIB)/crt0.o) $(EFI_LIB)/crt0-efi-x86_64.o)

EFI_CPPFLAGS := -nostdinc -isystem $(shell $(EFI_CC) -print-file-name=include) -Iinclude
EFI_CFLAGS := -std=gnu11 -O2 -ffreestanding -fpic -fvisibility=hidden -fshort-wchar \
	-mno-red-zone -fno-stack-protector -fno-asynchronous-unwind-tables -Wall -Wextra -Wvla $(WERROR)
EFI_CORE_CFLAGS := -Wconversion
# The one header from outside in the core: jsmn, which needs no library.
JSMN_INCLUDE ?= /usr/include
EFI_FIRMWARE_CFLAGS := -isystem $(EFI_INCLUDE) -isystem $(EFI_INCLUDE)/x86_64 \
	-DGNU_EFI_USE_MS_ABI -maccumulate-outgoing-args -DTHAW_VERSION='"$(EFI_VERSION)"'
EFI_LDFLAGS := -nostdlib -shared -Bsymbolic -z nocombreloc -z max-page-size=4096 --no-undefined \
	--build-id=none -T efi/thaw.lds
EFI_SECTIONS := .text .rodata .rela .sbat .reloc .data .dynamic .bss

EFI_SOURCES := $(wildcard imagefmt/*.c locate/*.c loader/*.c loader/*.S) \
	$(filter-out efi/nxcompat.c,$(wildcard efi/*.c))
EFI_OBJECTS := $(addsuffix .o,$(basename $(EFI_SOURCES)))

# $(1): build directory, $(2): program, $(3): flags of the variant
define EFI_RULES
$(1)/imagefmt/%.o: imagefmt/%.c
	@mkdir -p $$(@D)
	$$(EFI_CC) $$(EFI_CPPFLAGS) $$(EFI_CFLAGS) $$(EFI_CORE_CFLAGS) $(3) -MMD -MP -c -o $$@ $$<

$(1)/locate/%.o: locate/%.c
	@mkdir -p $$(@D)
	$$(EFI_CC) $$(EFI_CPPFLAGS) $$(EFI_CFLAGS) $$(EFI_CORE_CFLAGS) $(3) -MMD -MP -c -o $$@ $$<

$(1)/locate/location.o: EFI_CORE_CFLAGS += -idirafter $(JSMN_INCLUDE)

$(1)/loader/%.o: loader/%.c
	@mkdir -p $$(@D)
	$$(EFI_CC) $$(EFI_CPPFLAGS) $$(EFI_CFLAGS) $$(EFI_CORE_CFLAGS) $(3) -MMD -MP -c -o $$@ $$<

$(1)/loader/%.o: loader/%.S
	@mkdir -p $$(@D)
	$$(EFI_CC) $$(EFI_CPPFLAGS) $$(EFI_CFLAGS) $(3) -MMD -MP -c -o $$@ $$<

$(1)/efi/%.o: efi/%.c
	@mkdir -p $$(@D)
	$$(EFI_CC) $$(EFI_CPPFLAGS) $$(EFI_CFLAGS) $$(EFI_FIRMWARE_CFLAGS) $(3) -MMD -MP -c -o $$@ $$<

# gcc would turn the loops of memcpy and memset into calls of themselves
$(1)/efi/mem.o: EFI_FIRMWARE_CFLAGS += -fno-tree-loop-distribute-patterns

$(1)/thaw.so: $$(addprefix $(1)/,$$(EFI_OBJECTS)) efi/thaw.lds
	$$(EFI_LD) $$(EFI_LDFLAGS) -o $$@ \
		$$(EFI_CRT0) $$(filter %.o,$$^) $$(EFI_LIB)/libgnuefi.a

$(2): $(1)/thaw.so build/nxcompat
	$$(EFI_OBJCOPY) $$(addprefix -j ,$$(EFI_SECTIONS)) --strip-all --target efi-app-x86_64 $$< $$@.tmp
	build/nxcompat $$@.tmp
	mv $$@.tmp $$@

-include $$(patsubst %.o,$(1)/%.d,$$(EFI_OBJECTS))
endef

build/nxcompat: efi/nxcompat.c
	@mkdir -p $(@D)
	$(EFI_HOSTCC) -O2 -Wall -Wextra $(WERROR) -o $@ $<

$(eval $(call EFI_RULES,build/efi,build/thaw.efi,))
$(eval $(call EFI_RULES,build/efi-test,build/thaw-test.efi,-DTHAW_TEST))

.PHONY: efi
efi: build/thaw.efi build/thaw-test.efi
