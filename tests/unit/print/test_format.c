// SPDX-License-Identifier: BSD-2-Clause
/* Numbers as people read them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "print/format.h"
#include "cli/command.h"

static void counts(void **state)
{
	static const struct {
		__u64 count;
		const char *text;
	} rows[] = {
		{ 0, "0" },
		{ 9999, "9999" },
		{ 10000, "10.0k" },
		{ 12345, "12.3k" },
		{ 99949, "99.9k" },
		{ 99950, "100k" }, /* never 100.0k */
		{ 999499, "999k" },
		{ 999500, "1.0M" }, /* never 1000k */
		{ 1234567, "1.2M" },
		{ 3400000000ULL, "3.4G" },
		{ UINT64_MAX, "18.4E" },
	};
	char buf[FORMAT_SIZE];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++)
		assert_string_equal(format_count(rows[i].count, buf), rows[i].text);
}

static void bytes(void **state)
{
	static const struct {
		__u64 bytes;
		const char *text;
	} rows[] = {
		{ 0, "0 B" },
		{ 999, "999 B" },
		{ 1000, "1.0 kB" },
		{ 262456, "262 kB" },
		{ 999999, "1.0 MB" },
		{ 3400000000ULL, "3.4 GB" },
		{ UINT64_MAX, "18.4 EB" },
	};
	char buf[FORMAT_SIZE];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++)
		assert_string_equal(format_bytes(rows[i].bytes, buf), rows[i].text);
}

static void rates(void **state)
{
	static const struct {
		double per_s;
		const char *unit, *text;
	} rows[] = {
		{ 0, "", "0/s" },           { 0.5, "", "0.5/s" },       { 100, "", "100/s" },
		{ 1499.6, "", "1.5k/s" },   { 1.2e6, "", "1.2M/s" },    { 0, "B", "0 B/s" },
		{ 3.4e6, "B", "3.4 MB/s" }, { 999.7, "B", "1.0 kB/s" },
	};
	char buf[FORMAT_SIZE];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++)
		assert_string_equal(format_rate(rows[i].per_s, rows[i].unit, buf), rows[i].text);
}

static void shares(void **state)
{
	char buf[FORMAT_SIZE];

	(void)state;
	assert_string_equal(format_share(0, buf), "0.0 %");
	assert_string_equal(format_share(1.0 / 3, buf), "33.3 %");
	assert_string_equal(format_share(1, buf), "100.0 %");
	assert_string_equal(format_share(-1, buf), "-");
}

static void durations_to_text(void **state)
{
	static const struct {
		__u64 seconds;
		const char *text;
	} rows[] = {
		{ 0, "0s" },        { 59, "59s" },
		{ 60, "1m 0s" },    { 3599, "59m 59s" },
		{ 3600, "1h 0m" },  { 86399, "23h 59m" },
		{ 86400, "1d 0h" }, { 12 * 86400 + 3 * 3600 + 59, "12d 3h" },
	};
	char buf[FORMAT_SIZE];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++)
		assert_string_equal(format_duration(rows[i].seconds, buf), rows[i].text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts),
		cmocka_unit_test(bytes),
		cmocka_unit_test(rates),
		cmocka_unit_test(shares),
		cmocka_unit_test(durations_to_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
