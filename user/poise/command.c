// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "nearest.h"
#include "poise.h"
#include "usage.h"
#include "words.h"

#define MAX_NAMES 32 /* verbs of an object, options of a verb */

static void complain(const char *format, va_list args)
{
	fflush(stdout);
	fputs("poise: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
}

int command_refuse(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	complain(format, args);
	va_end(args);
	return EXIT_REFUSED;
}

int command_misuse(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	complain(format, args);
	va_end(args);
	return EXIT_USAGE;
}

const char *command_option(const struct command *cmd, const char *name)
{
	size_t i;

	for (i = 0; i < cmd->given_count; i++) {
		if (!strcmp(cmd->given[i].row->name, name))
			return cmd->given[i].value ? cmd->given[i].value : "";
	}
	return NULL;
}

int number_parse(const char *text, __u64 min, __u64 max, __u64 *out)
{
	__u64 number = 0;
	size_t i;

	if (!text[0] || (text[0] == '0' && text[1]))
		return -EINVAL;
	for (i = 0; text[i]; i++) {
		unsigned int digit = text[i] - '0';

		if (text[i] < '0' || text[i] > '9' || number > (UINT64_MAX - digit) / 10)
			return -EINVAL;
		number = number * 10 + digit;
	}
	if (number < min || number > max)
		return -EINVAL;
	*out = number;
	return 0;
}

static int option_unknown(const struct verb *verb, const char *word, size_t length)
{
	const char *names[MAX_NAMES];
	const char *nearest = NULL;
	char name[64];
	size_t count = 0;

	for (; verb->options && verb->options[count].name && count < MAX_NAMES; count++)
		names[count] = verb->options[count].name;
	if (length > 2 && length - 2 < sizeof(name) && word[1] == '-') {
		memcpy(name, word + 2, length - 2);
		name[length - 2] = '\0';
		nearest = nearest_name(name, names, count);
	}
	if (nearest)
		return command_misuse("unknown option %.*s: did you mean --%s?", (int)length, word,
				      nearest);
	return command_misuse("unknown option %.*s", (int)length, word);
}

static const struct option_row *option_find(const struct verb *verb, const char *word,
					    size_t length)
{
	const struct option_row *row = verb->options;

	if (length < 3 || strncmp(word, "--", 2))
		return NULL;
	for (; row && row->name; row++) {
		if (strlen(row->name) == length - 2 && !strncmp(row->name, word + 2, length - 2))
			return row;
	}
	return NULL;
}

/* Takes the option at argv[*at], and its value, which may be the next word. */
static int option_take(struct command *cmd, const struct verb *verb, int *at)
{
	const char *word = cmd->argv[*at], *equals = strchr(word, '=');
	size_t length = equals ? (size_t)(equals - word) : strlen(word);
	const struct option_row *row = option_find(verb, word, length);
	const char *value = NULL;

	if (!row)
		return option_unknown(verb, word, length);
	if (!row->many && command_option(cmd, row->name))
		return command_misuse("option --%s is given twice", row->name);
	if (!row->value && equals)
		return command_misuse("option --%s takes no value", row->name);
	if (row->value) {
		value = equals ? equals + 1 : cmd->argv[++*at];
		if (!value || !*value)
			return command_misuse("option --%s needs a value: %s", row->name,
					      row->value);
	}
	cmd->given[cmd->given_count].row = row;
	cmd->given[cmd->given_count++].value = value;
	return EXIT_DONE;
}

/* Moves options from argv to given[], so that only words stay. After "--" all is words. */
static int options_take(struct command *cmd, const struct verb *verb)
{
	bool only_words = false;
	int words = 0, status;
	int i;

	for (i = 0; i < cmd->argc; i++) {
		char *word = cmd->argv[i];

		if (only_words || word[0] != '-' || !word[1]) {
			cmd->argv[words++] = word;
		} else if (!strcmp(word, "--")) {
			only_words = true;
		} else {
			status = option_take(cmd, verb, &i);
			if (status != EXIT_DONE)
				return status;
		}
	}
	cmd->argc = words;
	cmd->argv[words] = NULL;
	return EXIT_DONE;
}

static int words_check(const struct command *cmd, const struct verb *verb, const char *name)
{
	if (cmd->argc < verb->min_words)
		return command_misuse("%s: expected %s", name, verb->args);
	if (verb->max_words < 0 || cmd->argc <= verb->max_words)
		return EXIT_DONE;
	if (!verb->args[0])
		return command_misuse("%s: unexpected \"%s\"", name, cmd->argv[verb->max_words]);
	return command_misuse("%s: unexpected \"%s\", expected %s", name,
			      cmd->argv[verb->max_words], verb->args);
}

static int row_run(struct command *cmd, const struct verb *verb)
{
	bool alone = !strcmp(verb->name, cmd->object);
	char name[64];
	int status;

	snprintf(name, sizeof(name), "%s%s%s", cmd->object, alone ? "" : " ",
		 alone ? "" : verb->name);
	cmd->verb = verb->name;
	cmd->given = calloc(cmd->argc + 1, sizeof(*cmd->given));
	cmd->given_count = 0;
	if (!cmd->given)
		return command_refuse("out of memory");
	status = options_take(cmd, verb);
	if (status == EXIT_DONE)
		status = words_check(cmd, verb, name);
	if (status == EXIT_DONE)
		status = verb->run(cmd);
	else
		fprintf(stderr, "poise: `poise %s --help` says more\n", name);
	free(cmd->given);
	cmd->given = NULL;
	return status;
}

int verb_run(struct command *cmd, const struct verb *verb)
{
	if (cmd->help || (cmd->argc == 1 && !strcmp(cmd->argv[0], "help"))) {
		usage_verb(stdout, cmd->object, verb);
		return EXIT_DONE;
	}
	return row_run(cmd, verb);
}

int verbs_run(struct command *cmd, const struct verb *verbs, size_t count)
{
	const char *names[MAX_NAMES];
	bool named = cmd->argc > 0 && cmd->argv[0][0] != '-';
	int at = 0;
	size_t i;

	for (i = 0; i < count && i < MAX_NAMES - 1; i++)
		names[i] = verbs[i].name;
	names[i] = "help";
	if (named) {
		at = word_find(cmd->argv[0], names, i + 1);
		if (at < 0)
			return word_misuse("verb", cmd->argv[0], names, i + 1);
		cmd->argv++;
		cmd->argc--;
	}
	if (at == (int)i || (cmd->help && !named)) {
		usage_object(stdout, cmd->object, verbs, i);
		return EXIT_DONE;
	}
	if (cmd->help) {
		usage_verb(stdout, cmd->object, &verbs[at]);
		return EXIT_DONE;
	}
	return row_run(cmd, &verbs[at]);
}
