// SPDX-License-Identifier: BSD-2-Clause
/* Rows counted by kind, and how long a flow has been silent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "poise/nat.h"
#include "pinned/tracking.h"

static void a_flow_by_nat_is_heard_by_its_state_s_time(void **state)
{
	static const struct target target = {
		.new_ticks = 30,
		.closing_ticks = 20,
		.nat = { .idle_ticks = 1000, .replied_ticks = 15, .reset_ticks = 3 }
	};
	static const __u32 assured = NAT_REPLIED | NAT_ASSURED;
	static const struct {
		__u32 flags;
		int left;
		__u32 within;
		bool heard;
	} rows[] = {
		{ assured, 1000, 0, true },
		{ assured, 990, 10, true },
		{ assured, 989, 10, false },
		{ assured, 2000, 0, true }, /* the timeout was longer once */
		{ assured, -1, 1000, false },
		{ 0, 25, 5, true },
		{ NAT_REPLIED, 10, 4, false },
		{ assured | NAT_FIN_CLIENT, 15, 5, true },
		/* It has ended: the rest of it is soon over. */
		{ assured | NAT_FIN_CLIENT | NAT_FIN_BACKEND, 19, 10, true },
		{ assured | NAT_FIN_CLIENT | NAT_FIN_BACKEND, 15, 10, false },
		/* One entry of a flow counts, and that only once it is whole. */
		{ assured | NAT_REPLY, 1000, 10, false },
		{ assured | NAT_BUSY, 1000, 10, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		/* Across the clock's end. */
		__u32 now = NAT_TICK_MASK - 5;
		__u64 word = nat_word(1, now + rows[i].left, rows[i].flags);

		assert_int_equal(tracking_nat_is_heard(word, &target, now, rows[i].within),
				 rows[i].heard);
	}
	assert_false(tracking_nat_is_heard(0, &target, 0, 1000));
}

static void rows_are_counted_by_kind_and_by_target(void **state)
{
	static const struct row rows[] = {
		{ 1, 0 }, { 1, 0 },           { 0, 0 },           { 2, 1 },
		{ 0, 1 }, { 2, ROW_TRACKED }, { 0, ROW_TRACKED }, { 9, 8 },
	};
	struct target_rows targets[3] = { 0 };
	struct row_kinds kinds = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		tracking_row(rows[i], &kinds, targets, 3);
	assert_int_equal(kinds.stable, 3);
	assert_int_equal(kinds.moving, 3);
	assert_int_equal(kinds.tracked, 2);
	assert_int_equal(targets[1].current, 2);
	assert_int_equal(targets[1].previous, 2);
	assert_int_equal(targets[2].current, 2);
	assert_int_equal(targets[2].previous, 0);
}

static void silence_is_what_is_gone_of_an_entry_s_time(void **state)
{
	static const struct target target = { .new_ticks = 15,
					      .idle_ticks = 225,
					      .closing_ticks = 30 };
	static const struct {
		enum flow_state state;
		__u32 left, silent;
	} rows[] = {
		{ FLOW_ESTABLISHED, 225, 0 },
		{ FLOW_ESTABLISHED, 200, 25 },
		{ FLOW_ESTABLISHED, 0, 225 },
		{ FLOW_ESTABLISHED, 300, 0 }, /* the timeout was longer once */
		{ FLOW_CLOSING, 20, 10 },
		{ FLOW_RESET, 20, 10 },
		{ FLOW_NEW, 10, 5 },
		{ FLOW_NEW, 100, 125 }, /* of an older flow's first packet that met the row */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		/* Across the clock's end. */
		__u32 now = FLOW_TICK_MASK - 3;
		__u64 entry = flow_entry(1, 2, now + rows[i].left, rows[i].state);

		assert_int_equal(tracking_silent_ticks(entry, &target, now), rows[i].silent);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_flow_by_nat_is_heard_by_its_state_s_time),
		cmocka_unit_test(rows_are_counted_by_kind_and_by_target),
		cmocka_unit_test(silence_is_what_is_gone_of_an_entry_s_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
