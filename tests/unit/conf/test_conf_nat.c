// SPDX-License-Identifier: BSD-2-Clause
/* Mode nat: its keys decoded, refused, and what is wrong with its services whatever the host. */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/array.h"
#include "fixtures/conf_decoded.h"

/* A service; more of its keys follow, on a line of its own mostly in column 48. */
#define NAT(name, listen)  "{name: " name ", listen: " listen ", mode: nat, "
#define ONE(listen)        "services: [\n" NAT("a", listen)
#define KEEP(name, listen) NAT(name, listen) "source: keep, "

static void every_key_reaches_its_member(void **state)
{
	struct conf *conf = decode_good(
		"nat_sources: [192.0.2.8, '2001:db8::8', 192.0.2.9]\n"
		"nat_ports: 20000-29999\n"
		"nat_flows: 64K\n"
		"timeouts: {nat: 90m}\n" ONE(
			"192.0.2.1:80/tcp") "backends: ['10.0.0.1:8080']},\n"
					    "{source: keep, idle_timeout: 8h, name: b, listen: 192.0.2.1:81/tcp, mode: nat},\n"
					    "{idle_timeout: 120h, name: c, listen: 192.0.2.1:82/udp, mode: nat, source: nat}]\n");
	char text[ADDR_TEXT_SIZE];

	(void)state;
	assert_int_equal(conf->nat_source_count, 3);
	assert_string_equal(addr_format(&conf->nat_sources[0], text), "192.0.2.8");
	assert_string_equal(addr_format(&conf->nat_sources[1], text), "2001:db8::8");
	assert_string_equal(addr_format(&conf->nat_sources[2], text), "192.0.2.9");
	assert_int_equal(conf->nat_port_first, 20000);
	assert_int_equal(conf->nat_port_last, 29999);
	assert_int_equal(conf->nat_flows, 65536);
	assert_int_equal(conf->nat_idle_ms, 5400000);
	assert_int_equal(conf->services[0].mode, MODE_NAT);
	assert_int_equal(conf->services[0].backends[0].port, 8080);
	assert_int_equal(conf->services[1].mode, MODE_NAT_KEEP);
	assert_int_equal(conf->services[1].idle_timeout_ms, 28800000);
	assert_int_equal(conf->services[2].mode, MODE_NAT);
	assert_int_equal(conf->services[2].idle_timeout_ms, 432000000);
	conf_free(conf);
}

static void absent_keys_have_defaults(void **state)
{
	static const char *const texts[] = { "", "nat_sources:\n", "nat_sources: []\n" };
	struct conf *conf;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(texts); i++) {
		conf = decode_good(texts[i]);
		assert_int_equal(conf->nat_source_count, 0);
		assert_int_equal(conf->nat_port_first, 10240);
		assert_int_equal(conf->nat_port_last, 32767);
		assert_int_equal(conf->nat_flows, 262144);
		assert_int_equal(conf->nat_idle_ms, 432000000);
		conf_free(conf);
	}
}

static void times_depend_on_the_table(void **state)
{
	struct conf *conf = decode_good("timeouts: {tcp: 5m, udp: 10s, nat: 2h}\n" ONE(
		"192.0.2.1:80/tcp") "},\n"
				    "{name: b, listen: 192.0.2.1:80/udp, mode: nat},\n"
				    "{name: c, listen: 192.0.2.1:81/tcp, mode: nat, idle_timeout: 100h}]\n");

	(void)state;
	assert_int_equal(conf_nat_idle_ms(conf, &conf->services[0]), 7200000);
	assert_int_equal(conf_nat_idle_ms(conf, &conf->services[1]), 10000);
	assert_int_equal(conf_nat_idle_ms(conf, &conf->services[2]), 360000000);
	assert_int_equal(conf_idle_ms(conf, &conf->services[0]), 300000);
	assert_int_equal(conf_idle_ms(conf, &conf->services[1]), 10000);
	assert_int_equal(conf_idle_ms(conf, &conf->services[2]), 28800000);
	conf_free(conf);
}

static void a_missing_port_is_the_services(void **state)
{
	struct conf *conf = decode_good(ONE("192.0.2.1:80/tcp") "backends: ['10.0.0.1:8080', "
								"10.0.0.1]}]");
	const struct conf_service *service = conf->services;

	(void)state;
	assert_int_equal(conf_backend_port(service, &service->backends[0]), 8080);
	assert_int_equal(conf_backend_port(service, &service->backends[1]), 80);
	assert_int_equal(service->backends[1].port, 0);
	conf_free(conf);
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
		if (decode(rows[i].yaml, &conf, &error) != -EINVAL)
			fail_msg("accepted: %s", rows[i].yaml);
		assert_string_equal(conf_error_format(&error, "x", buf, sizeof(buf)),
				    rows[i].error);
	}
}

