// SPDX-License-Identifier: BSD-2-Clause
/* Rates and shares, and how `poise stats -j` gives them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "print/rates.h"
#include "stats/stats.h"

static void a_delta_is_what_passed_in_between(void **state)
{
	const struct counter before = { .packets = 100, .bytes = 5000, .new_flows = 3 };
	const struct counter after = { .packets = 150, .bytes = 9000, .new_flows = 3 };
	struct counter delta = rates_delta(&before, &after);

	(void)state;
	assert_int_equal(delta.packets, 50);
	assert_int_equal(delta.bytes, 4000);
	assert_int_equal(delta.new_flows, 0);
}

static void counters_zeroed_in_between_count_from_zero(void **state)
{
	const struct counter before = { .packets = 100, .bytes = 5000, .new_flows = 3 };
	const struct counter after = { .packets = 20, .bytes = 9000, .new_flows = 1 };
	struct counter delta = rates_delta(&before, &after);

	(void)state;
	assert_int_equal(delta.packets, 20);
	assert_int_equal(delta.bytes, 9000);
	assert_int_equal(delta.new_flows, 1);
}

static void rates_and_shares_of_nothing(void **state)
{
	(void)state;
	assert_true(rates_per_second(100, 500000000) == 200);
	assert_true(rates_per_second(100, 0) == 0);
	assert_true(rates_share(1, 4) == 0.25);
	assert_true(rates_share(0, 4) == 0);
	assert_true(rates_share(0, 0) == -1);
}

static void only_healthy_backends_want_a_share(void **state)
{
	static const struct {
		enum poise_health health;
		__u32 weight;
	} rows[] = {
		{ HEALTH_UP, 70 },
		{ HEALTH_UNCHECKED, 70 },
		{ HEALTH_DOWN, 0 },
		{ HEALTH_CHECKING, 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct target_name name = { .weight = 70, .health = rows[i].health };

		assert_int_equal(rates_weight(&name), rows[i].weight);
	}
}

static const struct target_name names[] = {
	{ .service = "web",
	  .addr = { [10] = 0xff, [11] = 0xff, [12] = 10, [15] = 1 },
	  .weight = 100,
	  .health = HEALTH_UP },
	{ .service = "web",
	  .addr = { [0] = 0x20, [1] = 0x01, [15] = 1 },
	  .port = 0x5000, /* 80 in network order on little-endian hosts */
	  .weight = 300,
	  .health = HEALTH_UP },
};

/* One service with two backends, 3 of 4 packets to the second one; nothing passed to it lately. */
static json_t *encode(__u64 elapsed_ns, __u64 delta_packets)
{
	struct stats_backend backends[] = {
		{ .target = 1,
		  .name = &names[0],
		  .total = { .packets = 25, .bytes = 2500, .new_flows = 5 },
		  .delta = { .packets = delta_packets, .bytes = 0, .new_flows = 0 } },
		{ .target = 2,
		  .name = &names[1],
		  .total = { .packets = 75, .bytes = 7500, .new_flows = 15 } },
	};
	struct stats_service service = {
		.name = "web",
		.backends = backends,
		.backend_count = 2,
		.total = { .packets = 100, .bytes = 10000, .new_flows = 20 },
		.delta = { .packets = delta_packets },
		.weight = 400,
	};
	struct stats stats = {
		.time_ns = 12345,
		.elapsed_ns = elapsed_ns,
		.services = &service,
		.service_count = 1,
	};

	return stats_encode(&stats);
}

static json_t *backend_of(json_t *tree, size_t i)
{
	json_t *service = json_array_get(json_object_get(tree, "services"), 0);

	return json_array_get(json_object_get(service, "backends"), i);
}

static double real_of(json_t *object, const char *key)
{
	json_t *value = json_object_get(object, key);

	assert_true(json_is_real(value));
	return json_real_value(value);
}

