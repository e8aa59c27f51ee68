// SPDX-License-Identifier: BSD-2-Clause
#include <string.h>

#include "cli/help.h"

#define COMMAND_COLUMN 20 /* where explanations of the options of all objects start */
#define HELP_COLUMN                                                                                \
	34 /* the same for verbs and theirs; longer words push them to the next line               \
	    */

static void print_entry(FILE *out, int column, const char *left, const char *help)
{
	if ((int)strlen(left) + 4 > column)
		fprintf(out, "  %s\n  %*s%s\n", left, column - 2, "", help);
	else
		fprintf(out, "  %-*s%s\n", column - 2, left, help);
}

static void print_verb(FILE *out, const struct verb *verb)
{
	char left[256];

	snprintf(left, sizeof(left), "%s%s%s", verb->name, verb->args[0] ? " " : "", verb->args);
	print_entry(out, HELP_COLUMN, left, verb->help);
}

static void print_options(FILE *out, int column, const struct option_row *rows)
{
	char text[192];

	for (const struct option_row *row = rows; row->name; row++) {
		option_text(row, text, sizeof(text) - strlen(" ..."));
		/* Options that hold everywhere may be repeated, but only the last one counts. */
		if (row->many && rows != command_options)
			strcat(text, " ...");
		print_entry(out, column, text, row->help);
	}
}

static void print_common(FILE *out)
{
	fputs("\nEverywhere:\n", out);
	print_options(out, HELP_COLUMN, command_options);
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
		print_options(out, HELP_COLUMN, rows);
	}
}

void help_command(FILE *out, const struct object *const *objects, size_t count)
{
	fputs("Usage: poise [-j] [--instance NAME] OBJECT [VERB] ...\n\nObjects:\n", out);
	for (size_t i = 0; i < count; i++)
		fprintf(out, "  %-10s%s\n", objects[i]->name, objects[i]->help);
	fprintf(out, "  %-10s%s\n\nOptions:\n", "help", "this, or `poise OBJECT help`");
	print_options(out, COMMAND_COLUMN, command_options);
	fputs("\n"
	      "Objects and verbs may be cut short where that is unambiguous: `poise b l web`.\n"
	      "Exit status: 0 done, 1 refused or failed, 2 usage, 3 poised is not reachable.\n",
	      out);
}

void help_object(FILE *out, const struct object *object)
{
	fprintf(out, "Usage: poise [-j] [--instance NAME] %s [VERB] ...\n\n", object->name);
	for (size_t i = 0; i < object->verb_count; i++)
		print_verb(out, &object->verbs[i]);
	print_option_tables(out, object->verbs, object->verb_count);
	fprintf(out, "\nWithout a verb: %s. Verbs may be cut short.\n", object->verbs[0].name);
	print_common(out);
}

void help_verb(FILE *out, const struct object *object, const struct verb *verb)
{
	bool alone = !strcmp(verb->name, object->name);

	fprintf(out, "Usage: poise [-j] [--instance NAME] %s%s%s%s%s\n\n%s\n", object->name,
		alone ? "" : " ", alone ? "" : verb->name, verb->args[0] ? " " : "", verb->args,
		verb->help);
	if (verb->options) {
		fputs("\nOptions:\n", out);
		print_options(out, HELP_COLUMN, verb->options);
	}
	print_common(out);
}
