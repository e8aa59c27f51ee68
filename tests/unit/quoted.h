/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef POISE_TEST_QUOTED_H
#define POISE_TEST_QUOTED_H

#include <jansson.h>

/* JSON in single quotes. */
static inline json_t *json(const char *text)
{
	char quoted[1024];
	json_t *tree;

	snprintf(quoted, sizeof(quoted), "%s", text);
	for (char *c = quoted; *c; c++)
		if (*c == '\'')
			*c = '"';
	tree = json_loads(quoted, JSON_DECODE_ANY, NULL);
	assert_non_null(tree);
	return tree;
}

#endif
