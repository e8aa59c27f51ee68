// SPDX-License-Identifier: BSD-2-Clause
/* Known names near a mistyped one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/array.h"
#include "base/nearest.h"

static const char *const keys[] = { "name",     "listen",   "mode",  "scheduler",
				    "rows",     "gue_port", "check", "backends",
				    "interval", "timeout",  "l2" };

static void slips_find_their_name(void **state)
{
	static const struct {
		const char *slip, *name;
	} rows[] = {
		{ "nmae", "name" },          /* swapped */
		{ "liste", "listen" },       /* lost */
		{ "backend", "backends" },   /* lost */
		{ "Mode", "mode" },          /* upper case */
		{ "INTERVAL", "interval" },  /* upper case throughout: no slip at all */
		{ "guep-ort", "gue_port" },  /* two slips in eight */
		{ "sheduler", "scheduler" }, /* lost inside */
		{ "intervall", "interval" }, /* doubled */
		{ "row", "rows" },
		{ "l3", "l2" },
		{ "weight", NULL },
		{ "x", NULL },
		{ "", NULL },
		{ "xyz", NULL },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *nearest = nearest_name(rows[i].slip, keys, ARRAY_SIZE(keys));

		if (rows[i].name) {
			assert_non_null(nearest);
			assert_string_equal(nearest, rows[i].name);
		} else {
			assert_null(nearest);
		}
	}
}

static void nearest_come_first_and_ties_keep_their_order(void **state)
{
	static const char *const names[] = {
		"web-12", "web-22", "web-21", "mail", "web-2", "web-3"
	};
	const char *out[4];

	(void)state;
	assert_int_equal(nearest_names("web-2", names, ARRAY_SIZE(names), out, 4), 4);
	assert_string_equal(out[0], "web-2");
	assert_string_equal(out[1], "web-12");
	assert_string_equal(out[2], "web-22");
	assert_string_equal(out[3], "web-21");
	assert_int_equal(nearest_names("web-2", names, ARRAY_SIZE(names), out, 1), 1);
	assert_string_equal(out[0], "web-2");
	assert_int_equal(nearest_names("web-2", names, ARRAY_SIZE(names), out, 0), 0);
	assert_int_equal(nearest_names("web-2", names, 0, out, 4), 0);
}

static void no_more_than_the_limit_is_written(void **state)
{
	const char *names[2 * NEAREST_MAX], *out[2 * NEAREST_MAX + 1] = { NULL };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(names); i++)
		names[i] = "web1";
	assert_int_equal(nearest_names("web2", names, ARRAY_SIZE(names), out, ARRAY_SIZE(out)),
			 NEAREST_MAX);
	assert_null(out[NEAREST_MAX]);
}

static void long_names_are_compared_only_up_to_a_limit(void **state)
{
	char name[4096], near[4096];
	const char *known = near;

	(void)state;
	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	memcpy(near, name, sizeof(near));
	assert_null(nearest_name(name, &known, 1));
	name[64] = near[64] = '\0';
	name[0] = 'b';
	assert_non_null(nearest_name(name, &known, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slips_find_their_name),
		cmocka_unit_test(nearest_come_first_and_ties_keep_their_order),
		cmocka_unit_test(no_more_than_the_limit_is_written),
		cmocka_unit_test(long_names_are_compared_only_up_to_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
