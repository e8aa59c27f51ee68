// SPDX-License-Identifier: BSD-2-Clause
/* The checked decode: what a good configuration becomes, and how each bad one is refused. */
#include <errno.h>
#include <netinet/in.h>
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
#include "fixtures/conf_decoded.h"

static void every_key_reaches_its_member(void **state)
{
	struct conf *conf = decode_good(
		"interfaces: [eth0, {name: eth1, xdp: generic}, {name: eth2, xdp: native}]\n"
		"max_backends: 100\n"
		"seed: 00112233445566778899AABBccddeeff\n"
		"services:\n"
		"  - name: Web-1.x_y\n"
		"    listen: 192.0.2.10:80/tcp\n"
		"    mode: gue\n"
		"    scheduler: maglev\n"
		"    rows: 251\n"
		"    gue_port: 6000\n"
		"    check: {http: /healthz?a=b, port: 81, interval: 5m, timeout: 1500ms, rise: 4,\n"
		"            fall: 5}\n"
		"    backends:\n"
		"      - 10.0.0.11\n"
		"      - {address: 10.0.0.12:8080, weight: 0}\n"
		"      - {address: '[2001:db8::13]:8081', weight: 65535}\n");
	const struct conf_service *service = conf->services;
	char buf[ENDPOINT_TEXT_SIZE];

	(void)state;
	assert_int_equal(conf->interface_count, 3);
	assert_string_equal(conf->interfaces[0].name, "eth0");
	assert_int_equal(conf->interfaces[0].xdp, XDP_MODE_AUTO);
	assert_int_equal(conf->interfaces[1].xdp, XDP_MODE_GENERIC);
	assert_int_equal(conf->interfaces[2].xdp, XDP_MODE_NATIVE);
	assert_int_equal(conf->max_backends, 100);
	assert_true(conf->seed_set);
	assert_true(conf->seed[0] == 0x0011223344556677 && conf->seed[1] == 0x8899aabbccddeeff);
	assert_int_equal(conf->service_count, 1);
	assert_string_equal(service->name, "Web-1.x_y");
	assert_string_equal(listen_format(&service->addr, service->port, service->proto, buf),
			    "192.0.2.10:80/tcp");
	assert_int_equal(service->mode, MODE_GUE);
	assert_int_equal(service->rows, 251);
	assert_int_equal(service->gue_port, 6000);
	assert_ptr_equal(service->check.kind, &check_http);
	assert_string_equal(json_string_value(service->check.value), "/healthz?a=b");
	assert_int_equal(service->check.port, 81);
	assert_int_equal(service->check.interval_ms, 300000);
	assert_int_equal(service->check.timeout_ms, 1500);
	assert_int_equal(service->check.rise, 4);
	assert_int_equal(service->check.fall, 5);
	assert_int_equal(service->backend_count, 3);
	assert_int_equal(service->backends[0].port, 0);
	assert_int_equal(service->backends[0].weight, 100);
	assert_int_equal(service->backends[1].port, 8080);
	assert_int_equal(service->backends[1].weight, 0);
	assert_string_equal(endpoint_format(&service->backends[2].addr, 8081, buf),
			    "[2001:db8::13]:8081");
	assert_int_equal(service->backends[2].weight, 65535);
	conf_free(conf);
}

static void absent_keys_have_defaults(void **state)
{
	struct conf *conf =
		decode_good("services:\n"
			    "  - {name: a, listen: '[2001:db8::1]:53/udp', mode: l2}\n"
			    "  - {name: b, listen: '[2001:db8::1]:53/tcp', mode: ipip,\n"
			    "     check: {tcp: true}, backends: }\n"
			    "  - {name: c, listen: '192.0.2.1:53/tcp', mode: ipip,\n"
			    "     check: {tcp: true, interval: 500ms}}\n");

	(void)state;
	assert_int_equal(conf->interface_count, 0);
	assert_int_equal(conf->max_backends, POISE_DEFAULT_BACKENDS);
	assert_false(conf->seed_set);
	assert_int_equal(conf->services[0].proto, IPPROTO_UDP);
	assert_int_equal(conf->services[0].rows, POISE_DEFAULT_ROWS);
	assert_int_equal(conf->services[0].gue_port, POISE_GUE_PORT);
	assert_null(conf->services[0].check.kind);
	assert_int_equal(conf->services[0].backend_count, 0);
	assert_ptr_equal(conf->services[1].check.kind, &check_tcp);
	assert_int_equal(conf->services[1].check.port, 0);
	assert_int_equal(conf->services[1].check.interval_ms, 2000);
	assert_int_equal(conf->services[1].check.timeout_ms, 1000);
	assert_int_equal(conf->services[1].check.rise, 2);
	assert_int_equal(conf->services[1].check.fall, 3);
	assert_int_equal(conf->services[2].check.timeout_ms, 500);
	conf_free(conf);
}

