// SPDX-License-Identifier: BSD-2-Clause
/* YAML text -> a JSON tree and the marks of where its parts stood. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "base/array.h"
#include "conf/conf_error.h"

#define MAX_BYTES (16U << 20)
#define MAX_DEPTH 32
/* The largest configuration has some 300,000; what only eats memory ends here. */
#define MAX_VALUES 500000

struct reader {
	yaml_parser_t parser;
	const char *text;
	size_t length;
	conf_marks *marks;
	struct conf_error *error;
	struct conf_path path;
	unsigned int values;
};

static int read_node(struct reader *r, yaml_event_t *event, unsigned int depth, json_t **out);

#define REFUSE(r, mark, ...)                                                                       \
	conf_refuse_at((r)->error, &(r)->path, (int)(mark).line + 1, (int)(mark).column + 1,       \
		       __VA_ARGS__)

static int refuse_bytes(struct reader *r)
{
	size_t end = r->parser.problem_offset < r->length ? r->parser.problem_offset : r->length;
	yaml_mark_t mark = { 0 };
	size_t i;

	for (i = 0; i < end; i++) {
		if (r->text[i] == '\n') {
			mark.line++;
			mark.column = 0;
		} else if (((unsigned char)r->text[i] & 0xc0) != 0x80) {
			mark.column++; /* columns count characters */
		}
	}
	return REFUSE(r, mark, "expected UTF-8 text, found %s", r->parser.problem);
}

/* Explains the parser's words for the two slips that everybody makes. */
static const char *syntax_hint(const struct reader *r, yaml_mark_t mark)
{
	const char *line = r->text, *end = r->text + r->length, *newline;
	size_t i;

	for (i = 0; i < mark.line; i++) {
		newline = memchr(line, '\n', end - line);
		if (!newline)
			return "";
		line = newline + 1;
	}
	newline = memchr(line, '\n', end - line);
	if (newline)
		end = newline;
	for (i = 0; line + i < end && (line[i] == ' ' || line[i] == '\t'); i++) {
		if (line[i] == '\t')
			return "; indent with blanks, not tabs";
	}
	if (memmem(line, end - line, "]:", 2))
		return "; an address in brackets has to be quoted: \"[2001:db8::1]:80\"";
	return "";
}

static int refuse_syntax(struct reader *r)
{
	const yaml_parser_t *p = &r->parser;
	char context[160] = "";

	if (p->error == YAML_MEMORY_ERROR)
		return conf_no_memory(r->error);
	if (p->error == YAML_READER_ERROR)
		return refuse_bytes(r);
	if (p->context && p->context_mark.line != p->problem_mark.line)
		snprintf(context, sizeof(context), " %s that begins at line %d", p->context,
			 (int)p->context_mark.line + 1);
	else if (p->context)
		snprintf(context, sizeof(context), " %s", p->context);
	return REFUSE(r, p->problem_mark, "not YAML: %s%s%s", p->problem, context,
		      syntax_hint(r, p->problem_mark));
}

static int next_event(struct reader *r, yaml_event_t *event)
{
	return yaml_parser_parse(&r->parser, event) ? 0 : refuse_syntax(r);
}

/* Refuses what YAML has and a configuration does not need: every edit would have to keep it. */
static int refuse_extras(struct reader *r, const yaml_event_t *event)
{
	const yaml_char_t *anchor = NULL, *tag = NULL;

	switch (event->type) {
	case YAML_ALIAS_EVENT:
		return REFUSE(r, event->start_mark,
			      "expected a value, found an alias (*%.40s): write the value out",
			      (const char *)event->data.alias.anchor);
	case YAML_SCALAR_EVENT:
		anchor = event->data.scalar.anchor;
		tag = event->data.scalar.tag;
		break;
	case YAML_SEQUENCE_START_EVENT:
		anchor = event->data.sequence_start.anchor;
		tag = event->data.sequence_start.tag;
		break;
	case YAML_MAPPING_START_EVENT:
		anchor = event->data.mapping_start.anchor;
		tag = event->data.mapping_start.tag;
		break;
	default:
		break;
	}
	if (anchor)
		return REFUSE(r, event->start_mark,
			      "expected a value, found an anchor (&%.40s): leave it out",
			      (const char *)anchor);
	if (tag)
		return REFUSE(r, event->start_mark,
			      "expected a value without a tag, found one (a word that begins with "
			      "\"!\"): leave it out or quote it");
	return 0;
}

