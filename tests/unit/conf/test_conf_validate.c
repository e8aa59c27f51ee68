// SPDX-License-Identifier: BSD-2-Clause
/*
 * Errors that only the whole configuration shows: duplicates, sums, families; and trees without a
 * file.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "base/array.h"
#include "conf/conf.h"

/* "" for a good configuration, else "line:column: text", "path: text" when not from a file. */
static const char *verdict(const char *yaml, bool from_file, char *buf, size_t size)
{
	struct conf_error error;
	struct conf *conf;
	conf_marks *marks;
	json_t *tree;

	buf[0] = '\0';
	if (conf_tree_from_yaml(yaml, strlen(yaml), &tree, &marks, &error))
		fail_msg("%s: %s", yaml, error.text);
	if (conf_decode(tree, from_file ? marks : NULL, &conf, &error))
		conf_error_format(&error, from_file ? "x" : NULL, buf, size);
	else
		conf_free(conf);
	json_decref(tree);
	json_decref(marks);
	return buf;
}

/* Backends follow, the first in column 14 of line 2. */
#define WITH(mode, listen) "services: [{name: a, listen: " listen ", mode: " mode ",\nbackends: ["
#define V4                 "192.0.2.1:80/tcp"
#define V6                 "\"[2001:db8::1]:80/tcp\""

#define ADDRESS_EXPECTED                                                                           \
	"expected an address or an address and a port from 1 to 65535, like 10.0.0.11, "           \
	"10.0.0.11:8080 or \"[2001:db8::11]:8080\", found "
#define HOST_EXPECTED "expected a unicast address of a host, found "
#define NO_LOOPBACK   ": loopback, which no packet reaches from outside (mode local takes it)"

static const struct {
	const char *yaml, *error;
} refusals[] = {
	{ WITH("l2", V4) "5]}]", "x:2:12: backends[0]: expected an address or a mapping with "
				 "address and weight, found 5" },
	{ WITH("l2", V4) "{weight: 5}]}]",
	  "x:2:12: backends[0]: expected the key address (an address or an address and a port from "
	  "1 to 65535, like 10.0.0.11, 10.0.0.11:8080 or \"[2001:db8::11]:8080\"), found none" },
	{ WITH("l2", V4) "10.0.0.1:0]}]",
	  "x:2:12: backends[0]: " ADDRESS_EXPECTED "\"10.0.0.1:0\"" },
	{ WITH("l2", V4) "web1]}]", "x:2:12: backends[0]: " ADDRESS_EXPECTED "\"web1\"" },
	{ WITH("l2", V4) "{address: 10.0}]}]",
	  "x:2:22: address: " ADDRESS_EXPECTED "10, which is no text without quotes" },
	{ WITH("l2", V4) "{address: 10.0.0.1, weight: heavy}]}]",
	  "x:2:40: weight: expected a whole number from 0 to 65535, found \"heavy\"" },
	{ WITH("l2", V4) "{address: 10.0.0.1, weight: 65536}]}]",
	  "x:2:40: weight: expected a whole number from 0 to 65535, found 65536" },
	{ WITH("l2", V4) "{address: 10.0.0.1, weight: -1}]}]",
	  "x:2:40: weight: expected a whole number from 0 to 65535, found -1" },
	{ WITH("l2", V4) "{address: 10.0.0.1, weigth: 1}]}]",
	  "x:2:32: unknown key \"weigth\": did you mean weight?" },
	{ WITH("l2", V4) "127.0.0.1]}]",
	  "x:2:12: backends[0]: " HOST_EXPECTED "127.0.0.1" NO_LOOPBACK },
	{ WITH("l2", V4) "'::1']}]", "x:2:12: backends[0]: " HOST_EXPECTED "::1" NO_LOOPBACK },
	{ WITH("l2", V4) "224.0.0.1]}]",
	  "x:2:12: backends[0]: " HOST_EXPECTED "224.0.0.1: multicast" },
	{ WITH("l2", V4) "255.255.255.255]}]",
	  "x:2:12: backends[0]: " HOST_EXPECTED "255.255.255.255: broadcast" },
	{ WITH("l2", V4) "0.1.2.3]}]", "x:2:12: backends[0]: " HOST_EXPECTED
				       "0.1.2.3: an address of the unspecified network 0.0.0.0/8" },
	{ WITH("l2", V4) "'::']}]",
	  "x:2:12: backends[0]: " HOST_EXPECTED "::: the unspecified address" },
	{ WITH("l2", V4) "'ff02::1']}]",
	  "x:2:12: backends[0]: " HOST_EXPECTED "ff02::1: multicast" },
	{ WITH("l2", V4) "'febf::1']}]",
	  "x:2:12: backends[0]: " HOST_EXPECTED
	  "febf::1: link-local, which means nothing without its link" },
	{ WITH("l2", "239.1.1.1:80/udp") "]}]",
	  "x:1:30: listen: " HOST_EXPECTED "239.1.1.1: multicast" },
	{ WITH("l2", "127.1.1.1:80/udp") "]}]",
	  "x:1:30: listen: " HOST_EXPECTED "127.1.1.1" NO_LOOPBACK },
	{ WITH("l2", V4) "10.0.0.1, {address: '2001:db8::2'}]}]",
	  "x:2:32: address: expected an IPv4 address like the service's (mode l2 carries no other "
	  "family; ipip and gue do), found 2001:db8::2" },
	{ WITH("l2", V6) "10.0.0.1]}]",
	  "x:2:12: backends[0]: expected an IPv6 address like the service's (mode l2 carries no "
	  "other family; ipip and gue do), found 10.0.0.1" },
	{ WITH("ipip", V4) "10.0.0.2,\n10.0.0.1,\n10.0.0.1, 10.0.0.2]}]",
	  "x:4:1: backends[2]: expected each address once, found 10.0.0.1 again: backends[1] (line "
	  "3) has it" },
	{ WITH("ipip", V4) "10.0.0.1:80, 10.0.0.1:81]}]",
	  "x:2:25: backends[1]: expected each address once, found 10.0.0.1 again: backends[0] (line "
	  "2) has it, and a port only says where checks go" },
	{ WITH("ipip", V4) "192.0.2.1:80]}]",
	  "x:2:12: backends[0]: expected an address that no service listens on, found 192.0.2.1: "
	  "service \"a\" (line 1) does" },
	{ WITH("gue", V4) "{address: '2001:db8::9'}]},\n {name: b, listen: '[2001:db8::9]:1/udp', "
			  "mode: gue}]",
	  "x:2:22: address: expected an address that no service listens on, found 2001:db8::9: "
	  "service \"b\" (line 3) does" },
	{ "max_backends: 3\n" WITH("ipip", V4) "10.0.0.1]},\n"
					       "{name: b, listen: 192.0.2.2:1/tcp, mode: ipip, "
					       "backends: [10.0.0.1, 10.0.0.2]}]",
	  "x:4:69: backends[1]: expected at most 2 backends in all (max_backends less one), found "
	  "3: set max_backends: 4 or more" },
};

