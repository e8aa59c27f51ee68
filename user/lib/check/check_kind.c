// SPDX-License-Identifier: BSD-2-Clause
#include "check/check_kind.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define ROW(name) &check_##name,
const struct check_kind *const check_kinds[CHECK_KIND_COUNT] = { CHECK_KINDS(ROW) };

const struct check_kind *check_kind_find(const char *word)
{
	for (size_t i = 0; i < CHECK_KIND_COUNT; i++) {
		if (!strcmp(check_kinds[i]->word, word))
			return check_kinds[i];
	}
	return NULL;
}

const struct check_kind *check_kind_of(const json_t *check)
{
	for (size_t i = 0; i < CHECK_KIND_COUNT; i++) {
		if (json_object_get(check, check_kinds[i]->word))
			return check_kinds[i];
	}
	return NULL;
}

/* The argument that a text has for a kind, "" for none; NULL: the text is not of this kind. */
static const char *argument_of(const struct check_kind *kind, const char *text)
{
	size_t length = strlen(kind->word);

	if (strncmp(text, kind->word, length))
		return NULL;
	text += length;
	if (!kind->argument)
		return *text ? NULL : text;
	if (*text != ':' || strncmp(text + 1, kind->begins, strlen(kind->begins)))
		return NULL;
	return text + 1;
}

int check_kind_parse(const char *text, json_t *check)
{
	for (size_t i = 0; i < CHECK_KIND_COUNT; i++) {
		const struct check_kind *kind = check_kinds[i];
		const char *argument = argument_of(kind, text);

		if (!argument)
			continue;
		return json_object_set_new(check, kind->word,
					   kind->argument ? json_string(argument) : json_true())
			       ? -EILSEQ
			       : 0;
	}
	return -EINVAL;
}

const char *check_kind_format(const json_t *check, char *buf, size_t size)
{
	const struct check_kind *kind = check_kind_of(check);

	if (!kind)
		return NULL;
	if (kind->argument)
		snprintf(buf, size, "%s:%s", kind->word,
			 json_string_value(json_object_get(check, kind->word)));
	else
		snprintf(buf, size, "%s", kind->word);
	return buf;
}

/* Adds to a text as far as there is room. */
static void add(char buf[CHECK_LIST_SIZE], const char *text)
{
	size_t used = strlen(buf);

	snprintf(buf + used, CHECK_LIST_SIZE - used, "%s", text);
}

static const char *between(size_t i, const char *last)
{
	return !i ? "" : i + 1 < CHECK_KIND_COUNT ? ", " : last;
}

const char *check_kinds_in_yaml(char buf[CHECK_LIST_SIZE])
{
	buf[0] = '\0';
	for (size_t i = 0; i < CHECK_KIND_COUNT; i++) {
		const struct check_kind *kind = check_kinds[i];

		add(buf, between(i, " or "));
		add(buf, kind->word);
		add(buf, ": ");
		add(buf, kind->argument ? kind->argument : "true");
	}
	return buf;
}

const char *check_kinds_on_command_line(const char *before, const char *last,
					char buf[CHECK_LIST_SIZE])
{
	buf[0] = '\0';
	for (size_t i = 0; i < CHECK_KIND_COUNT; i++) {
		const struct check_kind *kind = check_kinds[i];

		add(buf, between(i, last));
		add(buf, before);
		add(buf, kind->word);
		if (!kind->argument)
			continue;
		add(buf, ":");
		add(buf, kind->begins);
		add(buf, kind->argument);
	}
	return buf;
}
