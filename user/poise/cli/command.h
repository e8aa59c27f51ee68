/* SPDX-License-Identifier: BSD-2-Clause */
/* One call of the command: its object, its verb, and what the verb is given. */
#ifndef POISE_COMMAND_H
#define POISE_COMMAND_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/array.h"
#include "base/options.h"
#include "cli/refuse.h"

/*
 * A verb's function gets this: argv holds the words after the verb, given holds the verb's options.
 * Options that hold everywhere (-j, --instance) are in neither.
 */
struct command {
	const char *instance; /* "default" unless --instance */
	bool json;            /* -j, --json */
	const char *object;   /* "service" */
	const char *verb;     /* "add"; the object's own name where it has no verbs */
	int argc;
	char **argv;
	struct options_given given;
};

struct verb {
	const char *name; /* "add"; an object without verbs has one row with its own name */
	const char *args; /* for help, "NAME --listen ADDR:PORT/PROTO [OPTION]..."; "" for none */
	const char *help; /* one line */
	int min_words, max_words;         /* words besides options; max_words -1: any number */
	const struct option_row *options; /* NULL: none */
	int (*run)(struct command *cmd);  /* returns an enum poise_exit */
};

/* The first word of a call, and the verbs that may follow. Without one the first verb is run. */
struct object {
	const char *name;
	const char *help; /* one line */
	const struct verb *verbs;
	size_t verb_count;
};

extern const struct option_row command_options[]; /* those that hold everywhere */

/*
 * Runs what the words after the program's name ask for, or prints help. Objects and verbs may be
 * cut short where that is unambiguous. Words and options are checked against the verb's row first.
 * Returns an enum poise_exit.
 */
int command_run(const struct object *const *objects, size_t count, int argc, char **argv);

/* Value of an option, "" for one without a value, NULL when it was not given. */
const char *command_option(const struct command *cmd, const char *name);
/* The values of an option that may be given more than once, one with each call: *at begins with 0.
 * NULL: there are no more. */
const char *command_option_next(const struct command *cmd, const char *name, size_t *at);

#endif
