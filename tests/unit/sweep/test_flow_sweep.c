// SPDX-License-Identifier: BSD-2-Clause
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sweep/flow_sweep.h"

#define LEN(array) (sizeof(array) / sizeof(*(array)))

#define NOW     100
#define TARGETS 8
#define ROWS    4
#define CLOSING 20

/* A tag in the middle of a row of a table of ROWS. */
#define TAG(row) ((__u32)(((row)*2ULL + 1) * (1ULL << 32) / (ROWS * 2)))

enum { NONE, A, B, C, FREE, GONE, OTHER };

static struct flow_set sets[4];
static struct row rows[ROWS], other_rows[ROWS];
static __u8 held[ROWS], other_held[ROWS];
static struct sweep_tally flows[TARGETS];
static struct sweep_service services[2];
static __u16 service_of_target[TARGETS];
static __u16 closing_ticks[TARGETS];

static struct flow_sweep sweep_new(void)
{
	memset(sets, 0, sizeof(sets));
	memset(held, 0, sizeof(held));
	memset(other_held, 0, sizeof(other_held));
	memset(flows, 0, sizeof(flows));
	memset(service_of_target, 0xff, sizeof(service_of_target));
	service_of_target[A] = service_of_target[B] = service_of_target[C] = 0;
	service_of_target[OTHER] = 1;
	service_of_target[GONE] = SWEEP_CLEAR;
	for (int i = 0; i < ROWS; i++) {
		rows[i] = (struct row){ A, ROW_TRACKED };
		other_rows[i] = (struct row){ OTHER, ROW_TRACKED };
	}
	for (int i = 0; i < TARGETS; i++)
		closing_ticks[i] = CLOSING;
	services[0] = (struct sweep_service){ .rows = rows, .row_count = ROWS, .held = held };
	services[1] =
		(struct sweep_service){ .rows = other_rows, .row_count = ROWS, .held = other_held };
	return (struct flow_sweep){ .sets = sets,
				    .set_count = LEN(sets),
				    .now = NOW,
				    .clean = true,
				    .service_of_target = service_of_target,
				    .closing_ticks = closing_ticks,
				    .target_count = TARGETS,
				    .services = services,
				    .flows = flows };
}

static const struct {
	const char *name;
	__u16 target;
	int left;
	enum flow_state state;
	bool live, closing, cleared, held;
} cases[] = {
	{ "a flow of the row's own", A, 9, FLOW_ESTABLISHED, .live = true },
	{ "a flow of another one holds the row", B, 9, FLOW_ESTABLISHED, .live = true,
	  .held = true },
	{ "also one that has just begun", B, 9, FLOW_NEW, .live = true, .held = true },
	{ "its last tick", B, 0, FLOW_ESTABLISHED, .live = true, .held = true },
	{ "expired", B, -1, FLOW_ESTABLISHED, .cleared = true },
	{ "expired long ago", A, -FLOW_MAX_TICKS, FLOW_NEW, .cleared = true },
	{ "as long as can be", B, FLOW_MAX_TICKS, FLOW_ESTABLISHED, .live = true, .held = true },
	{ "closes, heard of in this tick", A, CLOSING, FLOW_CLOSING, .live = true },
	{ "closes, heard of two ticks ago", A, CLOSING - 2, FLOW_CLOSING, .live = true },
	{ "closes, silent for three", A, CLOSING - 3, FLOW_CLOSING, .closing = true },
	{ "reset, silent for three", A, CLOSING - 3, FLOW_RESET, .closing = true },
	{ "closes, and holds the row to its end", B, 0, FLOW_CLOSING, .closing = true,
	  .held = true },
	{ "closes, expired", B, -1, FLOW_CLOSING, .cleared = true },
	{ "nobody's service", FREE, 9, FLOW_ESTABLISHED, .live = true },
	{ "a target that is gone", GONE, 9, FLOW_ESTABLISHED, .cleared = true },
	{ "no such target", TARGETS, 9, FLOW_ESTABLISHED, .cleared = true },
	{ "the last number", 0xffff, 9, FLOW_ESTABLISHED, .cleared = true },
};