#define SOURCE_EXPECTED "expected an address of this host, like 192.0.2.1 or 2001:db8::1, found "
#define HOST_EXPECTED   "expected a unicast address of a host, found "
#define PORTS_EXPECTED                                                                             \
	"x:1:12: nat_ports: expected a range of at least 1024 ports from 1024 to 65535, like "     \
	"10240-32767, found "

static void sources_and_sizes_are_refused(void **state)
{
	static const struct refusal rows[] = {
		{ "nat_sources: 192.0.2.1",
		  "x:1:14: nat_sources: expected a list of addresses, found \"192.0.2.1\"" },
		{ "nat_sources: [eth0]", "x:1:15: nat_sources[0]: " SOURCE_EXPECTED "\"eth0\"" },
		{ "nat_sources: [192.0.2.1/24]",
		  "x:1:15: nat_sources[0]: " SOURCE_EXPECTED "\"192.0.2.1/24\"" },
		{ "nat_sources: ['192.0.2.1:80']",
		  "x:1:15: nat_sources[0]: " SOURCE_EXPECTED "\"192.0.2.1:80\"" },
		{ "nat_sources: [{address: 192.0.2.1}]",
		  "x:1:15: nat_sources[0]: " SOURCE_EXPECTED "a mapping" },
		{ "nat_sources: [192.0.2.1, 0.0.0.0]",
		  "x:1:26: nat_sources[1]: " HOST_EXPECTED "0.0.0.0: the unspecified address" },
		{ "nat_sources: ['::']",
		  "x:1:15: nat_sources[0]: " HOST_EXPECTED "::: the unspecified address" },
		{ "nat_sources: [127.0.0.1]",
		  "x:1:15: nat_sources[0]: " HOST_EXPECTED
		  "127.0.0.1: loopback, which no packet reaches from outside" },
		{ "nat_sources: ['ff02::1']",
		  "x:1:15: nat_sources[0]: " HOST_EXPECTED "ff02::1: multicast" },
		{ "nat_sources: ['fe80::1']",
		  "x:1:15: nat_sources[0]: " HOST_EXPECTED
		  "fe80::1: link-local, which means nothing without its link" },
		{ "nat_sources: [255.255.255.255]",
		  "x:1:15: nat_sources[0]: " HOST_EXPECTED "255.255.255.255: broadcast" },
		{ "nat_sources:\n- 192.0.2.1\n- '2001:db8::1'\n- 192.0.2.1\n- 2001:DB8::1\n",
		  "x:4:3: nat_sources[2]: expected each address once, found 192.0.2.1 again: "
		  "nat_sources[0] (line 2) has it" },
		{ "nat_flows: 512",
		  "x:1:12: nat_flows: expected a power of two from 1K to 32M, a whole number or "
		  "one with K, M or G, found 512: the nearest is 1K" },
		{ "nat_flows: 64M",
		  "x:1:12: nat_flows: expected a power of two from 1K to 32M, a whole number or "
		  "one with K, M or G, found \"64M\": the nearest is 32M" },
		{ "timeouts: {nat: 121h}", "x:1:17: nat: expected a whole number and its unit (ms, "
					   "s, m, h) from 1s to 120h, found \"121h\"" },
		{ "timeouts: {nat: 0s}", "x:1:17: nat: expected a whole number and its unit (ms, "
					 "s, m, h) from 1s to 120h, found \"0s\"" },
	};

	(void)state;
	expect_refusals(rows, ARRAY_SIZE(rows));
}

