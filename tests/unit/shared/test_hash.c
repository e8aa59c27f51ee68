// SPDX-License-Identifier: BSD-2-Clause
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "poise/csum.h"
#include "poise/flow.h"

static const __u64 seed[2] = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 };

static __be32 ipv4(const char *text)
{
	__be32 addr;

	assert_int_equal(inet_pton(AF_INET, text, &addr), 1);
	return addr;
}

static struct flow_hash_key key_of_seed(void)
{
	struct flow_hash_key key;

	flow_hash_key_expand(seed, &key);
	return key;
}

/* CPython's hash(bytes) under PYTHONHASHSEED=0 is SipHash-1-3 with the key 0: of the number 3. */
static void test_key_is_siphash13_of_a_counter(void **state)
{
	const __u64 zero[2] = { 0, 0 };
	struct flow_hash_key key;

	(void)state;
	flow_hash_key_expand(zero, &key);
	assert_true(key.word[2] == 0xfd8c671699409cfa);
}

/* The values are those of a reference in Python, whose SipHash-2-4 gives the paper's vector. */
static void test_key_and_hashes_of_a_seed(void **state)
{
	struct flow_hash_key key = key_of_seed();
	__be32 source[4], dest[4];

	(void)state;
	assert_true(key.offset == 0x5cb96f6ba2a4fcfc);
	assert_true(key.word[0] == 0x32c5ea5ce472f19b);
	assert_true(key.word[9] == 0x3c74f99be543df94);
	assert_true(flow_hash4(&key, ipv4("198.51.100.7"), ipv4("192.0.2.10"), htons(40000),
			       htons(80), IPPROTO_TCP) == 0x23b620139160a6c6);
	assert_int_equal(inet_pton(AF_INET6, "2001:db8:c::7", source), 1);
	assert_int_equal(inet_pton(AF_INET6, "2001:db8::10", dest), 1);
	assert_true(flow_hash6(&key, source, dest, htons(40000), htons(443), IPPROTO_UDP) ==
		    0x1cf64430dc0ba35d);
}

static void test_row_covers_the_table(void **state)
{
	(void)state;
	assert_int_equal(flow_row(0, 65537), 0);
	assert_int_equal(flow_row(0xffffffff, 65537), 65536);
	assert_int_equal(flow_row(0x80000000, 251), 125);
	/* The half that an entry of the flow table keeps. */
	assert_int_equal(flow_tag(0x123456789abcdef0), 0x12345678);
}

/* Above 125, or below 15, once in a million, for some 60 degrees of freedom. */
static void assert_even(const unsigned int *hits, int count, double expected)
{
	double chi2 = 0;

	for (int i = 0; i < count; i++)
		chi2 += (hits[i] - expected) * (hits[i] - expected) / expected;
	assert_true(chi2 > 15 && chi2 < 125);
}

static int compare(const void *a, const void *b)
{
	__u64 x = *(const __u64 *)a, y = *(const __u64 *)b;

	return (x > y) - (x < y);
}

enum walk { BY_PORT, BY_ADDRESS, BY_BOTH, WALKS };

static __u64 walk_hash(const struct flow_hash_key *key, enum walk walk, unsigned int i)
{
	__u32 source = 0xc6336400 + (walk == BY_ADDRESS ? i : walk == BY_BOTH ? i / 60000 : 0);
	__u16 port = walk == BY_ADDRESS ? 40000 : 1024 + i % 60000;

	return flow_hash4(key, htonl(source), ipv4("192.0.2.10"), htons(port), htons(80),
			  IPPROTO_TCP);
}

/* Neighbouring ports and addresses spread as well as chance would have it, under many seeds: over
 * rows, by the hash's high half, and over sets of the flow table, by its low bits. */
static void test_rows_and_sets_are_even(void **state)
{
	(void)state;
	for (__u64 n = 0; n < 50; n++) {
		const __u64 seeds[2] = { n, ~n };
		struct flow_hash_key key;

		flow_hash_key_expand(seeds, &key);
		for (enum walk walk = 0; walk < WALKS; walk++) {
			unsigned int rows[60] = { 0 }, sets[64] = { 0 };

			for (unsigned int i = 0; i < 60000; i++) {
				__u64 hash = walk_hash(&key, walk, i);

				rows[flow_row(flow_tag(hash), 60)]++;
				sets[flow_set_index(hash, 63)]++;
			}
			assert_even(rows, 60, 1000);
			assert_even(sets, 64, 937.5);
		}
	}
}

/* All 64 bits count: a million flows, no two alike, however near. */
static void test_no_collisions(void **state)
{
	const unsigned int flows = 1 << 20;
	struct flow_hash_key key = key_of_seed();
	__u64 *hashes = malloc(flows * sizeof(*hashes));

	(void)state;
	assert_non_null(hashes);
	for (unsigned int i = 0; i < flows; i++)
		hashes[i] = walk_hash(&key, BY_BOTH, i);
	qsort(hashes, flows, sizeof(*hashes), compare);
	for (unsigned int i = 1; i < flows; i++)
		assert_true(hashes[i] != hashes[i - 1]);
	free(hashes);
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
		cmocka_unit_test(test_key_is_siphash13_of_a_counter),
		cmocka_unit_test(test_key_and_hashes_of_a_seed),
		cmocka_unit_test(test_row_covers_the_table),
		cmocka_unit_test(test_rows_and_sets_are_even),
		cmocka_unit_test(test_no_collisions),
		cmocka_unit_test(test_fold),
		cmocka_unit_test(test_outer_sum),
	};

	return cmocka_run_group_tests_name("hash", tests, NULL, NULL);
}