static void run_case(size_t i, bool clean)
{
	struct flow_sweep sweep = sweep_new();
	__u64 entry = flow_entry(TAG(2), cases[i].target, NOW + cases[i].left, cases[i].state);
	bool counted = cases[i].live || cases[i].closing;

	print_message("  %s%s\n", cases[i].name, clean ? "" : " (no cleaning)");
	sweep.clean = clean;
	sets[1].entries[5] = entry;
	assert_int_equal(flow_sweep_run(&sweep), 0);
	assert_int_equal(sweep.occupied, counted);
	assert_int_equal(sweep.new_flows, counted && cases[i].state == FLOW_NEW);
	assert_int_equal(sweep.cleared, clean && cases[i].cleared);
	if (counted) {
		assert_int_equal(flows[cases[i].target].live, cases[i].live);
		assert_int_equal(flows[cases[i].target].closing, cases[i].closing);
	}
	for (int row = 0; row < ROWS; row++) {
		assert_int_equal(held[row], cases[i].held && row == 2);
		assert_int_equal(other_held[row], 0);
	}
	assert_true(sets[1].entries[5] == (clean && cases[i].cleared ? 0 : entry));
}

static void each_entry_is_judged(void **state)
{
	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		run_case(i, true);
		run_case(i, false);
	}
}

static void an_empty_table_tells_nothing(void **state)
{
	struct flow_sweep sweep = sweep_new();

	(void)state;
	assert_int_equal(flow_sweep_run(&sweep), 0);
	assert_int_equal(sweep.occupied + sweep.new_flows + sweep.cleared, 0);
	sweep.set_count = 0;
	sweep.sets = NULL;
	assert_int_equal(flow_sweep_run(&sweep), 0);
}

/* Time goes round; so does what expires after it has. */
static void time_goes_round(void **state)
{
	struct flow_sweep sweep = sweep_new();

	(void)state;
	sweep.now = FLOW_TICK_MASK;
	sets[0].entries[0] = flow_entry(TAG(1), B, sweep.now + 5, FLOW_NEW);
	sets[0].entries[1] = flow_entry(TAG(1), B, sweep.now - 5, FLOW_NEW);
	assert_int_equal(flow_sweep_run(&sweep), 0);
	assert_int_equal(sweep.occupied, 1);
	assert_int_equal(sweep.cleared, 1);
	sweep.now = 4;
	assert_int_equal(flow_sweep_run(&sweep), 0);
	assert_int_equal(sweep.occupied, 2);
	assert_int_equal(sweep.cleared, 1);
	sweep.now = 5;
	assert_int_equal(flow_sweep_run(&sweep), 0);
	assert_int_equal(sweep.cleared, 2);
	assert_true(!sets[0].entries[0]);
}

static void all_of_a_table_is_counted(void **state)
{
	struct flow_sweep sweep = sweep_new();

	(void)state;
	for (size_t i = 0; i < LEN(sets) * FLOWS_PER_SET; i++)
		sets[i / FLOWS_PER_SET].entries[i % FLOWS_PER_SET] =
			flow_entry(TAG(i % 3), i % 2 ? A : OTHER, NOW + i, i % 4 ? 1 : 0);
	rows[1].current_target = B;
	services[1].held = NULL;
	assert_int_equal(flow_sweep_run(&sweep), 0);
	assert_int_equal(sweep.occupied, 32);
	assert_int_equal(sweep.new_flows, 8);
	assert_int_equal(flows[A].live, 16);
	assert_int_equal(flows[OTHER].live, 16);
	for (int row = 0; row < ROWS; row++) {
		assert_int_equal(held[row], row == 1);
		assert_int_equal(other_held[row], 0);
	}
}

/* Two halves of a table tell what the whole does: figures are added to what is there. */
static void figures_add_up(void **state)
{
	struct flow_sweep sweep = sweep_new();

	(void)state;
	sets[0].entries[0] = flow_entry(TAG(0), B, NOW, FLOW_NEW);
	sets[3].entries[7] = flow_entry(TAG(3), B, NOW, FLOW_NEW);
	sets[3].entries[6] = flow_entry(TAG(3), B, NOW - 1, FLOW_NEW);
	sweep.set_count = 2;
	assert_int_equal(flow_sweep_run(&sweep), 0);
	sweep.sets += 2;
	assert_int_equal(flow_sweep_run(&sweep), 0);
	assert_int_equal(sweep.occupied, 2);
	assert_int_equal(sweep.new_flows, 2);
	assert_int_equal(sweep.cleared, 1);
	assert_int_equal(flows[B].live, 2);
	assert_int_equal(held[0] + held[1] * 2 + held[2] * 4 + held[3] * 8, 9);
}