static void little_is_enough(void **state)
{
	static const char *const texts[] = { "", "services:\n", "interfaces: []\nservices: []\n" };
	struct conf *conf;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(texts); i++) {
		conf = decode_good(texts[i]);
		assert_int_equal(conf->service_count, 0);
		conf_free(conf);
	}
	conf_free(NULL);
}

struct refusal {
	const char *yaml, *error;
};

static void expect_refusals(const struct refusal *rows, size_t count)
{
	struct conf_error error;
	struct conf *conf;
	char buf[700];
	size_t i;

	for (i = 0; i < count; i++) {
		conf = (struct conf *)&error; /* stays as it was */
		if (decode(rows[i].yaml, &conf, &error) != -EINVAL)
			fail_msg("accepted: %s", rows[i].yaml);
		assert_ptr_equal(conf, &error);
		assert_string_equal(conf_error_format(&error, "x", buf, sizeof(buf)),
				    rows[i].error);
	}
}

static void top_level_trouble(void **state)
{
	static const struct refusal rows[] = {
		{ "- a\n", "x:1:1: expected a mapping with interfaces and services, found a list" },
		{ "hello\n",
		  "x:1:1: expected a mapping with interfaces and services, found \"hello\"" },
		{ "service: []\n", "x:1:1: unknown key \"service\": did you mean services?" },
		{ "\n  backend: 1\n",
		  "x:2:3: unknown key \"backend\": expected one of interfaces, "
		  "max_backends, flows, timeouts, nat_sources, nat_ports, nat_flows, "
		  "seed, services" },
		{ "services: {a: 1}\n",
		  "x:1:11: services: expected a list of services, found a mapping" },
		{ "services: [1]\n", "x:1:12: services[0]: expected a mapping with name, listen, "
				     "mode and backends, found 1" },
		{ "max_backends: 1\n",
		  "x:1:15: max_backends: expected a whole number from 2 to 65535, found 1" },
		{ "max_backends: 65536\n",
		  "x:1:15: max_backends: expected a whole number from 2 to 65535, found 65536" },
		{ "max_backends: 4e3\n",
		  "x:1:15: max_backends: expected a whole number from 2 to 65535, found 4000" },
		{ "max_backends: ~\n",
		  "x:1:15: max_backends: expected a whole number from 2 to 65535, found nothing" },
		{ "seed: 12345678\n",
		  "x:1:7: seed: expected 32 hexadecimal digits in quotes, found "
		  "12345678, which is no text without quotes" },
		{ "seed: 0011223344556677889900112233445\n",
		  "x:1:7: seed: expected 32 hexadecimal digits in quotes, found "
		  "\"0011223344556677889900112233445\"" },
		{ "seed: 0x112233445566778899001122334455\n",
		  "x:1:7: seed: expected 32 hexadecimal digits in quotes, found "
		  "\"0x112233445566778899001122334455\"" },
	};

	(void)state;
	expect_refusals(rows, ARRAY_SIZE(rows));
}

#define INTERFACE_EXPECTED                                                                         \
	"expected an interface's name of 1 to 15 characters without blanks, / and :, found "

