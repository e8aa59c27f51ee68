// SPDX-License-Identifier: BSD-2-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "kernel/flow_carry.h"
#include "poise/flow.h"

#define NOW 16380 /* expiries wrap around */

static struct flow_set from[64], seen[64], to[64];
static struct flow_carry carry;

static void begin(__u32 from_count, __u32 to_count)
{
	memset(from, 0, sizeof(from));
	memset(seen, 0, sizeof(seen));
	memset(to, 0, sizeof(to));
	carry = (struct flow_carry){
		.from = from, .from_count = from_count, .to = to, .to_count = to_count, .seen = seen
	};
}

static __u64 established(__u32 tag, __u16 target, int left)
{
	return flow_entry(tag, target, NOW + left, FLOW_ESTABLISHED);
}

static __u64 new_flow(__u32 tag, __u16 target, int left)
{
	return flow_entry(tag, target, NOW + left, FLOW_NEW);
}

/* The entry of a flow in a set of the new table; 0: none. */
static __u64 entry_of(__u32 set, __u32 tag)
{
	for (int i = 0; i < FLOWS_PER_SET; i++)
		if (flow_entry_tag(to[set].entries[i]) == tag)
			return to[set].entries[i];
	return 0;
}

static int entries(__u32 count)
{
	int used = 0;

	for (__u32 i = 0; i < count * FLOWS_PER_SET; i++)
		used += to[i / FLOWS_PER_SET].entries[i % FLOWS_PER_SET] != 0;
	return used;
}

static void a_smaller_table_takes_sets_together(void **state)
{
	(void)state;
	begin(64, 16);
	from[5].entries[7] = established(100, 1, 200);
	from[21].entries[7] = established(101, 2, 0);
	from[53].entries[0] = new_flow(102, 3, 10);
	from[63].entries[0] = established(103, 4, 10);
	from[63].entries[1] = established(104, 4, -1);
	flow_carry_run(&carry, NOW);
	assert_int_equal(entry_of(5, 100), established(100, 1, 200));
	assert_int_equal(entry_of(5, 101), established(101, 2, 0));
	assert_int_equal(entry_of(5, 102), new_flow(102, 3, 10));
	assert_int_equal(entry_of(15, 103), established(103, 4, 10));
	assert_int_equal(entries(64), 4);
	assert_int_equal(carry.flows, 4);
	assert_int_equal(carry.lost, 0);
}

static void a_larger_table_gets_entries_wherever_they_may_be_looked_for(void **state)
{
	(void)state;
	begin(16, 64);
	from[5].entries[3] = established(100, 1, 200);
	from[5].entries[4] = established(101, 1, -1);
	flow_carry_run(&carry, NOW);
	for (int set = 5; set < 64; set += 16)
		assert_int_equal(entry_of(set, 100), established(100, 1, 200));
	assert_int_equal(entries(64), 4);
	assert_int_equal(carry.flows, 1);
	assert_int_equal(carry.lost, 0);
}

static void who_expires_first_makes_room(void **state)
{
	(void)state;
	begin(16, 8);
	for (int i = 0; i < FLOWS_PER_SET; i++)
		from[2].entries[i] = established(100 + i, 1, 100 + i);
	from[2].entries[6] = new_flow(106, 1, 2000);
	from[2].entries[7] = new_flow(107, 1, 2001);
	/* Takes the place of 106, then of 107, then of the first of the others to expire. */
	from[10].entries[0] = new_flow(200, 1, 2002);
	from[10].entries[1] = established(201, 1, 100);
	from[10].entries[2] = established(202, 1, 101);
	from[10].entries[3] = established(203, 1, 200);
	/* Finds nobody that is worth less. */
	from[10].entries[4] = new_flow(204, 1, 2003);
	flow_carry_run(&carry, NOW);
	for (__u32 tag = 106; tag <= 107; tag++)
		assert_int_equal(entry_of(2, tag), 0);
	assert_int_equal(entry_of(2, 100), 0);
	for (__u32 tag = 101; tag <= 105; tag++)
		assert_int_not_equal(entry_of(2, tag), 0);
	for (__u32 tag = 201; tag <= 203; tag++)
		assert_int_not_equal(entry_of(2, tag), 0);
	assert_int_equal(entry_of(2, 200), 0);
	assert_int_equal(entry_of(2, 204), 0);
	assert_int_equal(entries(64), 8);
	assert_int_equal(carry.flows, 13);
	assert_int_equal(carry.lost, 5);
}

