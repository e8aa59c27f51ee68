// SPDX-License-Identifier: BSD-2-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "maps/drop.h"

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

/* Opens a file of the source tree, from which the tests are built and run. */
static FILE *source_open(const char *name)
{
	const char *self = strstr(__FILE__, "tests/unit/maps/");
	char path[4096];

	assert_non_null(self);
	snprintf(path, sizeof(path), "%.*s%s", (int)(self - __FILE__), __FILE__, name);
	return fopen(path, "r");
}

/* "DROP_NO_PORT" is "no_port", and so on for every constant that the header has. */
static void names_are_those_of_the_constants(void **state)
{
	FILE *header = source_open("include/poise/abi.h");
	char line[256], constant[64] = "", name[64];
	bool inside = false;
	int value = 0;

	(void)state;
	assert_non_null(header);
	while (strcmp(constant, "MAX") && fgets(line, sizeof(line), header)) {
		inside = inside || strstr(line, "enum drop_reason {");
		if (!inside || sscanf(line, " DROP_%63[A-Z0-9_]", constant) != 1)
			continue;
		for (size_t i = 0; i <= strlen(constant); i++)
			name[i] = tolower(constant[i]);
		assert_string_equal(drop_name(value), value < DROP_MAX ? name : "unknown");
		value++;
	}
	fclose(header);
	assert_int_equal(value, DROP_MAX + 1);
}

static void what_is_no_reason_is_unknown(void **state)
{
	(void)state;
	assert_string_equal(drop_name(DROP_MAX), "unknown");
	assert_string_equal(drop_name(-1), "unknown");
	assert_string_equal(drop_text(DROP_MAX), "Not a known reason.");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_reason_has_a_name_and_a_sentence),
		cmocka_unit_test(names_are_those_of_the_constants),
		cmocka_unit_test(what_is_no_reason_is_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
