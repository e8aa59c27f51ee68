// SPDX-License-Identifier: BSD-2-Clause
/* Reload: what the file changed since it was last read, on top of what runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/array.h"
#include "conf/conf.h"

/* Shorthands of the table: a service "a" with these further keys, and backends of any service. */
#define A(keys)     "{name: a, listen: 192.0.2.1:80/tcp, mode: ipip" keys "}"
#define B(keys)     "{name: b, listen: 192.0.2.2:80/tcp, mode: ipip" keys "}"
#define S(services) "services: [" services "]"

static const struct {
	const char *name, *base, *running, *file, *merged;
} rows[] = {
	{ "nothing changed anywhere", S(A()), S(A()), S(A()), S(A()) },
	{ "the file changed a value", "max_backends: 10", "max_backends: 10", "max_backends: 20",
	  "max_backends: 20" },
	{ "a value changed at run time stays", "max_backends: 10", "max_backends: 20",
	  "max_backends: 10", "max_backends: 20" },
	{ "changed in both: the file has its way", "max_backends: 10", "max_backends: 20",
	  "max_backends: 30", "max_backends: 30" },
	{ "taken out of the file: the default comes back", "max_backends: 10", "max_backends: 20",
	  "", "" },
	{ "a default that is written out is no change", "", "max_backends: 20",
	  "max_backends: 4096", "max_backends: 20" },
	{ "another spelling is no change", S(A(", backends: [10.0.0.1]")),
	  S(A(", backends: [{address: 10.0.0.1, weight: 5}]")),
	  S(A(", backends: [{weight: 100, address: 10.0.0.1}]")),
	  S(A(", backends: [{address: 10.0.0.1, weight: 5}]")) },
	{ "the file's new service is added to those of run time", S(A()),
	  S(A() ", {name: c, listen: '192.0.2.3:80/tcp', mode: ipip}"), S(A() "," B()),
	  S(A() "," B() ", {name: c, listen: '192.0.2.3:80/tcp', mode: ipip}") },
	{ "a service taken out of the file goes, whatever became of it", S(A() "," B()),
	  S(A() "," B(", rows: 251")), S(A()), S(A()) },
	{ "a service deleted at run time stays deleted", S(A() "," B()), S(A()),
	  S(A(", rows: 251") "," B()), S(A(", rows: 251")) },
	{ "a service deleted at run time comes back whole when the file changes it",
	  S(A() "," B(", rows: 251")), S(A()), S(A() "," B(", rows: 251, backends: [10.0.0.1]")),
	  S(A() "," B(", rows: 251, backends: [10.0.0.1]")) },
	{ "a service's keys merge one by one",
	  S(A(", rows: 251, check: {tcp: true, interval: 5s}")),
	  S(A(", rows: 257, check: {tcp: true, interval: 9s}")),
	  S(A(", rows: 251, check: {tcp: true, interval: 5s, rise: 7}")),
	  S(A(", rows: 257, check: {tcp: true, interval: 9s, rise: 7}")) },
	{ "a service that both added is one", "", S(A(", rows: 251, backends: [10.0.0.1]")),
	  S(A(", backends: [10.0.0.2]")), S(A(", rows: 251, backends: [10.0.0.2, 10.0.0.1]")) },
	{ "backends merge by address and port", S(A(", backends: [10.0.0.1, 10.0.0.2, 10.0.0.3]")),
	  S(A(", backends: [10.0.0.1, {address: 10.0.0.2, weight: 7}, 10.0.0.9]")),
	  S(A(", backends: [10.0.0.4, {address: 10.0.0.2}, {address: 10.0.0.1, weight: 3}, "
	      "10.0.0.3]")),
	  S(A(", backends: [10.0.0.4, {address: 10.0.0.2, weight: 7}, {address: 10.0.0.1, weight: "
	      "3}, 10.0.0.9]")) },
	{ "a state set at run time stays", S(A(", backends: [10.0.0.1]")),
	  S(A(", backends: [{address: 10.0.0.1, state: drain}]")),
	  S(A(", backends: [{address: 10.0.0.1, weight: 5}, 10.0.0.2]")),
	  S(A(", backends: [{address: 10.0.0.1, weight: 5, state: drain}, 10.0.0.2]")) },
	{ "a state that the file changed is the file's",
	  S(A(", backends: [{address: 10.0.0.1, state: drain}]")),
	  S(A(", backends: [{address: 10.0.0.1, weight: 5, state: maint}]")),
	  S(A(", backends: [{address: 10.0.0.1, state: ready}]")),
	  S(A(", backends: [{address: 10.0.0.1, weight: 5}]")) },
	{ "made ready at run time, ready it stays",
	  S(A(", backends: [{address: 10.0.0.1, state: maint}]")), S(A(", backends: [10.0.0.1]")),
	  S(A(", backends: [{address: 10.0.0.1, state: maint, sorry: true}]")),
	  S(A(", backends: [{address: 10.0.0.1, sorry: true}]")) },
	{ "sorry is a value like any other",
	  S(A(", backends: [10.0.0.1, {address: 10.0.0.2, sorry: true}]")),
	  S(A(", backends: [{address: 10.0.0.1, sorry: true}, {address: 10.0.0.2, sorry: true}]")),
	  S(A(", backends: [10.0.0.1, {address: 10.0.0.2, sorry: false, weight: 1}]")),
	  S(A(", backends: [{address: 10.0.0.1, sorry: true}, {address: 10.0.0.2, weight: 1}]")) },
	{ "what tells of flows merges key by key",
	  S(A(", scheduler: random, settle: 5m, panic: 30%")),
	  S(A(", scheduler: leastconn, settle: 5m, slow_start: 30s, panic: 30")),
	  S(A(", scheduler: random, hash: source, settle: 15m, panic: 50%")),
	  S(A(", scheduler: leastconn, hash: source, slow_start: 30s, panic: 50%")) },
	{ "another spelling of a size is no change", "flows: 65536", "flows: 2M", "flows: 64K",
	  "flows: 2M" },
	{ "a size of the default is one", "flows: 64K", "flows: 2M", "flows: 1M", "" },
	{ "each timeout merges by itself", "timeouts: {tcp: 5m}", "timeouts: {tcp: 5m, udp: 1m}",
	  "timeouts: {tcp: 6m}", "timeouts: {tcp: 6m, udp: 1m}" },
	{ "also when the file takes all of its own out", "timeouts: {tcp: 5m}",
	  "timeouts: {tcp: 5m, udp: 1m}", "", "timeouts: {udp: 1m}" },
	{ "and when none is left at run time", "timeouts: {tcp: 5m}", "",
	  "timeouts: {tcp: 5m, udp: 1m}", "timeouts: {udp: 1m}" },
	{ "so does mode nat's", "timeouts: {nat: 5h}", "timeouts: {nat: 6h, udp: 1m}",
	  "timeouts: {nat: 5h, tcp: 6m}", "timeouts: {nat: 6h, udp: 1m, tcp: 6m}" },
	{ "sources merge one by one", "nat_sources: [10.0.0.1, 10.0.0.2]",
	  "nat_sources: [10.0.0.1, 10.0.0.2, 10.0.0.8]", "nat_sources: [10.0.0.1, '2001:db8::1']",
	  "nat_sources: [10.0.0.1, '2001:db8::1', 10.0.0.8]" },
	{ "a source taken away at run time stays away", "nat_sources: [10.0.0.1, 10.0.0.2]",
	  "nat_sources: [10.0.0.2]", "nat_sources: [10.0.0.3, 10.0.0.2, 10.0.0.1]",
	  "nat_sources: [10.0.0.3, 10.0.0.2]" },
	{ "also when the file takes all of its own sources out", "nat_sources: [10.0.0.1]",
	  "nat_sources: [10.0.0.1, 10.0.0.2]", "", "nat_sources: [10.0.0.2]" },
	{ "and when none is left at run time", "nat_sources: [10.0.0.1]", "",
	  "nat_sources: [10.0.0.1, 10.0.0.2]", "nat_sources: [10.0.0.2]" },
	{ "ports are one value", "nat_ports: 10240-20000", "nat_ports: 10240-30000",
	  "nat_ports: 10240-20000\nnat_flows: 64K", "nat_ports: 10240-30000\nnat_flows: 64K" },
	{ "a default range is no change", "", "nat_ports: 20000-30000", "nat_ports: 10240-32767",
	  "nat_ports: 20000-30000" },
	{ "a source that is kept does not outlive mode nat",
	  S("{name: a, listen: 192.0.2.1:80/tcp, mode: nat}"),
	  S("{name: a, listen: 192.0.2.1:80/tcp, mode: nat, source: keep}"), S(A()), S(A()) },
	{ "source merges like any value", S("{name: a, listen: 192.0.2.1:80/tcp, mode: nat}"),
	  S("{name: a, listen: 192.0.2.1:80/tcp, mode: nat, source: keep}"),
	  S("{name: a, listen: 192.0.2.1:80/tcp, mode: nat, rows: 251, source: nat}"),
	  S("{name: a, listen: 192.0.2.1:80/tcp, mode: nat, rows: 251, source: keep}") },
	{ "a backend's new port replaces it", S(A(", backends: ['10.0.0.1:80']")),
	  S(A(", backends: [{address: '10.0.0.1:80', weight: 3}]")),
	  S(A(", backends: ['10.0.0.1:81']")), S(A(", backends: ['10.0.0.1:81']")) },
	{ "interfaces merge by name", "interfaces: [eth0, eth1]",
	  "interfaces: [{name: eth0, xdp: generic}, eth1, eth5]", "interfaces: [eth0, eth2]",
	  "interfaces: [{name: eth0, xdp: generic}, eth2, eth5]" },
	{ "the file's kind of check replaces that of run time", S(A()),
	  S(A(", check: {http: /a, rise: 7}")), S(A(", check: {tcp: true}")),
	  S(A(", check: {tcp: true, rise: 7}")) },
	{ "and the other way round", S(A()), S(A(", check: {tcp: true}")),
	  S(A(", check: {http: /a}")), S(A(", check: {http: /a}")) },
	{ "a check changed at run time stays", S(A(", check: {tcp: true}")),
	  S(A(", check: {http: /a}")), S(A(", check: {tcp: true, rise: 9}")),
	  S(A(", check: {http: /a, rise: 9}")) },
	{ "a check taken off at run time comes back when the file changes it",
	  S(A(", check: {tcp: true}")), S(A()), S(A(", check: {tcp: true, rise: 9}")),
	  S(A(", check: {tcp: true, rise: 9}")) },
	{ "a check taken out of the file goes", S(A(", check: {tcp: true}")),
	  S(A(", check: {tcp: true, rise: 9}")), S(A()), S(A()) },
	{ "a port of gue does not outlive mode gue",
	  S("{name: a, listen: 192.0.2.1:80/tcp, mode: gue}"),
	  S("{name: a, listen: 192.0.2.1:80/tcp, mode: gue, gue_port: 7000}"), S(A()), S(A()) },
	{ "the order of a file that changed nothing else does not matter", S(A() "," B()),
	  S(A() "," B(", rows: 251")), S(B() "," A()), S(B(", rows: 251") "," A()) },
	{ "an emptied file empties what came from it", S(A() "," B()),
	  S(A() ", {name: c, listen: '192.0.2.3:80/tcp', mode: ipip}"), "",
	  S("{name: c, listen: '192.0.2.3:80/tcp', mode: ipip}") },
};

