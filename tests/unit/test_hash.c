// SPDX-License-Identifier: BSD-2-Clause
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "poise/csum.h"
#include "poise/hash.h"

#define KEY0 0x0706050403020100
#define KEY1 0x0f0e0d0c0b0a0908

static __be32 ipv4(const char *text)
{
	__be32 addr;

	assert_int_equal(inet_pton(AF_INET, text, &addr), 1);
	return addr;
}

/* With the key 0 CPython's hash(bytes) under PYTHONHASHSEED=0 is SipHash-1-3, too; with the other
 * one the value is that of a reference which also gives the paper's SipHash-2-4 vector. */
static void test_ipv4_is_siphash13(void **state)
{
	__be32 source = ipv4("198.51.100.7"), dest = ipv4("192.0.2.10");

	(void)state;
	assert_true(flow_hash4(0, 0, source, dest, htons(40000), htons(80), IPPROTO_TCP) ==
		    0x8267d0bfd23de0c1);
	assert_true(flow_hash4(KEY0, KEY1, source, dest, htons(40000), htons(80), IPPROTO_TCP) ==
		    0xfa43b87de3e4a666);
}

static void test_ipv6_is_siphash13(void **state)
{
	__be32 source[4], dest[4];

	(void)state;
	assert_int_equal(inet_pton(AF_INET6, "2001:db8:c::7", source), 1);
	assert_int_equal(inet_pton(AF_INET6, "2001:db8::10", dest), 1);
	assert_true(flow_hash6(0, 0, source, dest, htons(40000), htons(443), IPPROTO_UDP) ==
		    0x12bc2b8797a590f6);
	assert_true(flow_hash6(KEY0, KEY1, source, dest, htons(40000), htons(443), IPPROTO_UDP) ==
		    0xc232403f27e2208b);
}

static void test_row_covers_the_table(void **state)
{
	(void)state;
	assert_int_equal(flow_row(0, 65537), 0);
	assert_int_equal(flow_row(0xffffffffULL, 65537), 65536);
	assert_int_equal(flow_row(0xffffffff00000000ULL, 65537), 0); /* the low half alone counts */
	assert_int_equal(flow_row(0x80000000ULL, 251), 125);
}

static void test_rows_are_even(void **state)
{
	unsigned int hits[251] = { 0 }, flows = 251 * 1000, i;

	(void)state;
	for (i = 0; i < flows; i++)
		hits[flow_row(flow_hash4(KEY0, KEY1, htonl(0xc6336400 + i / 60000),
					 ipv4("192.0.2.10"), htons(1024 + i % 60000), htons(80),
					 IPPROTO_TCP),
			      251)]++;
	/* Expectation 1000, standard deviation 32: six of them on either side. */
	for (i = 0; i < 251; i++)
		assert_in_range(hits[i], 800, 1200);
}

static void test_fold(void **state)
{
	(void)state;
	assert_int_equal(csum_fold(0), 0);
	assert_int_equal(csum_fold(0x10000), 1);
	assert_int_equal(csum_fold(0xffffffffffffffff), 0xffff);
	assert_int_equal(csum_fold(0x1fffe0001ULL), 1);
	assert_int_equal(csum_fold32(0x1ffff), 1);
	assert_int_equal(csum_fold32(0xffffffff), 0xffff);
}

/* RFC 1071's sum over the whole header, the plain way. */
static void test_outer_sum(void **state)
{
	const __u8 header[20] = { 0x45, 0, 0,  0, 0, 0, 0x40, 0, 64, 4,
				  0,    0, 10, 0, 0, 1, 10,   0, 0,  11 };
	__u32 sum = 0;
	int i;

	(void)state;
	for (i = 0; i < 20; i += 2)
		sum += header[i] << 8 | header[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	assert_int_equal(ntohs(outer_ipv4_sum(ipv4("10.0.0.1"), ipv4("10.0.0.11"), 4)), sum);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ipv4_is_siphash13),
		cmocka_unit_test(test_ipv6_is_siphash13),
		cmocka_unit_test(test_row_covers_the_table),
		cmocka_unit_test(test_rows_are_even),
		cmocka_unit_test(test_fold),
		cmocka_unit_test(test_outer_sum),
	};

	return cmocka_run_group_tests_name("hash", tests, NULL, NULL);
}
