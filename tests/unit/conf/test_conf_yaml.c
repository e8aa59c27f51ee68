// SPDX-License-Identifier: BSD-2-Clause
/* YAML text -> tree and marks. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/array.h"
#include "conf/conf_error.h"

static void text_becomes_tree(void **state)
{
	static const struct {
		const char *yaml, *json;
	} rows[] = {
		{ "", "{}" },
		{ "# nothing but a comment\n", "{}" },
		{ "---\n", "{}" },
		{ "null\n", "{}" },
		{ "\xef\xbb\xbf"
		  "a: b\n",
		  "{\"a\": \"b\"}" }, /* byte order mark */
		{ "a: 1\r\nb: 2\r\n", "{\"a\": 1, \"b\": 2}" },
		{ "%YAML 1.2\n---\na: b\n...\n", "{\"a\": \"b\"}" },
		{ "[1, -2, 0, 1.5, 1e3]", "[1, -2, 0, 1.5, 1000.0]" },
		{ "[true, True, TRUE, false, False, FALSE]",
		  "[true, true, true, false, false, false]" },
		{ "[null, Null, NULL, ~, ]", "[null, null, null, null]" },
		{ "a:\nb: c", "{\"a\": null, \"b\": \"c\"}" },
		{ "['1', \"true\", 'null', \"\", '~']",
		  "[\"1\", \"true\", \"null\", \"\", \"~\"]" },
		{ "[yes, no, on, off]", "[\"yes\", \"no\", \"on\", \"off\"]" },
		{ "[010, +1, 0x10, 0o7, 1_000, 1., .5]",
		  "[\"010\", \"+1\", \"0x10\", \"0o7\", \"1_000\", \"1.\", \".5\"]" },
		{ "[.inf, .nan, -.inf, 1e999, -]",
		  "[\".inf\", \".nan\", \"-.inf\", \"1e999\", \"-\"]" },
		{ "[9223372036854775807, 9223372036854775808]",
		  "[9223372036854775807, \"9223372036854775808\"]" },
		{ "[192.0.2.10:80/tcp, 10.0.0.11, 2s]",
		  "[\"192.0.2.10:80/tcp\", \"10.0.0.11\", \"2s\"]" },
		{ "a: |\n  two\n  lines\n", "{\"a\": \"two\\nlines\\n\"}" },
		{ "1: a\ntrue: b\n", "{\"1\": \"a\", \"true\": \"b\"}" },
		{ "z: 1\na: 2\n", "{\"z\": 1, \"a\": 2}" },
		{ "a: {b: [c, {d: e}]}", "{\"a\": {\"b\": [\"c\", {\"d\": \"e\"}]}}" },
	};
	struct conf_error error;
	conf_marks *marks;
	json_t *tree;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		char *text;

		if (conf_tree_from_yaml(rows[i].yaml, strlen(rows[i].yaml), &tree, &marks, &error))
			fail_msg("%s: %s", rows[i].yaml, error.text);
		text = json_dumps(tree, JSON_ENCODE_ANY);
		assert_string_equal(text, rows[i].json);
		free(text);
		json_decref(tree);
		json_decref(marks);
	}
}