static void interface_trouble(void **state)
{
	static const struct refusal rows[] = {
		{ "interfaces: eth0\n",
		  "x:1:13: interfaces: expected a list of interfaces, found \"eth0\"" },
		{ "interfaces: ['']\n", "x:1:14: interfaces[0]: " INTERFACE_EXPECTED "\"\"" },
		{ "interfaces: [sixteen-letters0]\n",
		  "x:1:14: interfaces[0]: " INTERFACE_EXPECTED "\"sixteen-letters0\"" },
		{ "interfaces: [{name: a/b}]\n", "x:1:21: name: " INTERFACE_EXPECTED "\"a/b\"" },
		{ "interfaces: ['a b']\n", "x:1:14: interfaces[0]: " INTERFACE_EXPECTED "\"a b\"" },
		{ "interfaces: ['eth0:1']\n",
		  "x:1:14: interfaces[0]: " INTERFACE_EXPECTED "\"eth0:1\"" },
		{ "interfaces: ['..']\n", "x:1:14: interfaces[0]: " INTERFACE_EXPECTED "\"..\"" },
		{ "interfaces: [\"a\\tb\"]\n",
		  "x:1:14: interfaces[0]: " INTERFACE_EXPECTED "\"a\\x09b\"" },
		{ "interfaces: [1]\n", "x:1:14: interfaces[0]: expected an interface's name or a "
				       "mapping with name and xdp, found 1" },
		{ "interfaces: [{xdp: auto}]\n",
		  "x:1:14: interfaces[0]: expected the key name (an interface's name of 1 to 15 "
		  "characters without blanks, / and :), found none" },
		{ "interfaces: [{name: eth0, xdp: nativ}]\n",
		  "x:1:32: xdp: expected auto, native or generic, found \"nativ\": did you mean "
		  "native?" },
		{ "interfaces: [{name: eth0, xdp: true}]\n",
		  "x:1:32: xdp: expected auto, native or generic, found true, which is no text "
		  "without quotes" },
		{ "interfaces:\n- eth0\n- eth1\n- {name: eth1}\n- eth0\n",
		  "x:4:10: name: expected each interface once, found eth1 again, first (line 3)" },
	};

	(void)state;
	expect_refusals(rows, ARRAY_SIZE(rows));
}

#define NAME_EXPECTED                                                                              \
	"1 to 63 letters, digits, dots, underscores and hyphens, a letter or digit first"
#define LISTEN_EXPECTED                                                                            \
	"address, port from 1 to 65535 and protocol, like 192.0.2.10:80/tcp or "                   \
	"\"[2001:db8::10]:53/udp\""
/* The rest of a service whose trouble is elsewhere; what follows begins in column 48. */
#define SERVICE "services: [{name: a, listen: 192.0.2.1:80/tcp, "

