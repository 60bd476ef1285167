/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * canvas.c: see canvas.h.
 *
 * The letters are firmware's own: its font draws them into a bitmap once.
 */
#include "canvas.h"

#include "protocol/hii_font.h"

#define FIRST_LETTER ' '
#define LETTERS	     95
#define LETTER_WIDTH 8	/* UEFI 2.10, 33.3.2: a narrow glyph of the simple font */
#define LETTER_ROWS  19
#define COLUMNS	     96
#define LEAST_WIDTH  320
#define LEAST_HEIGHT 200
#define HIGH_DPI     2560 /* pixels: letters are drawn twice as large from here on */

typedef EFI_GRAPHICS_OUTPUT_BLT_PIXEL pixel;

static EFI_GRAPHICS_OUTPUT_PROTOCOL *gop;
static uint8_t letters[LETTER_ROWS][LETTERS * LETTER_WIDTH];
static bool has_letters;
static pixel *below;	/* what firmware shows there */
static pixel *drawn;	/* the strip as it is to be */
static UINTN left, top, width, height, bar_width, bar_height, scale;
static pixel ink, groove;

static void draw_letters(pixel *bitmap)
{
	static const EFI_GUID guid = HII_FONT_GUID;
	EFI_GUID copy = guid;
	struct hii_image image = {LETTERS * LETTER_WIDTH, LETTER_ROWS, bitmap};
	struct hii_image *target = &image;
	CHAR16 all[LETTERS + 1];
	struct hii_font *font;

	if (EFI_ERROR(fw.bs->LocateProtocol(&copy, NULL, (VOID **)&font)))
		return;
	for (unsigned i = 0; i < LETTERS; i++)
		all[i] = (CHAR16)(FIRST_LETTER + i);
	all[LETTERS] = 0;
	has_letters = !EFI_ERROR(font->string_to_image(font, HII_OUT_FLAG_CLIP, all, NULL, &target,
						       0, 0, NULL, NULL, NULL));
}

static void make_letters(void)
{
	UINTN count = LETTERS * LETTER_WIDTH * LETTER_ROWS;
	pixel *bitmap;

	if (EFI_ERROR(fw.bs->AllocatePool(EfiBootServicesData, count * sizeof(*bitmap),
					  (VOID **)&bitmap)))
		return;
	fw.bs->SetMem(bitmap, count * sizeof(*bitmap), 0);
	draw_letters(bitmap);
	for (UINTN i = 0; i < count; i++)
		letters[i / (LETTERS * LETTER_WIDTH)][i % (LETTERS * LETTER_WIDTH)] =
			bitmap[i].Green > 0x40;
	fw.bs->FreePool(bitmap);
}

/* Below the middle, where firmware's logo is (ACPI 6.5, 5.2.23: BGRT), above the last lines. */
static void choose_place(const EFI_GRAPHICS_OUTPUT_MODE_INFORMATION *info)
{
	UINTN text_width;

	scale = info->HorizontalResolution >= HIGH_DPI ? 2 : 1;
	text_width = COLUMNS * LETTER_WIDTH * scale;
	bar_width = info->HorizontalResolution / 3;
	bar_height = 4 * scale;
	width = thaw_min(thaw_max(text_width, bar_width), (UINTN)info->HorizontalResolution);
	height = bar_height + (8 + LETTER_ROWS) * scale;
	left = (info->HorizontalResolution - width) / 2;
	top = info->VerticalResolution * 4 / 5;
	height = thaw_min(height, info->VerticalResolution - top);
}

/* Light on dark, dark on light: whatever firmware's logo stands on. */
static void choose_colours(void)
{
	uint64_t light = 0;

	for (UINTN i = 0; i < width * height; i++)
		light += below[i].Green;
	if (light < width * height * 128) {
		ink = (pixel){0xe0, 0xe0, 0xe0, 0};
		groove = (pixel){0x40, 0x40, 0x40, 0};
	} else {
		ink = (pixel){0x20, 0x20, 0x20, 0};
		groove = (pixel){0xb0, 0xb0, 0xb0, 0};
	}
}

/* The console's own screen if it has one: others may be on while nobody looks. */
bool canvas_available(void)
{
	static const EFI_GUID guid = EFI_GRAPHICS_OUTPUT_PROTOCOL_GUID;
	const EFI_GRAPHICS_OUTPUT_MODE_INFORMATION *info;

	gop = firmware_protocol(fw.st->ConsoleOutHandle, &guid);
	info = gop && gop->Mode ? gop->Mode->Info : NULL;
	if (!info || info->HorizontalResolution < LEAST_WIDTH ||
	    info->VerticalResolution < LEAST_HEIGHT)
		return false;
	choose_place(info);
	return true;
}

static bool save_below(void)
{
	UINTN bytes = width * height * sizeof(pixel);

	if (EFI_ERROR(fw.bs->AllocatePool(EfiBootServicesData, 2 * bytes, (VOID **)&below))) {
		below = NULL;
		return false;
	}
	drawn = below + width * height;
	if (!EFI_ERROR(gop->Blt(gop, below, EfiBltVideoToBltBuffer, left, top, 0, 0, width, height,
				0)))
		return true;
	fw.bs->FreePool(below);
	below = NULL;
	return false;
}

bool canvas_open(void)
{
	if (below)
		return true;
	if (!canvas_available() || !save_below())
		return false;
	make_letters();
	choose_colours();
	return true;
}

static void fill(UINTN x, UINTN y, UINTN w, UINTN h, pixel colour)
{
	for (UINTN row = y; row < y + h && row < height; row++) {
		for (UINTN column = x; column < x + w && column < width; column++)
			drawn[row * width + column] = colour;
	}
}

static void draw_letter(char letter, UINTN x, UINTN y)
{
	unsigned index = (unsigned char)letter - (unsigned)FIRST_LETTER;

	if (index >= LETTERS || x + LETTER_WIDTH * scale > width)
		return;
	for (UINTN row = 0; row < LETTER_ROWS; row++) {
		for (UINTN column = 0; column < LETTER_WIDTH; column++) {
			if (letters[row][index * LETTER_WIDTH + column])
				fill(x + column * scale, y + row * scale, scale, scale, ink);
		}
	}
}

static void draw_text(const char *text)
{
	UINTN len = 0;
	UINTN x;

	while (text[len])
		len++;
	len = thaw_min(len, width / (LETTER_WIDTH * scale));
	x = (width - len * LETTER_WIDTH * scale) / 2;
	for (UINTN i = 0; has_letters && i < len; i++)
		draw_letter(text[i], x + i * LETTER_WIDTH * scale, bar_height + 8 * scale);
}

void canvas_draw(uint64_t done, uint64_t total, const char *text)
{
	UINTN at = (width - bar_width) / 2;

	if (!below)
		return;
	fw.bs->CopyMem(drawn, below, width * height * sizeof(*drawn));
	fill(at, 0, bar_width, bar_height, groove);
	fill(at, 0, total ? (UINTN)(done * bar_width / total) : 0, bar_height, ink);
	draw_text(text);
	gop->Blt(gop, drawn, EfiBltBufferToVideo, 0, 0, left, top, width, height, 0);
}

void canvas_close(void)
{
	if (!below)
		return;
	gop->Blt(gop, below, EfiBltBufferToVideo, 0, 0, left, top, width, height, 0);
	fw.bs->FreePool(below);
	below = NULL;
}
