// SPDX-License-Identifier: BSD-2-Clause
/* Verbs, their words and their options. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "caught.h"
#include "poise/poise.h"

#define MAX_WORDS 12

/* What the last verb to run saw. */
static struct {
	const char *verb;
	int words;
	char first[64], second[64];
	char weight[64];
	size_t given;
	bool force;
} seen;

static int note(struct command *cmd)
{
	const char *weight = command_option(cmd, "weight");

	seen.verb = cmd->verb;
	seen.words = cmd->argc;
	snprintf(seen.first, sizeof(seen.first), "%s", cmd->argc > 0 ? cmd->argv[0] : "");
	snprintf(seen.second, sizeof(seen.second), "%s", cmd->argc > 1 ? cmd->argv[1] : "");
	snprintf(seen.weight, sizeof(seen.weight), "%s", weight ? weight : "none");
	seen.given = cmd->given_count;
	seen.force = command_option(cmd, "force");
	return EXIT_DONE;
}

static const struct option_row options[] = {
	{ "weight", "N", "share" },
	{ "force", NULL, "anyway" },
	{ "tag", "TEXT", "any number of them", true },
	{ 0 },
};

static const struct verb verbs[] = {
	{ "list", "", "all", 0, 0, NULL, note },
	{ "set", "NAME [ADDR]", "change", 1, 2, options, note },
	{ "show", "NAME...", "some", 1, -1, NULL, note },
};

static char said[1024]; /* on standard error, by the last line */

/* Runs the words of a line, which blanks part. */
static int run(const char *line)
{
	struct caught caught;
	int status;
	char text[256], *argv[MAX_WORDS + 1], *rest = text, *word;
	struct command cmd = { .object = "thing", .argv = argv };

	memset(&seen, 0, sizeof(seen));
	snprintf(text, sizeof(text), "%s", line);
	while ((word = strsep(&rest, " ")) && cmd.argc < MAX_WORDS) {
		if (*word)
			argv[cmd.argc++] = strcmp(word, "''") ? word : word + 2;
	}
	argv[cmd.argc] = NULL;
	caught_begin(&caught);
	status = verbs_run(&cmd, verbs, ARRAY_SIZE(verbs));
	caught_end(&caught, said, sizeof(said));
	return status;
}

static void no_verb_is_the_first_one(void **state)
{
	(void)state;
	assert_int_equal(run(""), EXIT_DONE);
	assert_string_equal(seen.verb, "list");
}

static void options_may_stand_anywhere_in_both_spellings(void **state)
{
	static const char *const lines[] = {
		"set web 10.0.0.1 --weight 50",    "set --weight 50 web 10.0.0.1",
		"set web --weight=50 10.0.0.1",    "se web --weight=50 10.0.0.1",
		"set --weight 50 -- web 10.0.0.1",
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(lines); i++) {
		assert_int_equal(run(lines[i]), EXIT_DONE);
		assert_string_equal(seen.verb, "set");
		assert_int_equal(seen.words, 2);
		assert_string_equal(seen.first, "web");
		assert_string_equal(seen.second, "10.0.0.1");
		assert_string_equal(seen.weight, "50");
		assert_false(seen.force);
	}
}

static void a_value_may_look_like_anything(void **state)
{
	(void)state;
	assert_int_equal(run("set web --weight --force"), EXIT_DONE);
	assert_string_equal(seen.weight, "--force");
	assert_false(seen.force);
	assert_int_equal(run("set web --weight=a=b"), EXIT_DONE);
	assert_string_equal(seen.weight, "a=b");
	assert_int_equal(run("set -- --force"), EXIT_DONE);
	assert_string_equal(seen.first, "--force");
	assert_false(seen.force);
	assert_int_equal(run("set - --force"), EXIT_DONE);
	assert_string_equal(seen.first, "-");
	assert_true(seen.force);
}

static void an_option_for_many_is_kept_each_time(void **state)
{
	(void)state;
	assert_int_equal(run("set web --tag a --tag b --force --tag=c"), EXIT_DONE);
	assert_int_equal(seen.given, 4);
}

static void what_makes_no_sense_is_usage_and_runs_nothing(void **state)
{
	static const char *const lines[] = {
		"lst",
		"l x",                           /* surplus word */
		"list --weight 3",               /* a verb without options */
		"s web",                         /* set or show */
		"set",                           /* too few words */
		"set a b c",                     /* too many */
		"show",                          /* too few */
		"set web --wieght 3",            /* unknown */
		"set web --weigh 3",             /* options are not cut short */
		"set web -w 3",                  /* no short ones */
		"set web --weight",              /* no value */
		"set web --weight=",             /* an empty one */
		"set web --force=1",             /* takes none */
		"set web --weight 1 --weight 2", /* twice */
		"set web --force --force",
		"set web --=3",
		"'' x",
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(lines); i++) {
		if (run(lines[i]) != EXIT_USAGE)
			fail_msg("\"%s\" is taken", lines[i]);
		assert_null(seen.verb);
		assert_int_equal(strncmp(said, "poise: ", 7), 0);
	}
}

static void the_nearest_option_is_named(void **state)
{
	(void)state;
	run("set web --wieght=3");
	assert_string_equal(said, "poise: unknown option --wieght: did you mean --weight?\n"
				  "poise: `poise thing set --help` says more\n");
	run("set");
	assert_string_equal(said, "poise: thing set: expected NAME [ADDR]\n"
				  "poise: `poise thing set --help` says more\n");
}

static void any_number_of_words(void **state)
{
	(void)state;
	assert_int_equal(run("show a b c d e f"), EXIT_DONE);
	assert_int_equal(seen.words, 6);
}

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_verb_is_the_first_one),
		cmocka_unit_test(options_may_stand_anywhere_in_both_spellings),
		cmocka_unit_test(a_value_may_look_like_anything),
		cmocka_unit_test(an_option_for_many_is_kept_each_time),
		cmocka_unit_test(what_makes_no_sense_is_usage_and_runs_nothing),
		cmocka_unit_test(the_nearest_option_is_named),
		cmocka_unit_test(any_number_of_words),
		cmocka_unit_test(numbers_are_digits_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