static void the_whole_is_checked(void **state)
{
	char buf[700];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(refusals); i++)
		assert_string_equal(verdict(refusals[i].yaml, true, buf, sizeof(buf)),
				    refusals[i].error);
}

static void without_a_file_the_path_is_told(void **state)
{
	static const struct {
		const char *yaml, *error;
	} rows[] = {
		{ "a", "expected a mapping with interfaces and services, found \"a\"" },
		{ "servces: []", "unknown key \"servces\": did you mean services?" },
		{ WITH("l2", V4) "10.0.0.1, {address: 10.0.0.2, weight: heavy}]}]",
		  "services[0].backends[1].weight: expected a whole number from 0 to 65535, found "
		  "\"heavy\"" },
		{ WITH("ipip", V4) "192.0.2.1]}]",
		  "services[0].backends[0]: expected an address that no service listens on, found "
		  "192.0.2.1: service \"a\" does" },
		{ "interfaces: [a, {name: a}]",
		  "interfaces[1].name: expected each interface once, found a again" },
		{ WITH("l2", V4) "{adress: 10.0.0.1}]}]",
		  "services[0].backends[0]: unknown key \"adress\": did you mean address?" },
	};
	char buf[700];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++)
		assert_string_equal(verdict(rows[i].yaml, false, buf, sizeof(buf)), rows[i].error);
}

static void families_mix_where_they_can(void **state)
{
	char buf[700];

	(void)state;
	assert_string_equal(
		verdict(WITH("ipip", V4) "10.0.0.1, '2001:db8::2']}]", true, buf, sizeof(buf)), "");
	assert_string_equal(
		verdict(WITH("gue", V6) "10.0.0.1, '2001:db8::2']}]", true, buf, sizeof(buf)), "");
	assert_string_equal(verdict(WITH("l2", V6) "'2001:db8::2']}]", true, buf, sizeof(buf)), "");
}