static void trouble_is_told_with_its_place(void **state)
{
	static const struct {
		const char *yaml, *error;
	} rows[] = {
		{ "a: 1\nb:\n  c: 2\n  c: 3\n",
		  "x:4:3: expected each key once, found \"c\" again (first at line 3)" },
		{ "a: 1\n\"a\": 2\n", "x:2:1: expected each key once, found \"a\" again (first at "
				      "line 1)" },
		{ "a: &x 1\n", "x:1:4: expected a value, found an anchor (&x): leave it out" },
		{ "a: &x [1]\n", "x:1:4: expected a value, found an anchor (&x): leave it out" },
		{ "a: &x {}\n", "x:1:4: expected a value, found an anchor (&x): leave it out" },
		{ "&x a: 1\n", "x:1:1: expected a value, found an anchor (&x): leave it out" },
		{ "a: *x\n", "x:1:4: expected a value, found an alias (*x): write the value out" },
		{ "*x : 1\n", "x:1:1: expected a value, found an alias (*x): write the value out" },
		{ "a: !!str 1\n", "x:1:4: expected a value without a tag, found one (a word that "
				  "begins with \"!\"): leave it out or quote it" },
		{ "a: ! 1\n", "x:1:4: expected a value without a tag, found one (a word that "
			      "begins with \"!\"): leave it out or quote it" },
		{ "a: 1\n---\nb: 2\n", "x:2:1: expected one document, found a second one" },
		{ "a: 1\n...\n---\nb: 2\n", "x:3:1: expected one document, found a second one" },
		{ "---\n---\n", "x:2:1: expected one document, found a second one" },
		{ "[a, b]: 1\n", "x:1:1: expected a word as key, found a list" },
		{ "? {a: b}\n: 1\n", "x:1:3: expected a word as key, found a mapping" },
		{ "a: \"b\\0c\"\n", "x:1:4: expected text, found a NUL character in it" },
		{ "\"b\\0c\": 1\n", "x:1:1: expected a key, found a NUL character in it" },
		{ "a: \xc3\xa4\nb: \xc3\xa4\xff\n",
		  "x:2:5: expected UTF-8 text, found invalid leading UTF-8 octet" },
		{ "a:\n\t- b\n",
		  "x:2:1: not YAML: found character that cannot start any token while "
		  "scanning for the next token; indent with blanks, not tabs" },
		{ "l:\n  a: [2001:db8::1]:80\n",
		  "x:2:19: not YAML: did not find expected key while parsing a block mapping; an "
		  "address in brackets has to be quoted: \"[2001:db8::1]:80\"" },
		{ "a: [b\n",
		  "x:2:1: not YAML: did not find expected ',' or ']' while parsing a flow "
		  "sequence that begins at line 1" },
		{ "\xc3\xa4: 1\n\xc3\xa4: {\xc3\xa4: ]}\n",
		  "x:2:1: expected each key once, found \"\xc3\xa4\" again (first at line 1)" },
	};
	struct conf_error error;
	conf_marks *marks;
	char buf[600];
	json_t *tree;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(conf_tree_from_yaml(rows[i].yaml, strlen(rows[i].yaml), &tree,
						     &marks, &error),
				 -EINVAL);
		assert_string_equal(conf_error_format(&error, "x", buf, sizeof(buf)),
				    rows[i].error);
	}
}

static void marks_tell_lines_and_columns(void **state)
{
	static const char yaml[] = "a: 1\n"
				   "services:\n"
				   "  - name: \xc3\xa4\xc3\xb6\n"
				   "    list: [x, {y: \xc3\xa4, z: 2}]\n";
	static const struct {
		const char *path;
		enum conf_mark_kind kind;
		int line, column;
	} rows[] = {
		{ "", CONF_MARK_VALUE, 1, 1 },
		{ "a", CONF_MARK_KEY, 1, 1 },
		{ "a", CONF_MARK_VALUE, 1, 4 },
		{ "services", CONF_MARK_VALUE, 3, 3 },
		{ "services[0]", CONF_MARK_VALUE, 3, 5 },
		{ "services[0].name", CONF_MARK_KEY, 3, 5 },
		{ "services[0].name", CONF_MARK_VALUE, 3, 11 },
		{ "services[0].list[0]", CONF_MARK_VALUE, 4, 12 },
		{ "services[0].list[1].z", CONF_MARK_KEY, 4, 22 },
		{ "services[0].list[1].z", CONF_MARK_VALUE, 4, 25 },
	};
	struct conf_error error;
	conf_marks *marks;
	int line, column;
	json_t *tree;
	size_t i;

	(void)state;
	assert_int_equal(conf_tree_from_yaml(yaml, strlen(yaml), &tree, &marks, &error), 0);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct conf_path path = { .length = 0 };

		conf_path_key(&path, rows[i].path);
		assert_true(conf_mark_get(marks, &path, rows[i].kind, &line, &column));
		assert_int_equal(line, rows[i].line);
		assert_int_equal(column, rows[i].column);
	}
	assert_int_equal(json_object_size(marks), 16);
	json_decref(tree);
	json_decref(marks);
}

/* conf.h promises this shape: others read marks without the functions of conf_error.h. */
static void marks_are_pairs_by_path(void **state)
{
	static const char yaml[] = "a:\n  - b: 1\n";
	struct conf_error error;
	conf_marks *marks;
	json_t *tree;
	char *text;

	(void)state;
	assert_int_equal(conf_tree_from_yaml(yaml, strlen(yaml), &tree, &marks, &error), 0);
	text = json_dumps(marks, JSON_SORT_KEYS);
	assert_string_equal(text, "{\"\": [1, 1], \"a\": [2, 3], \"a[0]\": [2, 5], "
				  "\"a[0].b\": [2, 8], \"a[0].b~\": [2, 5], \"a~\": [1, 1]}");
	free(text);
	json_decref(tree);
	json_decref(marks);
}