static json_t *plain_scalar(const char *text, size_t length)
{
	static const char *const null_words[] = { "", "~", "null", "Null", "NULL" };
	static const char *const true_words[] = { "true", "True", "TRUE" };
	static const char *const false_words[] = { "false", "False", "FALSE" };
	json_t *number;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(null_words); i++) {
		if (!strcmp(text, null_words[i]))
			return json_null();
	}
	for (i = 0; i < ARRAY_SIZE(true_words); i++) {
		if (!strcmp(text, true_words[i]))
			return json_true();
		if (!strcmp(text, false_words[i]))
			return json_false();
	}
	if (text[0] == '-' || (text[0] >= '0' && text[0] <= '9')) {
		number = json_loadb(text, length, JSON_DECODE_ANY, NULL);
		if (number)
			return number;
	}
	return json_stringn(text, length);
}

static int read_scalar(struct reader *r, const yaml_event_t *event, json_t **out)
{
	const char *text = (const char *)event->data.scalar.value;
	size_t length = event->data.scalar.length;

	if (memchr(text, '\0', length))
		return REFUSE(r, event->start_mark, "expected text, found a NUL character in it");
	if (event->data.scalar.plain_implicit)
		*out = plain_scalar(text, length);
	else
		*out = json_stringn(text, length);
	return *out ? 0 : conf_no_memory(r->error);
}

static int read_sequence(struct reader *r, unsigned int depth, json_t *list)
{
	yaml_event_t event;
	json_t *item;
	size_t before;
	int err;

	for (;;) {
		err = next_event(r, &event);
		if (err)
			return err;
		if (event.type == YAML_SEQUENCE_END_EVENT) {
			yaml_event_delete(&event);
			return 0;
		}
		before = conf_path_item(&r->path, json_array_size(list));
		err = read_node(r, &event, depth, &item);
		if (err)
			return err;
		conf_path_cut(&r->path, before);
		if (json_array_append_new(list, item))
			return conf_no_memory(r->error);
	}
}

/* A key as text; the path goes down to its value. */
static int read_key(struct reader *r, const json_t *map, const yaml_event_t *event)
{
	const char *key = (const char *)event->data.scalar.value;
	char quoted[CONF_QUOTE_SIZE];
	struct conf_path parent = r->path;
	int line = 0, column = 0;
	int err;

	err = refuse_extras(r, event);
	if (err)
		return err;
	if (event->type != YAML_SCALAR_EVENT)
		return REFUSE(r, event->start_mark, "expected a word as key, found %s",
			      event->type == YAML_MAPPING_START_EVENT ? "a mapping" : "a list");
	if (memchr(key, '\0', event->data.scalar.length))
		return REFUSE(r, event->start_mark, "expected a key, found a NUL character in it");
	conf_path_key(&r->path, key);
	if (json_object_get(map, key)) {
		conf_mark_get(r->marks, &r->path, CONF_MARK_KEY, &line, &column);
		r->path = parent;
		return REFUSE(r, event->start_mark,
			      "expected each key once, found %s again (first at line %d)",
			      conf_quote(key, strlen(key), quoted), line);
	}
	err = conf_mark_set(r->marks, &r->path, CONF_MARK_KEY, (int)event->start_mark.line + 1,
			    (int)event->start_mark.column + 1);
	return err ? conf_no_memory(r->error) : 0;
}

static int read_mapping(struct reader *r, unsigned int depth, json_t *map)
{
	yaml_event_t key, event;
	json_t *value;
	size_t before;
	int err;

	for (;;) {
		err = next_event(r, &key);
		if (err)
			return err;
		if (key.type == YAML_MAPPING_END_EVENT) {
			yaml_event_delete(&key);
			return 0;
		}
		before = r->path.length;
		err = read_key(r, map, &key);
		if (!err)
			err = next_event(r, &event);
		if (!err)
			err = read_node(r, &event, depth, &value);
		if (!err && json_object_set_new(map, (char *)key.data.scalar.value, value))
			err = conf_no_memory(r->error);
		yaml_event_delete(&key);
		if (err)
			return err;
		conf_path_cut(&r->path, before);
	}
}

