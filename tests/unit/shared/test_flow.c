// SPDX-License-Identifier: BSD-2-Clause
/* Entries of the flow table and the clock that they expire by. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>
#include <cmocka.h>

#include "poise/flow.h"

#define TAG 0xfedcba98
#define NOW 100

static const struct target target = { .new_ticks = 10, .idle_ticks = 200, .closing_ticks = 30 };
static const struct flow_packet syn = { .fresh = true, .first = true };
static const struct flow_packet ack = { 0 };
static const struct flow_packet fin = { .closes = true };
static const struct flow_packet rst = { .resets = true };
static const struct flow_packet datagram = { .first = true };
static const struct flow_packet client_syn = { .first = true }; /* flows are clients */

static void assert_entry(__u64 entry, __u16 number, int left, enum flow_state state)
{
	assert_int_equal(flow_entry_tag(entry), TAG);
	assert_int_equal(flow_entry_target(entry), number);
	assert_int_equal(flow_entry_left(entry, NOW), left);
	assert_int_equal(flow_entry_state(entry), state);
}

static void test_first_packet(void **state)
{
	(void)state;
	assert_entry(flow_begin(TAG, 7, &target, NOW, &syn), 7, 10, FLOW_NEW);
	assert_entry(flow_begin(TAG, 7, &target, NOW, &datagram), 7, 10, FLOW_NEW);
	assert_entry(flow_begin(TAG, 7, &target, NOW, &client_syn), 7, 10, FLOW_NEW);
	/* This flow is older than the table, so it may be silent for as long as any. */
	assert_entry(flow_begin(TAG, 7, &target, NOW, &ack), 7, 200, FLOW_NEW);
	assert_entry(flow_begin(TAG, 65534, &target, NOW, &fin), 65534, 30, FLOW_CLOSING);
	assert_entry(flow_begin(TAG, 7, &target, NOW, &rst), 7, 30, FLOW_RESET);
}

static void test_later_packets(void **state)
{
	__u64 entry = flow_begin(TAG, 7, &target, NOW - 5, &syn);

	(void)state;
	assert_entry(flow_touch(entry, &target, NOW, &syn), 7, 10, FLOW_NEW);
	assert_entry(flow_touch(entry, &target, NOW, &datagram), 7, 200, FLOW_ESTABLISHED);
	entry = flow_touch(entry, &target, NOW, &ack);
	assert_entry(entry, 7, 200, FLOW_ESTABLISHED);
	/* Nothing to write within a tick. */
	assert_true(flow_touch(entry, &target, NOW, &ack) == entry);
	assert_true(flow_touch(entry, &target, NOW + 1, &ack) != entry);
	entry = flow_touch(entry, &target, NOW, &fin);
	assert_entry(entry, 7, 30, FLOW_CLOSING);
	assert_entry(flow_touch(entry, &target, NOW, &rst), 7, 30, FLOW_CLOSING);
	/* The rest of it changes nothing, another FIN is another end. */
	assert_true(flow_touch(entry, &target, NOW, &ack) == entry);
	assert_true(flow_touch(entry, &target, NOW + FLOW_END_TICKS, &ack) == entry);
	assert_entry(flow_touch(entry, &target, NOW + 1, &fin), 7, 31, FLOW_CLOSING);
	/* A flow that goes on is half-closed, or it is another flow from the same port. */
	assert_entry(flow_touch(entry, &target, NOW + FLOW_END_TICKS + 1, &ack), 7,
		     200 + FLOW_END_TICKS + 1, FLOW_ESTABLISHED);
	assert_entry(flow_touch(entry, &target, NOW + 31, &ack), 7, 231, FLOW_ESTABLISHED);
	assert_entry(flow_touch(entry, &target, NOW + 29, &fin), 7, 59, FLOW_CLOSING);
}

