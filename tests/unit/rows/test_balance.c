// SPDX-License-Identifier: BSD-2-Clause
/* How evenly rows and flows are spread, and how few rows a change moves: what operators are told.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "poise/hash.h"
#include "rows/sequence.h"

#define ROWS       65537
#define FLOWS      1000000
#define MAX        100
#define LEN(array) (sizeof(array) / sizeof(*(array)))

typedef int (*build_fn)(const struct maglev_backend *backends, size_t count, __u32 row_count,
			__u16 *rows);

static const struct {
	const char *name;
	size_t count;
	const __u32 *weights; /* NULL: all alike */
	double flow_percent;  /* how far off an ideal share of flows may be */
} cases[] = {
	{ "10 equal backends", 10, NULL, 2 },
	{ "100 equal backends", 100, NULL, 5 },
	{ "weights 1:2:5", 3, (const __u32[]){ 1, 2, 5 }, 2 },
};

static const struct {
	const char *name;
	build_fn build;
} layouts[] = { { "maglev", maglev_build }, { "round robin", sequence_build } };

static struct maglev_backend backends[MAX];
static __u16 rows[ROWS], fewer[ROWS];

/* xorshift64*: the same numbers in every run */
static __u64 random_state = 1;

static __u64 random_next(void)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return random_state * 0x2545f4914f6cdd1d;
}

static __u64 make_backends(size_t count, const __u32 *weights)
{
	__u64 sum = 0;

	for (size_t i = 0; i < count; i++) {
		backends[i] = (struct maglev_backend){ .id = random_next(),
						       .weight = weights ? weights[i] : 100,
						       .target = 1 + i };
		sum += backends[i].weight;
	}
	return sum;
}

/* The worst of all backends, in percent of its ideal share. */
static double worst(const __u32 *counted, size_t count, __u64 weight_sum, double total)
{
	double most = 0;

	for (size_t i = 0; i < count; i++) {
		double ideal = total * backends[i].weight / weight_sum;
		double off = fabs(counted[backends[i].target] - ideal) / ideal * 100;

		most = off > most ? off : most;
	}
	return most;
}

static void shares_of_rows_are_within_one_percent(void **state)
{
	(void)state;
	for (size_t i = 0; i < LEN(layouts) * LEN(cases); i++) {
		size_t at = i % LEN(cases);
		__u64 sum = make_backends(cases[at].count, cases[at].weights);
		__u32 counted[MAX + 1] = { 0 };
		double off;

		assert_int_equal(
			layouts[i / LEN(cases)].build(backends, cases[at].count, ROWS, rows), 0);
		for (__u32 row = 0; row < ROWS; row++)
			counted[rows[row]]++;
		off = worst(counted, cases[at].count, sum, ROWS);
		print_message("  %s, %s: %.3f %%\n", layouts[i / LEN(cases)].name, cases[at].name,
			      off);
		assert_true(off <= 1);
	}
}

static void flows_are_spread_by_the_hash(void **state)
{
	struct flow_hash_key key;

	(void)state;
	flow_hash_key_expand((const __u64[]){ 1, 2 }, &key);
	for (size_t i = 0; i < LEN(layouts) * LEN(cases); i++) {
		size_t at = i % LEN(cases);
		__u64 sum = make_backends(cases[at].count, cases[at].weights);
		__u32 counted[MAX + 1] = { 0 };
		double off;

		assert_int_equal(
			layouts[i / LEN(cases)].build(backends, cases[at].count, ROWS, rows), 0);
		for (int flow = 0; flow < FLOWS; flow++) {
			__u64 tuple = random_next();
			__u64 hash = flow_hash4(&key, (__be32)tuple, (__be32)0x0a0200c0,
						(__be16)(tuple >> 32), (__be16)0x5000, 6);

			counted[rows[flow_row(flow_tag(hash), ROWS)]]++;
		}
		off = worst(counted, cases[at].count, sum, FLOWS);
		print_message("  %s, %s: %.3f %%\n", layouts[i / LEN(cases)].name, cases[at].name,
			      off);
		assert_true(off <= cases[at].flow_percent);
	}
}

/* Assigns new flows as the packet path does, row after row, starting anywhere. */
static void round_robin_is_within_one_percent(void **state)
{
	(void)state;
	for (size_t at = 0; at < LEN(cases); at++) {
		__u64 sum = make_backends(cases[at].count, cases[at].weights);

		assert_int_equal(sequence_build(backends, cases[at].count, ROWS, rows), 0);
		for (int round = 0; round < 20; round++) {
			__u32 counted[MAX + 1] = { 0 }, position = random_next() % ROWS;
			double off;

			for (int flow = 0; flow < 30000; flow++)
				counted[rows[position++ % ROWS]]++;
			off = worst(counted, cases[at].count, sum, 30000);
			assert_true(off <= 1);
		}
	}
}

static void losing_one_of_n_moves_little_else(void **state)
{
	static const size_t counts[] = { 3, 10, 100 };

	(void)state;
	for (size_t i = 0; i < LEN(counts); i++) {
		size_t count = counts[i];
		double most = 0;

		for (int set = 0; set < 3; set++) {
			make_backends(count, NULL);
			assert_int_equal(maglev_build(backends, count, ROWS, rows), 0);
			for (size_t gone = 0; gone < count; gone++) {
				struct maglev_backend saved = backends[gone];
				__u32 moved = 0;

				backends[gone].weight = 0;
				assert_int_equal(maglev_build(backends, count, ROWS, fewer), 0);
				backends[gone] = saved;
				for (__u32 row = 0; row < ROWS; row++)
					moved += rows[row] != fewer[row];
				if (100.0 * moved / ROWS > most)
					most = 100.0 * moved / ROWS;
			}
		}
		print_message("  1 of %zu: %.2f %% at most, %.2f %% are its own\n", count, most,
			      100.0 / count);
		assert_true(most <= 100.0 / count + 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shares_of_rows_are_within_one_percent),
		cmocka_unit_test(flows_are_spread_by_the_hash),
		cmocka_unit_test(round_robin_is_within_one_percent),
		cmocka_unit_test(losing_one_of_n_moves_little_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
