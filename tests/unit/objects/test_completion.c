// SPDX-License-Identifier: BSD-2-Clause
/*
 * Completion of the command line: what packaging/completions/poise.bash knows of verbs, options and
 * words is what the command's tables say, and what bash completes. With --print it prints what the
 * tables say, for the file.
 */
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

#define FILE_NAME "packaging/completions/poise.bash"
#define BEGIN     "# Made by build/tests/unit/objects/test_completion --print:\n"
#define END       "# End of what is made.\n"

static bool has_verbs(const struct object *object)
{
	return object->verb_count > 1 || strcmp(object->verbs[0].name, object->name) != 0;
}

/* "service add", "stats" */
static void print_case(FILE *out, const struct object *object, const struct verb *verb)
{
	if (has_verbs(object))
		fprintf(out, "\t'%s %s')", object->name, verb->name);
	else
		fprintf(out, "\t%s)", object->name);
}

static void print_objects(FILE *out)
{
	fputs("_poise_objects() {\n\techo", out);
	for (size_t i = 0; i < object_count; i++)
		fprintf(out, " %s", objects[i]->name);
	fputs(" help\n}\n\n", out);
}

static void print_verbs(FILE *out)
{
	fputs("_poise_verbs() {\n\tcase $1 in\n", out);
	for (size_t i = 0; i < object_count; i++) {
		const struct object *object = objects[i];

		if (!has_verbs(object))
			continue;
		fprintf(out, "\t%s) echo", object->name);
		for (size_t k = 0; k < object->verb_count; k++)
			fprintf(out, " %s", object->verbs[k].name);
		fputs(" help ;;\n", out);
	}
	fputs("\tesac\n}\n\n", out);
}

static void print_args(FILE *out)
{
	fputs("_poise_args() {\n\tcase $1 in\n", out);
	for (size_t i = 0; i < object_count; i++) {
		for (size_t k = 0; k < objects[i]->verb_count; k++) {
			const struct verb *verb = &objects[i]->verbs[k];

			if (!verb->args[0])
				continue;
			print_case(out, objects[i], verb);
			fprintf(out, " echo '%s' ;;\n", verb->args);
		}
	}
	fputs("\tesac\n}\n\n", out);
}

static void print_options(FILE *out)
{
	fputs("_poise_options() {\n\tcase $1 in\n", out);
	for (size_t i = 0; i < object_count; i++) {
		for (size_t k = 0; k < objects[i]->verb_count; k++) {
			const struct option_row *row = objects[i]->verbs[k].options;

			if (!row)
				continue;
			print_case(out, objects[i], &objects[i]->verbs[k]);
			fputs(" echo", out);
			for (; row->name; row++)
				fprintf(out, " --%s", row->name);
			fputs(" ;;\n", out);
		}
	}
	fputs("\tesac\n\techo", out);
	for (const struct option_row *row = command_options; row->name; row++)
		fprintf(out, " --%s", row->name);
	fputs("\n}\n\n", out);
}

/* Prints what a value may begin with: "tcp http:/ none" for "tcp|http:/PATH|none". */
static void print_value(FILE *out, const struct option_row *row)
{
	char text[128], *rest = text, *word;

	option_value_text(row, text, sizeof(text));
	fprintf(out, "\t--%s)", row->name);
	for (bool any = false; (word = strsep(&rest, "|"));) {
		word[strcspn(word, "[ABCDEFGHIJKLMNOPQRSTUVWXYZ")] = '\0';
		if (*word)
			fprintf(out, "%s %s", any ? "" : " echo", word);
		any = any || *word;
	}
	fputs(" ;;\n", out);
}

