// SPDX-License-Identifier: BSD-2-Clause
#include "print/columns.h"

#include <stdio.h>

#include "print/format.h"
#include "print/json.h"

#define MAX_COLUMNS 32

/* True if the table has the column. */
static bool has(const struct columns *columns, const struct column *column)
{
	return (column->kinds & columns->kinds) == column->kinds;
}

void columns_begin(struct columns *columns, const struct column *list, size_t count,
		   unsigned int kinds)
{
	struct table_column chosen[MAX_COLUMNS];
	size_t chosen_count = 0;

	*columns = (struct columns){ .list = list, .count = count, .kinds = kinds };
	for (size_t i = 0; i < count && chosen_count < MAX_COLUMNS; i++) {
		if (has(columns, &list[i]))
			chosen[chosen_count++] =
				(struct table_column){ list[i].heading, list[i].align };
	}
	columns->table = table_new(chosen, chosen_count);
}

void columns_row(struct columns *columns, const json_t *object, const json_t *parent)
{
	const struct column_row row = { object, parent };
	char buf[COLUMN_SIZE];

	table_row(columns->table);
	for (size_t i = 0; i < columns->count; i++) {
		const struct column *column = &columns->list[i];

		if (!has(columns, column))
			continue;
		table_cell(columns->table, "%s",
			   column->text ? column->text(&row, column->key, buf)
					: column_text(&row, column->key, buf));
		if (column->color)
			table_paint(columns->table, column->color(&row));
	}
}

int columns_print(struct columns *columns)
{
	return table_print(columns->table);
}

const char *column_text(const struct column_row *row, const char *key, char buf[COLUMN_SIZE])
{
	(void)buf;
	return member_text(row->object, key);
}

const char *column_number(const struct column_row *row, const char *key, char buf[COLUMN_SIZE])
{
	snprintf(buf, COLUMN_SIZE, "%llu", (unsigned long long)member_number(row->object, key));
	return buf;
}

const char *column_count(const struct column_row *row, const char *key, char buf[COLUMN_SIZE])
{
	if (!json_is_integer(json_object_get(row->object, key)))
		return "-";
	return format_count(member_number(row->object, key), buf);
}

const char *column_bytes(const struct column_row *row, const char *key, char buf[COLUMN_SIZE])
{
	if (!json_is_integer(json_object_get(row->object, key)))
		return "-";
	return format_bytes(member_number(row->object, key), buf);
}

const char *column_rate(const struct column_row *row, const char *key, char buf[COLUMN_SIZE])
{
	const json_t *per_s = json_object_get(row->object, key);

	return json_is_number(per_s) ? format_rate(json_number_value(per_s), "", buf) : "-";
}

const char *column_byte_rate(const struct column_row *row, const char *key, char buf[COLUMN_SIZE])
{
	const json_t *per_s = json_object_get(row->object, key);

	return json_is_number(per_s) ? format_rate(json_number_value(per_s), "B", buf) : "-";
}

const char *column_share(const struct column_row *row, const char *key, char buf[COLUMN_SIZE])
{
	const json_t *share = json_object_get(row->object, key);

	if (!share)
		return "";
	return format_share(json_is_number(share) ? json_number_value(share) : -1, buf);
}
