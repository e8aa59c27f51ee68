/* SPDX-License-Identifier: BSD-2-Clause */
/* Aligned tables for people, by libsmartcols; in colour on a terminal unless NO_COLOR is set. */
#ifndef POISE_TABLE_H
#define POISE_TABLE_H

#include <stdbool.h>
#include <stddef.h>

struct table;

enum table_align { TABLE_LEFT, TABLE_RIGHT, TABLE_WRAP }; /* the last column may wrap */
enum table_color { TABLE_PLAIN, TABLE_GOOD, TABLE_BAD, TABLE_UNSURE };

struct table_column {
	const char *name;
	enum table_align align;
};

/* NULL: out of memory; what follows then does nothing until table_print says so. */
struct table *table_new(const struct table_column *columns, size_t count);
void table_row(struct table *table); /* cells from here on belong to a new row */
__attribute__((format(printf, 2, 3))) void table_cell(struct table *table, const char *format, ...);
void table_paint(struct table *table, enum table_color color); /* the cell added last */
/* Prints to standard output and frees. Returns an enum poise_exit. */
int table_print(struct table *table);
/* The same to a text, which is to be freed. NULL: out of memory. */
char *table_text(struct table *table);

/* Breaks a text into lines of at most width bytes where it has blanks to break at. */
void table_fold(char *text, size_t width);

/* Colour for text outside tables: an escape sequence, or "" where there is to be none. */
const char *color_start(enum table_color color);
const char *color_end(enum table_color color);

#endif
