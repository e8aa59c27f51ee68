// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rows/maglev.h"

#define ROWS         65537
#define BIG_ROWS     1048573
#define MAX_BACKENDS 1000

static __u16 rows[BIG_ROWS], other_rows[BIG_ROWS];
static struct maglev_backend backends[MAX_BACKENDS];

/* xorshift64*: the same numbers in every run */
static __u64 random_state = 1;

static __u64 random_next(void)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return random_state * 0x2545f4914f6cdd1d;
}

/* Targets far from indices, so that one taken for the other shows. */
static void make_backends(size_t count, const __u32 *weights)
{
	for (size_t i = 0; i < count; i++)
		backends[i] = (struct maglev_backend){ .id = random_next(),
						       .weight = weights ? weights[i] : 100,
						       .target = 65535 - 7 * i };
}

static void shuffle(struct maglev_backend *list, size_t count)
{
	for (size_t i = count; i > 1; i--) {
		size_t j = random_next() % i;
		struct maglev_backend saved = list[i - 1];

		list[i - 1] = list[j];
		list[j] = saved;
	}
}

static void build(size_t count, __u32 row_count, __u16 *out)
{
	memset(out, 0xff, row_count * sizeof(*out));
	assert_int_equal(maglev_build(backends, count, row_count, out), 0);
}

static double moved_points(__u32 row_count)
{
	__u32 moved = 0;

	for (__u32 i = 0; i < row_count; i++)
		moved += rows[i] != other_rows[i];
	return 100.0 * moved / row_count;
}

/* Each row has an owner of the set, and each owner less than one row off its exact share. */
static void assert_shares(size_t count, __u32 row_count)
{
	static __u32 owned[65536];
	__u64 weight_sum = 0;
	__u32 known = 0;

	memset(owned, 0, sizeof(owned));
	for (__u32 i = 0; i < row_count; i++)
		owned[rows[i]]++;
	for (size_t i = 0; i < count; i++)
		weight_sum += backends[i].weight;
	for (size_t i = 0; i < count; i++) {
		__u64 exact = (__u64)backends[i].weight * row_count;
		__u64 got = owned[backends[i].target] * weight_sum;

		assert_true((got > exact ? got - exact : exact - got) < weight_sum);
		known += owned[backends[i].target];
	}
	assert_int_equal(known, row_count);
}

static const struct {
	const char *name;
	__u32 row_count;
	size_t count;
	const __u32 *weights; /* NULL: all alike */
} share_cases[] = {
	{ "one backend", ROWS, 1 },
	{ "two", ROWS, 2 },
	{ "ten", ROWS, 10 },
	{ "a hundred", ROWS, 100 },
	{ "a thousand", ROWS, 1000 },
	{ "1:2:5", ROWS, 3, (const __u32[]){ 1, 2, 5 } },
	{ "the largest weight beside the smallest", ROWS, 4, (const __u32[]){ 65535, 1, 1, 1 } },
	{ "the largest weights of all", ROWS, 3,
	  (const __u32[]){ UINT32_MAX, UINT32_MAX, UINT32_MAX - 1 } },
	{ "a share below one row", 251, 2, (const __u32[]){ 65535, 1 } },
	{ "weight 0 gets nothing", ROWS, 4, (const __u32[]){ 3, 0, 2, 0 } },
	{ "all weight with one of many", ROWS, 5, (const __u32[]){ 0, 0, 9, 0, 0 } },
	{ "weights without a common measure", ROWS, 8,
	  (const __u32[]){ 3, 7, 11, 13, 101, 997, 4099, 65521 } },
	{ "few rows", 251, 100 },
	{ "one row more than are listed at the end", 257, 10 },
	{ "as many backends as can be", 251, 250 },
	{ "the smallest prime", 2, 1 },
	{ "the most rows", BIG_ROWS, 100 },
	{ "the most rows, weighted", BIG_ROWS, 3, (const __u32[]){ 1, 2, 5 } },
};