static void ports_are_refused(void **state)
{
	static const struct refusal rows[] = {
		{ "nat_ports: 20000", PORTS_EXPECTED "20000" },
		{ "nat_ports: all", PORTS_EXPECTED "\"all\"" },
		{ "nat_ports: 10240", PORTS_EXPECTED "10240" },
		{ "nat_ports: 10240-", PORTS_EXPECTED "\"10240-\"" },
		{ "nat_ports: '-10240'", PORTS_EXPECTED "\"-10240\"" },
		{ "nat_ports: 10240 - 32767", PORTS_EXPECTED "\"10240 - 32767\"" },
		{ "nat_ports: 10240-20000-30000", PORTS_EXPECTED "\"10240-20000-30000\"" },
		{ "nat_ports: 010240-32767", PORTS_EXPECTED "\"010240-32767\"" },
		{ "nat_ports: 10240-65536", PORTS_EXPECTED "\"10240-65536\"" },
		{ "nat_ports: '10240:32767'", PORTS_EXPECTED "\"10240:32767\"" },
		{ "nat_ports: [10240, 32767]", PORTS_EXPECTED "a list" },
		{ "nat_ports:", "x:1:11: nat_ports: expected a range of at least 1024 ports from "
				"1024 to 65535, like 10240-32767, found nothing" },
		{ "nat_ports: 1023-32767",
		  PORTS_EXPECTED "\"1023-32767\", which begins below 1024" },
		{ "nat_ports: 32767-10240",
		  PORTS_EXPECTED "\"32767-10240\", whose end is before its beginning" },
		{ "nat_ports: 20000-21022", PORTS_EXPECTED "\"20000-21022\", which has 1023" },
		{ "nat_ports: 64512-64512", PORTS_EXPECTED "\"64512-64512\", which has 1" },
	};

	(void)state;
	expect_refusals(rows, ARRAY_SIZE(rows));
}

#define SPAN_EXPECTED "idle_timeout: expected a whole number and its unit (ms, s, m, h) from 1s to "

static void keys_depend_on_the_mode(void **state)
{
	static const struct refusal rows[] = {
		{ "services: [{name: a, listen: 192.0.2.1:80/tcp, source: keep, mode: ipip}]",
		  "x:1:56: source: expected only with mode nat, found with mode ipip" },
		{ "services: [{name: a, listen: 192.0.2.1:80/tcp, source: nat, mode: local}]",
		  "x:1:56: source: expected only with mode nat, found with mode local" },
		{ "services: [{name: a, listen: 192.0.2.1:80/tcp, source: kept, mode: nat}]",
		  "x:1:56: source: expected nat or keep, found \"kept\"" },
		{ "services: [{name: a, listen: 192.0.2.1:80/tcp, source: , mode: nat}]",
		  "x:1:56: source: expected nat or keep, found nothing" },
		{ ONE("192.0.2.1:80/sctp") "}]",
		  "x:2:19: listen: expected SCTP only with mode l2, ipip or gue, found it with mode nat" },
		{ "services: [{name: a, listen: 192.0.2.1:80/sctp, mode: local}]",
		  "x:1:30: listen: expected SCTP only with mode l2, ipip or gue, found it with mode local" },
		{ ONE("192.0.2.1:80/tcp") "gue_port: 6080}]",
		  "x:2:58: gue_port: expected only with mode gue, found with mode nat" },
		{ ONE("192.0.2.1:80/tcp") "idle_timeout: 121h}]",
		  "x:2:62: " SPAN_EXPECTED "120h, found \"121h\"" },
		{ ONE("192.0.2.1:80/tcp") "source: keep, idle_timeout: 9h}]",
		  "x:2:76: " SPAN_EXPECTED "8h, found \"9h\"" },
		{ "services: [{name: a, listen: 192.0.2.1:80/tcp, idle_timeout: 121h, mode: gue}]",
		  "x:1:62: " SPAN_EXPECTED "8h, found \"121h\"" },
		{ ONE("0.0.0.0:80/tcp") "}]",
		  "x:2:19: listen: " HOST_EXPECTED
		  "0.0.0.0: the unspecified address (mode local takes it)" },
		{ ONE("'[::]:80/tcp'") "}]", "x:2:19: listen: " HOST_EXPECTED
					     "::: the unspecified address (mode local takes it)" },
		{ ONE("127.0.0.1:80/tcp") "}]",
		  "x:2:19: listen: " HOST_EXPECTED
		  "127.0.0.1: loopback, which no packet reaches from outside (mode local takes "
		  "it)" },
		{ ONE("192.0.2.1:80/tcp") "backends: [{address: '127.0.0.1:81'}]}]",
		  "x:2:69: address: " HOST_EXPECTED
		  "127.0.0.1: loopback, which no packet reaches from outside (mode local takes "
		  "it)" },
		{ ONE("192.0.2.1:80/tcp") "backends: ['0.0.0.0:81']}]",
		  "x:2:59: backends[0]: " HOST_EXPECTED "0.0.0.0: the unspecified address" },
	};

	(void)state;
	expect_refusals(rows, ARRAY_SIZE(rows));
}

#define AGAIN "expected each address and port once, found "