/* Marks have paths of limited length: past it the place is that of what is around. */
static void a_key_without_a_mark_has_a_place(void **state)
{
	char yaml[400], buf[700];

	(void)state;
	memset(yaml, 'k', sizeof(yaml));
	memcpy(yaml, "\n  ", 3);
	strcpy(yaml + sizeof(yaml) - 4, ": 1");
	assert_int_equal(strncmp(verdict(yaml, true, buf, sizeof(buf)), "x:2:3: unknown key ", 19),
			 0);
	assert_non_null(strstr(buf, "kkk...\": expected one of interfaces, "));
}

static void null_and_nul_from_json_are_refused(void **state)
{
	struct conf_error error;
	struct conf *conf;
	json_t *tree;

	(void)state;
	assert_int_equal(conf_decode(NULL, NULL, &conf, &error), -EINVAL);
	tree = json_null();
	assert_int_equal(conf_decode(tree, NULL, &conf, &error), -EINVAL);
	tree = json_pack("{s:[s%]}", "interfaces", "eth0\0x", (size_t)6);
	assert_int_equal(conf_decode(tree, NULL, &conf, &error), -EINVAL);
	assert_string_equal(error.path, "interfaces[0]");
	assert_non_null(strstr(error.text, "\"eth0\\x00x\""));
	json_decref(tree);
}

/* services x backends, each different from all others */
static char *make_yaml(unsigned int services, unsigned int backends, unsigned int max_backends,
		       unsigned int rows)
{
	size_t size = 0;
	char *text;
	FILE *out = open_memstream(&text, &size);
	unsigned int i, j;

	fprintf(out, "max_backends: %u\nservices:\n", max_backends);
	for (i = 0; i < services; i++) {
		fprintf(out,
			"- name: web%u\n  listen: 192.0.%u.%u:80/tcp\n  mode: ipip\n  rows: %u\n"
			"  check: {http: /healthz}\n  backends:\n",
			i, i >> 8, i & 255, rows);
		for (j = 0; j < backends; j++)
			fprintf(out, "  - {address: 10.%u.%u.%u, weight: %u}\n", j >> 16,
				j >> 8 & 255, j & 255, 1 + j % 100);
	}
	fclose(out);
	return text;
}

static void sizes_are_limited(void **state)
{
	static const struct {
		unsigned int services, backends, max_backends, rows;
		const char *error;
	} rows[] = {
		{ 1, 251, 4096, 251,
		  "x:6:9: rows: expected more rows than backends (251), found 251" },
		{ 1, 250, 4096, 251, "" },
		{ 4096, 0, 4096, 251, "" },
		{ 4097, 0, 4096, 251, "x:3:1: services: expected at most 4096 items, found 4097" },
		{ 1, 65534, 65535, 65537, "" },
		{ 1, 65535, 65535, 131071,
		  "x:9:3: backends: expected at most 65534 items, found 65535" },
		{ 2, 40000, 65535, 65537,
		  "x:65549:15: address: expected at most 65534 backends in all, found 80000" },
		{ 2, 2048, 4096, 65537,
		  "x:4110:15: address: expected at most 4095 backends in all "
		  "(max_backends less one), found 4096: set max_backends: "
		  "4097 or more" },
	};
	char buf[700], *yaml;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		yaml = make_yaml(rows[i].services, rows[i].backends, rows[i].max_backends,
				 rows[i].rows);
		assert_string_equal(verdict(yaml, true, buf, sizeof(buf)), rows[i].error);
		free(yaml);
	}
}

/* 10,000 backends take milliseconds; anything quadratic would take seconds, even on a slow machine
 * and under the sanitizers. */
static void time_grows_with_size_only(void **state)
{
	char *yaml = make_yaml(1000, 10, 16384, 65537);
	char *large = make_yaml(1, 65534, 65535, 65537);
	struct timespec start, end;
	char buf[700];

	(void)state;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
	assert_string_equal(verdict(yaml, true, buf, sizeof(buf)), "");
	assert_string_equal(verdict(large, true, buf, sizeof(buf)), "");
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
	assert_true(end.tv_sec - start.tv_sec < 20);
	free(yaml);
	free(large);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_whole_is_checked),
		cmocka_unit_test(without_a_file_the_path_is_told),
		cmocka_unit_test(families_mix_where_they_can),
		cmocka_unit_test(a_key_without_a_mark_has_a_place),
		cmocka_unit_test(null_and_nul_from_json_are_refused),
		cmocka_unit_test(sizes_are_limited),
		cmocka_unit_test(time_grows_with_size_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