static void rows_follow_the_weights(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(share_cases) / sizeof(*share_cases); i++) {
		print_message("  %s\n", share_cases[i].name);
		make_backends(share_cases[i].count, share_cases[i].weights);
		build(share_cases[i].count, share_cases[i].row_count, rows);
		assert_shares(share_cases[i].count, share_cases[i].row_count);
	}
}

static void remainders_go_to_the_largest_and_then_the_smallest_id(void **state)
{
	__u32 owned[4] = { 0 };

	(void)state;
	/* 251 * 2 / 7 = 71 5/7 and 251 / 7 = 35 6/7: three whole rows are left over for four. */
	for (__u16 i = 0; i < 4; i++)
		backends[i] = (struct maglev_backend){ .id = 40 - i,
						       .weight = i < 3 ? 2 : 1,
						       .target = i };
	build(4, 251, rows);
	for (int i = 0; i < 251; i++)
		owned[rows[i]]++;
	assert_int_equal(owned[0], 71);
	assert_int_equal(owned[1], 72);
	assert_int_equal(owned[2], 72);
	assert_int_equal(owned[3], 36);
}

static void nobody_to_serve_leaves_zeros(void **state)
{
	(void)state;
	memset(other_rows, 0, ROWS * sizeof(*other_rows));
	build(0, ROWS, rows);
	assert_memory_equal(rows, other_rows, ROWS * sizeof(*rows));
	assert_int_equal(maglev_build(NULL, 0, ROWS, rows), 0);
	make_backends(3, (__u32[]){ 0, 0, 0 });
	build(3, ROWS, rows);
	assert_memory_equal(rows, other_rows, ROWS * sizeof(*rows));
}

static void order_does_not_matter(void **state)
{
	static const __u32 weights[] = { 1, 2, 5, 5, 5, 100, 65535, 0, 3, 3 };

	(void)state;
	for (int weighted = 0; weighted < 2; weighted++) {
		size_t count = weighted ? 10 : 100;

		make_backends(count, weighted ? weights : NULL);
		build(count, ROWS, rows);
		for (int i = 0; i < 10; i++) {
			shuffle(backends, count);
			build(count, ROWS, other_rows);
			assert_memory_equal(rows, other_rows, ROWS * sizeof(*rows));
		}
	}
}

static void only_ratios_of_weights_matter(void **state)
{
	(void)state;
	make_backends(3, (__u32[]){ 1, 2, 5 });
	build(3, ROWS, rows);
	for (int i = 0; i < 3; i++)
		backends[i].weight *= 1000;
	build(3, ROWS, other_rows);
	assert_memory_equal(rows, other_rows, ROWS * sizeof(*rows));
}

/* Balancers of one fleet may differ in version: what a set of backends gives must never change. */
static void result_is_pinned(void **state)
{
	__u64 sum = 0xcbf29ce484222325;

	(void)state;
	for (__u16 i = 0; i < 5; i++)
		backends[i] = (struct maglev_backend){ .id = i * 0x9e3779b97f4a7c15,
						       .weight = 1 + i,
						       .target = 1 + i };
	build(5, ROWS, rows);
	for (int i = 0; i < ROWS; i++)
		sum = (sum ^ rows[i]) * 0x100000001b3;
	assert_true(sum == 0x71d50afe23869003);
}

static void losing_one_moves_little_else(void **state)
{
	static const size_t counts[] = { 2, 3, 10, 100 };

	(void)state;
	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
		size_t count = counts[i];

		make_backends(count, NULL);
		build(count, ROWS, rows);
		for (size_t gone = 0; gone < count; gone += 1 + count / 10) {
			struct maglev_backend saved = backends[gone];

			backends[gone] = backends[count - 1];
			build(count - 1, ROWS, other_rows);
			backends[gone] = saved;
			assert_true(moved_points(ROWS) <= 100.0 / count + 1);
		}
	}
}

static void weight_zero_is_as_good_as_gone(void **state)
{
	(void)state;
	make_backends(10, NULL);
	build(9, ROWS, rows);
	backends[9].weight = 0;
	build(10, ROWS, other_rows);
	assert_memory_equal(rows, other_rows, ROWS * sizeof(*rows));
}

