// SPDX-License-Identifier: BSD-2-Clause
/* Verbs, their words and their options. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "fixtures/caught.h"
#include "cli/command.h"

#define MAX_WORDS 12

/* The arguments that the last verb to run saw. */
static struct {
	const char *verb;
	int words;
	char first[64], second[64];
	char weight[64];
	size_t given;
	bool force, json;
	char instance[64];
} seen;

static int note(struct command *cmd)
{
	const char *weight = command_option(cmd, "weight");

	seen.verb = cmd->verb;
	seen.words = cmd->argc;
	snprintf(seen.first, sizeof(seen.first), "%s", cmd->argc > 0 ? cmd->argv[0] : "");
	snprintf(seen.second, sizeof(seen.second), "%s", cmd->argc > 1 ? cmd->argv[1] : "");
	snprintf(seen.weight, sizeof(seen.weight), "%s", weight ? weight : "none");
	seen.given = cmd->given.count;
	seen.json = cmd->json;
	snprintf(seen.instance, sizeof(seen.instance), "%s", cmd->instance);
	seen.force = command_option(cmd, "force");
	return EXIT_DONE;
}

static const struct option_row options[] = {
	{ "weight", "N", "share" },
	{ "force", NULL, "anyway" },
	{ "tag", "TEXT", "any number of them", .many = true },
	{ 0 },
};

static const struct verb verbs[] = {
	{ "list", "", "all", 0, 0, NULL, note },
	{ "set", "NAME [ADDR]", "change", 1, 2, options, note },
	{ "show", "NAME...", "some", 1, -1, NULL, note },
};

static const struct verb plain[] = {
	{ "plain", "[NAME]", "no verbs", 0, 1, options, note },
};

static const struct object object_thing = { "thing", "with verbs", verbs, ARRAY_SIZE(verbs) };
static const struct object object_plain = { "plain", "without", plain, ARRAY_SIZE(plain) };
static const struct object *const objects[] = { &object_thing, &object_plain };

static char said[1024]; /* on standard error, by the last line */

/* Runs the words of a whole line, which blanks part. */
static int run_line(const char *line)
{
	struct caught caught;
	int status;
	char text[256], *argv[MAX_WORDS + 1], *rest = text, *word;
	int argc = 0;

	memset(&seen, 0, sizeof(seen));
	snprintf(text, sizeof(text), "%s", line);
	while ((word = strsep(&rest, " ")) && argc < MAX_WORDS) {
		if (*word)
			argv[argc++] = strcmp(word, "''") ? word : word + 2;
	}
	argv[argc] = NULL;
	caught_begin(&caught);
	status = command_run(objects, ARRAY_SIZE(objects), argc, argv);
	caught_end(&caught, said, sizeof(said));
	return status;
}

/* The same behind the object with verbs. */
static int run(const char *line)
{
	char whole[256];

	snprintf(whole, sizeof(whole), "thing %s", line);
	return run_line(whole);
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

static void options_of_all_objects_may_stand_anywhere(void **state)
{
	static const char *const lines[] = {
		"-j --instance blue thing set web --force",
		"thing -j --instance=blue set web --force",
		"thing set --json web --instance red --force --instance blue",
		"-j --instance blue th se web --force",
		"-j --instance blue plain web --force",
		"plain --force --instance blue web -j",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		assert_int_equal(run_line(lines[i]), EXIT_DONE);
		assert_true(seen.json);
		assert_string_equal(seen.instance, "blue");
		assert_string_equal(seen.first, "web");
		assert_int_equal(seen.given, 1);
		assert_true(seen.force);
	}
	/* Behind "--" all are words. */
	assert_int_equal(run("set -- -j"), EXIT_DONE);
	assert_false(seen.json);
	assert_string_equal(seen.instance, "default");
}

static void a_line_without_sense_is_usage(void **state)
{
	static const struct {
		const char *line, *says;
	} rows[] = {
		{ "think", "unknown object \"think\": did you mean \"thing\"?" },
		{ "--jsn thing", "unknown option --jsn: did you mean --json?" },
		{ "-x thing", "unknown option -x" },
		{ "--instance a/b thing", "--instance: expected up to 32 letters" },
		{ "thing set web --instance a/b", "--instance: expected up to 32 letters" },
		{ "thing set web --instance", "option --instance needs a value: NAME" },
		{ "thing --weight 5 set web", "unknown option --weight" },
		{ "thing set web --jsn", "unknown option --jsn: did you mean --json?" },
		{ "plain a b", "plain: unexpected \"b\", expected [NAME]" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(run_line(rows[i].line), EXIT_USAGE);
		assert_null(seen.verb);
		if (!strstr(said, rows[i].says))
			fail_msg("%s: %s", rows[i].line, said);
	}
}

static void help_runs_nothing(void **state)
{
	static const char *const lines[] = {
		"help",
		"-h",
		"help thing",
		"help thing set",
		"thing help",
		"thing --help",
		"--help thing set",
		"thing set web --help",
		"plain help",
		"plain -h",
		"he pl",
	};
	int out = dup(STDOUT_FILENO);

	(void)state;
	fflush(stdout);
	assert_non_null(freopen("/dev/null", "w", stdout));
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		assert_int_equal(run_line(lines[i]), EXIT_DONE);
		assert_null(seen.verb);
		assert_string_equal(said, "");
	}
	assert_int_equal(run_line("thing --version"), EXIT_DONE);
	assert_null(seen.verb);
	fflush(stdout);
	dup2(out, STDOUT_FILENO);
	close(out);
	/* A call without any word is one that does not know what to ask for. */
	assert_int_equal(run_line(""), EXIT_USAGE);
	assert_int_equal(strncmp(said, "Usage: poise ", strlen("Usage: poise ")), 0);
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
		cmocka_unit_test(options_of_all_objects_may_stand_anywhere),
		cmocka_unit_test(a_line_without_sense_is_usage),
		cmocka_unit_test(help_runs_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
