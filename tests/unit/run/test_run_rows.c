// SPDX-License-Identifier: BSD-2-Clause
/* Tests what `poise run` shows about backends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "run/run_rows.h"
#include "fixtures/quoted.h"

#define SERVICES                                                                                   \
	"[{'name': '80', 'listen': '[::]:80/tcp', 'backends': ["                                   \
	"{'id': 'a', 'health': 'up', 'reason': '', 'usable': true, 'since_s': 7, 'share': 0.75, "  \
	"'flows': 5}, "                                                                            \
	"{'id': 'b', 'health': 'down', 'reason': 'connection refused', 'usable': false, "          \
	"'share': 0.25, 'flows': 1}, "                                                             \
	"{'id': 'c', 'health': 'up', 'reason': '', 'usable': false, 'next_hop': 'no route', "      \
	"'share': 0, 'flows': 0}]}]"
#define STATS(time, all, a, b)                                                                     \
	"{'time_ns': " time ", 'services': [{'name': '80', 'new_flows': " all                      \
	", 'backends': [{'id': 'a', 'new_flows': " a "}, {'id': 'b', 'new_flows': " b "}]}]}"

static void shares_rates_and_sums(void **state)
{
	json_t *services = json(SERVICES);
	json_t *before = json(STATS("1000000000", "20", "12", "8"));
	json_t *after = json(STATS("3000000000", "40", "30", "10"));
	size_t count;
	struct run_row *rows = run_rows_make(services, after, before, &count);

	(void)state;
	assert_int_equal(count, 4);
	assert_null(rows[0].id);
	assert_string_equal(rows[0].listen, "[::]:80/tcp");
	assert_true(rows[0].wanted == 1 && rows[0].share == 1 && rows[0].now == 1);
	assert_true(rows[0].new_per_s == 10);
	assert_int_equal(rows[0].new_flows, 40);
	assert_int_equal(rows[0].live, 6);
	assert_string_equal(rows[1].id, "a");
	assert_true(rows[1].wanted == 0.75 && rows[1].share == 0.75 && rows[1].now == 0.9);
	assert_true(rows[1].new_per_s == 9);
	assert_int_equal(rows[1].since_s, 7);
	assert_string_equal(rows[1].reason, "");
	assert_string_equal(rows[2].reason, "connection refused");
	assert_true(rows[2].new_per_s == 1);
	/* This backend is up and gets nothing; its next hop tells why, and it has no counter. */
	assert_string_equal(rows[3].reason, "no route");
	assert_int_equal(rows[3].new_flows, 0);
	free(rows);
	json_decref(services);
	json_decref(before);
	json_decref(after);
}

static void the_first_answer_has_totals_only(void **state)
{
	json_t *services = json(SERVICES), *stats = json(STATS("1000000000", "20", "15", "5"));
	size_t count;
	struct run_row *rows = run_rows_make(services, stats, NULL, &count);

	(void)state;
	assert_int_equal(count, 4);
	assert_true(rows[1].share == 0.75 && rows[1].now == -1);
	assert_true(rows[1].new_per_s == 0);
	free(rows);
	json_decref(services);
	json_decref(stats);
}

static void a_service_without_traffic_has_no_shares(void **state)
{
	json_t *services = json(SERVICES), *stats = json(STATS("1000000000", "0", "0", "0"));
	size_t count;
	struct run_row *rows = run_rows_make(services, stats, stats, &count);

	(void)state;
	assert_true(rows[1].share == -1 && rows[1].now == -1);
	assert_true(rows[1].new_per_s == 0);
	free(rows);
	json_decref(services);
	json_decref(stats);
}

static void a_counter_that_began_anew_counts_from_zero(void **state)
{
	json_t *services = json(SERVICES);
	json_t *before = json(STATS("1000000000", "900", "800", "100"));
	json_t *after = json(STATS("2000000000", "4", "4", "0"));
	size_t count;
	struct run_row *rows = run_rows_make(services, after, before, &count);

	(void)state;
	assert_true(rows[1].new_per_s == 4);
	free(rows);
	json_decref(services);
	json_decref(before);
	json_decref(after);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shares_rates_and_sums),
		cmocka_unit_test(the_first_answer_has_totals_only),
		cmocka_unit_test(a_service_without_traffic_has_no_shares),
		cmocka_unit_test(a_counter_that_began_anew_counts_from_zero),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
