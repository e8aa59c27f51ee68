// SPDX-License-Identifier: BSD-2-Clause
/*
 * libFuzzer target: bytes -> YAML tree -> struct conf -> canonical tree -> YAML -> the same tree.
 * Whatever is refused has a reason that JSON and a terminal can carry.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(int holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "fuzz_conf: %s\n", what);
	abort();
}

static void expect_printable(const char *text)
{
	json_t *utf8 = json_string(text);
	size_t i;

	expect(utf8 != NULL, "an error is UTF-8");
	json_decref(utf8);
	for (i = 0; text[i]; i++)
		expect((unsigned char)text[i] >= ' ' && text[i] != 0x7f, "an error is printable");
}

static void check_error(const struct conf_error *error, int with_place)
{
	char buf[700];

	expect(error->text[0] != '\0', "an error has a text");
	expect(!with_place || (error->line > 0 && error->column > 0), "an error has a place");
	expect_printable(error->text);
	expect_printable(error->path);
	expect_printable(conf_error_format(error, with_place ? "f" : NULL, buf, sizeof(buf)));
}

/* tree -> YAML -> the same tree */
static void check_text(const json_t *tree)
{
	struct conf_error error;
	conf_marks *marks;
	size_t size = 0;
	json_t *back;
	char *text;
	FILE *out = open_memstream(&text, &size);

	expect(!conf_tree_to_yaml(tree, out), "a tree has a text");
	fclose(out);
	if (conf_tree_from_yaml(text, size, &back, &marks, &error)) {
		fprintf(stderr, "%d:%d: %s\n%s", error.line, error.column, error.text, text);
		abort();
	}
	/* Null alone is read as the empty configuration before it is ever written. */
	expect(json_equal(tree, back), "a tree's text reads back as the tree");
	json_decref(back);
	json_decref(marks);
	free(text);
}

static void check_configuration(const struct conf *conf)
{
	json_t *tree = conf_encode(conf), *again, *merged;
	struct conf_error error;
	struct conf *back;

	expect(tree != NULL, "a configuration has a tree");
	expect(!conf_decode(tree, NULL, &back, &error), "a canonical tree decodes");
	again = conf_encode(back);
	expect(json_equal(tree, again), "a canonical tree is its own");
	check_text(tree);
	merged = conf_merge(NULL, NULL, tree);
	expect(json_equal(tree, merged), "a first file is taken as it is");
	json_decref(merged);
	merged = conf_merge(tree, NULL, tree);
	expect(merged != NULL, "a merge gives a tree");
	json_decref(merged);
	json_decref(tree);
	json_decref(again);
	conf_free(back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conf_error error, bare;
	struct conf *conf, *same;
	conf_marks *marks;
	json_t *tree;
	int err;

	if (conf_tree_from_yaml((const char *)data, size, &tree, &marks, &error)) {
		check_error(&error, 1);
		return 0;
	}
	check_text(tree);
	err = conf_decode(tree, marks, &conf, &error);
	expect(conf_decode(tree, NULL, &same, &bare) == err, "marks change no verdict");
	if (err) {
		check_error(&error, 1);
		check_error(&bare, 0);
	} else {
		check_configuration(conf);
		conf_free(conf);
		conf_free(same);
	}
	json_decref(tree);
	json_decref(marks);
	return 0;
}
