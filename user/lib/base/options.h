/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Options of a command line: one table says what there is, how it is taken, what its values may be,
 * and what help says of it. getopt_long(3) takes the line apart. Options are not cut short, and one
 * that is unknown is answered with the nearest that is known.
 */
#ifndef POISE_OPTIONS_H
#define POISE_OPTIONS_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define OPTIONS_ERROR_SIZE 256

/* `--NAME`, or `--NAME VALUE` and `--NAME=VALUE`. */
struct option_row {
	const char *name; /* without the dashes; NULL ends a table */
	const char
		*value; /* what help calls the value, "ADDR"; NULL: none, unless there are words */
	const char *help;
	bool many;   /* may be given more than once */
	char letter; /* `-l`; 0: there is no short form */
	/* The only values, of which a beginning is enough; others are refused. */
	const char *const *words;
	size_t word_count;
	/* Judges the value. Returns 0, or -EINVAL with what was expected in error. */
	int (*check)(const struct option_row *row, const char *value,
		     char error[OPTIONS_ERROR_SIZE]);
	__u64 min, max;     /* for check */
	const char *absent; /* for check: the word that stands for no value at all */
	const char *key;    /* of the configuration, "check.port", where the option sets one */
};

struct option_given {
	const struct option_row *row;
	const char *value; /* the whole word where the row has words; NULL: the option takes none */
};

struct options_given {
	struct option_given *list; /* in their order */
	size_t count;
};

/*
 * Takes the options of the tables (NULL ends them) off argv, wherever they stand before a "--".
 * The other words move to the front of argv, with NULL behind them. Returns their number; -EINVAL
 * with the reason in error, or -ENOMEM. What was given up to there is in *out either way.
 */
int options_take(const struct option_row *const *tables, int argc, char **argv,
		 struct options_given *out, char error[OPTIONS_ERROR_SIZE]);
/* The same for options before the first other word only. Leaves argv alone and returns the index of
 * that word, argc without one. */
int options_take_first(const struct option_row *const *tables, int argc, char **argv,
		       struct options_given *out, char error[OPTIONS_ERROR_SIZE]);
void options_free(struct options_given *options); /* an empty one is fine */

/* "-c, --config FILE" */
const char *option_text(const struct option_row *row, char *buf, size_t size);
/* "ADDR", or the words as "auto|native|generic"; "" for an option without a value. */
const char *option_value_text(const struct option_row *row, char *buf, size_t size);

#endif