static void adding_one_moves_little_else(void **state)
{
	(void)state;
	for (size_t count = 2; count <= 100; count = count < 10 ? count + 1 : count * 2) {
		make_backends(count, NULL);
		build(count - 1, ROWS, rows);
		build(count, ROWS, other_rows);
		assert_true(moved_points(ROWS) <= 100.0 / count + 1);
	}
}

static void reweighting_moves_about_what_it_must(void **state)
{
	static const __u32 weights[] = { 0, 1, 50, 90, 110, 200, 1000 };

	(void)state;
	make_backends(10, NULL);
	build(10, ROWS, rows);
	for (size_t i = 0; i < sizeof(weights) / sizeof(*weights); i++) {
		double share = 100.0 * weights[i] / (900 + weights[i]);
		double must = share < 10 ? 10 - share : share - 10;

		backends[4].weight = weights[i];
		build(10, ROWS, other_rows);
		assert_true(moved_points(ROWS) >= must - 0.01);
		assert_true(moved_points(ROWS) <= must + 1);
	}
}

static void more_rows_move_less(void **state)
{
	(void)state;
	make_backends(100, NULL);
	build(100, BIG_ROWS, rows);
	build(99, BIG_ROWS, other_rows);
	assert_true(moved_points(BIG_ROWS) <= 1.2);
}

static void bad_sets_are_refused(void **state)
{
	static const __u32 bad_counts
		[] = { 0,     1,           4,         9,      65535,
		       65536, 1024 * 1024, 65521 * 3, 1048583 /* a prime beyond the limit */ };

	(void)state;
	make_backends(4, NULL);
	rows[0] = 77;
	for (size_t i = 0; i < sizeof(bad_counts) / sizeof(*bad_counts); i++)
		assert_int_equal(maglev_build(backends, 1, bad_counts[i], rows), -EINVAL);
	assert_int_equal(maglev_build(NULL, 0, 65536, rows), -EINVAL);
	/* a square of a prime, for a test of divisors that stops one short */
	assert_int_equal(maglev_build(backends, 1, 251 * 251, rows), -EINVAL);
	assert_int_equal(maglev_build(backends, 3, 3, rows), -EINVAL);
	assert_int_equal(maglev_build(backends, 4, 3, rows), -EINVAL);
	backends[3].id = backends[1].id;
	assert_int_equal(maglev_build(backends, 4, ROWS, rows), -EINVAL);
	backends[3].weight = 0;
	assert_int_equal(maglev_build(backends, 4, ROWS, rows), -EINVAL);
	assert_int_equal(rows[0], 77);
}

/* Another value here moves every flow of every fleet: that needs more than a new test. */
static void ids_never_change(void **state)
{
	struct addr v4, v6;

	(void)state;
	assert_int_equal(addr_parse("10.0.0.11", &v4), 0);
	assert_int_equal(addr_parse("2001:db8::11", &v6), 0);
	assert_int_equal(maglev_id(&v4, 0), 0x48f3a8d2fc1d456b);
	assert_int_equal(maglev_id(&v4, 8080), 0x39fdbf21ecfdde1b);
	assert_int_equal(maglev_id(&v6, 0), 0x4b60a744bcb39ab6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_follow_the_weights),
		cmocka_unit_test(remainders_go_to_the_largest_and_then_the_smallest_id),
		cmocka_unit_test(nobody_to_serve_leaves_zeros),
		cmocka_unit_test(order_does_not_matter),
		cmocka_unit_test(only_ratios_of_weights_matter),
		cmocka_unit_test(result_is_pinned),
		cmocka_unit_test(losing_one_moves_little_else),
		cmocka_unit_test(weight_zero_is_as_good_as_gone),
		cmocka_unit_test(adding_one_moves_little_else),
		cmocka_unit_test(reweighting_moves_about_what_it_must),
		cmocka_unit_test(more_rows_move_less),
		cmocka_unit_test(bad_sets_are_refused),
		cmocka_unit_test(ids_never_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