static json_t *parse(const char *yaml)
{
	struct conf_error error;
	conf_marks *marks;
	json_t *tree = NULL;

	if (conf_tree_from_yaml(yaml, strlen(yaml), &tree, &marks, &error))
		fail_msg("%s: %d:%d: %s", yaml, error.line, error.column, error.text);
	json_decref(marks);
	return tree;
}

static json_t *canonical(const json_t *tree)
{
	struct conf_error error;
	struct conf *conf = NULL;
	json_t *out;

	if (conf_decode(tree, NULL, &conf, &error))
		fail_msg("%s", error.text);
	out = conf_encode(conf);
	conf_free(conf);
	return out;
}

static void expect_merge(const char *name, const json_t *base, const json_t *running,
			 const json_t *file, const json_t *expected)
{
	json_t *merged = conf_merge(base, running, file), *wanted = canonical(expected);
	char *found, *text;

	assert_non_null(merged);
	/* The trees are compared as text, so that the order counts, too. */
	found = json_dumps(merged, 0);
	text = json_dumps(wanted, 0);
	if (strcmp(found, text))
		fail_msg("%s: expected %s, found %s", name, text, found);
	free(found);
	free(text);
	json_decref(merged);
	json_decref(wanted);
}

static void changes_of_both_sides_meet(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		json_t *base = parse(rows[i].base), *running = parse(rows[i].running);
		json_t *file = parse(rows[i].file), *merged = parse(rows[i].merged);

		expect_merge(rows[i].name, base, running, file, merged);
		/* Nothing runs but the base: the file is what comes out. */
		expect_merge("unchanged at run time", base, base, file, file);
		/* A file that did not change leaves everything as it runs. */
		expect_merge("unchanged file", base, running, base, running);
		/* And it is all in there: the same file once more changes nothing. */
		expect_merge("once more", file, merged, file, merged);
		json_decref(base);
		json_decref(running);
		json_decref(file);
		json_decref(merged);
	}
}

