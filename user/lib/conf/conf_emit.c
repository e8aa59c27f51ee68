// SPDX-License-Identifier: BSD-2-Clause
/* A tree -> YAML text in block style. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <yaml.h>

#include "base/array.h"
#include "conf/conf.h"

/* Written without quotes these are no text to some reader: YAML 1.1 knows more of them than 1.2. */
static bool is_reserved(const char *text)
{
	static const char *const words[] = { "null", "true", "false", "yes", "no",
					     "on",   "off",  "y",     "n" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(words); i++) {
		if (!strcasecmp(text, words[i]))
			return true;
	}
	return false;
}

/* Digits, a hyphen, digits: nothing but text to every reader; a date has two hyphens. */
static bool is_range(const char *text)
{
	size_t digits = strspn(text, "0123456789"), rest;

	if (!digits || text[digits] != '-')
		return false;
	rest = strspn(text + digits + 1, "0123456789");
	return rest && !text[digits + 1 + rest];
}

/*
 * True for what every reader takes as text: a word or a path that begins with a letter or a slash,
 * and what begins with a digit but is no number, sexagesimal or date in any of YAML's versions:
 * IPv4 addresses (two dots), durations, sizes and percentages (a character that no number has),
 * ranges.
 */
static bool reads_as_text(const char *text)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	size_t dots = 0, i;

	for (i = 0; text[i]; i++) {
		if (!strchr(letters, text[i]) && !strchr("0123456789._/:%-", text[i]))
			return false;
		dots += text[i] == '.';
	}
	if (!i || text[i - 1] == ':')
		return false;
	if (strchr(letters, text[0]))
		return !is_reserved(text);
	if (text[0] == '/')
		return true;
	return text[0] >= '0' && text[0] <= '9' &&
	       (dots > 1 || is_range(text) || strpbrk(text, "ghijklmnpqrsuvwGKM%"));
}

static int emit_event(yaml_emitter_t *emitter, yaml_event_t *event, int initialized)
{
	if (!initialized)
		return -ENOMEM;
	if (yaml_emitter_emit(emitter, event))
		return 0;
	return emitter->error == YAML_MEMORY_ERROR ? -ENOMEM : -EIO;
}

static int emit_scalar(yaml_emitter_t *emitter, const char *text, size_t length,
		       yaml_scalar_style_t style)
{
	yaml_event_t event;
	int ok = yaml_scalar_event_initialize(&event, NULL, NULL, (const yaml_char_t *)text,
					      (int)length, 1, 1, style);

	return emit_event(emitter, &event, ok);
}

static int emit_text(yaml_emitter_t *emitter, const char *text, size_t length)
{
	bool plain = reads_as_text(text) && strlen(text) == length;

	return emit_scalar(emitter, text, length,
			   plain ? YAML_PLAIN_SCALAR_STYLE : YAML_DOUBLE_QUOTED_SCALAR_STYLE);
}

static int emit_node(yaml_emitter_t *emitter, const json_t *tree);

static int emit_mapping(yaml_emitter_t *emitter, const json_t *tree)
{
	yaml_event_t event;
	const char *key;
	json_t *value;
	int ok, err;

	ok = yaml_mapping_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_MAPPING_STYLE);
	err = emit_event(emitter, &event, ok);
	json_object_foreach ((json_t *)tree, key, value) {
		if (!err)
			err = emit_text(emitter, key, strlen(key));
		if (!err)
			err = emit_node(emitter, value);
	}
	if (err)
		return err;
	return emit_event(emitter, &event, yaml_mapping_end_event_initialize(&event));
}

static int emit_sequence(yaml_emitter_t *emitter, const json_t *tree)
{
	yaml_event_t event;
	json_t *item;
	size_t i;
	int ok, err;

	ok = yaml_sequence_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_SEQUENCE_STYLE);
	err = emit_event(emitter, &event, ok);
	json_array_foreach (tree, i, item) {
		if (!err)
			err = emit_node(emitter, item);
	}
	if (err)
		return err;
	return emit_event(emitter, &event, yaml_sequence_end_event_initialize(&event));
}

static int emit_node(yaml_emitter_t *emitter, const json_t *tree)
{
	char *text;
	int err;

	if (json_is_object(tree))
		return emit_mapping(emitter, tree);
	if (json_is_array(tree))
		return emit_sequence(emitter, tree);
	if (json_is_string(tree))
		return emit_text(emitter, json_string_value(tree), json_string_length(tree));
	/* JSON's numbers, null, true and false are YAML's. */
	text = json_dumps(tree, JSON_ENCODE_ANY);
	if (!text)
		return -ENOMEM;
	err = emit_scalar(emitter, text, strlen(text), YAML_PLAIN_SCALAR_STYLE);
	free(text);
	return err;
}

static int emit_stream(yaml_emitter_t *emitter, const json_t *tree)
{
	yaml_event_t event;
	int ok, err;

	ok = yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING);
	err = emit_event(emitter, &event, ok);
	if (err)
		return err;
	ok = yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1);
	err = emit_event(emitter, &event, ok);
	if (!err)
		err = emit_node(emitter, tree);
	if (err)
		return err;
	err = emit_event(emitter, &event, yaml_document_end_event_initialize(&event, 1));
	if (err)
		return err;
	return emit_event(emitter, &event, yaml_stream_end_event_initialize(&event));
}

int conf_tree_to_yaml(const json_t *tree, FILE *out)
{
	yaml_emitter_t emitter;
	int err;

	if (!yaml_emitter_initialize(&emitter))
		return -ENOMEM;
	yaml_emitter_set_output_file(&emitter, out);
	yaml_emitter_set_unicode(&emitter, 1);
	yaml_emitter_set_width(&emitter, -1); /* a value stays on its line */
	err = emit_stream(&emitter, tree);
	yaml_emitter_delete(&emitter);
	if (!err && fflush(out))
		err = -errno;
	return err;
}
