// SPDX-License-Identifier: BSD-2-Clause
/* Addresses and endpoints: what is accepted prints as it was written, the rest is refused. */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/addr.h"

static void addresses_print_as_written(void **state)
{
	static const char *const texts[] = {
		"192.0.2.1", "0.0.0.0", "255.255.255.255", "2001:db8::1", "::", "::1", "fe80::1",
	};
	char buf[ADDR_TEXT_SIZE];
	struct addr addr;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		assert_int_equal(addr_parse(texts[i], &addr), 0);
		assert_string_equal(addr_format(&addr, buf), texts[i]);
		assert_int_equal(addr_is_v4(&addr), !strchr(texts[i], ':'));
	}
}

static void ipv4_is_kept_as_mapped(void **state)
{
	static const struct addr expected = { { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2,
						1 } };
	struct addr addr, other;

	(void)state;
	assert_int_equal(addr_parse("192.0.2.1", &addr), 0);
	assert_memory_equal(&addr, &expected, sizeof(addr));
	assert_memory_equal(addr_v4(&addr), "\xc0\x00\x02\x01", 4);
	assert_true(addr_equal(&addr, &expected));
	assert_int_equal(addr_parse("192.0.2.2", &other), 0);
	assert_false(addr_equal(&addr, &other));
}

static void ipv6_spellings_become_one(void **state)
{
	struct addr addr;
	char buf[ADDR_TEXT_SIZE];

	(void)state;
	assert_int_equal(addr_parse("2001:0DB8:0000:0000:0000:0000:0000:0001", &addr), 0);
	assert_string_equal(addr_format(&addr, buf), "2001:db8::1");
}

static void other_addresses_are_refused(void **state)
{
	static const char *const texts[] = {
		"",
		" 192.0.2.1",
		"192.0.2.1 ",
		"192.0.2",
		"192.0.2.256",
		"192.0.2.01",
		"+192.0.2.1",
		"0xc0.0.2.1",
		"3221225985",
		"::ffff:192.0.2.1",
		"fe80::1%lo",
		"[2001:db8::1]",
		"2001:db8::g",
		"1::2::3",
		"2001:db8::1/64",
		"192.0.2.1\n",
		"::ffff:c000:201",
		"192.0.2.1.5",
		"web",
	};
	struct addr addr = { { 7 } };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		assert_int_equal(addr_parse(texts[i], &addr), -EINVAL);
	assert_int_equal(addr.b[0], 7);
}

static void ports_are_plain_digits(void **state)
{
	static const char *const bad[] = { "",    "0",   "00", "080",   "+80",        "-1",
					   " 80", "80 ", "8a", "65536", "4294967376", "0x50" };
	__u16 port = 7;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(port_parse(bad[i], &port), -EINVAL);
	assert_int_equal(port, 7);
	assert_int_equal(port_parse("1", &port), 0);
	assert_int_equal(port, 1);
	assert_int_equal(port_parse("65535", &port), 0);
	assert_int_equal(port, 65535);
}

static void endpoints_print_as_written(void **state)
{
	static const struct {
		const char *text;
		int port;
	} rows[] = {
		{ "10.0.0.11", 0 },
		{ "10.0.0.11:8080", 8080 },
		{ "2001:db8::1", 0 },
		{ "[2001:db8::1]:8080", 8080 },
		{ "[::]:1", 1 },
		{ "255.255.255.255:65535", 65535 },
		{ "2001:db8::1:80", 0 }, /* an address that ends in :80 */
		{ "[2001:db8:1111:2222:3333:4444:5555:6666]:65535", 65535 },
	};
	char buf[ENDPOINT_TEXT_SIZE];
	struct addr addr;
	__u16 port;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_int_equal(endpoint_parse(rows[i].text, &addr, &port), 0);
		assert_int_equal(port, rows[i].port);
		assert_string_equal(endpoint_format(&addr, port, buf), rows[i].text);
	}
}

