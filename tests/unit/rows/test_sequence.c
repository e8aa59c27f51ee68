// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "poise/abi.h"
#include "rows/sequence.h"

#define ROWS         65537
#define BIG_ROWS     1048573
#define MAX_BACKENDS 1000

#define LEN(array) (sizeof(array) / sizeof(*(array)))

static __u16 rows[BIG_ROWS], other_rows[BIG_ROWS];
static struct maglev_backend backends[MAX_BACKENDS];

/* Ids ascend, targets are far from indices. */
static void make_backends(size_t count, const __u32 *weights)
{
	for (size_t i = 0; i < count; i++)
		backends[i] = (struct maglev_backend){ .id = 1000 + i,
						       .weight = weights ? weights[i] : 100,
						       .target = 65535 - 7 * i };
}

static void build(size_t count, __u32 row_count, __u16 *out)
{
	memset(out, 0xff, row_count * sizeof(*out));
	assert_int_equal(sequence_build(backends, count, row_count, out), 0);
}

static void equal_weights_take_turns(void **state)
{
	static const __u32 row_counts[] = { 1, 2, 3, 7, 10, 11, 251, 256, 1000, 65537 };
	static const size_t counts[] = { 1, 2, 3, 7, 10, 100, 251, 1000 };

	(void)state;
	for (size_t i = 0; i < LEN(row_counts); i++)
		for (size_t j = 0; j < LEN(counts); j++) {
			if (counts[j] > row_counts[i])
				continue;
			make_backends(counts[j], NULL);
			build(counts[j], row_counts[i], rows);
			for (__u32 row = 0; row < row_counts[i]; row++)
				assert_int_equal(rows[row], backends[row % counts[j]].target);
		}
}

static const struct {
	const char *name;
	__u32 row_count;
	size_t count;
	const __u32 *weights; /* NULL: all alike */
} cases[] = {
	{ "1:2:5", ROWS, 3, (const __u32[]){ 1, 2, 5 } },
	{ "one heavy among many light ones", 20, 11,
	  (const __u32[]){ 10, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 } },
	{ "the same, more rows", ROWS, 11, (const __u32[]){ 10, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 } },
	{ "the largest weight beside the smallest", ROWS, 4, (const __u32[]){ 65535, 1, 1, 1 } },
	{ "the largest weights of all", ROWS, 3,
	  (const __u32[]){ UINT32_MAX, UINT32_MAX, UINT32_MAX - 1 } },
	{ "a share below one row", 251, 2, (const __u32[]){ 65535, 1 } },
	{ "weight 0 gets nothing", ROWS, 4, (const __u32[]){ 3, 0, 2, 0 } },
	{ "weights without a common measure", ROWS, 8,
	  (const __u32[]){ 3, 7, 11, 13, 101, 997, 4099, 65521 } },
	{ "as many as rows", 251, 251 },
	{ "a thousand", ROWS, 1000 },
	{ "the most rows", BIG_ROWS, 3, (const __u32[]){ 1, 2, 5 } },
};

/* Shares are exact, and so they are after any number of rows: nobody is a row early or late. */
static void assert_even(size_t count, __u32 row_count)
{
	static __u32 total[65536], so_far[65536];
	__u64 weight_sum = 0;

	memset(total, 0, sizeof(total));
	memset(so_far, 0, sizeof(so_far));
	for (__u32 row = 0; row < row_count; row++)
		total[rows[row]]++;
	for (size_t i = 0; i < count; i++)
		weight_sum += backends[i].weight;
	for (size_t i = 0; i < count; i++) {
		__s64 exact = (__u64)backends[i].weight * row_count;
		__s64 got = total[backends[i].target] * weight_sum;

		assert_true(llabs(got - exact) < (__s64)weight_sum);
	}
	for (__u32 row = 0; row < row_count; row++) {
		__u16 target = rows[row];
		__s64 due = (__u64)row * total[target];

		/* before and after its turn: in between it only falls back */
		assert_true(llabs((__s64)so_far[target] * row_count - due) < row_count);
		so_far[target]++;
		due += total[target];
		assert_true(llabs((__s64)so_far[target] * row_count - due) < row_count);
	}
}

static void every_share_is_kept_all_along(void **state)
{
	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		print_message("  %s\n", cases[i].name);
		make_backends(cases[i].count, cases[i].weights);
		build(cases[i].count, cases[i].row_count, rows);
		assert_even(cases[i].count, cases[i].row_count);
	}
}

static void the_heavy_one_goes_between_the_others(void **state)
{
	(void)state;
	make_backends(11, (const __u32[]){ 1, 1, 1, 1, 1, 10, 1, 1, 1, 1, 1 });
	build(11, 20, rows);
	for (int row = 0; row < 20; row += 2)
		assert_int_equal((rows[row] == backends[5].target) +
					 (rows[row + 1] == backends[5].target),
				 1);
}

static void random_weights_keep_their_shares(void **state)
{
	__u32 weights[40];
	unsigned int seed = 7;

	(void)state;
	for (int round = 0; round < 300; round++) {
		size_t count = 1 + rand_r(&seed) % LEN(weights);
		__u32 row_count = count + rand_r(&seed) % 700;

		for (size_t i = 0; i < count; i++)
			weights[i] = 1 + rand_r(&seed) % (round % 2 ? 5 : 1000);
		make_backends(count, weights);
		build(count, row_count, rows);
		assert_even(count, row_count);
	}
}

static void order_does_not_matter(void **state)
{
	static const __u32 weights[] = { 1, 2, 5, 5, 5, 100, 65535, 0, 3, 3 };
	unsigned int seed = 1;

	(void)state;
	make_backends(10, weights);
	build(10, ROWS, rows);
	for (int round = 0; round < 10; round++) {
		for (size_t i = 10; i > 1; i--) {
			size_t j = rand_r(&seed) % i;
			struct maglev_backend saved = backends[i - 1];

			backends[i - 1] = backends[j];
			backends[j] = saved;
		}
		build(10, ROWS, other_rows);
		assert_memory_equal(rows, other_rows, ROWS * sizeof(*rows));
	}
}

static void nobody_to_serve_leaves_zeros(void **state)
{
	(void)state;
	memset(other_rows, 0, ROWS * sizeof(*other_rows));
	build(0, ROWS, rows);
	assert_memory_equal(rows, other_rows, ROWS * sizeof(*rows));
	make_backends(3, (const __u32[]){ 0, 0, 0 });
	build(3, ROWS, rows);
	assert_memory_equal(rows, other_rows, ROWS * sizeof(*rows));
}

static void bad_sets_are_refused(void **state)
{
	(void)state;
	make_backends(4, NULL);
	rows[0] = 77;
	assert_int_equal(sequence_build(backends, 4, 3, rows), -EINVAL);
	assert_int_equal(sequence_build(backends, 1, 0, rows), -EINVAL);
	backends[3].id = backends[1].id;
	assert_int_equal(sequence_build(backends, 4, ROWS, rows), -EINVAL);
	assert_int_equal(rows[0], 77);
	/* those without a weight need no row */
	make_backends(4, (const __u32[]){ 1, 0, 0, 1 });
	build(4, 2, rows);
	assert_int_equal(rows[1], backends[3].target);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_weights_take_turns),
		cmocka_unit_test(every_share_is_kept_all_along),
		cmocka_unit_test(the_heavy_one_goes_between_the_others),
		cmocka_unit_test(random_weights_keep_their_shares),
		cmocka_unit_test(order_does_not_matter),
		cmocka_unit_test(nobody_to_serve_leaves_zeros),
		cmocka_unit_test(bad_sets_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
