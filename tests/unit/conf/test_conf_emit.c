// SPDX-License-Identifier: BSD-2-Clause
/* Canonical trees and their YAML text: what is printed is read back as it was. */
#include <errno.h>
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

static char *emit(const json_t *tree)
{
	size_t size = 0;
	char *text;
	FILE *out = open_memstream(&text, &size);

	assert_int_equal(conf_tree_to_yaml(tree, out), 0);
	fclose(out);
	return text;
}

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
	assert_non_null(out);
	return out;
}

/* YAML -> tree -> struct conf -> canonical tree -> YAML */
static char *print_canonical(const char *yaml)
{
	json_t *tree = parse(yaml), *out = canonical(tree);
	char *text = emit(out);

	json_decref(tree);
	json_decref(out);
	return text;
}

static const struct {
	const char *name, *yaml, *canonical;
} configurations[] = {
	{ "nothing", "", "interfaces: []\nservices: []\n" },
	{ "defaults are left out",
	  "interfaces: [eth0, {name: eth1, xdp: auto}]\n"
	  "max_backends: 4096\n"
	  "flows: 1M\n"
	  "timeouts: {tcp: 15m, udp: 2m, nat: 120h}\n"
	  "nat_sources: []\n"
	  "nat_ports: 10240-32767\n"
	  "nat_flows: 262144\n"
	  "services:\n"
	  "- {name: web, listen: 192.0.2.10:80/tcp, mode: gue, scheduler: maglev, rows: 65537,\n"
	  "   hash: 5-tuple, track: auto, settle: 15m, gue_port: 6080, backends: [\n"
	  "     {address: 10.0.0.11, weight: 100, state: ready, sorry: false}, 10.0.0.12],\n"
	  "   check: {tcp: true, interval: 2s, timeout: 1s, rise: 2, fall: 3}}\n",
	  "interfaces:\n"
	  "- name: eth0\n"
	  "- name: eth1\n"
	  "services:\n"
	  "- name: web\n"
	  "  listen: 192.0.2.10:80/tcp\n"
	  "  mode: gue\n"
	  "  check:\n"
	  "    tcp: true\n"
	  "  backends:\n"
	  "  - address: 10.0.0.11\n"
	  "  - address: 10.0.0.12\n" },
	{ "everything, in the documented order",
	  "services:\n"
	  "- backends: [{sorry: true, state: maint, weight: 0, address: '[2001:DB8::11]:8080'}]\n"
	  "  check: {fall: 5, rise: 1, timeout: 60000ms, interval: 300s, port: 81, http: /}\n"
	  "  panic: 30\n"
	  "  slow_start: 90s\n"
	  "  settle: 60m\n"
	  "  idle_timeout: 120s\n"
	  "  gue_port: 6000\n"
	  "  rows: 251\n"
	  "  unavailable: reject\n"
	  "  track: always\n"
	  "  hash: source\n"
	  "  scheduler: leastconn\n"
	  "  mode: gue\n"
	  "  listen: '[2001:db8:0::10]:53/udp'\n"
	  "  name: dns\n"
	  "seed: 00112233445566778899AABBCCDDEEFF\n"
	  "timeouts: {udp: 60s, tcp: 1800s}\n"
	  "flows: 65536\n"
	  "max_backends: 100\n"
	  "interfaces: [{xdp: generic, name: eth0}]\n",
	  "interfaces:\n"
	  "- name: eth0\n"
	  "  xdp: generic\n"
	  "max_backends: 100\n"
	  "flows: 64K\n"
	  "timeouts:\n"
	  "  tcp: 30m\n"
	  "  udp: 1m\n"
	  "seed: \"00112233445566778899aabbccddeeff\"\n"
	  "services:\n"
	  "- name: dns\n"
	  "  listen: \"[2001:db8::10]:53/udp\"\n"
	  "  mode: gue\n"
	  "  scheduler: leastconn\n"
	  "  hash: source\n"
	  "  track: always\n"
	  "  unavailable: reject\n"
	  "  rows: 251\n"
	  "  gue_port: 6000\n"
	  "  idle_timeout: 2m\n"
	  "  settle: 1h\n"
	  "  slow_start: 90s\n"
	  "  panic: 30%\n"
	  "  check:\n"
	  "    http: /\n"
	  "    port: 81\n"
	  "    interval: 5m\n"
	  "    timeout: 1m\n"
	  "    rise: 1\n"
	  "    fall: 5\n"
	  "  backends:\n"
	  "  - address: \"[2001:db8::11]:8080\"\n"
	  "    weight: 0\n"
	  "    state: maint\n"
	  "    sorry: true\n" },
	{ "modes nat and local",
	  "services:\n"
	  "- {name: a, mode: nat, source: nat, listen: 192.0.2.10:80/tcp, idle_timeout: 100h,\n"
	  "   backends: ['10.0.0.1:8080', '10.0.0.1:8081']}\n"
	  "- {source: keep, name: b, mode: nat, listen: 192.0.2.10:81/tcp}\n"
	  "- {name: c, mode: local, listen: '[::]:82/udp', backends: ['127.0.0.1:1', '[::1]:1']}\n"
	  "nat_flows: 1024\n"
	  "nat_ports: 1024-65535\n"
	  "nat_sources: [192.0.2.9, '2001:db8:0::9']\n"
	  "timeouts: {nat: 7200s}\n",
	  "interfaces: []\n"
	  "timeouts:\n"
	  "  nat: 2h\n"
	  "nat_sources:\n"
	  "- 192.0.2.9\n"
	  "- \"2001:db8::9\"\n"
	  "nat_ports: 1024-65535\n"
	  "nat_flows: 1K\n"
	  "services:\n"
	  "- name: a\n"
	  "  listen: 192.0.2.10:80/tcp\n"
	  "  mode: nat\n"
	  "  idle_timeout: 100h\n"
	  "  backends:\n"
	  "  - address: 10.0.0.1:8080\n"
	  "  - address: 10.0.0.1:8081\n"
	  "- name: b\n"
	  "  listen: 192.0.2.10:81/tcp\n"
	  "  mode: nat\n"
	  "  source: keep\n"
	  "  backends: []\n"
	  "- name: c\n"
	  "  listen: \"[::]:82/udp\"\n"
	  "  mode: local\n"
	  "  backends:\n"
	  "  - address: 127.0.0.1:1\n"
	  "  - address: \"[::1]:1\"\n" },
	{ "one timeout of two", "timeouts: {tcp: 15m, udp: 3m}\n",
	  "interfaces: []\n"
	  "timeouts:\n"
	  "  udp: 3m\n"
	  "services: []\n" },
	{ "a short interval's own timeout is its default",
	  "services: [{name: a, listen: 192.0.2.1:1/udp, mode: l2,\n"
	  "            check: {tcp: true, interval: 500ms, timeout: 500ms}}]",
	  "interfaces: []\n"
	  "services:\n"
	  "- name: a\n"
	  "  listen: 192.0.2.1:1/udp\n"
	  "  mode: l2\n"
	  "  check:\n"
	  "    tcp: true\n"
	  "    interval: 500ms\n"
	  "  backends: []\n" },
	{ "words that some readers take for something else are quoted",
	  "interfaces: ['on', '1', '1e3', '0x1f', 'null', 'NO', '12', 'e1', '2001-12-14', '~']\n"
	  "services: [{name: '1', listen: 192.0.2.1:1/udp, mode: l2, check: {http: '/?a=1&b'}},\n"
	  "           {name: 'yes', listen: 192.0.2.1:2/udp, mode: l2}]\n",
	  "interfaces:\n"
	  "- name: \"on\"\n"
	  "- name: \"1\"\n"
	  "- name: \"1e3\"\n"
	  "- name: \"0x1f\"\n"
	  "- name: \"null\"\n"
	  "- name: \"NO\"\n"
	  "- name: \"12\"\n"
	  "- name: e1\n"
	  "- name: \"2001-12-14\"\n"
	  "- name: \"~\"\n"
	  "services:\n"
	  "- name: \"1\"\n"
	  "  listen: 192.0.2.1:1/udp\n"
	  "  mode: l2\n"
	  "  check:\n"
	  "    http: \"/?a=1&b\"\n"
	  "  backends: []\n"
	  "- name: \"yes\"\n"
	  "  listen: 192.0.2.1:2/udp\n"
	  "  mode: l2\n"
	  "  backends: []\n" },
};