static void arguments_stay_as_they_are(void **state)
{
	json_t *base = parse(rows[13].base), *running = parse(rows[13].running);
	json_t *file = parse(rows[13].file), *copies[3];

	(void)state;
	copies[0] = json_deep_copy(base);
	copies[1] = json_deep_copy(running);
	copies[2] = json_deep_copy(file);
	json_decref(conf_merge(base, running, file));
	assert_true(json_equal(base, copies[0]));
	assert_true(json_equal(running, copies[1]));
	assert_true(json_equal(file, copies[2]));
	assert_int_equal(base->refcount, 1);
	assert_int_equal(running->refcount, 1);
	assert_int_equal(file->refcount, 1);
	json_decref(base);
	json_decref(running);
	json_decref(file);
	json_decref(copies[0]);
	json_decref(copies[1]);
	json_decref(copies[2]);
}

/* Two changes that are good alone: the whole is for conf_decode to refuse. */
static void a_contradiction_comes_out_undecided(void **state)
{
	json_t *base = parse(S(A())), *merged;
	json_t *running = parse(S(A() ", {name: x, listen: '192.0.2.2:80/tcp', mode: ipip}"));
	json_t *file = parse(S(A() "," B()));
	struct conf_error error;
	struct conf *conf;

	(void)state;
	merged = conf_merge(base, running, file);
	assert_non_null(merged);
	assert_int_not_equal(conf_decode(merged, NULL, &conf, &error), 0);
	assert_string_equal(error.path, "services[2].listen");
	json_decref(base);
	json_decref(running);
	json_decref(file);
	json_decref(merged);
}

