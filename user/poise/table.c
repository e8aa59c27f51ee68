// SPDX-License-Identifier: BSD-2-Clause
#include <libsmartcols/libsmartcols.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "poise.h"
#include "table.h"

struct table {
	struct libscols_table *scols;
	struct libscols_line *line;
	size_t column; /* of the cell to come */
	bool failed;
};

static const char *const color_names[] = {
	[TABLE_PLAIN] = NULL,
	[TABLE_GOOD] = "green",
	[TABLE_BAD] = "red",
	[TABLE_UNSURE] = "yellow",
};

static const char *const color_codes[] = {
	[TABLE_PLAIN] = "",
	[TABLE_GOOD] = "\033[32m",
	[TABLE_BAD] = "\033[31m",
	[TABLE_UNSURE] = "\033[33m",
};

/* no-color.org: any value but an empty one */
static bool colors_wanted(void)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && !(no_color && *no_color) && term && strcmp(term, "dumb");
}

const char *color_start(enum table_color color)
{
	return colors_wanted() ? color_codes[color] : "";
}

const char *color_end(enum table_color color)
{
	return colors_wanted() && color != TABLE_PLAIN ? "\033[0m" : "";
}

static int column_flags(enum table_align align)
{
	if (align == TABLE_RIGHT)
		return SCOLS_FL_RIGHT;
	/* Only a terminal has a width to wrap at. */
	return align == TABLE_WRAP && isatty(STDOUT_FILENO) ? SCOLS_FL_WRAP : 0;
}

struct table *table_new(const struct table_column *columns, size_t count)
{
	struct table *table = calloc(1, sizeof(*table));
	size_t i;

	if (!table)
		return NULL;
	table->scols = scols_new_table();
	table->failed = !table->scols;
	for (i = 0; i < count && !table->failed; i++) {
		table->failed = !scols_table_new_column(table->scols, columns[i].name, 0,
							column_flags(columns[i].align));
	}
	if (!table->failed)
		scols_table_enable_colors(table->scols, colors_wanted());
	return table;
}

void table_row(struct table *table)
{
	if (!table || table->failed)
		return;
	table->line = scols_table_new_line(table->scols, NULL);
	table->column = 0;
	table->failed = !table->line;
}

void table_cell(struct table *table, const char *format, ...)
{
	char *text = NULL;
	va_list args;
	int length;

	if (!table || table->failed)
		return;
	va_start(args, format);
	length = vasprintf(&text, format, args);
	va_end(args);
	if (length < 0 || scols_line_refer_data(table->line, table->column, text)) {
		table->failed = true;
		return;
	}
	table->column++;
}

void table_paint(struct table *table, enum table_color color)
{
	struct libscols_cell *cell;

	if (!table || table->failed || color == TABLE_PLAIN)
		return;
	cell = scols_line_get_cell(table->line, table->column - 1);
	if (!cell || scols_cell_set_color(cell, color_names[color]))
		table->failed = true;
}

int table_print(struct table *table)
{
	bool failed = !table || table->failed || scols_print_table(table->scols);

	if (table)
		scols_unref_table(table->scols);
	free(table);
	return failed ? command_refuse("cannot print a table: out of memory") : EXIT_DONE;
}