/* Packets of one tick establish nothing, however many they are and in whatever order. */
static void test_one_tick(void **state)
{
	static const struct flow_packet *const packets[] = { &syn, &ack, &rst, &datagram };
	const size_t count = sizeof(packets) / sizeof(packets[0]);

	(void)state;
	for (size_t i = 0; i < count * count * count * count; i++) {
		__u64 entry = flow_begin(TAG, 7, &target, NOW, packets[i % count]);

		entry = flow_touch(entry, &target, NOW, packets[i / count % count]);
		entry = flow_touch(entry, &target, NOW, packets[i / count / count % count]);
		entry = flow_touch(entry, &target, NOW, packets[i / count / count / count]);
		assert_int_not_equal(flow_entry_state(entry), FLOW_ESTABLISHED);
	}
	assert_entry(flow_touch(flow_entry(TAG, 7, NOW + 10, FLOW_NEW), &target, NOW, &ack), 7, 200,
		     FLOW_NEW);
	assert_entry(flow_touch(flow_entry(TAG, 7, NOW + 199, FLOW_NEW), &target, NOW, &ack), 7,
		     200, FLOW_ESTABLISHED);
	assert_entry(flow_touch(flow_entry(TAG, 7, NOW + 9, FLOW_NEW), &target, NOW, &ack), 7, 200,
		     FLOW_ESTABLISHED);
}

/* A SYN takes nothing from a flow: neither its state nor its time. */
static void test_syn_of_a_stranger(void **state)
{
	__u64 open = flow_entry(TAG, 7, NOW + 150, FLOW_ESTABLISHED);

	(void)state;
	assert_true(flow_touch(open, &target, NOW, &syn) == open);
	assert_entry(flow_touch(flow_entry(TAG, 7, NOW + 3, FLOW_ESTABLISHED), &target, NOW, &syn),
		     7, 10, FLOW_ESTABLISHED);
	/* One packet of a flow that is older than the table. */
	assert_entry(flow_touch(flow_entry(TAG, 7, NOW + 150, FLOW_NEW), &target, NOW, &syn), 7,
		     150, FLOW_NEW);
	/* After an RST that was one the backend answers, and the flow begins anew. */
	assert_entry(flow_touch(flow_entry(TAG, 7, NOW + 30, FLOW_RESET), &target, NOW, &syn), 7,
		     30, FLOW_NEW);
}

/* An RST may be a stranger's: the flow goes on, or it is silent. */
static void test_reset(void **state)
{
	__u64 entry = flow_touch(flow_begin(TAG, 7, &target, NOW, &ack), &target, NOW, &rst);

	(void)state;
	assert_entry(entry, 7, 30, FLOW_RESET);
	assert_true(flow_entry_closes(entry));
	assert_true(flow_touch(entry, &target, NOW + FLOW_END_TICKS, &ack) == entry);
	assert_entry(flow_touch(entry, &target, NOW + FLOW_END_TICKS + 1, &ack), 7,
		     200 + FLOW_END_TICKS + 1, FLOW_ESTABLISHED);
	assert_entry(flow_touch(entry, &target, NOW, &fin), 7, 30, FLOW_CLOSING);
}

static void test_who_follows(void **state)
{
	static const struct {
		enum flow_state state;
		int left;
		bool syn, drains; /* a SYN does; it also does while the backend drains */
	} rows[] = {
		{ FLOW_NEW, 10 - FLOW_END_TICKS, true, true }, /* the same SYN again */
		{ FLOW_NEW, 9 - FLOW_END_TICKS, true, false },
		{ FLOW_NEW, 0, true, false },
		{ FLOW_NEW, -1, false },
		{ FLOW_ESTABLISHED, 200, true, true },
		{ FLOW_ESTABLISHED, 200 - FLOW_END_TICKS, true, true },
		{ FLOW_ESTABLISHED, 199 - FLOW_END_TICKS, true, false },
		{ FLOW_ESTABLISHED, 0, true, false },
		{ FLOW_ESTABLISHED, -1, false }, /* it has been silent for long enough */
		{ FLOW_CLOSING, 30, false },
		{ FLOW_CLOSING, 1, false },
		{ FLOW_RESET, 30, true, true },
		{ FLOW_RESET, 30 - FLOW_END_TICKS, true, true },
		{ FLOW_RESET, 29 - FLOW_END_TICKS, false }, /* and silence followed */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		__u64 entry = flow_entry(TAG, 7, NOW + rows[i].left, rows[i].state);

		assert_true(flow_follows(entry, &target, NOW, false, false));
		assert_true(flow_follows(entry, &target, NOW, false, true));
		assert_int_equal(flow_follows(entry, &target, NOW, true, false), rows[i].syn);
		assert_int_equal(flow_follows(entry, &target, NOW, true, true), rows[i].drains);
	}
}

