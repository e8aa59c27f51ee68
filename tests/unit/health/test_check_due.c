// SPDX-License-Identifier: BSD-2-Clause
/* When a backend is checked next. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/array.h"
#include "health/check_due.h"

static const struct {
	const char *name;
	__u64 due_ms, now_ms;
	__u32 interval_ms;
	__u64 next_ms;
} rows[] = {
	{ "in time: one interval later", 1000, 1000, 50, 1050 },
	{ "late: still one interval after it was due", 1000, 1049, 50, 1050 },
	{ "late by an interval: that one is missed", 1000, 1050, 50, 1100 },
	{ "late by many: in phase after all of them", 1000, 7777, 50, 7800 },
	{ "an interval of a millisecond", 5, 9, 1, 10 },
	{ "a day asleep with the longest interval", 1, 86400001, 4294967295U, 4294967296ULL },
	{ "after fifty days the time has more than 32 bits", 4294967290ULL, 4294967300ULL, 100,
	  4294967390ULL },
};

static void after_one_check(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		__u64 next_ms =
			check_due_after(rows[i].due_ms, rows[i].now_ms, rows[i].interval_ms);

		if (next_ms != rows[i].next_ms)
			fail_msg("%s: %llu", rows[i].name, next_ms);
	}
}

/*
 * A million checks, each late by up to a little over an interval: none is out of phase, none comes
 * before the one before it, and only intervals that were missed whole are left out.
 */
static void the_phase_is_kept(void **state)
{
	__u64 due_ms = 12345;

	(void)state;
	srand(1);
	for (int i = 0; i < 1000000; i++) {
		__u64 now_ms = due_ms + rand() % 60;
		__u64 next_ms = check_due_after(due_ms, now_ms, 50);

		assert_int_equal(next_ms % 50, 12345 % 50);
		assert_true(next_ms > now_ms && next_ms <= now_ms + 50);
		due_ms = next_ms;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(after_one_check),
		cmocka_unit_test(the_phase_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
