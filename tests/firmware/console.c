/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * console.c: the screen, its letters, the serial line, the keyboard, and the file with the
 * configuration.
 */
#include <string.h>

#include "fake.h"
#include "hii_font.h"

#define WIDTH  800
#define HEIGHT 600

/* --- text --------------------------------------------------------------------------------- */

static EFI_STATUS EFIAPI output_string(struct _SIMPLE_TEXT_OUTPUT_INTERFACE *self, CHAR16 *text)
{
	size_t len = 0;

	(void)self;
	while (text[len])
		len++;
	/* What a terminal obeys, or shows as it likes. A line is begun anew, or ended. */
	for (size_t i = text[0] == '\r'; i < len; i++) {
		bool ends = i + 2 >= len && (text[i] == '\r' || text[i] == '\n');

		if ((text[i] < ' ' || text[i] > '~') && !ends)
			fake_fault("control character on the console", text[i], i);
	}
	return fake_call(FAKE_OUTPUT_STRING);
}

static SIMPLE_TEXT_OUTPUT_INTERFACE text = {.OutputString = output_string};

void *fake_text(void)
{
	return &text;
}

/* Mostly nobody is there: that is not a failure, and is asked often. */
static EFI_STATUS EFIAPI read_key(struct _SIMPLE_INPUT_INTERFACE *self, EFI_INPUT_KEY *key)
{
	static const char *next;

	(void)self;
	if (fake_exited)
		fake_fault("keyboard after boot services ended", 0, 0);
	if (!next)
		next = fake->options.keys ? fake->options.keys : "";
	if (!fake_waits || !*next)
		return EFI_NOT_READY;
	*key = (EFI_INPUT_KEY){.UnicodeChar = (CHAR16)*next++};
	return EFI_SUCCESS;
}

/* --- graphics ----------------------------------------------------------------------------- */

static EFI_STATUS EFIAPI blt(EFI_GRAPHICS_OUTPUT_PROTOCOL *self,
			     EFI_GRAPHICS_OUTPUT_BLT_PIXEL *buffer,
			     EFI_GRAPHICS_OUTPUT_BLT_OPERATION how, UINTN from_x, UINTN from_y,
			     UINTN to_x, UINTN to_y, UINTN width, UINTN height, UINTN delta)
{
	bool reads = how == EfiBltVideoToBltBuffer;
	UINTN x = reads ? from_x : to_x;
	UINTN y = reads ? from_y : to_y;

	(void)self;
	if (delta || !buffer || x + width > WIDTH || y + height > HEIGHT || !width || !height)
		fake_fault("Blt", width, height);
	if (reads)
		memset(buffer, 0x20, width * height * sizeof(*buffer));
	return fake_call(FAKE_BLT);
}

void *fake_screen(void)
{
	static EFI_GRAPHICS_OUTPUT_MODE_INFORMATION info = {.HorizontalResolution = WIDTH,
							    .VerticalResolution = HEIGHT};
	static EFI_GRAPHICS_OUTPUT_PROTOCOL_MODE mode = {.Info = &info};
	static EFI_GRAPHICS_OUTPUT_PROTOCOL screen = {.Blt = blt, .Mode = &mode};

	return fake->options.graphic ? &screen : NULL;
}

static EFI_STATUS EFIAPI string_to_image(const struct hii_font *self, UINT32 flags,
					 const CHAR16 *string, const VOID *info,
					 struct hii_image **image, UINTN x, UINTN y, VOID **rows,
					 UINTN *row_count, UINTN *columns)
{
	EFI_STATUS status = fake_call(FAKE_DRAW_TEXT);
	struct hii_image *to = *image;

	(void)self;
	(void)string;
	if (flags != HII_OUT_FLAG_CLIP || info || x || y || rows || row_count || columns)
		fake_fault("StringToImage", flags, x);
	if (!EFI_ERROR(status))
		memset(to->bitmap, 0xff, to->width * to->height * sizeof(*to->bitmap));
	return status;
}

void *fake_font(void)
{
	static struct hii_font font = {.string_to_image = string_to_image};

	return fake->options.graphic ? &font : NULL;
}

void fake_console_init(EFI_SYSTEM_TABLE *st)
{
	static SIMPLE_INPUT_INTERFACE keyboard = {.ReadKeyStroke = read_key};

	st->ConIn = &keyboard;
	st->ConOut = &text;
}

/* --- thaw.conf ---------------------------------------------------------------------------- */

static EFI_STATUS EFIAPI close_file(struct _EFI_FILE_HANDLE *self)
{
	(void)self;
	return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI read_file(struct _EFI_FILE_HANDLE *self, UINTN *size, VOID *buf)
{
	EFI_STATUS status = fake_call(FAKE_READ_FILE);
	const char *conf = fake->options.conf;

	(void)self;
	if (EFI_ERROR(status))
		return status;
	*size = strlen(conf) < *size ? strlen(conf) : *size;
	memcpy(buf, conf, *size);
	return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI open_file(struct _EFI_FILE_HANDLE *self, struct _EFI_FILE_HANDLE **ret,
				   CHAR16 *name, UINT64 mode, UINT64 attributes)
{
	static EFI_FILE_PROTOCOL file = {.Close = close_file, .Read = read_file};
	EFI_STATUS status = fake_call(FAKE_OPEN_FILE);

	(void)self;
	if (mode != EFI_FILE_MODE_READ || attributes || name[0] != '\\')
		fake_fault("Open", mode, attributes);
	if (EFI_ERROR(status))
		return status;
	*ret = &file;
	return fake->options.conf ? EFI_SUCCESS : EFI_NOT_FOUND;
}

static EFI_STATUS EFIAPI open_volume(EFI_SIMPLE_FILE_SYSTEM_PROTOCOL *self,
				     struct _EFI_FILE_HANDLE **ret)
{
	static EFI_FILE_PROTOCOL root = {.Open = open_file, .Close = close_file};

	(void)self;
	*ret = &root;
	return fake_call(FAKE_OPEN_VOLUME);
}

void *fake_volume(void)
{
	static EFI_SIMPLE_FILE_SYSTEM_PROTOCOL volume = {.OpenVolume = open_volume};

	return &volume;
}
