// SPDX-License-Identifier: BSD-2-Clause
/* The values that options take, and what is said of others. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/array.h"
#include "cli/value.h"

static const struct option_row port = { "port", "N", .check = value_number, .min = 1,
					.max = 65535 },
			       part = { "panic",  "PERCENT|never", .check = value_percent,
					.min = 1, .max = 100,      .absent = "never" },
			       plain = { "timeout", "TIME", .check = value_time },
			       least = { "interval", "TIME", .check = value_time, .min = 100 },
			       some = { "interval", "TIME", .check = value_time, .min = 1 },
			       absent = { "slow-start", "TIME|none", .check = value_time,
					  .absent = "none" };

static void values_are_judged(void **state)
{
	static const struct {
		const struct option_row *row;
		const char *value, *error; /* NULL: it is taken */
	} rows[] = {
		{ &port, "1", NULL },
		{ &port, "65535", NULL },
		{ &port, "0", "--port: expected a whole number from 1 to 65535, found \"0\"" },
		{ &port, "65536",
		  "--port: expected a whole number from 1 to 65535, found \"65536\"" },
		{ &port, "http",
		  "--port: expected a whole number from 1 to 65535, found \"http\"" },
		{ &part, "1", NULL },
		{ &part, "100%", NULL },
		{ &part, "never", NULL },
		{ &part, "101%",
		  "--panic: expected never or a percentage from 1% to 100%, found \"101%\"" },
		{ &part, "none",
		  "--panic: expected never or a percentage from 1% to 100%, found \"none\"" },
		{ &plain, "0s", NULL },
		{ &plain, "24h", NULL },
		{ &plain, "none",
		  "--timeout: expected a time like 500ms, 2s or 5m, found \"none\"" },
		{ &some, "1ms", NULL },
		{ &some, "0s", "--interval: expected a time like 500ms, 2s or 5m, found \"0s\"" },
		{ &least, "100ms", NULL },
		{ &least, "99ms",
		  "--interval: expected a time of at least 100ms, like 500ms, 2s or 5m, found "
		  "\"99ms\"" },
		{ &absent, "none", NULL },
		{ &absent, "30s", NULL },
		{ &absent, "5",
		  "--slow-start: expected none or a time like 500ms, 2s or 5m, found \"5\"" },
	};
	char error[OPTIONS_ERROR_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int err = rows[i].row->check(rows[i].row, rows[i].value, error);

		assert_int_equal(err, rows[i].error ? -EINVAL : 0);
		if (rows[i].error)
			assert_string_equal(error, rows[i].error);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_judged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