static void service_trouble(void **state)
{
	static const struct refusal rows[] = {
		{ "services:\n- listen: 192.0.2.1:80/tcp\n  mode: l2\n",
		  "x:2:3: services[0]: expected the key name (" NAME_EXPECTED "), found none" },
		{ "services: [{name: a, mode: l2}]\n",
		  "x:1:12: services[0]: expected the key listen (" LISTEN_EXPECTED
		  "), found none" },
		{ SERVICE "}]\n",
		  "x:1:12: services[0]: expected the key mode (l2, ipip, gue, nat or local), found none" },
		{ "services: [{name: 80}]\n", "x:1:19: name: expected " NAME_EXPECTED
					      ", found 80, which is no text without quotes" },
		{ "services: [{name: -a}]\n",
		  "x:1:19: name: expected " NAME_EXPECTED ", found \"-a\"" },
		{ "services: [{name: a/b}]\n",
		  "x:1:19: name: expected " NAME_EXPECTED ", found \"a/b\"" },
		{ "services: [{name: ''}]\n",
		  "x:1:19: name: expected " NAME_EXPECTED ", found \"\"" },
		{ "services: [{name: a, listen: 192.0.2.1:0/tcp}]\n",
		  "x:1:30: listen: expected " LISTEN_EXPECTED ", found \"192.0.2.1:0/tcp\"" },
		{ "services: [{name: a, listen: 192.0.2.1:80}]\n",
		  "x:1:30: listen: expected " LISTEN_EXPECTED ", found \"192.0.2.1:80\"" },
		{ "services: [{name: a, listen: [80]}]\n",
		  "x:1:30: listen: expected " LISTEN_EXPECTED ", found a list" },
		{ SERVICE "mode: dsr}]\n",
		  "x:1:54: mode: expected l2, ipip, gue, nat or local, found \"dsr\"" },
		{ SERVICE "mode: ipp}]\n",
		  "x:1:54: mode: expected l2, ipip, gue, nat or local, found \"ipp\": did you mean "
		  "ipip?" },
		{ SERVICE "rows: 65536}]\n",
		  "x:1:54: rows: expected a prime, found 65536: the nearest are 65521 and 65537" },
		{ SERVICE "rows: 252}]\n",
		  "x:1:54: rows: expected a prime, found 252: the nearest are 251 and 257" },
		{ SERVICE "rows: 66049}]\n", /* 257 times 257 */
		  "x:1:54: rows: expected a prime, found 66049: the nearest are 66047 and 66067" },
		{ SERVICE "rows: 1048572}]\n", "x:1:54: rows: expected a prime, found 1048572: the "
					       "nearest are 1048571 and 1048573" },
		{ SERVICE "rows: 241}]\n",
		  "x:1:54: rows: expected a prime from 251 to 1048573, found 241" },
		{ SERVICE "rows: 1048583}]\n",
		  "x:1:54: rows: expected a prime from 251 to 1048573, found 1048583" },
		{ SERVICE "rows: many}]\n",
		  "x:1:54: rows: expected a prime from 251 to 1048573, found \"many\"" },
		{ SERVICE "mode: gue, gue_port: 0}]\n",
		  "x:1:69: gue_port: expected a whole number from 1 to 65535, found 0" },
		{ SERVICE "gue_port: 6080, mode: ipip}]\n",
		  "x:1:58: gue_port: expected only with mode gue, found with mode ipip" },
		{ SERVICE "mode: l2, backend: []}]\n",
		  "x:1:58: unknown key \"backend\": did you mean backends?" },
		{ SERVICE "mode: l2}, {name: b, listen: 192.0.2.1:80/udp, mode: l2},\n"
			  "{name: a, listen: 192.0.2.1:81/tcp, mode: l2}]\n",
		  "x:2:8: name: expected a name of its own, found \"a\": services[0] (line 1) has "
		  "it" },
		{ SERVICE "mode: l2}, {name: b, listen: 192.0.2.1:80/udp, mode: l2},\n"
			  "{name: c, listen: 192.0.2.1:80/tcp, mode: l2}]\n",
		  "x:2:19: listen: expected an endpoint of its own, found 192.0.2.1:80/tcp: service "
		  "\"a\" (line 1) has it" },
	};

	(void)state;
	expect_refusals(rows, ARRAY_SIZE(rows));
}

static void outer_sources_trouble(void **state)
{
	static const struct refusal rows[] = {
		{ SERVICE "mode: gue, outer_sources: 10.9.0.0/16}]\n",
		  "x:1:74: outer_sources: expected only with mode ipip, found with mode gue" },
		{ SERVICE "mode: ipip, outer_sources: 10.9.0.1/16}]\n",
		  "x:1:75: outer_sources: expected a network like 10.9.0.0/16 or fd00:9::/64, or "
		  "one of each IP version with a comma between them, found \"10.9.0.1/16\": did you "
		  "mean 10.9.0.0/16?" },
		{ SERVICE "mode: ipip, outer_sources: 10.9.0.0/31}]\n",
		  "x:1:75: outer_sources: expected a prefix length from 8 to 30, found "
		  "\"10.9.0.0/31\"" },
		{ SERVICE "mode: ipip, outer_sources: 'fd00::/64,fd01::/64'}]\n",
		  "x:1:75: outer_sources: expected one network of each IP version, found "
		  "\"fd00::/64,fd01::/64\"" },
	};

	(void)state;
	expect_refusals(rows, ARRAY_SIZE(rows));
}

#define HTTP_EXPECTED                                                                              \
	"a path that begins with / and has at most 1024 characters, all printable ASCII but "      \
	"blank and #"
#define INTERVAL_EXPECTED "a whole number and its unit (ms, s, m, h) from 100ms to 1h"

