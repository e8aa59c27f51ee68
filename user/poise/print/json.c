// SPDX-License-Identifier: BSD-2-Clause
#include "cli/command.h"
#include "print/json.h"

int print_json(json_t *tree)
{
	const size_t flags = JSON_INDENT(2) | JSON_REAL_PRECISION(12) | JSON_ENCODE_ANY;
	int err = tree ? json_dumpf(tree, stdout, flags) : -1;

	json_decref(tree);
	if (err)
		return command_refuse("cannot print JSON: out of memory");
	putchar('\n');
	return EXIT_DONE;
}

const char *member_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text && *text ? text : "-";
}

__u64 member_number(const json_t *object, const char *key)
{
	json_int_t number = json_integer_value(json_object_get(object, key));

	return number < 0 ? 0 : number;
}
