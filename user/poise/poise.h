/* SPDX-License-Identifier: BSD-2-Clause */
/* What every object of the command `poise` shares: its words, options, help and exit status. */
#ifndef POISE_POISE_H
#define POISE_POISE_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

enum poise_exit {
	EXIT_DONE = 0,
	EXIT_REFUSED = 1,   /* refused, or tried and failed */
	EXIT_USAGE = 2,     /* the command line makes no sense */
	EXIT_NO_DAEMON = 3, /* poised was needed and cannot be reached */
};

/* An option of a verb, `--NAME` or `--NAME VALUE` (also `--NAME=VALUE`). */
struct option_row {
	const char *name;  /* without the dashes; NULL ends a table */
	const char *value; /* what help calls the value, "ADDR"; NULL: the option takes none */
	const char *help;  /* one line */
	bool many;         /* may be given more than once */
};

struct option_given {
	const struct option_row *row;
	const char *value; /* NULL where the option takes none */
};

/*
 * One call of the command. In an object's function (cmd_service) argv holds the words after the
 * object, options included; in a verb's function only the words that are not options, the options
 * are in given[]. `-j`, `--instance` and `--help` are gone from both.
 */
struct command {
	const char *instance; /* "default" unless --instance */
	bool json;            /* -j, --json */
	bool help;            /* --help somewhere: verbs_run and verb_run print help instead */
	const char *object;   /* "service" */
	const char *verb;     /* "add"; set by verbs_run, the object's own name by verb_run */
	int argc;
	char **argv;
	struct option_given *given;
	size_t given_count;
};

struct verb {
	const char *name; /* "add"; an object without verbs has one row with its own name */
	const char *args; /* for help, "NAME --listen ADDR:PORT/PROTO [OPTION]..."; "" for none */
	const char *help; /* one line */
	int min_words, max_words;         /* words besides options; max_words -1: any number */
	const struct option_row *options; /* NULL: none */
	int (*run)(struct command *cmd);  /* returns an enum poise_exit */
};

/*
 * Takes the verb off cmd->argv (an unambiguous beginning is enough, none means the first row),
 * checks words and options against its row, and runs it or prints help. Returns the exit status.
 */
int verbs_run(struct command *cmd, const struct verb *verbs, size_t count);
/* The same for an object without verbs. */
int verb_run(struct command *cmd, const struct verb *verb);

/* Value of an option, "" for one without a value, NULL when it was not given. */
const char *command_option(const struct command *cmd, const char *name);

/* Prints "poise: TEXT" to standard error; each returns the status for its kind of trouble. */
__attribute__((format(printf, 1, 2))) int command_refuse(const char *format, ...);
__attribute__((format(printf, 1, 2))) int command_misuse(const char *format, ...);

/* A whole number in digits only (no sign, no blank, no leading zero). 0 or -EINVAL. */
int number_parse(const char *text, __u64 min, __u64 max, __u64 *out);

/* The objects: user/poise/<object>.c each, `decap` in decap.c. */
int cmd_service(struct command *cmd);
int cmd_backend(struct command *cmd);
int cmd_status(struct command *cmd);
int cmd_stats(struct command *cmd);
int cmd_drops(struct command *cmd);
int cmd_flows(struct command *cmd);
int cmd_explain(struct command *cmd);
int cmd_apply(struct command *cmd);
int cmd_check(struct command *cmd);
int cmd_export(struct command *cmd);
int cmd_attach(struct command *cmd);
int cmd_detach(struct command *cmd);
int cmd_reload(struct command *cmd);
int cmd_decap(struct command *cmd);
int cmd_run(struct command *cmd);

#endif