static void check_trouble(void **state)
{
	static const struct refusal rows[] = {
		{ SERVICE "check: tcp}]\n", "x:1:55: check: expected a mapping with tcp: true or "
					    "http: PATH, found \"tcp\"" },
		{ SERVICE "check: {}}]\n",
		  "x:1:55: check: expected tcp: true or http: PATH, found neither" },
		{ SERVICE "check: {tcp: false}}]\n", "x:1:61: tcp: expected true, found false" },
		{ SERVICE "check: {tcp: true, http: /}}]\n",
		  "x:1:73: http: expected either tcp or http, found both" },
		{ SERVICE "check: {http: /, tcp: true}}]\n",
		  "x:1:70: tcp: expected either tcp or http, found both" },
		{ SERVICE "check: {http: healthz}}]\n",
		  "x:1:62: http: expected " HTTP_EXPECTED ", found \"healthz\"" },
		{ SERVICE "check: {http: /a b}}]\n",
		  "x:1:62: http: expected " HTTP_EXPECTED ", found \"/a b\"" },
		{ SERVICE "check: {http: \"/a\\r\\nX: b\"}}]\n",
		  "x:1:62: http: expected " HTTP_EXPECTED ", found \"/a\\x0d\\x0aX: b\"" },
		{ SERVICE "check: {http: /\xc3\xa4}}]\n",
		  "x:1:62: http: expected " HTTP_EXPECTED ", found \"/\xc3\xa4\"" },
		{ SERVICE "check: {http: /a#b}}]\n",
		  "x:1:62: http: expected " HTTP_EXPECTED ", found \"/a#b\"" },
		{ SERVICE "check: {http: ''}}]\n",
		  "x:1:62: http: expected " HTTP_EXPECTED ", found \"\"" },
		{ SERVICE "check: {tcp: true, interval: 2}}]\n",
		  "x:1:77: interval: expected " INTERVAL_EXPECTED ", found 2" },
		{ SERVICE "check: {tcp: true, interval: 99ms}}]\n",
		  "x:1:77: interval: expected " INTERVAL_EXPECTED ", found \"99ms\"" },
		{ SERVICE "check: {tcp: true, interval: 61m}}]\n",
		  "x:1:77: interval: expected " INTERVAL_EXPECTED ", found \"61m\"" },
		{ SERVICE "check: {tcp: true, interval: 1.5s}}]\n",
		  "x:1:77: interval: expected " INTERVAL_EXPECTED ", found \"1.5s\"" },
		{ SERVICE "check: {tcp: true, interval: 2 s}}]\n",
		  "x:1:77: interval: expected " INTERVAL_EXPECTED ", found \"2 s\"" },
		{ SERVICE "check: {tcp: true, interval: -2s}}]\n",
		  "x:1:77: interval: expected " INTERVAL_EXPECTED ", found \"-2s\"" },
		{ SERVICE "check: {tcp: true, interval: 02s}}]\n",
		  "x:1:77: interval: expected " INTERVAL_EXPECTED ", found \"02s\"" },
		{ SERVICE "check: {tcp: true, interval: 99999999999999999999s}}]\n",
		  "x:1:77: interval: expected " INTERVAL_EXPECTED
		  ", found \"99999999999999999999s\"" },
		{ SERVICE "check: {tcp: true, interval: s}}]\n",
		  "x:1:77: interval: expected " INTERVAL_EXPECTED ", found \"s\"" },
		{ SERVICE "check: {tcp: true, timeout: 3s}}]\n",
		  "x:1:76: timeout: expected at most the interval (2s), found 3s" },
		{ SERVICE "check: {tcp: true, timeout: 600ms, interval: 500ms}}]\n",
		  "x:1:76: timeout: expected at most the interval (500ms), found 600ms" },
		{ SERVICE "check: {tcp: true, rise: 0}}]\n",
		  "x:1:73: rise: expected a whole number from 1 to 1000, found 0" },
		{ SERVICE "check: {tcp: true, fall: -1}}]\n",
		  "x:1:73: fall: expected a whole number from 1 to 1000, found -1" },
		{ SERVICE "check: {tcp: true, port: 65536}}]\n",
		  "x:1:73: port: expected a whole number from 1 to 65535, found 65536" },
		{ SERVICE "check: {tcp: true, intervall: 2s}}]\n",
		  "x:1:67: unknown key \"intervall\": did you mean interval?" },
	};

	(void)state;
	expect_refusals(rows, ARRAY_SIZE(rows));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_key_reaches_its_member),
		cmocka_unit_test(absent_keys_have_defaults),
		cmocka_unit_test(little_is_enough),
		cmocka_unit_test(top_level_trouble),
		cmocka_unit_test(interface_trouble),
		cmocka_unit_test(service_trouble),
		cmocka_unit_test(outer_sources_trouble),
		cmocka_unit_test(check_trouble),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
