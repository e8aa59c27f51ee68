// SPDX-License-Identifier: BSD-2-Clause
/* How many backends services with `source: keep` may have together. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include <jansson.h>

#include "conf/conf.h"

static json_t *keeping(const char *name, unsigned int port, unsigned int count)
{
	json_t *backends = json_array();

	for (unsigned int i = 0; i < count; i++)
		json_array_append_new(backends, json_sprintf("10.%u.%u.%u", port, i >> 8, i & 255));
	return json_pack("{s:s, s:o, s:s, s:s, s:o}", "name", name, "listen",
			 json_sprintf("192.0.2.1:%u/tcp", port), "mode", "nat", "source", "keep",
			 "backends", backends);
}

/* Decodes two services with so many backends each. *error is what is wrong. */
static int decode(unsigned int first, unsigned int second, struct conf_error *error)
{
	json_t *tree = json_pack("{s:i, s:[o, o]}", "max_backends", 65535, "services",
				 keeping("a", 80, first), keeping("b", 81, second));
	struct conf *conf = NULL;
	int err = conf_decode(tree, NULL, &conf, error);

	json_decref(tree);
	conf_free(conf);
	return err;
}

static void more_than_find_room_are_refused(void **state)
{
	struct conf_error error = { .text = "" };

	(void)state;
	assert_int_equal(decode(10000, 1, &error), 0);
	assert_int_equal(decode(30000, 0, &error), -EINVAL);
	assert_memory_equal(error.path, "services[0].backends[", 21);
	assert_non_null(strstr(error.text, "expected fewer backends of services with source: keep,"
					   " found 30000"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(more_than_find_room_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
