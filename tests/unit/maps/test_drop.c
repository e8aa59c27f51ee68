// SPDX-License-Identifier: BSD-2-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "lib/drop.h"

static void every_reason_has_a_name_and_a_sentence(void **state)
{
	(void)state;
	for (int i = 0; i < DROP_MAX; i++) {
		const char *name = drop_name(i), *text = drop_text(i);

		assert_true(*name && !name[strspn(name, "abcdefghijklmnopqrstuvwxyz_")]);
		assert_true(strlen(text) > 2 && text[strlen(text) - 1] == '.');
		for (int j = 0; j < i; j++) {
			assert_string_not_equal(name, drop_name(j));
			assert_string_not_equal(text, drop_text(j));
		}
	}
}

static void names_are_those_of_the_reasons(void **state)
{
	(void)state;
	assert_string_equal(drop_name(DROP_MALFORMED_IP), "malformed_ip");
	assert_string_equal(drop_name(DROP_MALFORMED_TRANSPORT), "malformed_transport");
	assert_string_equal(drop_name(DROP_NO_BACKEND), "no_backend");
	assert_string_equal(drop_name(DROP_NO_TARGET), "no_target");
	assert_string_equal(drop_name(DROP_TOO_BIG), "too_big");
	assert_string_equal(drop_name(DROP_NO_ROOM), "no_room");
	assert_string_equal(drop_name(DROP_MAX), "unknown");
	assert_string_equal(drop_name(-1), "unknown");
	assert_string_equal(drop_text(DROP_MAX), "Not a known reason.");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_reason_has_a_name_and_a_sentence),
		cmocka_unit_test(names_are_those_of_the_reasons),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
