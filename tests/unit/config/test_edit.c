// SPDX-License-Identifier: BSD-2-Clause
/* Changes to a tree as the API asks for them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "config/edit.h"
#include "fixtures/quoted.h"

static struct refusal refusal;

static json_t *base(void)
{
	return json("{'interfaces': [{'name': 'eth0'}],"
		    " 'services': [{'name': 'web', 'listen': '192.0.2.10:80/tcp', 'mode': 'gue',"
		    " 'gue_port': 6081, 'backends': [{'address': '10.0.0.11'},"
		    " {'address': '10.0.0.12:8080', 'weight': 5},"
		    " {'address': '[2001:db8::1]:80'}, {'address': '10.0.0.14:80'},"
		    " {'address': '10.0.0.14:81'}]}]}");
}

enum verb { ADD, SET, DEL };

static json_t *edit(const json_t *tree, const char *object, enum verb verb, const char *id,
		    const json_t *body)
{
	memset(&refusal, 0, sizeof(refusal));
	if (!strcmp(object, "service"))
		return verb == ADD   ? edit_service_add(tree, body, &refusal)
		       : verb == SET ? edit_service_set(tree, id, body, &refusal)
				     : edit_service_del(tree, id, &refusal);
	if (!strcmp(object, "interface"))
		return verb == ADD ? edit_interface_add(tree, body, &refusal)
				   : edit_interface_del(tree, id, &refusal);
	return verb == ADD   ? edit_backend_add(tree, "web", body, &refusal)
	       : verb == SET ? edit_backend_set(tree, "web", id, body, &refusal)
			     : edit_backend_del(tree, "web", id, &refusal);
}

/* One row: the change, and either the refusal or one value of the new tree, as JSON. */
static const struct edit_row {
	const char *object;
	enum verb verb;
	int status; /* 0: done */
	const char *id, *body;
	const char *text; /* part of the refusal */
	const char *service, *backends, *interfaces;
} rows[] = {
	{ "service", ADD, 0, NULL, "{'name': 'dns', 'x': 1}",
	  .service = "{'name': 'dns', 'x': 1}" },
	{ "service", ADD, 409, NULL, "{'name': 'web'}", "there is a service of this name" },
	{ "service", ADD, 400, NULL, "[1]", "JSON object" },
	{ "service", SET, 0, "web", "{'listen': '192.0.2.11:80/tcp', 'gue_port': null}",
	  .service = "{'name': 'web', 'listen': '192.0.2.11:80/tcp', 'mode': 'gue'}" },
	{ "service", SET, 0, "web", "{'mode': 'ipip', 'name': 'web'}",
	  .service = "{'name': 'web', 'listen': '192.0.2.10:80/tcp', 'mode': 'ipip'}" },
	{ "service", SET, 0, "web", "{'scheduler': 'leastconn', 'panic': '30%'}",
	  .service =
		  "{'name': 'web', 'listen': '192.0.2.10:80/tcp', 'mode': 'gue', 'gue_port': 6081, "
		  "'scheduler': 'leastconn', 'panic': '30%'}" },
	{ "service", SET, 400, "web", "{'name': 'www'}", "cannot be changed" },
	{ "service", SET, 400, "web", "{'name': null}", "cannot be changed" },
	{ "service", SET, 400, "web", "'x'", "JSON object" },
	{ "service", SET, 404, "wbe", "{}", "did you mean web?" },
	{ "service", DEL, 0, "web", NULL, .service = "null" },
	{ "service", DEL, 404, "mail", NULL, "mail: no such service" },
	{ "backend", ADD, 0, NULL, "{'address': '10.0.0.13', 'weight': 7}",
	  .backends = "{'address': '10.0.0.13', 'weight': 7}" },
	{ "backend", ADD, 0, NULL, "{'address': '10.0.0.11', 'port': 81}",
	  .backends = "{'address': '10.0.0.11:81'}" },
	{ "backend", ADD, 0, NULL, "{'address': '2001:db8::2', 'port': 81}",
	  .backends = "{'address': '[2001:db8::2]:81'}" },
	{ "backend", ADD, 409, NULL, "{'address': '10.0.0.11'}", "has this backend already" },
	{ "backend", ADD, 409, NULL, "{'address': '10.0.0.12', 'port': 8080}", "10.0.0.12:8080" },
	{ "backend", ADD, 409, NULL, "{'address': '2001:DB8:0::1', 'port': 80}", "already" },
	{ "backend", ADD, 400, NULL, "{'address': '10.0.0.13:1', 'port': 2}", "has one already" },
	{ "backend", ADD, 400, NULL, "{'address': '10.0.0.13', 'port': 0}", "1 to 65535" },
	{ "backend", ADD, 400, NULL, "{'address': '10.0.0.13', 'port': '80'}", "1 to 65535" },
	{ "backend", ADD, 400, NULL, "{'address': '10.0.0.13', 'port': 4294967376}", "1 to 65535" },
	{ "backend", ADD, 0, NULL, "{'weight': 1}", .backends = "{'weight': 1}" },
	{ "backend", SET, 0, "10.0.0.12:8080", "{'weight': null}",
	  .backends = "{'address': '10.0.0.12:8080'}" },
	{ "backend", SET, 0, "10.0.0.12:8080", "{'state': 'drain', 'sorry': true}",
	  .backends =
		  "{'address': '10.0.0.12:8080', 'weight': 5, 'state': 'drain', 'sorry': true}" },
	{ "backend", SET, 0, "10.0.0.12:8080", "{'state': 'drain', 'sorry': true}",
	  .backends = "{'address': '10.0.0.12:8080', 'weight': 5, 'state': 'drain',"
		      " 'sorry': true}" },
	{ "backend", ADD, 0, NULL, "{'address': '10.0.0.13', 'port': 80, 'state': 'maint'}",
	  .backends = "{'address': '10.0.0.13:80', 'state': 'maint'}" },
	{ "backend", SET, 400, "10.0.0.12:8080", "{'address': '10.0.0.13'}", "cannot be changed" },
	{ "backend", SET, 0, "10.0.0.12", "{'weight': 1}",
	  .backends = "{'address': '10.0.0.12:8080', 'weight': 1}" },
	{ "backend", SET, 404, "10.0.0.12:8081", "{'weight': 1}", "did you mean 10.0.0.12:8080?" },
	{ "backend", SET, 404, "10.0.0.14", "{'weight': 1}",
	  "did you mean 10.0.0.14:80, 10.0.0.14:81?" },
	{ "backend", SET, 404, "2001:db8::2", "{'weight': 1}", "no such backend" },
	{ "backend", DEL, 0, "2001:db8::1", NULL, .backends = "null" },
	{ "backend", DEL, 404, "10.0.0.14", NULL, "10.0.0.14: no such backend" },
	{ "backend", DEL, 0, "[2001:0db8::1]:80", NULL, .backends = "null" },
	{ "backend", DEL, 404, "nonsense", NULL, "nonsense: no such backend" },
	{ "interface", ADD, 0, NULL, "{'name': 'eth1', 'xdp': 'generic'}",
	  .interfaces = "{'name': 'eth1', 'xdp': 'generic'}" },
	{ "interface", ADD, 409, NULL, "{'name': 'eth0'}", "eth0" },
	{ "interface", DEL, 0, "eth0", NULL, .interfaces = "null" },
	{ "interface", DEL, 404, "eth1", NULL, "did you mean eth0?" },
};

