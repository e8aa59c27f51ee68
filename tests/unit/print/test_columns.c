// SPDX-License-Identifier: BSD-2-Clause
/* Rows of JSON objects as tables of text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/array.h"
#include "print/columns.h"

static const char *owner_text(const struct column_row *row, const char *key, char buf[COLUMN_SIZE])
{
	const struct column_row parent = { row->parent, NULL };

	return column_text(&parent, key, buf);
}

static const struct column columns[] = {
	{ "name", "OWNER", .text = owner_text },
	{ "id", "ID" },
	{ "n", "N", TABLE_RIGHT, .text = column_count },
	{ "rate", "RATE", TABLE_RIGHT, .text = column_rate, .kinds = 1 },
	{ "bytes", "BYTES", TABLE_RIGHT, .text = column_bytes, .kinds = 1 | 2 },
	{ "share", "SHARE", TABLE_RIGHT, .text = column_share },
};

static void assert_table(unsigned int kinds, const char *const *objects, size_t count,
			 const char *expected)
{
	json_t *parent = json_pack("{s:s}", "name", "web"), *object;
	struct columns table;
	char *text;

	columns_begin(&table, columns, ARRAY_SIZE(columns), kinds);
	for (size_t i = 0; i < count; i++) {
		object = json_loads(objects[i], 0, NULL);
		assert_non_null(object);
		columns_row(&table, object, i ? parent : NULL);
		json_decref(object);
	}
	text = table_text(table.table);
	assert_non_null(text);
	assert_string_equal(text, expected);
	free(text);
	json_decref(parent);
}

static void members_become_cells(void **state)
{
	static const char *const objects[] = {
		"{\"id\":\"a\",\"n\":12345,\"rate\":1.5,\"bytes\":2000,\"share\":0.25}",
		"{\"id\":\"\",\"n\":null,\"rate\":null,\"bytes\":null,\"share\":null}",
		"{}",
	};

	(void)state;
	assert_table(0, objects, 3,
		     "OWNER ID     N  SHARE\n"
		     "-     a  12.3k 25.0 %\n"
		     "web   -      -      -\n"
		     "web   -      - ");
	assert_table(1, objects, 1,
		     "OWNER ID     N  RATE  SHARE\n"
		     "-     a  12.3k 1.5/s 25.0 %");
	assert_table(2, objects, 1,
		     "OWNER ID     N  SHARE\n"
		     "-     a  12.3k 25.0 %");
	assert_table(1 | 2, objects, 1,
		     "OWNER ID     N  RATE  BYTES  SHARE\n"
		     "-     a  12.3k 1.5/s 2.0 kB 25.0 %");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_become_cells),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
