// SPDX-License-Identifier: BSD-2-Clause
/* Paths of the tree as places in its file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "poise/marks.h"

static const char yaml[] = "services:\n"
			   "  - name: web\n"
			   "    listen: 192.0.2.10:80/tcp\n"
			   "    backends:\n"
			   "      - 10.0.0.11\n"
			   "      - {address: 10.0.0.12, weight: 3}\n";

static void paths_are_found_or_what_is_around_them(void **state)
{
	static const struct {
		const char *path;
		int line, column;
	} rows[] = {
		{ "services[0].listen", 3, 13 },
		{ "services[0].backends[1].weight", 6, 38 },
		{ "services[0].backends[0]", 5, 9 },
		{ "services[0].backends[0].address", 5, 9 }, /* of a shorthand */
		{ "services[0].check.http", 2, 5 },          /* not in the file: its service */
		{ "services[7]", 2, 3 },                     /* not there: the list */
		{ "max_backends", 1, 1 },
		{ "", 1, 1 },
	};
	struct conf_error error;
	conf_marks *marks;
	json_t *tree;
	size_t i;

	(void)state;
	assert_int_equal(conf_tree_from_yaml(yaml, strlen(yaml), &tree, &marks, &error), 0);
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		int line, column;

		marks_find(marks, rows[i].path, &line, &column);
		if (line != rows[i].line || column != rows[i].column)
			fail_msg("%s: found at %d:%d", rows[i].path, line, column);
	}
	json_decref(tree);
	json_decref(marks);
}

static void without_marks_there_is_no_place(void **state)
{
	char path[1024];
	int line = 7, column = 7;

	(void)state;
	marks_find(NULL, "services[0]", &line, &column);
	assert_int_equal(line, 0);
	assert_int_equal(column, 0);
	/* longer than any that poised sends */
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	marks_find(NULL, path, &line, &column);
	assert_int_equal(line, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_are_found_or_what_is_around_them),
		cmocka_unit_test(without_marks_there_is_no_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
