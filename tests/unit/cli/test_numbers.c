// SPDX-License-Identifier: BSD-2-Clause
/* Numbers and times as they are typed. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "cli/command.h"
#include "cli/numbers.h"

static void numbers_are_digits_and_nothing_else(void **state)
{
	static const struct {
		const char *text;
		int err;
		__u64 number;
	} rows[] = {
		{ "10", 0, 10 },
		{ "65535", 0, 65535 },
		{ "10000000000000000000", -EINVAL },
		{ "18446744073709551616", -EINVAL }, /* would wrap to 0 */
		{ "18446744073709551626", -EINVAL }, /* would wrap to 10 */
		{ "9", -EINVAL },
		{ "65536", -EINVAL },
		{ " 80", -EINVAL },
		{ "+80", -EINVAL },
		{ "-80", -EINVAL },
		{ "080", -EINVAL },
		{ "80 ", -EINVAL },
		{ "0x50", -EINVAL },
		{ "8e1", -EINVAL },
		{ "", -EINVAL },
	};
	__u64 number;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		number = 0;
		assert_int_equal(number_parse(rows[i].text, 10, 65535, &number), rows[i].err);
		assert_int_equal(number, rows[i].number);
	}
	assert_int_equal(number_parse("0", 0, 1, &number), 0);
	assert_int_equal(number_parse("18446744073709551615", 0, UINT64_MAX, &number), 0);
	assert_true(number == UINT64_MAX);
}

static void durations_from_text(void **state)
{
	static const struct {
		const char *text;
		int err;
		__u64 ms;
	} rows[] = {
		{ "500ms", 0, 500 },
		{ "2s", 0, 2000 },
		{ "5m", 0, 300000 },
		{ "24h", 0, 86400000 },
		{ "0s", 0, 0 },
		{ "25h", -EINVAL },
		{ "86400001ms", -EINVAL },
		{ "99999999999999999999s", -EINVAL },
		{ "2", -EINVAL },
		{ "s", -EINVAL },
		{ "2 s", -EINVAL },
		{ " 2s", -EINVAL },
		{ "+2s", -EINVAL },
		{ "-2s", -EINVAL },
		{ "02s", -EINVAL },
		{ "1.5s", -EINVAL },
		{ "2S", -EINVAL },
		{ "2ss", -EINVAL },
		{ "", -EINVAL },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		__u64 ms = 0;

		assert_int_equal(duration_parse(rows[i].text, &ms), rows[i].err);
		assert_int_equal(ms, rows[i].ms);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_digits_and_nothing_else),
		cmocka_unit_test(durations_from_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