/* The changed or added one is found by its name; what was deleted is null. */
static void last_is(const json_t *list, size_t old_size, const struct edit_row *row,
		    const char *want, size_t changed)
{
	size_t size = json_array_size(list);
	json_t *wanted = json(want), *found = NULL;

	if (json_is_null(wanted))
		assert_int_equal(size, old_size - 1);
	else if (row->verb == ADD)
		assert_int_equal(size, old_size + 1);
	else
		assert_int_equal(size, old_size);
	if (!json_is_null(wanted)) {
		found = json_deep_copy(json_array_get(list, row->verb == ADD ? size - 1 : changed));
		if (!strcmp(row->object, "service"))
			json_object_del(found, "backends");
		if (!json_equal(found, wanted))
			fail_msg("found %s, expected %s", json_dumps(found, 0), want);
	}
	json_decref(found);
	json_decref(wanted);
}

static void every_row(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct edit_row *row = &rows[i];
		json_t *tree = base(), *untouched = base();
		json_t *body = row->body ? json(row->body) : NULL;
		json_t *changed = edit(tree, row->object, row->verb, row->id, body);
		json_t *services = json_object_get(changed, "services");

		if (!changed != !!row->status || refusal.status != row->status)
			fail_msg("row %zu: status %d: %s", i, refusal.status, refusal.error.text);
		if (row->status && !strstr(refusal.error.text, row->text))
			fail_msg("row %zu: %s", i, refusal.error.text);
		if (row->service)
			last_is(services, 1, row, row->service, 0);
		if (row->backends)
			last_is(json_object_get(json_array_get(services, 0), "backends"), 5, row,
				row->backends, 1);
		if (row->interfaces)
			last_is(json_object_get(changed, "interfaces"), 1, row, row->interfaces, 0);
		assert_true(json_equal(tree, untouched));
		json_decref(body);
		json_decref(changed);
		json_decref(untouched);
		json_decref(tree);
	}
}

static void backends_of_unknown_services(void **state)
{
	json_t *tree = base(), *body = json("{'address': '10.0.0.13'}");

	(void)state;
	assert_null(edit_backend_add(tree, "wb", body, &refusal));
	assert_int_equal(refusal.status, 404);
	assert_null(edit_backend_set(tree, "wb", "10.0.0.11", body, &refusal));
	assert_int_equal(refusal.status, 404);
	assert_null(edit_backend_del(tree, "wb", "10.0.0.11", &refusal));
	assert_int_equal(refusal.status, 404);
	json_decref(body);
	json_decref(tree);
}

/* One that is not written out in other modes stays behind in none. */
static void keys_of_a_mode_go_with_it(void **state)
{
	json_t *tree = base(), *to_nat = json("{'mode': 'nat', 'source': 'keep'}");
	json_t *rows_only = json("{'rows': 251}"), *to_l2 = json("{'mode': 'l2'}");
	json_t *nat = edit_service_set(tree, "web", to_nat, &refusal);
	json_t *same = edit_service_set(nat, "web", rows_only, &refusal);
	json_t *l2 = edit_service_set(same, "web", to_l2, &refusal);
	const json_t *service = edit_service_find(same, "web", &refusal);

	(void)state;
	assert_null(json_object_get(service, "gue_port"));
	assert_string_equal(json_string_value(json_object_get(service, "source")), "keep");
	assert_null(json_object_get(edit_service_find(l2, "web", &refusal), "source"));
	json_decref(tree);
	json_decref(to_nat);
	json_decref(rows_only);
	json_decref(to_l2);
	json_decref(nat);
	json_decref(same);
	json_decref(l2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row),
		cmocka_unit_test(backends_of_unknown_services),
		cmocka_unit_test(keys_of_a_mode_go_with_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
