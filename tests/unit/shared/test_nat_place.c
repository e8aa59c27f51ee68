// SPDX-License-Identifier: BSD-2-Clause
/* include/poise/nat.h: where NAT's entries are, and which ports are tried. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "poise/nat.h"

#define LEN(array) (sizeof(array) / sizeof(*(array)))

static __u64 next_random(void)
{
	static __u64 state = 0x9e3779b97f4a7c15;

	state += 0x9e3779b97f4a7c15;
	return flow_hash_mix(state);
}

static void two_choices_spread(void **state)
{
	static const __u32 masks[] = { 255, 65535, (1U << 23) - 1 };
	static __u32 met[256];
	enum { HASHES = 256 * 200 };

	(void)state;
	for (size_t i = 0; i < LEN(masks); i++) {
		__u32 same_distance = 0, distance = 0;

		memset(met, 0, sizeof(met));
		for (int n = 0; n < HASHES; n++) {
			__u64 hash = next_random();
			__u32 a = nat_set_index(hash, 0, masks[i]);
			__u32 b = nat_set_index(hash, 1, masks[i]);

			assert_true(a <= masks[i] && b <= masks[i]);
			assert_int_not_equal(a, b);
			same_distance += ((b - a) & masks[i]) == distance;
			distance = (b - a) & masks[i];
			met[b & 255]++;
		}
		/* Flows that share one set share the other no more often than by chance. */
		assert_true(same_distance < HASHES / 64);
		for (int n = 0; n < 256; n++)
			assert_in_range(met[n], 100, 300);
	}
}

static void no_port_is_tried_twice(void **state)
{
	static const struct {
		__u32 first, count;
	} ranges[] = { { 10240, 22528 }, { 1024, 1024 }, { 64512, 1024 }, { 1024, 64512 },
		       { 2000, 1031 },   { 5000, 1151 }, { 1024, 32768 } };

	(void)state;
	for (size_t i = 0; i < LEN(ranges); i++) {
		const __u32 first = ranges[i].first, count = ranges[i].count;

		for (int n = 0; n < 2000; n++) {
			__u64 hash = next_random();
			static __u8 tried[65536];

			memset(tried, 0, sizeof(tried));
			for (__u32 t = 0; t < NAT_PORT_TRIES; t++) {
				__u16 port = nat_port(hash, t, first, count);

				assert_in_range(port, first, first + count - 1);
				assert_int_equal(tried[port]++, 0);
			}
		}
	}
}

static void first_ports_cover_the_range(void **state)
{
	static __u32 met[1024];

	(void)state;
	for (int i = 0; i < 1024 * 100; i++)
		met[nat_port(next_random(), 0, 20000, 1024) - 20000]++;
	for (int i = 0; i < 1024; i++)
		assert_in_range(met[i], 40, 180);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_choices_spread),
		cmocka_unit_test(no_port_is_tried_twice),
		cmocka_unit_test(first_ports_cover_the_range),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
