// SPDX-License-Identifier: BSD-2-Clause
#include <libsmartcols/libsmartcols.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "print/table.h"

#define LEAST_WRAP_WIDTH 24

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

static bool column_add(struct libscols_table *scols, const struct table_column *column)
{
	/* Only a terminal has a width to wrap at. */
	bool wrap = column->align == TABLE_WRAP && isatty(STDOUT_FILENO);
	int flags = column->align == TABLE_RIGHT ? SCOLS_FL_RIGHT : wrap ? SCOLS_FL_WRAP : 0;
	struct libscols_column *added = scols_table_new_column(scols, column->name, 0, flags);

	if (!added)
		return false;
	/* libsmartcols itself would break within words. */
	return !wrap || (!scols_column_set_safechars(added, "\n") &&
			 !scols_column_set_wrapfunc(added, scols_wrapnl_chunksize,
						    scols_wrapnl_nextchunk, NULL));
}

struct table *table_new(const struct table_column *columns, size_t count)
{
	struct table *table = calloc(1, sizeof(*table));
	size_t i;

	if (!table)
		return NULL;
	table->scols = scols_new_table();
	table->failed = !table->scols;
	for (i = 0; i < count && !table->failed; i++)
		table->failed = !column_add(table->scols, &columns[i]);
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

void table_fold(char *text, size_t width)
{
	char *line = text, *blank = NULL, *c;

	for (c = text; *c; c++) {
		if (*c == ' ')
			blank = c;
		if ((size_t)(c - line) < width || !blank || blank < line)
			continue;
		*blank = '\n';
		line = blank + 1;
		blank = NULL;
	}
}

/* Columns a cell takes, near enough: what wraps stands beside names and numbers. */
static size_t cell_width(struct libscols_line *line, size_t column)
{
	const char *text = scols_cell_get_data(scols_line_get_cell(line, column));

	return text ? strlen(text) : 0;
}

/* Terminal columns that the others leave to this one. */
static size_t width_left(struct libscols_table *scols, size_t wrapping)
{
	size_t columns = scols_table_get_ncols(scols), lines = scols_table_get_nlines(scols);
	size_t width = scols_table_get_termwidth(scols), used = 0, i, k;

	for (i = 0; i < columns; i++) {
		struct libscols_column *column = scols_table_get_column(scols, i);
		size_t widest = strlen(scols_cell_get_data(scols_column_get_header(column)));

		for (k = 0; k < lines; k++) {
			size_t cell = cell_width(scols_table_get_line(scols, k), i);

			widest = cell > widest ? cell : widest;
		}
		used += i == wrapping ? 1 : widest + 1;
	}
	return width > used + LEAST_WRAP_WIDTH ? width - used : LEAST_WRAP_WIDTH;
}

/* Breaks the lines of the last column, if it wraps, between words. */
static bool wrap_last(struct libscols_table *scols)
{
	size_t last = scols_table_get_ncols(scols) - 1, width, i;
	bool failed;

	if (!(scols_column_get_flags(scols_table_get_column(scols, last)) & SCOLS_FL_WRAP))
		return true;
	width = width_left(scols, last);
	for (i = 0; i < scols_table_get_nlines(scols); i++) {
		struct libscols_cell *cell =
			scols_line_get_cell(scols_table_get_line(scols, i), last);
		const char *text = scols_cell_get_data(cell);
		char *folded = text ? strdup(text) : NULL;

		if (!text)
			continue;
		if (!folded)
			return false;
		table_fold(folded, width);
		failed = scols_cell_set_data(cell, folded);
		free(folded);
		if (failed)
			return false;
	}
	return true;
}

char *table_text(struct table *table)
{
	char *text = NULL;

	if (table && !table->failed && wrap_last(table->scols) &&
	    scols_print_table_to_string(table->scols, &text))
		text = NULL;
	if (table)
		scols_unref_table(table->scols);
	free(table);
	return text;
}

int table_print(struct table *table)
{
	bool failed = !table || table->failed || !wrap_last(table->scols) ||
		      scols_print_table(table->scols);

	if (table)
		scols_unref_table(table->scols);
	free(table);
	return failed ? command_refuse("cannot print a table: out of memory") : EXIT_DONE;
}
