// SPDX-License-Identifier: BSD-2-Clause
/* The manual pages of the command name each verb and each option as the tables have them, and no
 * other option. */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "objects/objects.h"

#define COMMAND_PAGE "packaging/man/poise.8"
#define DECAP_PAGE   "packaging/man/poise-decap.8"

#define MAX_TAGS 128

/* A page: the tags of its lists (the line behind .TP), and its synopsis in one line. */
struct page {
	char tags[MAX_TAGS][256];
	size_t count;
	char synopsis[1024];
};

/* Adds a text of roff to buf as it is printed, without its fonts. */
static void text_add(char *buf, size_t size, const char *text, size_t length)
{
	size_t used = strlen(buf);

	for (size_t i = 0; i < length && used + 1 < size; i++) {
		if (text[i] == '\\' && i + 1 < length) {
			i++;
			if (text[i] == 'f')
				i++;
			else if (text[i] == '-')
				buf[used++] = '-';
			continue;
		}
		buf[used++] = text[i];
	}
	buf[used] = '\0';
}

/* Reads what a line prints. .BI and its sisters join their words; .B and .I keep the blanks. */
static void line_read(const char *line, char *buf, size_t size)
{
	const char *rest = line;
	bool joined = isupper((unsigned char)line[1]) && isupper((unsigned char)line[2]);

	buf[0] = '\0';
	if (line[0] != '.') {
		text_add(buf, size, line, strcspn(line, "\n"));
		return;
	}
	rest += strcspn(rest, " \n");
	while (*(rest += strspn(rest, " \n"))) {
		bool quoted = *rest == '"';
		size_t length = strcspn(rest + quoted, quoted ? "\"\n" : " \n");

		if (buf[0] && !joined)
			text_add(buf, size, " ", 1);
		text_add(buf, size, rest + quoted, length);
		rest += length + 2 * quoted;
	}
}

static void page_read(const char *name, struct page *page)
{
	FILE *file = fopen(name, "re");
	bool tag = false, synopsis = false;
	char line[512], text[512];

	assert_non_null(file);
	memset(page, 0, sizeof(*page));
	while (fgets(line, sizeof(line), file)) {
		if (!strncmp(line, ".SH", 3))
			synopsis = !strncmp(line, ".SH SYNOPSIS", 12);
		line_read(line, text, sizeof(text));
		if (tag) {
			assert_true(page->count < MAX_TAGS);
			text_add(page->tags[page->count++], sizeof(page->tags[0]), text,
				 strlen(text));
		} else if (synopsis && strncmp(line, ".SH", 3) != 0 && *text) {
			text_add(page->synopsis, sizeof(page->synopsis), text, strlen(text));
			text_add(page->synopsis, sizeof(page->synopsis), " ", 1);
		}
		tag = !strncmp(line, ".TP", 3);
	}
	fclose(file);
}

/* A tag has the text, and nothing that goes on with it. */
static bool tag_has(const struct page *page, const char *text)
{
	for (size_t i = 0; i < page->count; i++) {
		const char *at = strstr(page->tags[i], text);

		if (at && strchr(" ,]", at[strlen(text)]))
			return true;
	}
	return false;
}

static bool is_decap(const struct object *object)
{
	return object == &object_decap;
}

static void each_verb_has_its_line(void **state)
{
	struct page command, decap;
	char line[256];

	(void)state;
	page_read(COMMAND_PAGE, &command);
	page_read(DECAP_PAGE, &decap);
	for (size_t i = 0; i < object_count; i++) {
		const struct object *object = objects[i];

		for (size_t k = 0; k < object->verb_count; k++) {
			const struct verb *verb = &object->verbs[k];
			bool alone = !strcmp(verb->name, object->name), found = false;

			snprintf(line, sizeof(line), "%s%s%s%s%s%s",
				 is_decap(object) ? "" : "poise ", object->name, alone ? "" : " ",
				 alone ? "" : verb->name, verb->args[0] ? " " : "", verb->args);
			if (is_decap(object))
				found = strstr(decap.synopsis, line);
			for (size_t t = 0; !is_decap(object) && t < command.count && !found; t++)
				found = !strcmp(command.tags[t], line);
			if (!found)
				fail_msg("no manual page has \"%s\"", line);
		}
	}
}

static void options_are_there(const struct page *page, const struct option_row *row)
{
	char value[128], text[192];

	for (; row && row->name; row++) {
		option_value_text(row, value, sizeof(value));
		snprintf(text, sizeof(text), "--%s%s%s", row->name, *value ? " " : "", value);
		if (!tag_has(page, text))
			fail_msg("no tag has \"%s\"", text);
	}
}

static void each_option_has_its_tag(void **state)
{
	struct page command, decap;

	(void)state;
	page_read(COMMAND_PAGE, &command);
	page_read(DECAP_PAGE, &decap);
	options_are_there(&command, command_options);
	for (size_t i = 0; i < object_count; i++) {
		for (size_t k = 0; k < objects[i]->verb_count; k++)
			options_are_there(is_decap(objects[i]) ? &decap : &command,
					  objects[i]->verbs[k].options);
	}
}

static bool row_has(const struct option_row *row, const char *name, size_t length)
{
	for (; row && row->name; row++) {
		if (strlen(row->name) == length && !strncmp(row->name, name, length))
			return true;
	}
	return false;
}

static bool is_option(const char *name, size_t length, bool of_decap)
{
	if (row_has(command_options, name, length))
		return true;
	for (size_t i = 0; i < object_count; i++) {
		for (size_t k = 0; k < objects[i]->verb_count; k++) {
			if (is_decap(objects[i]) == of_decap &&
			    row_has(objects[i]->verbs[k].options, name, length))
				return true;
		}
	}
	return false;
}

static void no_tag_has_an_option_that_is_none(void **state)
{
	static const char *const pages[] = { COMMAND_PAGE, DECAP_PAGE };
	struct page page;
	size_t seen = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
		page_read(pages[i], &page);
		for (size_t t = 0; t < page.count; t++) {
			const char *at = page.tags[t];

			while ((at = strstr(at, "--"))) {
				size_t length = strspn(at += 2, "abcdefghijklmnopqrstuvwxyz-");

				if (!is_option(at, length, i))
					fail_msg("%s: --%.*s is no option", pages[i], (int)length,
						 at);
				seen++;
			}
		}
	}
	assert_true(seen > 30);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_verb_has_its_line),
		cmocka_unit_test(each_option_has_its_tag),
		cmocka_unit_test(no_tag_has_an_option_that_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