static void configurations_have_one_text(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(configurations); i++) {
		char *once = print_canonical(configurations[i].yaml);
		char *twice = print_canonical(once);

		assert_string_equal(once, configurations[i].canonical);
		assert_string_equal(twice, once);
		free(once);
		free(twice);
	}
}

static void encoding_decodes_to_the_same(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(configurations); i++) {
		json_t *tree = parse(configurations[i].yaml);
		json_t *once = canonical(tree), *twice = canonical(once);

		assert_true(json_equal(once, twice));
		json_decref(tree);
		json_decref(once);
		json_decref(twice);
	}
}

static void any_tree_reads_back(void **state)
{
	static const char *const trees[] = {
		"{}",
		"[]",
		"[[], {}, [[]], [{}], {\"a\": []}]",
		"{\"a\": {\"b\": {\"c\": [1, [2, [3]]]}}, \"d\": null}",
		"[0, -1, 9223372036854775807, -9223372036854775808, 0.1, 1e300, -0.0]",
		"[true, false, null, \"true\", \"false\", \"null\", \"Null\", \"~\", \"\"]",
		"[\"1\", \"-1\", \"1.5\", \"1e3\", \"0x1f\", \"0o17\", \"017\", \"1:20\", \"+1\"]",
		"[\"1K\", \"2M\", \"1G\", \"30%\", \"%30\", \"1_000%\", \"5-tuple\", \"0%\"]",
		"[\"10240-32767\", \"1-\", \"-1-2\", \"1-2-3\", \"1--2\", \"2001-12\", \"1e3-2\"]",
		"[\".inf\", \".nan\", \"y\", \"n\", \"2001-12-14\", \"<<\", \"=\", \"-\", \"--\"]",
		"[\" a\", \"a \", \"a: b\", \"a #b\", \"#\", \"- a\", \"? a\", \"a:\", \":a\", \"&a\"]",
		"[\"*a\", \"!a\", \"%a\", \"@a\", \"`a\", \"'\", \"\\\"\", \"|\", \">\", \"[a\", \"{a\"]",
		"[\"---\", \"...\", \"--- a\", \"a\\nb\", \"\\n\", \"\\n\\na\\n\", \"a\\n \\nb\"]",
		"[\"\\t\", \"a\\tb\", \"\\r\", \"\\u0001\", \"\\u007f\", \"\\u0085\", \"\\u2028\"]",
		"[\"\\u00e4\", \"\\ufeff\", \"\\ud83d\\ude00\", \"\\ufffd\", \"\\ufffe\", \"\\u0080\"]",
		"{\"\": 1, \"a b\": 2, \"null\": 3, \"1\": 4, \"a: b\": 5, \"\\n\": 6, \"[\": 7}",
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(trees); i++) {
		json_t *tree = json_loads(trees[i], 0, NULL), *back;
		char *text;

		assert_non_null(tree);
		text = emit(tree);
		back = parse(text);
		if (!json_equal(tree, back))
			fail_msg("%s became\n%s", trees[i], text);
		json_decref(tree);
		json_decref(back);
		free(text);
	}
}

static void long_text_stays_on_its_line(void **state)
{
	char path[1500];
	json_t *tree, *back;
	char *text;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(path) - 1; i++)
		path[i] = i % 10 ? 'a' : ' ';
	path[i] = '\0';
	tree = json_pack("{s:[s]}", path, path);
	text = emit(tree);
	back = parse(text);
	assert_true(json_equal(tree, back));
	json_decref(tree);
	json_decref(back);
	free(text);
	path[0] = 'b';
	tree = json_pack("{s:s}", "a", path);
	text = emit(tree);
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
	json_decref(tree);
	free(text);
}

static void trouble_in_writing_is_told(void **state)
{
	FILE *full = fopen("/dev/full", "w");
	json_t *tree = json_pack("{s:s}", "a", "b");

	(void)state;
	assert_non_null(full);
	assert_int_equal(conf_tree_to_yaml(tree, full), -ENOSPC);
	fclose(full);
	json_decref(tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(configurations_have_one_text),
		cmocka_unit_test(encoding_decodes_to_the_same),
		cmocka_unit_test(any_tree_reads_back),
		cmocka_unit_test(long_text_stays_on_its_line),
		cmocka_unit_test(trouble_in_writing_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
