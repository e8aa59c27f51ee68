// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "conf/conf_error.h"

/* A mark is one number: lists of two would take most of the memory and the time of reading a file.
 */
#define COLUMN_BITS 30

static void path_append(struct conf_path *path, const char *text, size_t length)
{
	size_t room;

	if (path->length < sizeof(path->text) - 1) {
		room = sizeof(path->text) - 1 - path->length;
		memcpy(path->text + path->length, text, length < room ? length : room);
		path->text[path->length + (length < room ? length : room)] = '\0';
	}
	path->length += length;
}

size_t conf_path_key(struct conf_path *path, const char *key)
{
	size_t before = path->length;

	if (before)
		path_append(path, ".", 1);
	path_append(path, key, strlen(key));
	return before;
}

size_t conf_path_item(struct conf_path *path, size_t index)
{
	size_t before = path->length;
	char item[32];

	path_append(path, item, snprintf(item, sizeof(item), "[%zu]", index));
	return before;
}

void conf_path_cut(struct conf_path *path, size_t length)
{
	path->length = length;
	if (length < sizeof(path->text))
		path->text[length] = '\0';
}

/* The name of a mark, NULL for a path that was cut. */
static const char *mark_name(const struct conf_path *path, enum conf_mark_kind kind,
			     char buf[CONF_PATH_SIZE + 1])
{
	if (path->length >= sizeof(path->text))
		return NULL;
	if (kind == CONF_MARK_VALUE)
		return path->text;
	memcpy(buf, path->text, path->length);
	memcpy(buf + path->length, "~", 2);
	return buf;
}

int conf_mark_set(conf_marks *marks, const struct conf_path *path, enum conf_mark_kind kind,
		  int line, int column)
{
	char buf[CONF_PATH_SIZE + 1];
	const char *name = mark_name(path, kind, buf);
	json_t *mark;

	if (!name)
		return 0;
	mark = json_array();
	if (json_array_append_new(mark, json_integer(line)) ||
	    json_array_append_new(mark, json_integer(column))) {
		json_decref(mark);
		return -ENOMEM;
	}
	return json_object_set_new_nocheck(marks, name, mark) ? -ENOMEM : 0;
}

bool conf_mark_get(const conf_marks *marks, const struct conf_path *path, enum conf_mark_kind kind,
		   int *line, int *column)
{
	char buf[CONF_PATH_SIZE + 1];
	const char *name = mark_name(path, kind, buf);
	const json_t *mark = name ? json_object_get(marks, name) : NULL;

	if (!mark)
		return false;
	*line = json_integer_value(json_array_get(mark, 0));
	*column = json_integer_value(json_array_get(mark, 1));
	return true;
}

/* Takes off the last part. */
static void path_up(struct conf_path *path)
{
	size_t length = strlen(path->text);

	while (length && path->text[length - 1] != '.' && path->text[length - 1] != '[')
		length--;
	conf_path_cut(path, length ? length - 1 : 0);
}

void conf_mark_find(const conf_marks *marks, const struct conf_path *path, int *line, int *column)
{
	struct conf_path up = *path;

	*line = *column = 0;
	if (!marks)
		return;
	while (!conf_mark_get(marks, &up, CONF_MARK_VALUE, line, column) && up.length)
		path_up(&up);
}

/* A string cut by its buffer's end may end in half a UTF-8 character, which JSON cannot carry. */
static void trim_utf8(char *text)
{
	size_t length = strlen(text), tail = 0;
	unsigned char lead;

	while (tail < length && tail < 3 && ((unsigned char)text[length - 1 - tail] & 0xc0) == 0x80)
		tail++;
	if (tail == length)
		return;
	lead = text[length - 1 - tail];
	if (lead >= 0xc0 && tail < (lead >= 0xf0 ? 3U : lead >= 0xe0 ? 2U : 1U))
		text[length - 1 - tail] = '\0';
}

