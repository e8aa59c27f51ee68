// SPDX-License-Identifier: BSD-2-Clause
/* When a backend's health changes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/array.h"
#include "health/health.h"

/* Results: '+' passed, '-' failed. Health after each: 'U' up, 'D' down. */
static const struct {
	const char *name;
	enum poise_health start;
	__u32 rise, fall;
	const char *results, *health;
} rows[] = {
	{ "the first pass ends checking, whatever rise says", HEALTH_CHECKING, 5, 3, "+", "U" },
	{ "so does the first failure, whatever fall says", HEALTH_CHECKING, 2, 5, "-", "D" },
	{ "fall failures in a row take it down", HEALTH_UP, 2, 3, "---", "UUD" },
	{ "a pass in between starts over", HEALTH_UP, 2, 3, "--+--+---", "UUUUUUUUD" },
	{ "rise passes in a row bring it up", HEALTH_DOWN, 2, 3, "++", "DU" },
	{ "a failure in between starts over", HEALTH_DOWN, 3, 3, "++-++-+++", "DDDDDDDDU" },
	{ "once is enough when set so", HEALTH_UP, 1, 1, "-+-+", "DUDU" },
	{ "down stays down, however long", HEALTH_DOWN, 2, 2, "----------+-+-", "DDDDDDDDDDDDDD" },
	{ "failures before going down do not count on the way up", HEALTH_UP, 2, 2, "--+-++",
	  "UDDDDU" },
	{ "what ended checking counts for nothing more", HEALTH_CHECKING, 2, 3, "----++",
	  "DDDDDU" },
	{ "checking ended by a pass, then fall failures", HEALTH_CHECKING, 2, 3, "+---", "UUUD" },
	{ "unchecked counts as up, by failures", HEALTH_UNCHECKED, 2, 3, "---", "??D" },
	{ "unchecked counts as up, by a pass", HEALTH_UNCHECKED, 2, 3, "-+---", "?UUUD" },
};

static char letter(enum poise_health health)
{
	return health == HEALTH_UP ? 'U' : health == HEALTH_DOWN ? 'D' : '?';
}

static void sequences(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct conf_check conf = { .rise = rows[i].rise, .fall = rows[i].fall };
		struct health_state health = { .health = rows[i].start };

		assert_int_equal(strlen(rows[i].results), strlen(rows[i].health));
		for (size_t j = 0; rows[i].results[j]; j++) {
			enum poise_health now =
				health_next(&health, rows[i].results[j] == '+', &conf);

			assert_int_equal(now, health.health);
			if (letter(now) != rows[i].health[j])
				fail_msg("%s: after result %zu: %c", rows[i].name, j + 1,
					 letter(now));
		}
	}
}

/* A check a minute for a year, with two failures each hour and an outage of ten minutes each day.
 */
static void a_year(void **state)
{
	const struct conf_check conf = { .rise = 2, .fall = 3 };
	struct health_state health = { .health = HEALTH_CHECKING };
	unsigned int outages = 0, minutes_down = 0;

	(void)state;
	for (unsigned int minute = 0; minute < 365 * 24 * 60; minute++) {
		enum poise_health before = health.health;
		bool outage = minute % (24 * 60) >= 600 && minute % (24 * 60) < 610;
		bool glitch = minute % 60 == 30 || minute % 60 == 31;

		health_next(&health, !outage && !glitch, &conf);
		outages += before == HEALTH_UP && health.health == HEALTH_DOWN;
		minutes_down += health.health == HEALTH_DOWN;
	}
	assert_int_equal(outages, 365);
	assert_int_equal(minutes_down, 365 * (10 - 2 + 1)); /* noticed 2 late, and 1 at the end */
	assert_int_equal(health.health, HEALTH_UP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sequences),
		cmocka_unit_test(a_year),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
