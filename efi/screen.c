/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * screen.c: see screen.h.
 */
#include "screen.h"

#include "canvas.h"
#include "console.h"

#define SILENT_US  500000
#define TEXT_US	   500000 /* between two lines: a serial port takes 7 ms for one, emulated 20 */
#define PAUSE_MS   3000
#define ASK_MS	   10000
#define STEP_MS	   50
#define CONSOLES   4
#define LINE_BYTES 97
#define PER_MIB	   256 /* pages */

/* More keys than this were not typed by anybody; a key held down must not hold us up. */
#define KEYS_MAX 64

/* Longer than a keyboard waits before it repeats a key that is held down: at most a second. */
#define LET_GO_US 1200000

/* How EDK II marks the consoles in use (MdeModulePkg/Include/Guid/ConsoleOutDevice.h). */
#define CONSOLE_OUT_DEVICE_GUID                                                                    \
	{                                                                                          \
		0xd3b36f2c, 0xd551, 0x11d4,                                                        \
		{                                                                                  \
			0x9a, 0x46, 0x00, 0x90, 0x27, 0x3f, 0xc1, 0x4d                             \
		}                                                                                  \
	}

struct text {
	char bytes[LINE_BYTES];
	size_t len;
};

static SIMPLE_TEXT_OUTPUT_INTERFACE *consoles[CONSOLES]; /* those with text alone */
static unsigned console_count;
static uint64_t began_us;
static uint64_t began_done;
static uint64_t written_us; /* when the last line was */
static bool shown;
static bool asked;  /* the question stands on the screen */
static bool let_go; /* and nothing was typed since for LET_GO_US */
static uint64_t asked_us;
static bool graphic;

/* --- a line ------------------------------------------------------------------------------ */

static void put(struct text *t, const char *text)
{
	while (*text && t->len < LINE_BYTES - 1)
		t->bytes[t->len++] = *text++;
	t->bytes[t->len] = 0;
}