/* Options of one name take the same everywhere, as completion does not know whose it is. */
static void print_values(FILE *out)
{
	const struct option_row *seen[64];
	size_t count = 0;

	fputs("_poise_values() {\n\tcase $1 in\n", out);
	for (size_t i = 0; i <= object_count; i++) {
		size_t verbs = i < object_count ? objects[i]->verb_count : 1;

		for (size_t k = 0; k < verbs; k++) {
			const struct option_row *row =
				i < object_count ? objects[i]->verbs[k].options : command_options;

			for (; row && row->name; row++) {
				size_t at = 0;

				while (at < count && strcmp(seen[at]->name, row->name) != 0)
					at++;
				if (at < count || (!row->value && !row->words))
					continue;
				assert_true(count < ARRAY_SIZE(seen));
				seen[count++] = row;
				print_value(out, row);
			}
		}
	}
	fputs("\t*) return 1 ;;\n\tesac\n}\n", out);
}

static void print_all(FILE *out)
{
	fputs(BEGIN, out);
	print_objects(out);
	print_verbs(out);
	print_args(out);
	print_options(out);
	print_values(out);
	fputs(END, out);
}

/* The whole file as a text, which is to be freed. */
static char *file_read(const char *name)
{
	FILE *file = fopen(name, "re");
	size_t length;
	char *text;

	assert_non_null(file);
	text = calloc(1, 65536);
	length = fread(text, 1, 65535, file);
	assert_true(length && length < 65535);
	fclose(file);
	return text;
}

static void the_file_knows_what_the_tables_say(void **state)
{
	char *file = file_read(FILE_NAME), *begin, *end, *made = NULL;
	size_t size;
	FILE *out = open_memstream(&made, &size);

	(void)state;
	print_all(out);
	fclose(out);
	begin = strstr(file, BEGIN);
	assert_non_null(begin);
	end = strstr(begin, END);
	assert_non_null(end);
	end[strlen(END)] = '\0';
	assert_string_equal(begin, made);
	free(made);
	free(file);
}

/* Has bash complete a line. Returns the replies, parted by blanks. */
static const char *completed(const char *line)
{
	static char text[1024];
	char command[512];
	size_t length;
	FILE *pipe;

	snprintf(command, sizeof(command),
		 "bash -c '. " FILE_NAME "; poise() { printf \"NAME B\\nweb 10.0.0.1:80\\n\"; }; "
		 "COMP_LINE=\"%s\" COMP_POINT=%zu; _poise; echo \"${COMPREPLY[@]}\"'",
		 line, strlen(line));
	pipe = popen(command, "re");
	assert_non_null(pipe);
	length = fread(text, 1, sizeof(text) - 1, pipe);
	text[length] = '\0';
	pclose(pipe);
	text[strcspn(text, "\n")] = '\0';
	return text;
}

static void bash_completes_lines(void **state)
{
	static const struct {
		const char *line, *completed;
	} rows[] = {
		{ "poise se", "service" },
		{ "poise service s", "show set" },
		{ "poise help dr", "drops" },
		{ "poise service show ", "web" },
		{ "poise service add ", "" },
		{ "poise service set web --mo", "--mode" },
		{ "poise service set web --mode ", "l2 ipip gue nat local" },
		{ "poise service set web --check h", "http:/" },
		{ "poise service set web --rows ", "" },
		{ "poise -j --instance blue backend drain we", "web" },
		{ "poise backend drain web ", "10.0.0.1:80" },
		{ "poise backend drain web --t", "--timeout" },
		{ "poise backend add web ", "" },
		{ "poise backend set web --state d", "drain" },
		{ "poise stats w", "web" },
		{ "poise stats --o", "--once" },
		{ "poise stats --interval ", "" },
		{ "poise explain ", "tcp udp sctp" },
		{ "poise explain tcp ", "" },
		{ "poise attach l", "lo" },
		{ "poise detach l", "lo" },
		{ "poise decap attach l", "lo" },
		{ "poise run --sch", "--scheduler" },
		{ "poise run --interface l", "lo" },
		{ "poise status --", "--json --instance --help --version" },
	};

	(void)state;
	if (system("bash -c : > /dev/null 2>&1"))
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *text = completed(rows[i].line);

		if (strcmp(text, rows[i].completed) != 0)
			fail_msg("%s: \"%s\"", rows[i].line, text);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_file_knows_what_the_tables_say),
		cmocka_unit_test(bash_completes_lines),
	};

	if (argc == 2 && !strcmp(argv[1], "--print")) {
		print_all(stdout);
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
