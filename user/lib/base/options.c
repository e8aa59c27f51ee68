// SPDX-License-Identifier: BSD-2-Clause
#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "base/options.h"

#define MAX_ROWS   48
#define FIRST_LONG 256 /* getopt_long's number of the first row; letters are below */

/* The tables as getopt_long wants them. */
struct known {
	const struct option_row *rows[MAX_ROWS];
	struct option longs[MAX_ROWS + 1];
	char shorts[2 * MAX_ROWS + 3];
	size_t count;
};

__attribute__((format(printf, 2, 3))) static int refuse(char error[OPTIONS_ERROR_SIZE],
							const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error, OPTIONS_ERROR_SIZE, format, args);
	va_end(args);
	return -EINVAL;
}

static bool takes_value(const struct option_row *row)
{
	return row->value || row->words;
}

static void row_add(struct known *known, const struct option_row *row)
{
	struct option *option = &known->longs[known->count];
	size_t length = strlen(known->shorts);

	assert(known->count < MAX_ROWS);
	option->name = row->name;
	option->has_arg = takes_value(row) ? required_argument : no_argument;
	option->val = FIRST_LONG + (int)known->count;
	known->rows[known->count++] = row;
	if (row->letter)
		snprintf(known->shorts + length, sizeof(known->shorts) - length, "%c%s",
			 row->letter, takes_value(row) ? ":" : "");
}

/* In the mode "-" words that are no options are returned like options, in their order, whatever
 * POSIXLY_CORRECT says; in the mode "+" the first of them ends the options. ":" has a missing value
 * told apart from an unknown option. */
static void known_make(struct known *known, const struct option_row *const *tables, char mode)
{
	memset(known, 0, sizeof(*known));
	snprintf(known->shorts, sizeof(known->shorts), "%c:", mode);
	for (; *tables; tables++) {
		for (const struct option_row *row = *tables; row->name; row++)
			row_add(known, row);
	}
}

/* The row that getopt_long returned or complained of. NULL: it is in none. */
static const struct option_row *row_of(const struct known *known, int number)
{
	if (number >= FIRST_LONG && number < FIRST_LONG + (int)known->count)
		return known->rows[number - FIRST_LONG];
	for (size_t i = 0; number && i < known->count; i++) {
		if (known->rows[i]->letter == number)
			return known->rows[i];
	}
	return NULL;
}

/* word: as it stands in the line, "--wieght=3". */
static int refuse_unknown(const struct known *known, const char *word,
			  char error[OPTIONS_ERROR_SIZE])
{
	int length = (int)strcspn(word, "=");
	const char *names[MAX_ROWS], *nearest = NULL;
	char name[64];

	for (size_t i = 0; i < known->count; i++)
		names[i] = known->rows[i]->name;
	if (length > 2 && length < (int)sizeof(name) && !strncmp(word, "--", 2)) {
		snprintf(name, sizeof(name), "%.*s", length - 2, word + 2);
		nearest = nearest_name(name, names, known->count);
	}
	if (nearest)
		return refuse(error, "unknown option %.*s: did you mean --%s?", length, word,
			      nearest);
	return refuse(error, "unknown option %.*s", length, word);
}

/* getopt_long takes beginnings of names, too. A script that relied on one would break with the next
 * option that begins so. */
static bool is_whole(const struct option_row *row, const char *word)
{
	size_t length = strcspn(word, "=");

	return length == strlen(row->name) + 2 && !strncmp(word + 2, row->name, length - 2);
}

/* The only word that the value is or begins. NULL: none, or several begin so. */
static const char *word_meant(const struct option_row *row, const char *value)
{
	const char *found = NULL;
	size_t length = strlen(value), matches = 0;

	for (size_t i = 0; i < row->word_count; i++) {
		if (strncmp(row->words[i], value, length) != 0)
			continue;
		if (!row->words[i][length])
			return row->words[i];
		found = row->words[i];
		matches++;
	}
	return matches == 1 ? found : NULL;
}

static int refuse_word(const struct option_row *row, const char *value,
		       char error[OPTIONS_ERROR_SIZE])
{
	const char *nearest = nearest_name(value, row->words, row->word_count);
	char all[128] = "";
	size_t used = 0;

	if (nearest)
		return refuse(error, "unknown --%s \"%s\": did you mean \"%s\"?", row->name, value,
			      nearest);
	for (size_t i = 0; i < row->word_count && used < sizeof(all); i++)
		used += snprintf(all + used, sizeof(all) - used, "%s%s",
				 !i                        ? ""
				 : i + 1 < row->word_count ? ", "
							   : " or ",
				 row->words[i]);
	return refuse(error, "unknown --%s \"%s\": expected %s", row->name, value, all);
}