static void put_number(struct text *t, uint64_t v)
{
	char digits[24];
	char *p = digits + sizeof(digits);

	*--p = 0;
	do {
		*--p = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	put(t, p);
}

static void put_speed(struct text *t, uint64_t done, uint64_t total, uint64_t us)
{
	uint64_t pages = done - began_done;

	if (!us || !pages)
		return;
	put(t, ", ");
	put_number(t, pages * 1000000 / us / PER_MIB);
	put(t, " MiB/s, ");
	put_number(t, ((total - done) * us / pages + 999999) / 1000000);
	put(t, " s left");
}

static struct text progress_line(uint64_t done, uint64_t total, uint64_t us)
{
	struct text t = {.len = 0};

	if (asked) {
		put(&t, "D again discards the hibernated session for good; any other key keeps it");
		return t;
	}
	put(&t, "Restoring ");
	put_number(&t, total / PER_MIB);
	put(&t, " MiB of a hibernated Linux: ");
	put_number(&t, total ? done * 100 / total : 0);
	put(&t, " %");
	put_speed(&t, done, total, us);
	put(&t, "  (Esc: boot without it)");
	return t;
}

/* --- consoles without a screen ----------------------------------------------------------- */

static void find_consoles(void)
{
	static const EFI_GUID out = SIMPLE_TEXT_OUTPUT_PROTOCOL,
			      screen = EFI_GRAPHICS_OUTPUT_PROTOCOL_GUID;
	EFI_GUID device = CONSOLE_OUT_DEVICE_GUID;
	EFI_HANDLE *list;
	UINTN count;

	if (!firmware_handles(&device, &count, &list))
		return;
	for (UINTN i = 0; i < count && console_count < CONSOLES; i++) {
		if (list[i] == fw.st->ConsoleOutHandle || firmware_protocol(list[i], &screen))
			continue;
		consoles[console_count] = firmware_protocol(list[i], &out);
		console_count += consoles[console_count] != NULL;
	}
	fw.bs->FreePool(list);
}

/* One line, written again and again, padded so that nothing of the last is left. */
static void write_consoles(const char *text)
{
	CHAR16 line[LINE_BYTES + 2] = {'\r'};
	size_t n = 1;

	while (*text && n < 80)
		line[n++] = (CHAR16)(unsigned char)*text++;
	while (n < 80)
		line[n++] = ' ';
	line[n++] = '\r';
	line[n] = 0;
	for (unsigned i = 0; i < console_count; i++)
		consoles[i]->OutputString(consoles[i], line);
}

/* --- the whole --------------------------------------------------------------------------- */

void screen_open(void)
{
	graphic = canvas_available();
	began_us = 0;
	written_us = 0;
	console_count = 0;
	if (console_verbose)
		return;
	canvas_open();
	find_consoles();
	if (!graphic && !console_count && fw.st->ConOut)
		consoles[console_count++] = fw.st->ConOut;
}

static void show(uint64_t done, uint64_t total, uint64_t us, bool at_once)
{
	struct text t = progress_line(done, total, us);

	canvas_draw(done, total, t.bytes);
	if (at_once || us - written_us >= TEXT_US) {
		write_consoles(t.bytes);
		written_us = us;
	}
	shown = true;
}

static bool is_letter(const EFI_INPUT_KEY *key, CHAR16 small)
{
	return (key->UnicodeChar | 0x20) == small;
}

/* What was typed since the last look. */
struct typed {
	bool esc, d, other;
};

static bool is_any(struct typed t)
{
	return t.esc || t.d || t.other;
}

static struct typed read_keys(void)
{
	SIMPLE_INPUT_INTERFACE *in = fw.st->ConIn;
	struct typed t = {false};
	EFI_INPUT_KEY key;

	for (unsigned i = 0; in && i < KEYS_MAX; i++) {
		if (EFI_ERROR(in->ReadKeyStroke(in, &key)))
			break;
		if (key.ScanCode == SCAN_ESC)
			t.esc = true;
		else if (is_letter(&key, 'd'))
			t.d = true;
		else
			t.other = true;
	}
	return t;
}

/*
 * D asks, D again answers; but a key that is held down repeats itself. So it has to have been let
 * go for longer than that takes, and a look at the keyboard must have found nothing meanwhile.
 */
static enum thaw_err take_keys(struct typed t, uint64_t now_us)
{
	if (t.esc)
		return THAW_CANCELLED;
	if (t.d && !t.other && let_go)
		return THAW_DISCARDED;
	if (is_any(t)) {
		asked = t.d;
		asked_us = now_us;
		let_go = false;
	} else if (asked && now_us - asked_us >= LET_GO_US) {
		let_go = true;
	}
	return THAW_OK;
}

enum thaw_err screen_progress(uint64_t done, uint64_t total, uint64_t now_us)
{
	bool was_asked = asked;
	enum thaw_err wish = take_keys(read_keys(), now_us);

	if (!began_us) {
		began_us = now_us;
		began_done = done;
	}
	if (!console_verbose && (now_us - began_us >= SILENT_US || asked || was_asked))
		show(done, total, now_us - began_us, asked != was_asked);
	else if (asked && !was_asked)
		console_warn("D again discards the hibernated session for good", 0);
	return wish;
}

void screen_close(void)
{
	if (shown)
		write_consoles("");
	shown = false;
	canvas_close();
}

void screen_drain_keys(void)
{
	for (unsigned i = 0; i < KEYS_MAX && is_any(read_keys()); i++)
		;
	asked = let_go = false;
}

static bool wait_key(unsigned ms, EFI_INPUT_KEY *ret)
{
	SIMPLE_INPUT_INTERFACE *in = fw.st->ConIn;

	for (unsigned i = 0; i < ms / STEP_MS; i++) {
		if (in && !EFI_ERROR(in->ReadKeyStroke(in, ret)))
			return true;
		fw.bs->Stall(STEP_MS * 1000);
	}
	return false;
}

/* A serial line keeps what was said, and nobody may be there to see it: no wait. */
bool screen_pause(bool may_insist)
{
	EFI_INPUT_KEY key;

	if (graphic && may_insist)
		console_warn("R restores it all the same", 0);
	if (!graphic || !wait_key(PAUSE_MS, &key) || !may_insist || !is_letter(&key, 'r'))
		return false;
	console_warn("Y restores it over whatever changed since, which may destroy file systems",
		     0);
	return wait_key(ASK_MS, &key) && is_letter(&key, 'y');
}
