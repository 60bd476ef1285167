/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_twice.c: an image that was passed over is never restored by itself, whichever of the
 * variables could not be stored, over any number of boots.
 *
 * A boot ends in one of the ways below, and each store or deletion of a variable in it works or does
 * not. What a boot leaves behind, as far as the next one can tell, is a state. All ways out of all
 * states are tried until there is no state left that is new.
 */
#include <setjmp.h>
#include <string.h>

#include "check.h"
#include "scene.h"

enum end {
	END_RESTORED,	/* nothing else fails */
	END_LOOK,	/* fails before the image is known */
	END_READ,	/* fails while loading */
	END_CHANGED,	/* fails at the write, which did nothing */
	END_WRITE,	/* the write fails; it may have done nothing */
	END_CUT_LOAD,	/* the power is cut while loading */
	END_CUT_COMMIT, /* and before the write */
	END_BESIDE,	/* another image is there, and recorded before; then nothing fails */
	END_HIDDEN,	/* another may be there, and cannot be read; then nothing fails */
	END_UNREAD,	/* refused unread, as under Secure Boot */
	END_UNSEEN,	/* its header could not be read: nobody knows that there is one */
	ENDS,
};

struct state {
	struct thaw_record record;
	bool there, vouched;
	bool passed; /* control went on with the image, and firmware stored something about it */
};

#define STATES_MAX 200
#define OTHER_MARK 0x0123

static struct scene c;
static struct state states[STATES_MAX];
static size_t state_count;
static jmp_buf power;
static enum end end;
static uint32_t choices; /* a bit for each call about variables: it fails */
static unsigned boots, restores, untold, resets;

/* --- one boot ---------------------------------------------------------------------------- */

static bool decide(struct sim *s, enum sim_op op)
{
	switch (op) {
	case SIM_RECORD:
		return choices >> (s->calls[op] - 1) & 1;
	case SIM_MAP:
		return end == END_LOOK;
	case SIM_READ:
		return end == END_READ && s->durable.serial && s->calls[SIM_CLAIM];
	case SIM_CONSUME:
		return end == END_CHANGED || end == END_WRITE;
	default:
		return false;
	}
}

static void cut(struct thaw_machine *m, enum thaw_checkpoint at)
{
	(void)m;
	if ((at == THAW_CHECKPOINT_LOAD && end == END_CUT_LOAD) ||
	    (at == THAW_CHECKPOINT_COMMITTING && end == END_CUT_COMMIT))
		longjmp(power, 1);
}

/* As efi/main.c does it. */
static enum thaw_err pass_over_unread(uint64_t mark)
{
	sim_boot(&c.sim);
	memset(&c.report, 0, sizeof(c.report));
	if (thaw_record_verdict(c.sim.m.record, 0, mark) == THAW_OK)
		thaw_pass_over(&c.sim.m, 0, mark, THAW_SECURE_BOOT);
	return THAW_SECURE_BOOT;
}

static enum thaw_err pass_over_unseen(void)
{
	sim_boot(&c.sim);
	memset(&c.report, 0, sizeof(c.report));
	thaw_record_forbid_next(&c.sim.m, THAW_READ);
	return THAW_READ;
}

static enum thaw_err end_so(const struct thaw_options *options)
{
	switch (end) {
	case END_UNREAD:
		return pass_over_unread(options->mark);
	case END_UNSEEN:
		return pass_over_unseen();
	default:
		return sim_restore(&c.sim, 0, options, &c.report);
	}
}

/* False: the power was cut. */
static bool boot(bool by_hand, enum thaw_err *ret_err)
{
	const uint64_t beside = OTHER_MARK;
	struct thaw_options options = {.by_hand = by_hand,
				       .mark = thaw_image_mark(c.picture.disk),
				       .beside = &beside,
				       .beside_count = end == END_BESIDE,
				       .unseen = end == END_HIDDEN};

	c.sim.fail_err = end == END_CHANGED ? THAW_CHANGED : THAW_OK;
	boots++;
	if (setjmp(power))
		return false;
	*ret_err = end_so(&options);
	return true;
}

/* --- states ------------------------------------------------------------------------------- */

static void enter(const struct state *s)
{
	size_t bytes = c.picture.disk_pages * 4096;

	memcpy(c.sim.disk.bytes, c.picture.disk, bytes);
	memcpy(c.sim.disk.before, c.picture.disk, bytes);
	c.sim.durable = s->record;
	c.sim.durable_there = s->there;
	c.sim.durable_vouched = s->vouched;
}

static const struct thaw_attempt *entry_of(const struct state *s, uint64_t mark)
{
	static const struct thaw_attempt none;
	const struct thaw_attempt *a = s->record.attempt;
	size_t i;

	for (i = 0; i < THAW_RECORD_ATTEMPTS; i++, a++) {
		if (a->state != THAW_ATTEMPT_EMPTY && a->mark == mark)
			return a;
	}
	return &none;
}

/* More tries than forbid an image make no difference. */
static bool is_same_entry(const struct state *a, const struct state *b, uint64_t mark)
{
	const struct thaw_attempt *x = entry_of(a, mark);
	const struct thaw_attempt *y = entry_of(b, mark);

	return x->state == y->state && x->identity == y->identity &&
	       thaw_min(x->tries, 2) == thaw_min(y->tries, 2);
}

