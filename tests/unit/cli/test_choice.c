// SPDX-License-Identifier: BSD-2-Clause
/* Words that may be cut short. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "fixtures/caught.h"
#include "cli/command.h"
#include "cli/choice.h"

static const char *const objects[] = { "service", "status", "stats", "stat", "drops", "detach" };

static void a_word_is_found_whole_or_by_a_beginning_of_its_own(void **state)
{
	static const struct {
		const char *word;
		int found;
	} rows[] = {
		{ "service", 0 },
		{ "se", 0 },
		{ "stat", 3 }, /* whole, although others begin so */
		{ "stats", 2 },
		{ "statu", 1 },
		{ "dr", 4 },
		{ "s", -EEXIST },
		{ "sta", -EEXIST },
		{ "d", -EEXIST },
		{ "services", -ENOENT },
		{ "Service", -ENOENT },
		{ " service", -ENOENT },
		{ "", -ENOENT },
		{ "x", -ENOENT },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(choice_find(rows[i].word, objects, ARRAY_SIZE(objects)),
				 rows[i].found);
}

/* Returns what choice_misuse prints, in a buffer that the next call reuses. */
static const char *said(const char *word)
{
	static char text[512];
	struct caught caught;
	int status;

	caught_begin(&caught);
	status = choice_misuse("object", word, objects, ARRAY_SIZE(objects));
	caught_end(&caught, text, sizeof(text));
	assert_int_equal(status, EXIT_USAGE);
	return text;
}

static void what_is_wrong_with_a_word_is_said(void **state)
{
	(void)state;
	assert_string_equal(said("d"), "poise: object \"d\" is ambiguous: drops or detach\n");
	assert_string_equal(said("drosp"), "poise: unknown object \"drosp\": did you mean "
					   "\"drops\"?\n");
	assert_string_equal(said("xyz"),
			    "poise: unknown object \"xyz\": expected service, status, stats, "
			    "stat, drops or detach\n");
	assert_string_equal(said(""), "poise: unknown object \"\": expected service, status, "
				      "stats, stat, drops or detach\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_word_is_found_whole_or_by_a_beginning_of_its_own),
		cmocka_unit_test(what_is_wrong_with_a_word_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
