// SPDX-License-Identifier: BSD-2-Clause
/*
 * Tests what is said about flows: nothing where nothing is tracked, and what to do when the table
 * is full.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "lists/flows_view.h"
#include "lists/listing.h"
#include "fixtures/quoted.h"

static json_t *services(void)
{
	return json("[{'name': 'web', 'rows': 251, 'track': 'auto',"
		    " 'tracking': {'stable': 251, 'moving': 0, 'tracked': 0}, 'backends':"
		    " [{'id': '10.0.0.1', 'state': 'ready', 'flows': 3, 'closing': 1}],"
		    " 'leaving': []},"
		    "{'name': 'dns', 'rows': 251, 'track': 'always',"
		    " 'tracking': {'stable': 0, 'moving': 50, 'tracked': 201}, 'backends':"
		    " [{'id': '10.0.0.2', 'state': 'ready', 'flows': 7, 'closing': 2,"
		    " 'weight': 5, 'previous_rows': 0}], 'leaving':"
		    " [{'id': '10.0.0.3', 'state': 'ready', 'flows': 5, 'closing': 0,"
		    " 'previous_rows': 50}]}]");
}

static void flows_on_stable_rows_are_unknown_not_none(void **state)
{
	json_t *all = services(), *table = json("{'flows': {'size': 1024}}");
	json_t *flows = flows_encode(all, table, NULL);
	const json_t *list = json_object_get(flows, "services");
	const json_t *web = json_array_get(list, 0), *dns = json_array_get(list, 1);
	const json_t *backends = json_object_get(dns, "backends");
	char text[128];

	(void)state;
	assert_int_equal(json_array_size(list), 2);
	assert_true(json_is_null(json_object_get(web, "flows")));
	assert_true(json_is_null(
		json_object_get(json_array_get(json_object_get(web, "backends"), 0), "flows")));
	assert_string_equal(flows_rows_text(web, text, sizeof(text)),
			    "all 251 rows are stable: their flows need no tracking");
	assert_int_equal(json_integer_value(json_object_get(dns, "flows")), 12);
	assert_int_equal(json_integer_value(json_object_get(dns, "closing")), 2);
	assert_int_equal(json_array_size(backends), 2);
	assert_string_equal(
		json_string_value(json_object_get(json_array_get(backends, 1), "state")),
		"leaving");
	assert_null(json_object_get(json_array_get(backends, 0), "weight"));
	assert_string_equal(flows_rows_text(dns, text, sizeof(text)),
			    "50 rows are moving, 201 tracked");
	json_decref(flows);
	json_object_set_new(json_object_get(json_array_get(all, 1), "tracking"), "moving",
			    json_integer(0));
	flows = flows_encode(all, table, "dns");
	assert_string_equal(flows_rows_text(json_array_get(json_object_get(flows, "services"), 0),
					    text, sizeof(text)),
			    "all 201 rows are tracked");
	assert_int_equal(json_array_size(json_object_get(flows, "services")), 1);
	json_decref(flows);
	json_decref(table);
	json_decref(all);
}

static void others_know_flows_on_stable_rows(void **state)
{
	json_t *all = json("[{'name': 'web', 'mode': 'nat', 'tracking': {'stable': 251},"
			   " 'backends': [{'id': '10.0.0.1', 'flows': 3, 'closing': 1}]},"
			   "{'name': 'kept', 'mode': 'nat', 'source': 'keep', 'tracking':"
			   " {'stable': 251}, 'backends': [{'id': '10.0.0.1', 'flows': 0}]},"
			   "{'name': 'here', 'mode': 'local', 'tracking': {'stable': 251},"
			   " 'backends': [{'id': '127.0.0.1:80', 'flows': null}]}]");
	json_t *tables = json("{'flows': {'size': 1024}, 'nat': {'size': 2048}}");
	json_t *flows = flows_encode(all, tables, NULL);
	const json_t *list = json_object_get(flows, "services");
	const json_t *web = json_array_get(list, 0), *kept = json_array_get(list, 1);
	const json_t *here = json_array_get(list, 2);
	char text[128];

	(void)state;
	assert_int_equal(json_integer_value(json_object_get(web, "flows")), 3);
	assert_int_equal(json_integer_value(json_object_get(web, "closing")), 1);
	assert_string_equal(flows_rows_text(web, text, sizeof(text)),
			    "each flow is in the NAT table");
	/* Only its destination is changed: nothing to remember. */
	assert_true(json_is_null(json_object_get(kept, "flows")));
	assert_true(json_is_null(json_object_get(here, "flows")));
	assert_non_null(strstr(flows_rows_text(here, text, sizeof(text)), "kernel's sockets"));
	assert_int_equal(json_integer_value(json_object_get(json_object_get(flows, "nat"), "size")),
			 2048);
	json_decref(flows);
	json_decref(tables);
	json_decref(all);
}

static void a_table_that_is_too_small(void **state)
{
	json_t *table = json("{'size': 1024, 'occupied': 512, 'new': 3, 'evicted': 0, 'lost': 0}");
	char text[256];

	(void)state;
	assert_string_equal(flows_table_text(table, text, sizeof(text)),
			    "1024 entries, 512 in use (50.0 %), 3 of them by one packet so far; no "
			    "live ones lost to others");
	json_object_set_new(table, "evicted", json_integer(12345));
	json_object_set_new(table, "lost", json_integer(2));
	assert_string_equal(flows_table_text(table, text, sizeof(text)),
			    "1024 entries, 512 in use (50.0 %), 3 of them by one packet so far; "
			    "12.3k live ones lost to others, 2 not entered: raise `flows`");
	json_decref(table);
}

static void states_in_words(void **state)
{
	static const struct {
		const char *backend, *text;
		bool leaving;
	} rows[] = {
		{ "{'state': 'ready'}", "ready" },
		{ "{'state': 'ready', 'sorry': true}", "sorry" },
		{ "{'state': 'drain', 'sorry': true}", "drain, sorry" },
		{ "{'state': 'maint'}", "maint" },
		{ "{'state': 'ready'}", "leaving", true },
		{ "{}", "-" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		json_t *backend = json(rows[i].backend);
		char text[LISTING_STATE_SIZE];

		assert_string_equal(listing_state(backend, rows[i].leaving, text), rows[i].text);
		json_decref(backend);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flows_on_stable_rows_are_unknown_not_none),
		cmocka_unit_test(others_know_flows_on_stable_rows),
		cmocka_unit_test(a_table_that_is_too_small),
		cmocka_unit_test(states_in_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