static bool is_same(const struct state *a, const struct state *b)
{
	return a->there == b->there && a->vouched == b->vouched && a->passed == b->passed &&
	       is_same_entry(a, b, thaw_image_mark(c.picture.disk)) &&
	       is_same_entry(a, b, OTHER_MARK) && is_same_entry(a, b, 0);
}

static void add(const struct state *s)
{
	size_t i;

	for (i = 0; i < state_count; i++) {
		if (is_same(&states[i], s))
			return;
	}
	if (CHECK(state_count < STATES_MAX))
		states[state_count++] = *s;
}

static struct state leave(void)
{
	return (struct state){c.sim.durable, c.sim.durable_there, c.sim.durable_vouched, false};
}

static void show(const struct state *s, bool by_hand)
{
	printf("  end %d by hand %d choices %#x full %d: state %d tries %d there %d vouched %d\n",
	       end, by_hand, choices, c.sim.is_full, s->record.attempt[0].state,
	       s->record.attempt[0].tries, s->there, s->vouched);
}

/* --- what must hold ------------------------------------------------------------------------ */

/* One way out of a state. Returns how many calls about variables there were. */
static unsigned try(const struct state *from, bool by_hand)
{
	uint64_t mark = thaw_image_mark(c.picture.disk);
	enum thaw_err err = THAW_OK;
	struct state to;
	bool good;

	enter(from);
	if (!boot(by_hand, &err)) {
		to = leave();
		to.passed = from->passed;
		add(&to);
		return c.sim.calls[SIM_RECORD];
	}
	good = !c.sim.faults;
	if (err == THAW_OK) {
		restores++;
		good = good && (by_hand || !from->passed);
	}
	/* Whatever the other one is: next it is refused, or nobody ran, or the user was told. */
	if (end == END_HIDDEN)
		good = good && (sim_forbids(&c.sim, 0, OTHER_MARK) || c.report.unrecorded);
	to = leave();
	to.passed = from->passed;
	if (err && c.report.must_reset) {
		resets++;
	} else if (err) {
		/* Only a firmware that took nothing at all is excused: nobody can know. */
		good = good && (sim_forbids(&c.sim, 0, mark) || !c.sim.stores);
		to.passed |= sim_forbids(&c.sim, 0, mark);
		untold += !sim_forbids(&c.sim, 0, mark);
	}
	if (!CHECK(good)) {
		show(from, by_hand);
		printf("  %s: %s\n", thaw_err_name(err), c.sim.faults ? c.sim.why : "-");
	}
	add(&to);
	return c.sim.calls[SIM_RECORD];
}

/* Every pattern of failing calls: one that is longer than there are calls has been tried. */
static void try_all(const struct state *from, bool by_hand)
{
	unsigned calls = 0;

	for (choices = 0; choices == 0 || choices >> calls == 0; choices++) {
		unsigned n = try(from, by_hand);

		calls = n > calls ? n : calls;
	}
}

/* With a second image at times, of which there are twice as many states. */
static void explore(bool virgin, bool is_full, bool beside)
{
	struct state first;
	size_t i;

	state_count = 0;
	c.sim.is_full = is_full;
	thaw_record_init(&c.sim.durable);
	c.sim.durable_there = c.sim.durable_vouched = !virgin;
	first = leave();
	add(&first);
	for (i = 0; i < state_count; i++) {
		for (end = END_RESTORED; end < ENDS; end++) {
			if ((end == END_BESIDE || end == END_HIDDEN) && !beside)
				continue;
			try_all(&states[i], false);
			try_all(&states[i], true);
		}
	}
	printf("# %zu states, %s record, %s\n", state_count, virgin ? "no" : "a",
	       is_full ? "a full store" : "a dead one");
}

static void begin(void)
{
	scene_begin(&c, &(struct scene_options){.size = SCENE_TINY, .codec = THAW_CODEC_LZO1X});
	scene_finish(&c);
	c.sim.decide = decide;
	c.sim.checkpoint = cut;
}

static void test_never_twice(void)
{
	begin();
	/* Where variables can be deleted, and a record is there, nothing is ever left untold. */
	explore(false, true, false);
	CHECK(restores && !untold && !resets);
	explore(true, true, false);
	explore(false, false, true);
	explore(true, false, false);
	CHECK(untold && resets);
	scene_free(&c);
}

/* A power cut before the commit costs nothing, the first time. */
static void lose_power(bool virgin)
{
	struct state s;
	enum thaw_err err = THAW_OK;

	begin();
	choices = 0;
	end = END_CUT_LOAD;
	c.sim.durable_there = c.sim.durable_vouched = !virgin;
	CHECK(!boot(false, &err));
	s = leave();
	enter(&s);
	end = END_RESTORED;
	CHECK(boot(false, &err) && err == THAW_OK && !c.sim.faults);
	scene_free(&c);
}

static void test_power_cut(void)
{
	lose_power(false);
	lose_power(true);
}

int main(void)
{
	RUN(test_never_twice);
	RUN(test_power_cut);
	printf("# %u boots, %u restores, %u passed over with nothing stored, %u resets\n", boots,
	       restores, untold, resets);
	return check_summary();
}
