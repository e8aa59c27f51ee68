// SPDX-License-Identifier: BSD-2-Clause
/* A pass over the NAT table: flows of services that are no more, and sources that flows have. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "sweep/nat_sweep.h"

#define NOW     1000
#define SETS    4
#define TARGETS 2

static struct nat_set sets[SETS];
static struct sweep_tally flows[TARGETS];
static __u16 service_of_target[TARGETS];
static __u8 dead_services[POISE_MAX_SERVICES], sources_used[POISE_MAX_NAT_SOURCES];

static struct nat_sweep sweep_new(void)
{
	memset(sets, 0, sizeof(sets));
	memset(flows, 0, sizeof(flows));
	memset(dead_services, 0, sizeof(dead_services));
	memset(sources_used, 0, sizeof(sources_used));
	memset(service_of_target, 0xff, sizeof(service_of_target));
	return (struct nat_sweep){ .sets = sets,
				   .set_count = SETS,
				   .now = NOW,
				   .clean = true,
				   .service_of_target = service_of_target,
				   .target_count = TARGETS,
				   .flows = flows,
				   .dead_services = dead_services,
				   .sources_used = sources_used };
}

/* Puts a flow into the first two sets, at the same place of each. */
static void flow_put(__u32 at, __u16 service, __u16 source, __u32 flags)
{
	struct nat_entry entry = { .target = 1, .service = service, .source = source };

	for (int i = 0; i < 2; i++) {
		sets[i].entries[at] = entry;
		sets[i].entries[at].other = (1 - i) * NAT_PER_SET + at;
		sets[i].entries[at].other_tag = 100 * (1 - i) + at + 1;
		sets[i].words[at] =
			nat_word(100 * i + at + 1, NOW + 5, flags | (i ? NAT_REPLY : 0));
	}
}

static bool is_there(__u32 at)
{
	assert_int_equal(!sets[0].words[at], !sets[1].words[at]);
	return sets[0].words[at];
}

static void flows_of_a_dead_service_are_cleared(void **state)
{
	struct nat_sweep sweep = sweep_new();

	(void)state;
	flow_put(0, 7, 0, 0);
	flow_put(1, 8, 0, 0);
	flow_put(2, POISE_MAX_SERVICES, 0, 0);
	dead_services[7] = 1;
	nat_sweep_run(&sweep);
	assert_false(is_there(0));
	assert_true(is_there(1));
	assert_false(is_there(2));
	assert_int_equal(flows[1].live, 1);
	assert_int_equal(sweep.cleared, 4);
}

static void nobody_is_dead_where_none_is_asked_for(void **state)
{
	struct nat_sweep sweep = sweep_new();

	(void)state;
	flow_put(0, 7, 5, 0);
	flow_put(1, POISE_MAX_SERVICES, 0, 0);
	sweep.dead_services = NULL;
	sweep.sources_used = NULL;
	nat_sweep_run(&sweep);
	assert_true(is_there(0));
	assert_true(is_there(1));
	assert_int_equal(sources_used[5], 0);
}

static void sources_of_flows_are_told(void **state)
{
	struct nat_sweep sweep = sweep_new();

	(void)state;
	flow_put(0, 1, 5, 0);
	flow_put(1, 1, POISE_MAX_NAT_SOURCES - 1, NAT_RESET);
	flow_put(2, 1, POISE_MAX_NAT_SOURCES, 0);
	flow_put(3, 2, 9, 0);
	dead_services[2] = 1;
	nat_sweep_run(&sweep);
	assert_int_equal(sources_used[5], 1);
	assert_int_equal(sources_used[POISE_MAX_NAT_SOURCES - 1], 1);
	assert_int_equal(sources_used[9], 0);
	assert_int_equal(sources_used[0], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flows_of_a_dead_service_are_cleared),
		cmocka_unit_test(nobody_is_dead_where_none_is_asked_for),
		cmocka_unit_test(sources_of_flows_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
