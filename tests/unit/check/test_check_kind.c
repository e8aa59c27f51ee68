// SPDX-License-Identifier: BSD-2-Clause
/* Kinds of health checks as rows: words, values, lists. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>

#include "base/array.h"
#include "check/check_kind.h"

static void every_row_is_whole_and_found_by_its_word(void **state)
{
	(void)state;
	for (size_t i = 0; i < CHECK_KIND_COUNT; i++) {
		const struct check_kind *kind = check_kinds[i];

		assert_true(kind->word && kind->expected && kind->valid && kind->start &&
			    kind->stop);
		assert_true(!kind->argument || kind->begins);
		assert_false(kind->valid(NULL));
		assert_ptr_equal(check_kind_find(kind->word), kind);
	}
	assert_null(check_kind_find("none"));
	assert_null(check_kind_find(""));
}

/* A value of --check becomes one that the configuration takes, and is shown as it was given. */
static void texts_and_values_are_two_ways_to_say_the_same(void **state)
{
	static const struct {
		const char *text, *json;
		int err;
	} rows[] = {
		{ "tcp", "{\"tcp\":true}", 0 },
		{ "http:/", "{\"http\":\"/\"}", 0 },
		{ "http:/a?b=c:d", "{\"http\":\"/a?b=c:d\"}", 0 },
		{ "http:/\xff", NULL, -EILSEQ },
		{ "http", NULL, -EINVAL },
		{ "http:", NULL, -EINVAL },
		{ "http:a", NULL, -EINVAL },
		{ "httpx:/", NULL, -EINVAL },
		{ "tcp:", NULL, -EINVAL },
		{ "tcpx", NULL, -EINVAL },
		{ "none", NULL, -EINVAL },
		{ "", NULL, -EINVAL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		json_t *check = json_object();
		char *json, text[64];

		assert_int_equal(check_kind_parse(rows[i].text, check), rows[i].err);
		assert_int_equal(json_object_size(check), rows[i].json ? 1 : 0);
		if (rows[i].json) {
			const struct check_kind *kind = check_kind_of(check);

			json = json_dumps(check, JSON_COMPACT);
			assert_string_equal(json, rows[i].json);
			free(json);
			assert_true(kind->valid(json_object_get(check, kind->word)));
			assert_string_equal(check_kind_format(check, text, sizeof(text)),
					    rows[i].text);
		} else {
			assert_null(check_kind_format(check, text, sizeof(text)));
		}
		json_decref(check);
	}
}

static void paths_of_http_go_into_the_request_as_they_are(void **state)
{
	static const char *const bad[] = { "",           "x",     "/a b",     "/a#b",
					   "/a\r\nX: y", "/\x7f", "/\xc3\xa4" };
	char path[1026];
	json_t *value;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		value = json_string(bad[i]);
		assert_false(check_http.valid(value));
		json_decref(value);
	}
	value = json_stringn("/a\0b", 4);
	assert_false(check_http.valid(value));
	json_decref(value);
	memset(path, '/', sizeof(path));
	for (size_t length = 1024; length <= 1025; length++) {
		value = json_stringn(path, length);
		assert_int_equal(check_http.valid(value), length == 1024);
		json_decref(value);
	}
}

static void lists_name_every_kind(void **state)
{
	char list[CHECK_LIST_SIZE], option[CHECK_LIST_SIZE + 8];

	(void)state;
	check_kinds_on_command_line("", ", ", list);
	for (char *comma = list; (comma = strstr(comma, ", "));) {
		*comma = '|';
		memmove(comma + 1, comma + 2, strlen(comma + 1));
	}
	snprintf(option, sizeof(option), "%s|none", list);
	assert_string_equal(option, CHECK_OPTION);
	assert_string_equal(check_kinds_in_yaml(list), "tcp: true or http: PATH");
	assert_string_equal(check_kinds_on_command_line("--check ", " or ", list),
			    "--check tcp or --check http:/PATH");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_is_whole_and_found_by_its_word),
		cmocka_unit_test(texts_and_values_are_two_ways_to_say_the_same),
		cmocka_unit_test(paths_of_http_go_into_the_request_as_they_are),
		cmocka_unit_test(lists_name_every_kind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