static void totals_rates_and_shares_are_encoded(void **state)
{
	json_t *tree = encode(500000000, 10);
	json_t *first = backend_of(tree, 0), *second = backend_of(tree, 1);

	(void)state;
	assert_string_equal(json_string_value(json_object_get(first, "id")), "10.0.0.1");
	assert_string_equal(json_string_value(json_object_get(second, "id")), "[2001::1]:80");
	assert_int_equal(json_integer_value(json_object_get(second, "packets")), 75);
	assert_int_equal(json_integer_value(json_object_get(second, "new_flows")), 15);
	assert_true(real_of(tree, "interval_s") == 0.5);
	assert_true(real_of(first, "packets_per_s") == 20);
	assert_true(real_of(first, "share") == 0.25);
	assert_true(real_of(first, "share_now") == 1);
	assert_true(real_of(second, "share_now") == 0);
	assert_true(real_of(first, "share_wanted") == 0.25);
	assert_true(real_of(second, "share_wanted") == 0.75);
	json_decref(tree);
}

static void one_read_has_no_rates(void **state)
{
	json_t *tree = encode(0, 10);

	(void)state;
	assert_true(json_is_null(json_object_get(backend_of(tree, 0), "packets_per_s")));
	assert_true(json_is_null(json_object_get(backend_of(tree, 0), "share_now")));
	assert_true(real_of(backend_of(tree, 0), "share") == 0.25);
	json_decref(tree);
}

static void a_silent_interval_has_no_shares(void **state)
{
	json_t *tree = encode(1000000000, 0);

	(void)state;
	assert_true(real_of(backend_of(tree, 0), "packets_per_s") == 0);
	assert_true(json_is_null(json_object_get(backend_of(tree, 0), "share_now")));
	json_decref(tree);
}

static void replies_are_counted_as_what_they_answer(void **state)
{
	const struct counter before = {
		.packets = 9, .reply_packets = 5, .reply_bytes = 700, .icmp_errors = 2
	};
	const struct counter after = {
		.packets = 9, .reply_packets = 15, .reply_bytes = 2200, .icmp_errors = 6
	};
	struct counter sum = rates_delta(&before, &after);

	(void)state;
	assert_int_equal(sum.reply_packets, 10);
	assert_int_equal(sum.reply_bytes, 1500);
	assert_int_equal(sum.icmp_errors, 4);
	rates_add(&sum, &after);
	assert_int_equal(sum.reply_packets, 25);
	assert_int_equal(sum.reply_bytes, 3700);
	assert_int_equal(sum.icmp_errors, 10);
	/* Zeroed in between. */
	assert_int_equal(rates_delta(&after, &before).reply_packets, 5);
}

static void of_sockets_new_flows_are_shared_out(void **state)
{
	struct stats_backend backends[2] = {
		{ .target = 1, .name = &names[0], .total = { .new_flows = 30 } },
		{ .target = 2, .name = &names[1], .total = { .new_flows = 10, .reply_bytes = 4 } },
	};
	struct stats_service service = { .name = "web",
					 .sockets = true,
					 .backends = backends,
					 .backend_count = 2,
					 .total = { .new_flows = 40 } };
	struct stats stats = { .services = &service, .service_count = 1 };
	json_t *tree = stats_encode(&stats);

	(void)state;
	assert_true(real_of(backend_of(tree, 0), "share") == 0.75);
	assert_int_equal(json_integer_value(json_object_get(backend_of(tree, 1), "reply_bytes")),
			 4);
	/* Nobody counts their packets. */
	assert_true(json_is_null(json_object_get(backend_of(tree, 0), "packets")));
	assert_true(json_is_null(json_object_get(backend_of(tree, 0), "bytes")));
	assert_true(json_is_null(json_object_get(backend_of(tree, 0), "reply_packets")));
	assert_int_equal(json_integer_value(json_object_get(backend_of(tree, 0), "new_flows")), 30);
	json_decref(tree);
	/* Datagrams are looked up one by one. */
	backends[0].total.packets = 60;
	tree = stats_encode(&stats);
	assert_int_equal(json_integer_value(json_object_get(backend_of(tree, 0), "packets")), 60);
	json_decref(tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_delta_is_what_passed_in_between),
		cmocka_unit_test(counters_zeroed_in_between_count_from_zero),
		cmocka_unit_test(rates_and_shares_of_nothing),
		cmocka_unit_test(only_healthy_backends_want_a_share),
		cmocka_unit_test(totals_rates_and_shares_are_encoded),
		cmocka_unit_test(one_read_has_no_rates),
		cmocka_unit_test(a_silent_interval_has_no_shares),
		cmocka_unit_test(replies_are_counted_as_what_they_answer),
		cmocka_unit_test(of_sockets_new_flows_are_shared_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