static void no_base_is_an_empty_one(void **state)
{
	json_t *running = parse(S(A())), *file = parse(S(B())), *both = parse(S(B() "," A()));

	(void)state;
	expect_merge("no base", NULL, running, file, both);
	expect_merge("nothing ran", NULL, NULL, file, file);
	json_decref(running);
	json_decref(file);
	json_decref(both);
}

/* Trees that are canonical already give the same, and are not decoded and encoded again: one that
 * is not is taken as it is. */
static void canonical_trees_are_taken_as_they_are(void **state)
{
	json_t *base = parse("max_backends: 4096"), *running = parse("max_backends: 20");
	json_t *file = json_object(), *merged;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		json_t *trees[] = { parse(rows[i].base), parse(rows[i].running),
				    parse(rows[i].file) };
		json_t *wanted = conf_merge(trees[0], trees[1], trees[2]), *own[3];

		for (int j = 0; j < 3; j++)
			own[j] = canonical(trees[j]);
		merged = conf_merge_canonical(own[0], own[1], own[2]);
		assert_true(json_equal(merged, wanted));
		json_decref(merged);
		json_decref(wanted);
		for (int j = 0; j < 3; j++) {
			json_decref(own[j]);
			json_decref(trees[j]);
		}
	}
	/* Decoded, base and file would be equal, and what runs would stay. */
	merged = conf_merge_canonical(base, running, file);
	assert_null(json_object_get(merged, "max_backends"));
	json_decref(merged);
	json_decref(base);
	json_decref(running);
	json_decref(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(changes_of_both_sides_meet),
		cmocka_unit_test(arguments_stay_as_they_are),
		cmocka_unit_test(a_contradiction_comes_out_undecided),
		cmocka_unit_test(no_base_is_an_empty_one),
		cmocka_unit_test(canonical_trees_are_taken_as_they_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