static void other_endpoints_are_refused(void **state)
{
	static const char *const texts[] = {
		"",
		":80",
		"10.0.0.11:",
		"10.0.0.11:0",
		"10.0.0.11:+1",
		"[10.0.0.11]:80",
		"[2001:db8::1]",
		"[2001:db8::1]80",
		"[2001:db8::1",
		"2001:db8::1]:80",
		"[]:80",
		"[:80",
		"]:80",
		"web:80",
		"10.0.0.11:80/tcp",
		"[[2001:db8::1]]:80",
		"[2001:db8:1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb]:80",
	};
	struct addr addr = { { 7 } };
	__u16 port = 7;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		assert_int_equal(endpoint_parse(texts[i], &addr, &port), -EINVAL);
	assert_int_equal(addr.b[0], 7);
	assert_int_equal(port, 7);
}

static void listens_print_as_written(void **state)
{
	static const struct {
		const char *text;
		int port, proto;
	} rows[] = {
		{ "192.0.2.10:80/tcp", 80, IPPROTO_TCP },
		{ "192.0.2.10:53/udp", 53, IPPROTO_UDP },
		{ "[2001:db8::10]:443/tcp", 443, IPPROTO_TCP },
		{ "192.0.2.10:38412/sctp", 38412, IPPROTO_SCTP },
		{ "[2001:db8:1111:2222:3333:4444:5555:6666]:65535/udp", 65535, IPPROTO_UDP },
	};
	char buf[ENDPOINT_TEXT_SIZE];
	struct addr addr;
	__u16 port;
	__u8 proto;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_int_equal(listen_parse(rows[i].text, &addr, &port, &proto), 0);
		assert_int_equal(port, rows[i].port);
		assert_int_equal(proto, rows[i].proto);
		assert_string_equal(listen_format(&addr, port, proto, buf), rows[i].text);
	}
}

static void other_listens_are_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"192.0.2.10",
		"192.0.2.10:80",
		"192.0.2.10/tcp",
		"192.0.2.10:80/",
		"192.0.2.10:80/TCP",
		"192.0.2.10:80/dccp",
		"192.0.2.10:80/tcp ",
		"192.0.2.10:80/tcp/udp",
		"192.0.2.10:0/tcp",
		"2001:db8::10:80/tcp",
		"*:80/tcp",
		":80/tcp",
		"/tcp",
		"192.0.2.10:80000000000000000000000000000000000000000000000000000000000/tcp",
	};
	struct addr addr;
	__u16 port;
	__u8 proto = 7;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		assert_int_equal(listen_parse(texts[i], &addr, &port, &proto), -EINVAL);
	assert_int_equal(proto, 7);
}

static void wildcards_cover_their_family(void **state)
{
	static const struct {
		const char *wildcard, *addr;
		bool covers;
	} rows[] = {
		{ "0.0.0.0", "192.0.2.1", true },       { "0.0.0.0", "0.0.0.0", true },
		{ "0.0.0.0", "2001:db8::1", false },    { "0.0.0.0", "::", false },
		{ "::", "2001:db8::1", true },          { "::", "192.0.2.1", true },
		{ "192.0.2.1", "192.0.2.1", false },    { "::1", "::1", false },
		{ "2001:db8::", "2001:db8::1", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct addr wildcard, addr;

		assert_int_equal(addr_parse(rows[i].wildcard, &wildcard), 0);
		assert_int_equal(addr_parse(rows[i].addr, &addr), 0);
		if (addr_wildcard_covers(&wildcard, &addr) != rows[i].covers)
			fail_msg("%s and %s", rows[i].wildcard, rows[i].addr);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_print_as_written),
		cmocka_unit_test(ipv4_is_kept_as_mapped),
		cmocka_unit_test(ipv6_spellings_become_one),
		cmocka_unit_test(other_addresses_are_refused),
		cmocka_unit_test(ports_are_plain_digits),
		cmocka_unit_test(endpoints_print_as_written),
		cmocka_unit_test(other_endpoints_are_refused),
		cmocka_unit_test(listens_print_as_written),
		cmocka_unit_test(other_listens_are_refused),
		cmocka_unit_test(wildcards_cover_their_family),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
