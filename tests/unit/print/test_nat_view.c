// SPDX-License-Identifier: BSD-2-Clause
/* The NAT table in words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "print/nat_view.h"
#include "fixtures/quoted.h"

static void a_table_with_room(void **state)
{
	json_t *nat = json("{'size': 262144, 'flows': 1204, 'new': 12, 'closing': 0, 'made': 9876,"
			   " 'evicted': 0, 'broken': 0, 'reused': 0}");
	char text[256];

	(void)state;
	assert_string_equal(nat_view_use(nat, text, sizeof(text)),
			    "1204 of 262k flows (0.5 %), 12 of them new");
	assert_string_equal(nat_view_history(nat, text, sizeof(text)),
			    "9876 entered, none lost to others");
	assert_false(nat_view_is_small(nat));
	json_decref(nat);
}

static void a_table_that_is_too_small(void **state)
{
	json_t *nat = json("{'size': 1024, 'flows': 1000, 'new': 0, 'closing': 24, 'made': 50000,"
			   " 'evicted': 300, 'broken': 7, 'reused': 2}");
	char text[256];

	(void)state;
	assert_string_equal(nat_view_use(nat, text, sizeof(text)),
			    "1000 of 1024 flows (97.7 %), 0 of them new; 24 more have ended");
	assert_string_equal(nat_view_history(nat, text, sizeof(text)),
			    "50.0k entered, 300 lost to others, 7 of these established: raise "
			    "`nat_flows`; 2 took a port of one that had ended");
	assert_true(nat_view_is_small(nat));
	json_decref(nat);
}

static void sources_and_ports(void **state)
{
	static const struct {
		const char *nat, *text;
	} rows[] = {
		{ "{'sources': ['192.0.2.1'], 'ports': '10240-32767'}",
		  "192.0.2.1, ports 10240-32767" },
		{ "{'sources': ['192.0.2.1', '2001:db8::1'], 'ports': null}",
		  "192.0.2.1, 2001:db8::1" },
		{ "{'sources': ['a', 'b', 'c', 'd', 'e', 'f'], 'ports': '1-2'}",
		  "a, b, c, d and 2 more, ports 1-2" },
		{ "{'sources': []}", "none yet" },
		{ "{'sources': null}", "none yet" },
	};
	char text[256];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		json_t *nat = json(rows[i].nat);

		assert_string_equal(nat_view_sources(nat, text, sizeof(text)), rows[i].text);
		/* Cut short rather than too long. */
		for (size_t size = 1; size < sizeof(text); size++)
			assert_true(strlen(nat_view_sources(nat, text, size)) < size);
		json_decref(nat);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_table_with_room),
		cmocka_unit_test(a_table_that_is_too_small),
		cmocka_unit_test(sources_and_ports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