/* One value with all that is in it; the event is its first and is used up. */
static int read_node(struct reader *r, yaml_event_t *event, unsigned int depth, json_t **out)
{
	json_t *tree = NULL;
	int err;

	err = refuse_extras(r, event);
	if (!err && ++r->values > MAX_VALUES)
		err = REFUSE(r, event->start_mark, "expected at most %d values in all, found more",
			     MAX_VALUES);
	if (!err && event->type != YAML_SCALAR_EVENT && depth == MAX_DEPTH)
		err = REFUSE(r, event->start_mark, "expected at most %d levels, found one more",
			     MAX_DEPTH);
	if (!err &&
	    conf_mark_set(r->marks, &r->path, CONF_MARK_VALUE, (int)event->start_mark.line + 1,
			  (int)event->start_mark.column + 1))
		err = conf_no_memory(r->error);
	if (!err && event->type == YAML_SCALAR_EVENT) {
		err = read_scalar(r, event, &tree);
	} else if (!err && event->type == YAML_SEQUENCE_START_EVENT) {
		tree = json_array();
		err = tree ? read_sequence(r, depth + 1, tree) : conf_no_memory(r->error);
	} else if (!err) {
		tree = json_object();
		err = tree ? read_mapping(r, depth + 1, tree) : conf_no_memory(r->error);
	}
	yaml_event_delete(event);
	if (err) {
		json_decref(tree);
		return err;
	}
	*out = tree;
	return 0;
}

/* The next event but those that only frame documents; a second document is refused. */
static int next_document_event(struct reader *r, yaml_event_t *event)
{
	unsigned int documents = 0;
	int err;

	for (;;) {
		err = next_event(r, event);
		if (err)
			return err;
		switch (event->type) {
		case YAML_DOCUMENT_START_EVENT:
			if (documents++ || r->values) {
				err = REFUSE(r, event->start_mark,
					     "expected one document, found a second one");
				yaml_event_delete(event);
				return err;
			}
			break;
		case YAML_STREAM_START_EVENT:
		case YAML_DOCUMENT_END_EVENT:
			break;
		default:
			return 0;
		}
		yaml_event_delete(event);
	}
}

static int read_stream(struct reader *r, json_t **out)
{
	yaml_event_t event;
	json_t *tree = NULL;
	int err;

	err = next_document_event(r, &event);
	if (err)
		return err;
	if (event.type != YAML_STREAM_END_EVENT) {
		err = read_node(r, &event, 0, &tree);
		if (!err)
			err = next_document_event(r, &event);
		if (err)
			goto fail;
	}
	yaml_event_delete(&event);
	/* Nothing but comments: the empty configuration. */
	if (!tree || json_is_null(tree)) {
		json_decref(tree);
		tree = json_object();
		if (!tree)
			return conf_no_memory(r->error);
	}
	*out = tree;
	return 0;
fail:
	json_decref(tree);
	return err;
}

int conf_tree_from_yaml(const char *text, size_t length, json_t **tree, conf_marks **marks,
			struct conf_error *error)
{
	struct reader r = { .text = text, .length = length, .error = error };
	int err;

	memset(error, 0, sizeof(*error));
	if (length > MAX_BYTES)
		return conf_refuse_at(error, &r.path, 0, 0, "expected at most %u MiB, found more",
				      MAX_BYTES >> 20);
	if (!yaml_parser_initialize(&r.parser))
		return conf_no_memory(error);
	yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, length);
	r.marks = json_object();
	err = r.marks ? read_stream(&r, tree) : conf_no_memory(error);
	yaml_parser_delete(&r.parser);
	if (err) {
		json_decref(r.marks);
		return err;
	}
	*marks = r.marks;
	return 0;
}
