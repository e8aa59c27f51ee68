/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tables of JSON objects: what -j prints as objects, people see as rows. A column is described
 * once: whose member it shows, its heading, and how the member becomes text.
 */
#ifndef POISE_COLUMNS_H
#define POISE_COLUMNS_H

#include <jansson.h>

#include "print/table.h"

#define COLUMN_SIZE 256

/* A row: the object, and the one that it is part of, a backend's service. NULL: none. */
struct column_row {
	const json_t *object, *parent;
};

struct column {
	const char *key; /* of the member */
	const char *heading;
	enum table_align align;
	/* Returns the text, in buf or not. NULL: column_text. */
	const char *(*text)(const struct column_row *row, const char *key, char buf[COLUMN_SIZE]);
	enum table_color (*color)(const struct column_row *row); /* NULL: plain */
	unsigned int kinds; /* a table without all these bits does not have the column */
};

struct columns {
	const struct column *list;
	size_t count;
	unsigned int kinds; /* of columns that the table has besides those of kind 0 */
	struct table *table;
};

void columns_begin(struct columns *columns, const struct column *list, size_t count,
		   unsigned int kinds);
void columns_row(struct columns *columns, const json_t *object, const json_t *parent);
/* Prints to standard output and frees the table. Returns an enum poise_exit. */
int columns_print(struct columns *columns);

/* Most members are one of these. Where one is absent, null or something else the text is "-". */
const char *column_text(const struct column_row *row, const char *key, char buf[COLUMN_SIZE]);
const char *column_number(const struct column_row *row, const char *key, char buf[COLUMN_SIZE]);
const char *column_count(const struct column_row *row, const char *key, char buf[COLUMN_SIZE]);
const char *column_bytes(const struct column_row *row, const char *key, char buf[COLUMN_SIZE]);
const char *column_rate(const struct column_row *row, const char *key, char buf[COLUMN_SIZE]);
const char *column_byte_rate(const struct column_row *row, const char *key, char buf[COLUMN_SIZE]);
/* "" where it is absent */
const char *column_share(const struct column_row *row, const char *key, char buf[COLUMN_SIZE]);

#endif