static void test_who_makes_room(void **state)
{
	static const struct {
		int left;
		enum flow_state state;
	} order[] = {
		{ 0, FLOW_NEW },        { 5, FLOW_CLOSING },     { 6, FLOW_NEW },
		{ 8000, FLOW_CLOSING }, { 0, FLOW_ESTABLISHED }, { 1, FLOW_ESTABLISHED },
	};

	(void)state;
	assert_int_equal(flow_entry_worth(0, NOW), 0);
	assert_int_equal(flow_entry_worth(flow_entry(TAG, 1, NOW - 1, FLOW_ESTABLISHED), NOW), 0);
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		__u64 entry = flow_entry(TAG, 1, NOW + order[i].left, order[i].state);
		__u64 less =
			i ? flow_entry(TAG, 1, NOW + order[i - 1].left, order[i - 1].state) : 0;

		assert_true(flow_entry_worth(entry, NOW) > flow_entry_worth(less, NOW));
	}
}

static void test_time_wraps(void **state)
{
	__u64 entry = flow_begin(TAG, 7, &target, FLOW_TICK_MASK - 3, &ack);

	(void)state;
	assert_int_equal(flow_entry_left(entry, FLOW_TICK_MASK - 3), 200);
	assert_int_equal(flow_entry_left(entry, FLOW_TICK_MASK), 197);
	assert_int_equal(flow_entry_left(entry, 0), 196);
	assert_int_equal(flow_entry_left(entry, 196), 0);
	assert_int_equal(flow_entry_left(entry, 197), -1);
	assert_int_equal(flow_entry_left(flow_entry(TAG, 1, FLOW_MAX_TICKS, FLOW_NEW), 0),
			 FLOW_MAX_TICKS);
}

static void test_clock(void **state)
{
	/* 250 jiffies a second, 1024 to a tick of 4.096 s; jiffies begin near their first wrap. */
	const struct flow_clock clock = { .monotonic_ns = 5000000000,
					  .jiffies = 0xfffffe00,
					  .jiffy_ns = 4000000,
					  .tick_shift = 10 };
	const __u64 tick_ns = 4096000000;

	(void)state;
	assert_int_equal(flow_clock_tick(&clock, clock.monotonic_ns), FLOW_TICK_MASK);
	assert_int_equal(flow_clock_tick(&clock, clock.monotonic_ns + tick_ns / 2 - 1),
			 FLOW_TICK_MASK);
	assert_int_equal(flow_clock_tick(&clock, clock.monotonic_ns + tick_ns / 2), 0);
	assert_int_equal(flow_clock_tick(&clock, clock.monotonic_ns + 3 * tick_ns), 2);
	/* Never ends early, whenever within a tick it begins. */
	assert_int_equal(flow_clock_ticks(&clock, 4096), 1);
	assert_int_equal(flow_clock_ticks(&clock, 4097), 2);
	assert_int_equal(flow_clock_ticks(&clock, 900000), 220);
	assert_int_equal(flow_clock_ticks(&clock, 8 * 3600000), 7032);
	assert_int_equal(flow_clock_ticks(&clock, 0xffffffff), FLOW_MAX_TICKS);
}

static void test_rows(void **state)
{
	const struct row stable = { 3, 0 }, moving = { 4, 3 }, tracked = { 4, ROW_TRACKED };

	(void)state;
	assert_false(row_tracks(stable));
	assert_true(row_tracks(moving));
	assert_true(row_tracks(tracked));
	assert_true(row_assigns(moving, true));
	assert_false(row_assigns(moving, false));
	assert_true(row_assigns(tracked, true));
	assert_true(row_assigns(tracked, false));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_packet), cmocka_unit_test(test_later_packets),
		cmocka_unit_test(test_who_follows),  cmocka_unit_test(test_time_wraps),
		cmocka_unit_test(test_clock),        cmocka_unit_test(test_who_makes_room),
		cmocka_unit_test(test_rows),         cmocka_unit_test(test_syn_of_a_stranger),
		cmocka_unit_test(test_reset),        cmocka_unit_test(test_one_tick),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