static int value_take(const struct option_row *row, const char *value, struct option_given *given,
		      char error[OPTIONS_ERROR_SIZE])
{
	char text[128];

	if (!value || !*value)
		return refuse(error, "option --%s needs a value: %s", row->name,
			      option_value_text(row, text, sizeof(text)));
	given->value = row->words ? word_meant(row, value) : value;
	if (!given->value)
		return refuse_word(row, value, error);
	return row->check ? row->check(row, value, error) : 0;
}

static bool is_given(const struct options_given *options, const struct option_row *row)
{
	for (size_t i = 0; i < options->count; i++) {
		if (options->list[i].row == row)
			return true;
	}
	return false;
}

/* Takes an option that getopt_long returned; word: the one that it stood in. */
static int option_take(const struct known *known, int number, const char *word,
		       struct options_given *out, char error[OPTIONS_ERROR_SIZE])
{
	bool complaint = number == '?' || number == ':';
	bool is_long = (complaint ? optopt : number) >= FIRST_LONG;
	const struct option_row *row = row_of(known, complaint ? optopt : number);
	struct option_given given = { .row = row };
	int err = 0;

	if (!row || (is_long && !is_whole(row, word)))
		return refuse_unknown(known, word, error);
	if (number == '?')
		return refuse(error, "option --%s takes no value", row->name);
	if (!row->many && is_given(out, row))
		return refuse(error, "option --%s is given twice", row->name);
	if (takes_value(row))
		err = value_take(row, number == ':' ? NULL : optarg, &given, error);
	if (!err)
		out->list[out->count++] = given;
	return err;
}

/* words: where the other words go. Returns their number. */
static int take(const struct known *known, int argc, char **argv, char **words,
		struct options_given *out, char error[OPTIONS_ERROR_SIZE])
{
	int count = 0, err, number;
	char letter[3] = "-"; /* letters may share a word, and optind may still be on it */

	optind = 0; /* makes getopt_long begin anew */
	opterr = 0;
	while ((number = getopt_long(argc, argv, known->shorts, known->longs, NULL)) != -1) {
		const char *word = argv[optind - 1];

		if (number == 1) {
			words[count++] = optarg;
			continue;
		}
		if (optarg && optarg == word)
			word = argv[optind - 2];
		if (number == '?' && optopt && optopt < FIRST_LONG) {
			letter[1] = (char)optopt;
			word = letter;
		}
		err = option_take(known, number, word, out, error);
		if (err)
			return err;
	}
	for (int i = optind; i < argc; i++)
		words[count++] = argv[i];
	return count;
}

static int take_all(const struct option_row *const *tables, int argc, char **argv, char mode,
		    struct options_given *out, char error[OPTIONS_ERROR_SIZE])
{
	/* getopt_long skips the first word as the program's name. */
	char **line = calloc(argc + 2, sizeof(*line));
	char **words = calloc(argc + 1, sizeof(*words));
	struct known known;
	int ret = -ENOMEM;

	out->list = calloc(argc + 1, sizeof(*out->list));
	out->count = 0;
	snprintf(error, OPTIONS_ERROR_SIZE, "out of memory");
	if (line && words && out->list) {
		memcpy(line + 1, argv, argc * sizeof(*argv));
		known_make(&known, tables, mode);
		ret = take(&known, argc + 1, line, words, out, error);
	}
	if (ret >= 0 && mode == '-')
		memcpy(argv, words, (ret + 1) * sizeof(*argv));
	free(line);
	free(words);
	return ret;
}

int options_take(const struct option_row *const *tables, int argc, char **argv,
		 struct options_given *out, char error[OPTIONS_ERROR_SIZE])
{
	return take_all(tables, argc, argv, '-', out, error);
}

int options_take_first(const struct option_row *const *tables, int argc, char **argv,
		       struct options_given *out, char error[OPTIONS_ERROR_SIZE])
{
	int words = take_all(tables, argc, argv, '+', out, error);

	return words < 0 ? words : argc - words;
}

void options_free(struct options_given *options)
{
	free(options->list);
	memset(options, 0, sizeof(*options));
}

const char *option_value_text(const struct option_row *row, char *buf, size_t size)
{
	size_t used = 0;

	snprintf(buf, size, "%s", row->value ? row->value : "");
	for (size_t i = 0; i < row->word_count && used < size; i++)
		used += snprintf(buf + used, size - used, "%s%s", i ? "|" : "", row->words[i]);
	return buf;
}

const char *option_text(const struct option_row *row, char *buf, size_t size)
{
	char value[128], letter[8];

	snprintf(letter, sizeof(letter), "-%c, ", row->letter);
	option_value_text(row, value, sizeof(value));
	snprintf(buf, size, "%s--%s%s%s", row->letter ? letter : "", row->name, *value ? " " : "",
		 value);
	return buf;
}