static void limits_are_told(void **state)
{
	static char text[(16 << 20) + 1];
	struct conf_error error;
	conf_marks *marks;
	json_t *tree;
	size_t i;

	(void)state;
	memset(text, ' ', sizeof(text));
	assert_int_equal(conf_tree_from_yaml(text, sizeof(text), &tree, &marks, &error), -EINVAL);
	assert_string_equal(error.text, "expected at most 16 MiB, found more");
	memset(text, '[', 100);
	assert_int_equal(conf_tree_from_yaml(text, 100, &tree, &marks, &error), -EINVAL);
	assert_string_equal(error.text, "expected at most 32 levels, found one more");
	assert_int_equal(error.column, 33);
	memset(text + 32, ']', 32);
	assert_int_equal(conf_tree_from_yaml(text, 64, &tree, &marks, &error), 0);
	json_decref(tree);
	json_decref(marks);
	for (i = 0; i < 600000; i++)
		memcpy(text + 4 * i, "- 1\n", 4);
	assert_int_equal(conf_tree_from_yaml(text, 4 * i, &tree, &marks, &error), -EINVAL);
	assert_string_equal(error.text, "expected at most 500000 values in all, found more");
	assert_int_equal(error.line, 500000); /* the list itself is one */
}

static void files_are_read(void **state)
{
	char name[] = "/tmp/poise-test-conf-XXXXXX", buf[600];
	struct conf_error error;
	conf_marks *marks;
	json_t *tree;
	int fd;

	(void)state;
	fd = mkstemp(name);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "a: [1]\n", 7), 7);
	close(fd);
	assert_int_equal(conf_tree_from_file(name, &tree, &marks, &error), 0);
	assert_int_equal(json_object_size(tree), 1);
	json_decref(tree);
	json_decref(marks);
	unlink(name);
	assert_int_equal(conf_tree_from_file(name, &tree, &marks, &error), -ENOENT);
	assert_string_equal(conf_error_format(&error, "x", buf, sizeof(buf)),
			    "x: cannot be read: No such file or directory");
	assert_int_equal(conf_tree_from_file("/", &tree, &marks, &error), -EISDIR);
	assert_int_equal(conf_tree_from_file("/dev/null", &tree, &marks, &error), 0);
	assert_int_equal(json_object_size(tree), 0);
	json_decref(tree);
	json_decref(marks);
	assert_int_equal(conf_tree_from_file("/dev/zero", &tree, &marks, &error), -EINVAL);
	assert_string_equal(error.text, "expected at most 16 MiB, found more");
}

/* Whatever a key is made of, the path stays text that a terminal and JSON can carry. */
static void odd_keys_stay_printable(void **state)
{
	char yaml[2048], buf[600];
	struct conf_error error;
	conf_marks *marks;
	json_t *tree, *text;
	size_t i;

	(void)state;
	strcpy(yaml, "\"\\e[2J\\x9b\": {a: 1, a: 2}\n");
	assert_int_equal(conf_tree_from_yaml(yaml, strlen(yaml), &tree, &marks, &error), -EINVAL);
	assert_string_equal(error.path, "?[2J??");
	/* Two-byte characters at every offset: none may be cut in half. */
	for (i = 0; i < 4; i++) {
		size_t at = sprintf(yaml, "? \"%.*s", (int)i, "xxxx");

		while (at < 1500)
			at += sprintf(yaml + at, i % 2 ? "\xc3\xa4" : "\xf0\x9f\x98\x80");
		sprintf(yaml + at, "\"\n: {a: 1, a: 2}\n");
		assert_int_equal(conf_tree_from_yaml(yaml, strlen(yaml), &tree, &marks, &error),
				 -EINVAL);
		text = json_string(error.path);
		assert_non_null(text);
		assert_true(json_string_length(text) > 150);
		json_decref(text);
		conf_error_format(&error, NULL, buf, sizeof(buf));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_becomes_tree),
		cmocka_unit_test(trouble_is_told_with_its_place),
		cmocka_unit_test(marks_tell_lines_and_columns),
		cmocka_unit_test(marks_are_pairs_by_path),
		cmocka_unit_test(limits_are_told),
		cmocka_unit_test(files_are_read),
		cmocka_unit_test(odd_keys_stay_printable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
