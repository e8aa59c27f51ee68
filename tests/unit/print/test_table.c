// SPDX-License-Identifier: BSD-2-Clause
/* Tables as they come out where there is no terminal, and lines broken between words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "cli/command.h"
#include "print/table.h"

static void lines_break_between_words(void **state)
{
	static const struct {
		const char *text;
		size_t width;
		const char *folded;
	} rows[] = {
		{ "", 10, "" },
		{ "one two", 10, "one two" },
		{ "one two", 7, "one two" },
		{ "one two", 6, "one\ntwo" },
		{ "one two three four", 8, "one two\nthree\nfour" },
		{ "one two three four", 9, "one two\nthree\nfour" },
		{ "one two three four", 10, "one two\nthree four" },
		{ "incomprehensibilities", 5, "incomprehensibilities" },
		{ "a incomprehensibilities b c", 5, "a\nincomprehensibilities\nb c" },
	};
	char text[64];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		snprintf(text, sizeof(text), "%s", rows[i].text);
		table_fold(text, rows[i].width);
		assert_string_equal(text, rows[i].folded);
	}
}

/* Catches what the call writes to standard output, which is then no terminal. */
static void print_table(char *buf, size_t size)
{
	static const struct table_column columns[] = {
		{ "NAME" },
		{ "COUNT", TABLE_RIGHT },
		{ "MEANING", TABLE_WRAP },
	};
	struct table *table = table_new(columns, ARRAY_SIZE(columns));

	table_row(table);
	table_cell(table, "%s", "first");
	table_cell(table, "%d", 5);
	table_paint(table, TABLE_BAD);
	table_cell(table, "a sentence that would never fit into the columns of any terminal, "
			  "which there is none of here, so that it stays whole");
	table_row(table);
	table_cell(table, "%s", "escape \033[2J\n");
	assert_int_equal(table_print(table), EXIT_DONE);
	fflush(stdout);
	rewind(stdout);
	buf[fread(buf, 1, size - 1, stdout)] = '\0';
}

static void a_table_is_aligned_plain_and_harmless(void **state)
{
	char buf[1024] = "";
	FILE *file = tmpfile(), *saved = stdout;

	(void)state;
	assert_non_null(file);
	stdout = file;
	print_table(buf, sizeof(buf));
	stdout = saved;
	fclose(file);
	assert_string_equal(
		buf, "NAME               COUNT MEANING\n"
		     "first                  5 a sentence that would never fit into the columns of "
		     "any terminal, which there is none of here, so that it stays whole\n"
		     "escape \\x1b[2J\\x0a       \n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_break_between_words),
		cmocka_unit_test(a_table_is_aligned_plain_and_harmless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
