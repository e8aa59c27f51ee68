// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "poise.h"
#include "words.h"

struct object {
	const char *name;
	const char *help;
	int (*run)(struct command *cmd);
};

static int cmd_help(struct command *cmd);

static const struct object objects[] = {
	{ "run", "balance now, in the foreground, without a file; Ctrl-C ends it", cmd_run },
	{ "service", "what clients connect to: list, show, add, set, del", cmd_service },
	{ "backend", "the servers of a service: list, add, set, drain, ready, maint, del",
	  cmd_backend },
	{ "status", "the instance: interfaces, services, kernel memory", cmd_status },
	{ "stats", "packets, bytes, flows, rates and shares", cmd_stats },
	{ "flows", "which flows are tracked, which rows move, how full the table is", cmd_flows },
	{ "explain", "where a flow's packets go, and why", cmd_explain },
	{ "drops", "packets dropped, by reason, and what to do about it", cmd_drops },
	{ "apply", "make a file the running configuration", cmd_apply },
	{ "check", "check a file without applying it", cmd_check },
	{ "export", "print the running configuration", cmd_export },
	{ "reload", "have poised read its file again", cmd_reload },
	{ "attach", "put the program on an interface", cmd_attach },
	{ "detach", "take it off again", cmd_detach },
	{ "decap", "on a backend: take tunnel headers off", cmd_decap },
	{ "help", "this, or `poise OBJECT help`", cmd_help },
};

static void print_help(FILE *out)
{
	size_t i;

	fputs("Usage: poise [-j] [--instance NAME] OBJECT [VERB] ...\n\nObjects:\n", out);
	for (i = 0; i < ARRAY_SIZE(objects); i++)
		fprintf(out, "  %-10s%s\n", objects[i].name, objects[i].help);
	fputs("\nOptions:\n"
	      "  -j, --json        JSON instead of tables\n"
	      "  --instance NAME   the poised of that name (default: default)\n"
	      "  -h, --help        help, also after an object or a verb\n"
	      "  --version         version\n"
	      "\n"
	      "Objects and verbs may be cut short where that is unambiguous: `poise b l web`.\n"
	      "Exit status: 0 done, 1 refused or failed, 2 usage, 3 poised is not reachable.\n",
	      out);
}

static const struct object *object_find(const char *word, int *status)
{
	const char *names[ARRAY_SIZE(objects)];
	int at;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(objects); i++)
		names[i] = objects[i].name;
	at = word_find(word, names, ARRAY_SIZE(objects));
	if (at >= 0)
		return &objects[at];
	*status = word_misuse("object", word, names, ARRAY_SIZE(objects));
	fputs("poise: `poise help` lists all objects\n", stderr);
	return NULL;
}

static int object_run(const struct object *object, struct command *cmd)
{
	cmd->object = object->name;
	return object->run(cmd);
}

static int cmd_help(struct command *cmd)
{
	const struct object *object;
	int status;

	if (cmd->argc == 0) {
		print_help(stdout);
		return EXIT_DONE;
	}
	object = object_find(cmd->argv[0], &status);
	if (!object)
		return status;
	cmd->argc--;
	cmd->argv++;
	cmd->help = true;
	if (object->run == cmd_help)
		cmd->argc = 0;
	return object_run(object, cmd);
}

/* It becomes part of paths, and the BPF file system takes no dots. */
static bool instance_good(const char *name)
{
	size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyz"
				     "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");

	return length && length <= 32 && !name[length] && name[0] != '-' && name[0] != '_';
}

/* Takes options that hold for every object off argv, wherever they stand before a "--". */
static int globals_take(struct command *cmd, bool *version)
{
	int words = 0;
	int i;

	for (i = 0; i < cmd->argc; i++) {
		char *word = cmd->argv[i];

		if (!strcmp(word, "--"))
			break;
		if (!strcmp(word, "-j") || !strcmp(word, "--json"))
			cmd->json = true;
		else if (!strcmp(word, "-h") || !strcmp(word, "--help"))
			cmd->help = true;
		else if (!strcmp(word, "--version"))
			*version = true;
		else if (!strcmp(word, "--instance"))
			cmd->instance = ++i < cmd->argc ? cmd->argv[i] : "";
		else if (!strncmp(word, "--instance=", strlen("--instance=")))
			cmd->instance = word + strlen("--instance=");
		else
			cmd->argv[words++] = word;
	}
	while (i < cmd->argc)
		cmd->argv[words++] = cmd->argv[i++];
	cmd->argv[words] = NULL;
	cmd->argc = words;
	if (!instance_good(cmd->instance))
		return command_misuse("--instance: expected up to 32 letters, digits, _ and -, "
				      "found \"%s\"",
				      cmd->instance);
	return EXIT_DONE;
}

static int dispatch(struct command *cmd)
{
	const struct object *object;
	int status;

	if (!cmd->argc) {
		print_help(cmd->help ? stdout : stderr);
		return cmd->help ? EXIT_DONE : EXIT_USAGE;
	}
	if (cmd->argv[0][0] == '-') {
		status = command_misuse("unknown option %s", cmd->argv[0]);
		fputs("poise: `poise help` says more\n", stderr);
		return status;
	}
	object = object_find(cmd->argv[0], &status);
	if (!object)
		return status;
	cmd->argc--;
	cmd->argv++;
	return object_run(object, cmd);
}

int main(int argc, char **argv)
{
	struct command cmd = { .instance = "default" };
	bool version = false;
	int status;

	log_init("poise");
	/* For what tables take as one column; numbers keep their points. */
	setlocale(LC_CTYPE, "");
	cmd.argc = argc > 0 ? argc - 1 : 0;
	cmd.argv = argv + (argc > 0);
	status = globals_take(&cmd, &version);
	if (status != EXIT_DONE)
		return status;
	if (version) {
		puts("poise " POISE_VERSION);
		return EXIT_DONE;
	}
	status = dispatch(&cmd);
	/* A full disk must not look like success. */
	if ((fflush(stdout) || ferror(stdout)) && status == EXIT_DONE)
		status = command_refuse("standard output: %s", strerror(errno));
	return status;
}
