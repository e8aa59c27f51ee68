// SPDX-License-Identifier: BSD-2-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "poise/flow.h"
#include "rows/row.h"

enum { NOBODY, A, B, C, D, TRACKED = ROW_TRACKED };
static const __u16 last = D;

#define LEN(array) (sizeof(array) / sizeof(*(array)))

struct next_case {
	const char *name;
	struct row row;
	__u16 owner;
	const char *serving; /* of "ABCD" */
	struct row want, want_always;
};

static const struct next_case cases[] = {
	{ "a stable row stays with its owner", { A, 0 }, A, "AB", { A, 0 }, { A, A } },
	{ "a new owner, the old one serves", { A, 0 }, B, "AB", { B, A }, { B, A } },
	{ "a new owner, the old one failed", { A, 0 }, B, "B", { B, TRACKED }, { B, TRACKED } },
	{ "all drained", { A, 0 }, 0, "A", { 0, A }, { 0, A } },
	{ "all failed", { A, 0 }, 0, "", { 0, TRACKED }, { 0, TRACKED } },
	{ "the first backend", { 0, 0 }, A, "A", { A, 0 }, { A, TRACKED } },
	{ "still nobody", { 0, 0 }, 0, "A", { 0, 0 }, { 0, TRACKED } },

	{ "a moving row stays so", { B, A }, B, "AB", { B, A }, { B, A } },
	{ "a second change keeps the oldest", { B, A }, C, "ABC", { C, A }, { C, A } },
	{ "the new owner failed", { B, A }, C, "AC", { C, A }, { C, A } },
	{ "back to the oldest", { B, A }, A, "AB", { A, TRACKED }, { A, A } },
	{ "back to the oldest, the new one failed", { B, A }, A, "A", { A, TRACKED }, { A, A } },
	{ "the oldest failed", { B, A }, B, "B", { B, TRACKED }, { B, TRACKED } },
	{ "the oldest failed and another owner",
	  { B, A },
	  C,
	  "BC",
	  { C, TRACKED },
	  { C, TRACKED } },
	{ "both failed", { B, A }, C, "C", { C, TRACKED }, { C, TRACKED } },
	{ "both failed, nobody is left", { B, A }, 0, "", { 0, TRACKED }, { 0, TRACKED } },
	{ "drained while it moves", { B, A }, 0, "AB", { 0, A }, { 0, A } },
	{ "its own previous one stays", { A, A }, A, "A", { A, TRACKED }, { A, A } },
	{ "its own previous one, a new owner", { A, A }, B, "AB", { B, A }, { B, A } },
	{ "its own previous one failed", { A, A }, B, "B", { B, TRACKED }, { B, TRACKED } },

	{ "all drained stays", { 0, A }, 0, "A", { 0, A }, { 0, A } },
	{ "all drained, and then one fails", { 0, A }, 0, "", { 0, TRACKED }, { 0, TRACKED } },
	{ "ready again", { 0, A }, A, "A", { A, TRACKED }, { A, A } },
	{ "another after all were drained", { 0, A }, B, "AB", { B, A }, { B, A } },
	{ "another after all failed", { 0, A }, B, "B", { B, TRACKED }, { B, TRACKED } },

	{ "a tracked row stays so", { B, TRACKED }, B, "B", { B, TRACKED }, { B, TRACKED } },
	{ "a tracked row moves", { B, TRACKED }, C, "BC", { C, B }, { C, TRACKED } },
	{ "its owner failed", { B, TRACKED }, C, "C", { C, TRACKED }, { C, TRACKED } },
	{ "its owner is drained, the last", { B, TRACKED }, 0, "B", { 0, B }, { 0, TRACKED } },
	{ "its owner failed, the last", { B, TRACKED }, 0, "", { 0, TRACKED }, { 0, TRACKED } },
	{ "nobody", { 0, TRACKED }, 0, "A", { 0, TRACKED }, { 0, TRACKED } },
	{ "somebody after nobody", { 0, TRACKED }, B, "B", { B, TRACKED }, { B, TRACKED } },
};

static void make_serves(bool *serves, const char *serving)
{
	serves[NOBODY] = false;
	for (int target = A; target <= D; target++)
		serves[target] = false;
	for (; *serving; serving++)
		serves[A + *serving - 'A'] = true;
}

static void assert_row(struct row row, struct row want)
{
	assert_int_equal(row.current_target, want.current_target);
	assert_int_equal(row.previous_target, want.previous_target);
}

