// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <string.h>

#include "base/instance_name.h"
#include "cli/choice.h"
#include "cli/command.h"
#include "cli/help.h"

#define MAX_NAMES 32 /* objects, verbs of an object */

const struct option_row command_options[] = {
	{ "json", NULL, "JSON instead of tables", .many = true, .letter = 'j' },
	{ "instance", "NAME", "the poised of that name (default: default)", .many = true },
	{ "help", NULL, "help, also after an object or a verb", .many = true, .letter = 'h' },
	{ "version", NULL, "version", .many = true },
	{ 0 },
};

/* A call before its verb runs. */
struct call {
	const struct object *const *objects;
	size_t object_count;
	struct command cmd;
	bool help, version; /* were asked for */
};

const char *command_option_next(const struct command *cmd, const char *name, size_t *at)
{
	while (*at < cmd->given.count) {
		const struct option_given *given = &cmd->given.list[(*at)++];

		if (!strcmp(given->row->name, name))
			return given->value ? given->value : "";
	}
	return NULL;
}

const char *command_option(const struct command *cmd, const char *name)
{
	return command_option_next(cmd, name, &(size_t){ 0 });
}

static bool is_common(const struct option_row *row)
{
	return row >= command_options && row < command_options + ARRAY_SIZE(command_options);
}

static void common_take(struct call *call, const struct option_given *given)
{
	const char *name = given->row->name;

	if (!strcmp(name, "json"))
		call->cmd.json = true;
	else if (!strcmp(name, "instance"))
		call->cmd.instance = given->value;
	else if (!strcmp(name, "help"))
		call->help = true;
	else
		call->version = true;
}

