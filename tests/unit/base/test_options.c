// SPDX-License-Identifier: BSD-2-Clause
/* Options of both programs: what is taken, and what is said of what makes no sense. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/array.h"
#include "base/options.h"

static int even(const struct option_row *row, const char *value, char error[OPTIONS_ERROR_SIZE])
{
	(void)row;
	snprintf(error, OPTIONS_ERROR_SIZE, "%s is odd", value);
	return strlen(value) % 2 ? -EINVAL : 0;
}

static const char *const colours[] = { "red", "green", "grey" };

static const struct option_row own[] = {
	{ "config", "FILE", "", .letter = 'c' },
	{ "loud", NULL, "", .letter = 'l' },
	{ "tag", "TEXT", "", .many = true },
	{ "colour", NULL, "", .words = colours, .word_count = ARRAY_SIZE(colours) },
	{ "pair", "TEXT", "", .check = even },
	{ 0 },
};
static const struct option_row common[] = { { "json", NULL, "", .letter = 'j' }, { 0 } };
static const struct option_row *const tables[] = { own, common, NULL };

/* Takes the options of a line, parted by blanks: "config=a loud | word word", or the error. */
static const char *taken(const char *line, bool first_only)
{
	static char text[512];
	char copy[256], *argv[16] = { NULL }, *rest = copy, *word, error[OPTIONS_ERROR_SIZE];
	struct options_given given;
	int argc = 0, words;
	size_t used = 0;

	snprintf(copy, sizeof(copy), "%s", line);
	while ((word = strsep(&rest, " ")))
		argv[argc++] = strcmp(word, "''") ? word : word + 2;
	words = first_only ? options_take_first(tables, argc, argv, &given, error)
			   : options_take(tables, argc, argv, &given, error);
	for (size_t i = 0; words >= 0 && i < given.count; i++)
		used += snprintf(text + used, sizeof(text) - used, "%s%s%s ",
				 given.list[i].row->name, given.list[i].value ? "=" : "",
				 given.list[i].value ? given.list[i].value : "");
	if (words < 0)
		snprintf(text, sizeof(text), "%s", error);
	else
		used += snprintf(text + used, sizeof(text) - used, "|");
	if (words >= 0 && !first_only)
		assert_null(argv[words]);
	for (int i = first_only && words >= 0 ? words : 0;
	     words >= 0 && i < (first_only ? argc : words); i++)
		used += snprintf(text + used, sizeof(text) - used, " %s", argv[i]);
	options_free(&given);
	return text;
}

static void options_are_taken_wherever_they_stand(void **state)
{
	static const struct {
		const char *line, *taken;
	} rows[] = {
		{ "a b", "| a b" },
		{ "--config f a --loud b", "config=f loud | a b" },
		{ "a -c f -lj b", "config=f loud json | a b" },
		{ "-cf", "config=f |" },
		{ "--loud -jcf", "loud json config=f |" },
		{ "--config=a=b", "config=a=b |" },
		{ "--config --loud a", "config=--loud | a" },
		{ "--tag a --tag=b", "tag=a tag=b |" },
		{ "a -- --loud -c", "| a --loud -c" },
		{ "- a", "| - a" },
		{ "--colour gree", "colour=green |" },
		{ "--colour grey", "colour=grey |" },
		{ "--pair ab", "pair=ab |" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_string_equal(taken(rows[i].line, false), rows[i].taken);
	setenv("POSIXLY_CORRECT", "1", 1);
	assert_string_equal(taken("a --loud", false), "loud | a");
	unsetenv("POSIXLY_CORRECT");
}

static void what_makes_no_sense_is_said(void **state)
{
	static const struct {
		const char *line, *error;
	} rows[] = {
		{ "--confg f", "unknown option --confg: did you mean --config?" },
		{ "--jsn=1", "unknown option --jsn: did you mean --json?" },
		{ "--bogus", "unknown option --bogus" },
		{ "--con f", "unknown option --con" },
		{ "--lou", "unknown option --lou: did you mean --loud?" },
		{ "--=3", "unknown option --" },
		{ "-x", "unknown option -x" },
		{ "-lx", "unknown option -x" },
		{ "--loud=1", "option --loud takes no value" },
		{ "--loud -l", "option --loud is given twice" },
		{ "-c a --config b", "option --config is given twice" },
		{ "--config", "option --config needs a value: FILE" },
		{ "-c", "option --config needs a value: FILE" },
		{ "--config ''", "option --config needs a value: FILE" },
		{ "--colour", "option --colour needs a value: red|green|grey" },
		{ "--colour gre", "unknown --colour \"gre\": did you mean \"grey\"?" },
		{ "--colour blue", "unknown --colour \"blue\": expected red, green or grey" },
		{ "--pair abc", "abc is odd" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_string_equal(taken(rows[i].line, false), rows[i].error);
}

static void options_before_the_first_word_alone(void **state)
{
	static const struct {
		const char *line, *taken;
	} rows[] = {
		{ "--loud a --json b", "loud | a --json b" },
		{ "-c f a", "config=f | a" },
		{ "a -x", "| a -x" },
		{ "-j", "json |" },
		{ "-j -- -x", "json | -x" },
		{ "-x a", "unknown option -x" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_string_equal(taken(rows[i].line, true), rows[i].taken);
}

static void rows_are_shown(void **state)
{
	char text[64];

	(void)state;
	assert_string_equal(option_text(&own[0], text, sizeof(text)), "-c, --config FILE");
	assert_string_equal(option_text(&own[3], text, sizeof(text)), "--colour red|green|grey");
	assert_string_equal(option_text(&common[0], text, sizeof(text)), "-j, --json");
	assert_string_equal(option_value_text(&common[0], text, sizeof(text)), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_are_taken_wherever_they_stand),
		cmocka_unit_test(what_makes_no_sense_is_said),
		cmocka_unit_test(options_before_the_first_word_alone),
		cmocka_unit_test(rows_are_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