static void rows_follow_their_owners(void **state)
{
	bool serves[D + 1];

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		const struct next_case *c = &cases[i];

		print_message("  %s\n", c->name);
		make_serves(serves, c->serving);
		assert_row(row_next(c->row, c->owner, false, serves), c->want);
		assert_row(row_next(c->row, c->owner, true, serves), c->want_always);
	}
}

/* Everything that can be: each pair of targets, owner, set of those that serve. */
static void every_case(void (*check)(struct row row, __u16 owner, bool always, const bool *serves))
{
	static const __u16 previous[] = { 0, A, B, C, D, TRACKED };

	for (int bits = 0; bits < 1 << D; bits++) {
		bool serves[D + 1] = { false };

		for (int target = A; target <= D; target++)
			serves[target] = bits >> (target - A) & 1;
		for (__u16 current = 0; current <= last; current++)
			for (size_t i = 0; i < LEN(previous); i++)
				for (__u16 owner = 0; owner <= last; owner++) {
					struct row row = { current, previous[i] };

					/* who owns serves */
					if (owner && !serves[owner])
						continue;
					check(row, owner, false, serves);
					check(row, owner, true, serves);
				}
	}
}

static void check_next(struct row row, __u16 owner, bool always, const bool *serves)
{
	struct row next = row_next(row, owner, always, serves);

	/* New flows are the owner's at once, and nobody else is named who does not serve. */
	assert_int_equal(next.current_target, owner);
	if (row_moving(next))
		assert_true(serves[next.previous_target]);
	/* Packets of whom the table knows nothing go where they went, if they still can. */
	if (row_moving(row) && serves[row.previous_target])
		assert_true(next.previous_target == row.previous_target ||
			    (next.previous_target == TRACKED && owner == row.previous_target));
	if (!row_moving(row) && serves[row.current_target] && owner != row.current_target &&
	    !(always && row.previous_target == TRACKED))
		assert_int_equal(next.previous_target, row.current_target);
	/*
	 * A row that does not read the flow table has no other backend's flows in it, lost ones or
	 * not.
	 */
	if (!row_tracks(next))
		assert_true(!always && !row_tracks(row) &&
			    (owner == row.current_target || !row.current_target));
	/* Once is enough. */
	assert_row(row_next(next, owner, always, serves), next);
}

static void no_row_loses_what_serves(void **state)
{
	(void)state;
	every_case(check_next);
}

static void check_track_all(struct row row, __u16 owner, bool always, const bool *serves)
{
	struct row next = row_next(row_track_all(row, serves), owner, true, serves);

	(void)always;
	assert_int_equal(next.current_target, owner);
	/* Whoever the packets of flows not in the table went to. */
	if (row_moving(row) && serves[row.previous_target])
		assert_int_equal(next.previous_target, row.previous_target);
	else if (!row_moving(row) && serves[row.current_target])
		assert_int_equal(next.previous_target, row.current_target);
	else
		assert_int_equal(next.previous_target, TRACKED);
}

static void rows_that_begin_to_be_tracked_remember_who_had_them(void **state)
{
	(void)state;
	every_case(check_track_all);
}

static void moving_is_to_have_a_previous_target(void **state)
{
	(void)state;
	assert_false(row_moving((struct row){ A, 0 }));
	assert_false(row_moving((struct row){ 0, 0 }));
	assert_false(row_moving((struct row){ A, TRACKED }));
	assert_false(row_moving((struct row){ 0, TRACKED }));
	assert_true(row_moving((struct row){ B, A }));
	assert_true(row_moving((struct row){ A, A }));
	assert_true(row_moving((struct row){ 0, A }));
}

static void only_moving_rows_of_somebody_settle(void **state)
{
	(void)state;
	assert_row(row_settle((struct row){ B, A }), (struct row){ B, TRACKED });
	assert_row(row_settle((struct row){ A, A }), (struct row){ A, TRACKED });
	assert_row(row_settle((struct row){ 0, A }), (struct row){ 0, A });
	assert_row(row_settle((struct row){ A, 0 }), (struct row){ A, 0 });
	assert_row(row_settle((struct row){ 0, 0 }), (struct row){ 0, 0 });
	assert_row(row_settle((struct row){ A, TRACKED }), (struct row){ A, TRACKED });
	assert_row(row_settle((struct row){ 0, TRACKED }), (struct row){ 0, TRACKED });
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_follow_their_owners),
		cmocka_unit_test(no_row_loses_what_serves),
		cmocka_unit_test(rows_that_begin_to_be_tracked_remember_who_had_them),
		cmocka_unit_test(moving_is_to_have_a_previous_target),
		cmocka_unit_test(only_moving_rows_of_somebody_settle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