static void later_passes_carry_what_changed(void **state)
{
	(void)state;
	begin(16, 8);
	from[2].entries[0] = established(100, 1, 100);
	from[2].entries[1] = established(101, 1, 100);
	flow_carry_run(&carry, NOW);
	from[2].entries[0] = new_flow(100, 2, 15);
	from[3].entries[0] = established(102, 1, 100);
	flow_carry_run(&carry, NOW + 1);
	/* The old table is right until the switch, also where its entry expires earlier. */
	assert_int_equal(entry_of(2, 100), new_flow(100, 2, 15));
	assert_int_equal(entry_of(2, 101), established(101, 1, 100));
	assert_int_equal(entry_of(3, 102), established(102, 1, 100));
	assert_int_equal(entries(64), 3);
	assert_int_equal(carry.flows, 3);
}

static void what_packets_changed_since_the_switch_stays(void **state)
{
	(void)state;
	begin(16, 8);
	from[2].entries[0] = established(100, 1, 100);
	from[2].entries[1] = established(101, 1, 100);
	from[2].entries[2] = established(102, 1, 100);
	flow_carry_run(&carry, NOW);
	/* Between that pass and the switch, in the old table. */
	from[2].entries[0] = new_flow(100, 2, 15);
	from[2].entries[1] = established(101, 1, 101);
	from[2].entries[3] = new_flow(103, 3, 15);
	from[2].entries[4] = new_flow(104, 3, 15);
	/* After it, in the new one. */
	for (int i = 0; i < FLOWS_PER_SET; i++)
		if (flow_entry_tag(to[2].entries[i]) == 101)
			to[2].entries[i] = new_flow(101, 5, 15);
	to[2].entries[7] = established(104, 3, 100);
	carry.switched = true;
	flow_carry_run(&carry, NOW);
	assert_int_equal(entry_of(2, 100), new_flow(100, 2, 15));
	assert_int_equal(entry_of(2, 101), new_flow(101, 5, 15));
	assert_int_equal(entry_of(2, 102), established(102, 1, 100));
	assert_int_equal(entry_of(2, 103), new_flow(103, 3, 15));
	assert_int_equal(entry_of(2, 104), established(104, 3, 100));
	assert_int_equal(entries(64), 5);
}

static void expired_entries_of_the_new_table_are_room(void **state)
{
	(void)state;
	begin(8, 8);
	for (int i = 0; i < FLOWS_PER_SET; i++)
		to[0].entries[i] = established(100 + i, 1, i == 5 ? -3 : 50);
	from[0].entries[0] = new_flow(200, 1, 1);
	from[0].entries[1] = new_flow(201, 1, 1);
	flow_carry_run(&carry, NOW);
	assert_int_equal(entry_of(0, 200), new_flow(200, 1, 1));
	assert_int_equal(entry_of(0, 105), 0);
	assert_int_equal(entry_of(0, 201), 0);
	assert_int_equal(carry.lost, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_smaller_table_takes_sets_together),
		cmocka_unit_test(a_larger_table_gets_entries_wherever_they_may_be_looked_for),
		cmocka_unit_test(who_expires_first_makes_room),
		cmocka_unit_test(later_passes_carry_what_changed),
		cmocka_unit_test(what_packets_changed_since_the_switch_stays),
		cmocka_unit_test(expired_entries_of_the_new_table_are_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