/* --- with packets at the same time --- */

#define BUSY_SETS   256
#define BUSY_ROUNDS 300

static struct flow_set busy[BUSY_SETS];
static bool busy_end;

static __u64 make_flow(__u32 set, int slot, __u16 target, __u32 expiry)
{
	return flow_entry(set << 8 | slot, target, expiry, FLOW_ESTABLISHED);
}

/*
 * Does what packets do, slot by slot and over and over: an expired entry is touched if it is still
 * there, and made anew otherwise. An entry that has not expired must never go: what was put there
 * last has to be there.
 */
static void *touch_entries(void *arg)
{
	__u64 *lost = arg;
	unsigned int seed = 3;

	while (!__atomic_load_n(&busy_end, __ATOMIC_RELAXED)) {
		__u32 set = rand_r(&seed) % BUSY_SETS;
		int slot = rand_r(&seed) % FLOWS_PER_SET;
		__u64 *at = &busy[set].entries[slot];
		__u64 old = __atomic_load_n(at, __ATOMIC_RELAXED);
		__u64 live = make_flow(set, slot, A, NOW + 1 + rand_r(&seed) % 50);

		/* only this thread makes entries: if it fails this was cleared, and is made again
		 */
		if (!__sync_bool_compare_and_swap(at, old, live))
			__sync_bool_compare_and_swap(at, 0, live);
		for (int i = 0; i < 20; i++)
			*lost += __atomic_load_n(at, __ATOMIC_RELAXED) != live;
		/* it expires */
		__sync_bool_compare_and_swap(at, live, make_flow(set, slot, A, NOW - 1));
	}
	return NULL;
}

static void nothing_live_is_cleared_while_packets_come(void **state)
{
	struct flow_sweep sweep = sweep_new();
	pthread_t packets;
	__u64 lost = 0, cleared = 0;

	(void)state;
	sweep.sets = busy;
	sweep.set_count = BUSY_SETS;
	busy_end = false;
	assert_int_equal(pthread_create(&packets, NULL, touch_entries, &lost), 0);
	while (cleared < 10000) {
		sweep.cleared = 0;
		assert_int_equal(flow_sweep_run(&sweep), 0);
		cleared += sweep.cleared;
	}
	__atomic_store_n(&busy_end, true, __ATOMIC_RELAXED);
	pthread_join(packets, NULL);
	assert_int_equal(lost, 0);
}

/* A flow that lives on the edge, touched just as it is found to have expired: either it is gone and
 * not counted, or it is there and counted, and holds its row. */
static void *touch_expired(void *arg)
{
	__u64 *at = arg;
	__u64 old = __atomic_load_n(at, __ATOMIC_RELAXED);

	__sync_bool_compare_and_swap(at, old, flow_entry(TAG(2), B, NOW + 5, FLOW_ESTABLISHED));
	return NULL;
}

static void who_comes_back_in_time_counts(void **state)
{
	(void)state;
	for (int round = 0; round < BUSY_ROUNDS; round++) {
		struct flow_sweep sweep = sweep_new();
		pthread_t packet;
		__u64 left;

		sets[2].entries[3] = flow_entry(TAG(2), B, NOW - 1, FLOW_ESTABLISHED);
		assert_int_equal(pthread_create(&packet, NULL, touch_expired, &sets[2].entries[3]),
				 0);
		assert_int_equal(flow_sweep_run(&sweep), 0);
		left = __atomic_load_n(&sets[2].entries[3], __ATOMIC_RELAXED);
		pthread_join(packet, NULL);
		assert_int_equal(sweep.cleared + sweep.occupied, 1);
		assert_int_equal(held[2], sweep.occupied);
		assert_int_equal(flows[B].live, sweep.occupied);
		if (sweep.occupied)
			assert_true(left && flow_entry_left(left, NOW) == 5);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_entry_is_judged),
		cmocka_unit_test(an_empty_table_tells_nothing),
		cmocka_unit_test(time_goes_round),
		cmocka_unit_test(all_of_a_table_is_counted),
		cmocka_unit_test(figures_add_up),
		cmocka_unit_test(nothing_live_is_cleared_while_packets_come),
		cmocka_unit_test(who_comes_back_in_time_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
