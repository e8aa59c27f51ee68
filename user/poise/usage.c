// SPDX-License-Identifier: BSD-2-Clause
#include <string.h>

#include "usage.h"

#define HELP_COLUMN                                                                                \
	34 /* where explanations start; longer words push theirs to a line of its own              \
	    */

static void print_entry(FILE *out, const char *left, const char *help)
{
	if (strlen(left) + 4 > HELP_COLUMN)
		fprintf(out, "  %s\n  %*s%s\n", left, HELP_COLUMN - 2, "", help);
	else
		fprintf(out, "  %-*s%s\n", HELP_COLUMN - 2, left, help);
}

static void print_verb(FILE *out, const struct verb *verb)
{
	char left[256];

	snprintf(left, sizeof(left), "%s%s%s", verb->name, verb->args[0] ? " " : "", verb->args);
	print_entry(out, left, verb->help);
}

static void print_options(FILE *out, const struct option_row *row)
{
	char left[128];

	for (; row->name; row++) {
		snprintf(left, sizeof(left), "--%s%s%s%s", row->name, row->value ? " " : "",
			 row->value ? row->value : "", row->many ? " ..." : "");
		print_entry(out, left, row->help);
	}
}

static void print_global(FILE *out)
{
	fputs("\nEverywhere:\n", out);
	print_entry(out, "-j, --json", "JSON instead of tables");
	print_entry(out, "--instance NAME", "the poised of that name (default: default)");
	print_entry(out, "-h, --help", "this");
}

/* Verbs that share a table of options are named together above it. */
static void print_option_tables(FILE *out, const struct verb *verbs, size_t count)
{
	size_t i, k;

	for (i = 0; i < count; i++) {
		const struct option_row *rows = verbs[i].options;
		bool seen = !rows;

		for (k = 0; k < i && !seen; k++)
			seen = verbs[k].options == rows;
		if (seen)
			continue;
		fprintf(out, "\nOptions of %s", verbs[i].name);
		for (k = i + 1; k < count; k++) {
			if (verbs[k].options == rows)
				fprintf(out, ", %s", verbs[k].name);
		}
		fputs(":\n", out);
		print_options(out, rows);
	}
}

void usage_object(FILE *out, const char *object, const struct verb *verbs, size_t count)
{
	size_t i;

	fprintf(out, "Usage: poise [-j] [--instance NAME] %s [VERB] ...\n\n", object);
	for (i = 0; i < count; i++)
		print_verb(out, &verbs[i]);
	print_option_tables(out, verbs, count);
	fprintf(out, "\nWithout a verb: %s. Verbs may be cut short.\n", verbs[0].name);
	print_global(out);
}

void usage_verb(FILE *out, const char *object, const struct verb *verb)
{
	bool alone = !strcmp(verb->name, object);

	fprintf(out, "Usage: poise [-j] [--instance NAME] %s%s%s%s%s\n\n%s\n", object,
		alone ? "" : " ", alone ? "" : verb->name, verb->args[0] ? " " : "", verb->args,
		verb->help);
	if (verb->options) {
		fputs("\nOptions:\n", out);
		print_options(out, verb->options);
	}
	print_global(out);
}