static void backends_are_checked(void **state)
{
	static const struct refusal rows[] = {
		{ ONE("192.0.2.1:80/tcp") "backends: ['[2001:db8::1]:80']}]",
		  "x:2:59: backends[0]: expected an IPv4 address like the service's (mode nat "
		  "carries no other family; ipip and gue do), found 2001:db8::1" },
		{ ONE("'[2001:db8::1]:80/tcp'") "source: keep, backends:\n[10.0.0.1]}]",
		  "x:3:2: backends[0]: expected an IPv6 address like the service's (mode nat "
		  "carries no other family; ipip and gue do), found 10.0.0.1" },
		{ ONE("192.0.2.1:80/tcp") "backends: ['10.0.0.1:81', 10.0.0.1, '10.0.0.1:81']}]",
		  "x:2:84: backends[2]: " AGAIN "10.0.0.1:81 again: backends[0] (line 2) has it" },
		{ ONE("192.0.2.1:80/tcp") "backends: [10.0.0.1,\n'10.0.0.1:80']}]",
		  "x:3:1: backends[1]: " AGAIN "10.0.0.1:80 again: backends[0] (line 2) has it "
		  "(without a port it is the service's)" },
		{ ONE("192.0.2.1:80/tcp") "backends: ['192.0.2.2:80']},\n" NAT(
			  "b", "192.0.2.2:81/tcp") "}]",
		  "x:2:59: backends[0]: expected an address that no service listens on, found "
		  "192.0.2.2: service \"b\" (line 3) does" },
	};

	(void)state;
	expect_refusals(rows, ARRAY_SIZE(rows));
}

#define WITHOUT "x:1:14: nat_sources: expected an "
#define WITH_TWO                                                                                   \
	"services: [\n" NAT("a", "192.0.2.1:80/tcp") "backends: [10.0.0.1]},\n" NAT(               \
		"b", "'[2001:db8::1]:80/tcp'") "backends: ['2001:db8::2']}]"

static void each_family_has_a_source(void **state)
{
	static const struct refusal rows[] = {
		{ "nat_sources: [192.0.2.1]\n" WITH_TWO,
		  WITHOUT "IPv6 address, too, for the backends of service \"b\" (line 4), found "
			  "IPv4 ones only: add one, or leave nat_sources out for the address of "
			  "the outgoing interface" },
		{ "nat_sources: ['2001:db8::1']\n" WITH_TWO,
		  WITHOUT "IPv4 address, too, for the backends of service \"a\" (line 3), found "
			  "IPv6 ones only: add one, or leave nat_sources out for the address of "
			  "the outgoing interface" },
	};

	(void)state;
	expect_refusals(rows, ARRAY_SIZE(rows));
	conf_free(decode_good(WITH_TWO));
	conf_free(decode_good("nat_sources: ['2001:db8::1', 192.0.2.1]\n" WITH_TWO));
	/* Without a backend, or translated from the client's own address, none is needed. */
	conf_free(decode_good("nat_sources: ['2001:db8::1']\n" ONE("192.0.2.1:80/tcp") "}]"));
	conf_free(decode_good("nat_sources: ['2001:db8::1']\nservices: [\n" KEEP(
		"a", "192.0.2.1:80/tcp") "backends: [10.0.0.1]}]"));
}

#define OUTSIDE(ports) "x:2:19: listen: expected a port outside nat_ports (" ports "), "
#define SOURCES        "nat_sources: ['2001:db8::1', 192.0.2.9, 192.0.2.1], "

/* One line, so that a service's line is the second. */
#define AT(ports, listen) "{" SOURCES "nat_ports: " ports ", services: [\n" NAT("a", listen) "}]}"