/* Paths carry keys as they were found: nothing of them may move a terminal's cursor. */
static void copy_printable(char *to, size_t size, const char *from)
{
	size_t i;

	snprintf(to, size, "%s", from);
	for (i = 0; to[i]; i++) {
		if ((unsigned char)to[i] < ' ' || to[i] == 0x7f)
			to[i] = '?';
		else if ((unsigned char)to[i] == 0xc2 && (unsigned char)to[i + 1] < 0xa0 &&
			 to[i + 1])
			to[i] = to[i + 1] = '?';
	}
	trim_utf8(to);
}

/* "backends[0]" of "services[1].backends[0]" */
static const char *last_part(const char *path)
{
	const char *dot = strrchr(path, '.');

	return dot ? dot + 1 : path;
}

int conf_refuse(struct conf_error *error, const conf_marks *marks, const struct conf_path *path,
		const char *format, va_list args)
{
	size_t length;

	conf_mark_find(marks, path, &error->line, &error->column);
	copy_printable(error->path, sizeof(error->path), path->text);
	length = snprintf(error->text, sizeof(error->text), "%s%s", last_part(error->path),
			  error->path[0] ? ": " : "");
	vsnprintf(error->text + length, sizeof(error->text) - length, format, args);
	trim_utf8(error->text);
	return -EINVAL;
}

int conf_refuse_at(struct conf_error *error, const struct conf_path *path, int line, int column,
		   const char *format, ...)
{
	va_list args;

	error->line = line;
	error->column = column;
	copy_printable(error->path, sizeof(error->path), path->text);
	va_start(args, format);
	vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
	trim_utf8(error->text);
	return -EINVAL;
}

int conf_no_memory(struct conf_error *error)
{
	memset(error, 0, sizeof(*error));
	snprintf(error->text, sizeof(error->text), "out of memory");
	return -ENOMEM;
}

const char *conf_quote(const char *text, size_t length, char buf[CONF_QUOTE_SIZE])
{
	static const char more[] = "...";
	/* Room for the longest escape, what says that there is more, the quote and the NUL. */
	const size_t full = CONF_QUOTE_SIZE - sizeof("\\xff") - sizeof(more) - 1;
	size_t at = 0, i;

	buf[at++] = '"';
	for (i = 0; i < length && at < full; i++) {
		unsigned char c = text[i];
		bool c1 = c == 0xc2 && i + 1 < length && (unsigned char)text[i + 1] < 0xa0;

		if (c < ' ' || c == 0x7f || c1)
			at += sprintf(buf + at, "\\x%02x", c1 ? (unsigned char)text[++i] : c);
		else
			buf[at++] = c;
	}
	buf[at] = '\0';
	trim_utf8(buf);
	return strcat(buf, i < length ? "...\"" : "\"");
}

const char *conf_describe(const json_t *value, char buf[CONF_QUOTE_SIZE])
{
	if (!value)
		return "nothing";
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return "a mapping";
	case JSON_ARRAY:
		return "a list";
	case JSON_STRING:
		return conf_quote(json_string_value(value), json_string_length(value), buf);
	case JSON_INTEGER:
		snprintf(buf, CONF_QUOTE_SIZE, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		return buf;
	case JSON_REAL:
		snprintf(buf, CONF_QUOTE_SIZE, "%.15g", json_real_value(value));
		return buf;
	case JSON_TRUE:
		return "true";
	case JSON_FALSE:
		return "false";
	case JSON_NULL:
	default:
		return "nothing";
	}
}

const char *conf_error_format(const struct conf_error *error, const char *file, char *buf,
			      size_t size)
{
	const char *text = error->text;
	const char *label = last_part(error->path);
	size_t length = strlen(label);

	/* A whole path says what the text begins with. */
	if (!error->line && length && !strncmp(text, label, length) &&
	    !strncmp(text + length, ": ", 2))
		text += length + 2;
	if (file && error->line)
		snprintf(buf, size, "%s:%d:%d: %s", file, error->line, error->column, text);
	else
		snprintf(buf, size, "%s%s%s%s%s", file ? file : "", file ? ": " : "",
			 error->line ? "" : error->path, error->line || !error->path[0] ? "" : ": ",
			 text);
	return buf;
}
