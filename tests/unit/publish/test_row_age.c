// SPDX-License-Identifier: BSD-2-Clause
/* How old a row is, and what it becomes after a pass. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/array.h"
#include "publish/row_age.h"

#define A 11
#define B 12
#define C 13
#define T ROW_TRACKED

static void ages_follow_changes(void **state)
{
	static const struct {
		struct row before, after;
		__u8 age, then;
	} rows[] = {
		{ { A, 0 }, { B, A }, 0, 0 },
		{ { B, A }, { C, A }, 5, 5 }, /* the flows waited for are older than both */
		{ { B, A }, { B, A }, 5, 5 },
		{ { B, A }, { 0, A }, 5, 5 },
		{ { B, A }, { A, T }, 5, ROW_AGE_TRACKED },
		{ { B, A }, { B, T }, ROW_AGE_SETTLED, ROW_AGE_TRACKED },
		{ { B, T }, { B, T }, ROW_AGE_JUDGED, ROW_AGE_JUDGED },
		{ { B, T }, { B, T }, ROW_AGE_TRACKED, ROW_AGE_TRACKED },
		{ { B, T }, { C, T }, ROW_AGE_JUDGED, ROW_AGE_TRACKED },
		{ { B, T }, { 0, T }, ROW_AGE_JUDGED, ROW_AGE_TRACKED },
		{ { B, T }, { C, B }, ROW_AGE_JUDGED, 0 },
		{ { B, T }, { B, 0 }, ROW_AGE_JUDGED, 0 },
		{ { 0, A }, { 0, A }, ROW_AGE_SETTLED, ROW_AGE_SETTLED },
		{ { 0, A }, { B, A }, 7, 7 },
		{ { A, 0 }, { B, T }, 0, ROW_AGE_TRACKED },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(row_age_next(rows[i].age, rows[i].before, rows[i].after),
				 rows[i].then);
	assert_int_equal(row_age_first((struct row){ A, 0 }), 0);
	assert_int_equal(row_age_first((struct row){ B, A }), 0);
	assert_int_equal(row_age_first((struct row){ B, T }), ROW_AGE_TRACKED);
}

static void only_moving_rows_grow(void **state)
{
	(void)state;
	assert_int_equal(row_age_grow(0, 0), 0);
	assert_int_equal(row_age_grow(0, 1), 1);
	assert_int_equal(row_age_grow(3, 5), 8);
	assert_int_equal(row_age_grow(3, 6), ROW_AGE_SETTLED);
	assert_int_equal(row_age_grow(3, ~0ULL), ROW_AGE_SETTLED);
	assert_int_equal(row_age_grow(0, 1ULL << 32), ROW_AGE_SETTLED);
	assert_int_equal(row_age_grow(ROW_AGE_SETTLED, 3), ROW_AGE_SETTLED);
	assert_int_equal(row_age_grow(ROW_AGE_TRACKED, 3), ROW_AGE_TRACKED);
	assert_int_equal(row_age_grow(ROW_AGE_JUDGED, 3), ROW_AGE_JUDGED);
	assert_int_equal(row_age_begin_sweep(4), 4);
	assert_int_equal(row_age_begin_sweep(ROW_AGE_TRACKED), ROW_AGE_JUDGED);
	assert_int_equal(row_age_begin_sweep(ROW_AGE_JUDGED), ROW_AGE_JUDGED);
	/* A row that began to move just before a slice ended has still waited all of the time. */
	assert_true(ROW_AGE_SETTLED > ROW_AGE_SLICES);
}

static void passes_judge(void **state)
{
	static const struct {
		struct row row;
		__u8 age;
		bool held, always;
		struct row then;
	} rows[] = {
		{ { B, A }, ROW_AGE_SLICES, false, false, { B, A } },
		{ { B, A }, ROW_AGE_SETTLED, true, false, { B, T } },
		{ { B, A }, ROW_AGE_SETTLED, false, true, { B, T } },
		{ { 0, A }, ROW_AGE_SETTLED, false, false, { 0, A } },
		{ { B, T }, ROW_AGE_TRACKED, false, false, { B, T } },
		{ { B, T }, ROW_AGE_JUDGED, false, false, { B, 0 } },
		{ { B, T }, ROW_AGE_JUDGED, true, false, { B, T } },
		{ { B, T }, ROW_AGE_JUDGED, false, true, { B, T } },
		{ { 0, T }, ROW_AGE_JUDGED, false, false, { 0, 0 } },
		{ { A, 0 }, 0, false, false, { A, 0 } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct row then =
			row_age_judge(rows[i].row, rows[i].age, rows[i].held, rows[i].always);

		assert_memory_equal(&then, &rows[i].then, sizeof(then));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ages_follow_changes),
		cmocka_unit_test(only_moving_rows_grow),
		cmocka_unit_test(passes_judge),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