static void replies_have_their_ports(void **state)
{
	static const struct refusal rows[] = {
		{ AT("10240-32767", "192.0.2.1:20000/tcp"),
		  OUTSIDE("10240-32767") "192.0.2.1 being one of nat_sources, found 20000: use "
					 "another port or e.g. `nat_ports: 20001-32767`" },
		{ AT("10240-32767", "'[2001:db8::1]:30000/udp'"),
		  OUTSIDE("10240-32767") "2001:db8::1 being one of nat_sources, found 30000: use "
					 "another port or e.g. `nat_ports: 10240-29999`" },
		{ AT("20000-29999", "192.0.2.1:20000/tcp"),
		  OUTSIDE("20000-29999") "192.0.2.1 being one of nat_sources, found 20000: use "
					 "another port or e.g. `nat_ports: 20001-29999`" },
		{ AT("20000-29999", "192.0.2.9:29999/tcp"),
		  OUTSIDE("20000-29999") "192.0.2.9 being one of nat_sources, found 29999: use "
					 "another port or e.g. `nat_ports: 20000-29998`" },
		{ AT("20000-21024", "192.0.2.9:20500/tcp"),
		  OUTSIDE("20000-21024") "192.0.2.9 being one of nat_sources, found 20500: use "
					 "another port" },
		{ AT("20000-21024", "192.0.2.9:20600/tcp"),
		  OUTSIDE("20000-21024") "192.0.2.9 being one of nat_sources, found 20600: use "
					 "another port" },
		{ AT("20000-21024", "192.0.2.9:21024/tcp"),
		  OUTSIDE("20000-21024") "192.0.2.9 being one of nat_sources, found 21024: use "
					 "another port or e.g. `nat_ports: 20000-21023`" },
		{ "{" SOURCES "services: [\n{name: a, listen: 192.0.2.1:20000/tcp, mode: l2}]}",
		  OUTSIDE("10240-32767") "192.0.2.1 being one of nat_sources, found 20000: use "
					 "another port or e.g. `nat_ports: 20001-32767`" },
	};
	static const char *const good[] = {
		AT("20000-21023", "192.0.2.1:19999/tcp"),
		AT("20000-29999", "192.0.2.1:30000/tcp"),
		AT("20000-29999", "192.0.2.2:25000/tcp"),
		"{" SOURCES "services: [{name: a, listen: 192.0.2.1:20000/tcp, mode: local}]}",
	};
	size_t i;

	(void)state;
	expect_refusals(rows, ARRAY_SIZE(rows));
	for (i = 0; i < ARRAY_SIZE(good); i++)
		conf_free(decode_good(good[i]));
}

#define AMBIGUOUS "expected a backend of no other service with source: keep, found "
#define WHOSE                                                                                      \
	" has it, and its replies would not tell whose they are: use another port of the "         \
	"backend, or `source: nat`"

static void a_kept_source_needs_a_backend_of_its_own(void **state)
{
	static const struct refusal rows[] = {
		{ "services: [\n" KEEP("a", "192.0.2.1:80/tcp") "backends: [10.0.0.1]},\n" KEEP(
			  "b", "192.0.2.1:81/tcp") "backends: [10.0.0.2,\n'10.0.0.1:80']}]",
		  "x:4:1: backends[1]: " AMBIGUOUS
		  "10.0.0.1:80/tcp: service \"a\" (line 2)" WHOSE },
		{ "services: [\n" KEEP("a", "192.0.2.1:80/udp") "backends: ['10.0.0.1:8080']},\n" KEEP(
			  "b", "192.0.2.1:81/udp") "backends:\n[{address: '10.0.0.1:8080'}]}]",
		  "x:4:12: address: " AMBIGUOUS "10.0.0.1:8080/udp: service \"a\" (line 2)" WHOSE },
	};
	static const char *const good[] = {
		/* other ports, another protocol, a source of our own */
		"services: [\n" KEEP("a", "192.0.2.1:80/tcp") "backends: [10.0.0.1]},\n" KEEP(
			"b", "192.0.2.1:81/tcp") "backends: [10.0.0.1]}]",
		"services: [\n" KEEP("a", "192.0.2.1:80/tcp") "backends: [10.0.0.1]},\n" KEEP(
			"b", "192.0.2.1:80/udp") "backends: [10.0.0.1]}]",
		"services: [\n" KEEP("a", "192.0.2.1:80/tcp") "backends: [10.0.0.1]},\n" NAT(
			"b", "192.0.2.1:81/tcp") "backends: ['10.0.0.1:80']}]",
	};
	size_t i;

	(void)state;
	expect_refusals(rows, ARRAY_SIZE(rows));
	for (i = 0; i < ARRAY_SIZE(good); i++)
		conf_free(decode_good(good[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_key_reaches_its_member),
		cmocka_unit_test(absent_keys_have_defaults),
		cmocka_unit_test(times_depend_on_the_table),
		cmocka_unit_test(a_missing_port_is_the_services),
		cmocka_unit_test(sources_and_sizes_are_refused),
		cmocka_unit_test(ports_are_refused),
		cmocka_unit_test(keys_depend_on_the_mode),
		cmocka_unit_test(backends_are_checked),
		cmocka_unit_test(each_family_has_a_source),
		cmocka_unit_test(replies_have_their_ports),
		cmocka_unit_test(a_kept_source_needs_a_backend_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