/* Takes the options that hold everywhere out of a list. EXIT_DONE or EXIT_USAGE. */
static int commons_take(struct call *call, struct options_given *given)
{
	size_t kept = 0;

	for (size_t i = 0; i < given->count; i++) {
		if (is_common(given->list[i].row))
			common_take(call, &given->list[i]);
		else
			given->list[kept++] = given->list[i];
	}
	given->count = kept;
	if (instance_name_valid(call->cmd.instance))
		return EXIT_DONE;
	return command_misuse("--instance: expected up to 32 letters, digits, _ and -, found "
			      "\"%s\"",
			      call->cmd.instance);
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

/* "service add"; an object without verbs has its own name alone. */
static void verb_name(const struct object *object, const struct verb *verb, char *buf, size_t size)
{
	bool alone = !strcmp(verb->name, object->name);

	snprintf(buf, size, "%s%s%s", object->name, alone ? "" : " ", alone ? "" : verb->name);
}

static int version_print(void)
{
	puts("poise " POISE_VERSION);
	return EXIT_DONE;
}

static int checked_run(struct command *cmd, const struct verb *verb, const char *name, int words,
		       const char *error)
{
	int status = EXIT_DONE;

	if (words == -ENOMEM)
		return command_refuse("%s", error);
	if (words < 0) {
		status = command_misuse("%s", error);
	} else {
		cmd->argc = words;
		status = words_check(cmd, verb, name);
	}
	if (status == EXIT_DONE)
		return verb->run(cmd);
	fprintf(stderr, "poise: `poise %s --help` says more\n", name);
	return status;
}

/* `poise stats help` */
static bool is_help(const struct command *cmd, int words)
{
	return !strcmp(cmd->verb, cmd->object) && words == 1 && !strcmp(cmd->argv[0], "help");
}

static int verb_run(struct call *call, const struct object *object, const struct verb *verb)
{
	const struct option_row *const tables[] = { command_options, verb->options, NULL };
	struct command *cmd = &call->cmd;
	char name[64], error[OPTIONS_ERROR_SIZE];
	int words, status;

	cmd->object = object->name;
	cmd->verb = verb->name;
	verb_name(object, verb, name, sizeof(name));
	words = options_take(tables, cmd->argc, cmd->argv, &cmd->given, error);
	status = commons_take(call, &cmd->given);
	if (status == EXIT_DONE && call->version)
		status = version_print();
	else if (status == EXIT_DONE && (call->help || is_help(cmd, words)))
		help_verb(stdout, object, verb);
	else if (status == EXIT_DONE)
		status = checked_run(cmd, verb, name, words, error);
	options_free(&cmd->given);
	return status;
}

/* Applies the options before the next word that is none. Its index, argc without one, or -EINVAL
 * with the reason in error. */
static int next_word(struct call *call, int *status, char error[OPTIONS_ERROR_SIZE])
{
	static const struct option_row *const tables[] = { command_options, NULL };
	struct options_given given;
	int at = options_take_first(tables, call->cmd.argc, call->cmd.argv, &given, error);

	*status = commons_take(call, &given);
	options_free(&given);
	return at;
}

/* Takes the word at an index off; options before it stay. */
static void word_drop(struct command *cmd, int at)
{
	memmove(cmd->argv + 1, cmd->argv, at * sizeof(*cmd->argv));
	cmd->argv++;
	cmd->argc--;
}

static int object_run(struct call *call, const struct object *object)
{
	const char *names[MAX_NAMES];
	size_t i, count = object->verb_count;
	char error[OPTIONS_ERROR_SIZE];
	int at, verb = 0, status;
	bool named;

	if (count == 1 && !strcmp(object->verbs[0].name, object->name))
		return verb_run(call, object, &object->verbs[0]);
	/* An unknown option is perhaps the first verb's. */
	at = next_word(call, &status, error);
	if (status != EXIT_DONE)
		return status;
	named = at >= 0 && at < call->cmd.argc;
	for (i = 0; i < count && i < MAX_NAMES - 1; i++)
		names[i] = object->verbs[i].name;
	names[i] = "help";
	if (named) {
		verb = choice_find(call->cmd.argv[at], names, i + 1);
		if (verb < 0)
			return choice_misuse("verb", call->cmd.argv[at], names, i + 1);
		word_drop(&call->cmd, at);
	}
	if (verb == (int)i || (call->help && !named)) {
		help_object(stdout, object);
		return EXIT_DONE;
	}
	return verb_run(call, object, &object->verbs[verb]);
}

/* Takes the word that names an object; *at is its number, -1 for "help". */
static int object_find(struct call *call, int *at)
{
	const char *names[MAX_NAMES];
	size_t i;

	for (i = 0; i < call->object_count && i < MAX_NAMES - 1; i++)
		names[i] = call->objects[i]->name;
	names[i] = "help";
	*at = choice_find(call->cmd.argv[0], names, i + 1);
	if (*at < 0) {
		choice_misuse("object", call->cmd.argv[0], names, i + 1);
		fputs("poise: `poise help` lists all objects\n", stderr);
		return EXIT_USAGE;
	}
	if (*at == (int)i)
		*at = -1;
	word_drop(&call->cmd, 0);
	return EXIT_DONE;
}

/* To the object: over the options before it, and over "help". *object stays NULL where there is
 * none. */
static int object_reach(struct call *call, const struct object **object)
{
	char error[OPTIONS_ERROR_SIZE];
	int number = -1, status, at;

	while (!*object) {
		at = next_word(call, &status, error);
		if (status != EXIT_DONE)
			return status;
		if (at < 0) {
			status = command_misuse("%s", error);
			fputs("poise: `poise help` says more\n", stderr);
			return status;
		}
		call->cmd.argc -= at;
		call->cmd.argv += at;
		if (call->version || !call->cmd.argc)
			return EXIT_DONE;
		status = object_find(call, &number);
		if (status != EXIT_DONE)
			return status;
		if (number >= 0)
			*object = call->objects[number];
		else
			call->help = true;
	}
	return EXIT_DONE;
}

int command_run(const struct object *const *objects, size_t count, int argc, char **argv)
{
	struct call call = {
		.objects = objects,
		.object_count = count,
		.cmd = { .instance = "default", .argc = argc, .argv = argv },
	};
	const struct object *object = NULL;
	int status = object_reach(&call, &object);

	if (status != EXIT_DONE)
		return status;
	if (call.version)
		return version_print();
	if (object)
		return object_run(&call, object);
	help_command(call.help ? stdout : stderr, objects, count);
	return call.help ? EXIT_DONE : EXIT_USAGE;
}
