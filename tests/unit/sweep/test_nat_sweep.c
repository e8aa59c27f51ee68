// SPDX-License-Identifier: BSD-2-Clause
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sweep/nat_sweep.h"

#define LEN(array) (sizeof(array) / sizeof(*(array)))

#define NOW     1000
#define TARGETS 8
#define SETS    64
#define OPEN    (NAT_REPLIED | NAT_ASSURED)

enum { NONE, A, B, GONE, LAST = TARGETS - 1 };

static struct nat_set sets[SETS];
static struct sweep_tally flows[TARGETS];
static __u16 service_of_target[TARGETS];

static struct nat_sweep sweep_new(void)
{
	memset(sets, 0, sizeof(sets));
	memset(flows, 0, sizeof(flows));
	memset(service_of_target, 0xff, sizeof(service_of_target));
	service_of_target[A] = 0;
	return (struct nat_sweep){ .sets = sets,
				   .set_count = SETS,
				   .now = NOW,
				   .clean = true,
				   .service_of_target = service_of_target,
				   .target_count = TARGETS,
				   .flows = flows };
}

static __u64 *word_at(__u32 index)
{
	return &sets[index / NAT_PER_SET].words[index % NAT_PER_SET];
}

static struct nat_entry *entry_at(__u32 index)
{
	return &sets[index / NAT_PER_SET].entries[index % NAT_PER_SET];
}

static void side_put(__u32 index, __u32 other, __u16 target, __u64 word)
{
	*entry_at(index) =
		(struct nat_entry){ .target = target, .other = other, .other_tag = ~other };
	*word_at(index) = word;
}

/* A flow: its tags are what its indices tell. */
static void flow_put(__u32 client, __u32 reply, __u16 target, int left, __u32 flags)
{
	side_put(client, reply, target, nat_word(~client, NOW + left, flags));
	side_put(reply, client, target, nat_word(~reply, NOW + left, flags | NAT_REPLY));
}

static bool is_there(__u32 index)
{
	return *word_at(index);
}

static void flows_are_counted_by_their_clients_side(void **state)
{
	struct nat_sweep sweep = sweep_new();

	(void)state;
	flow_put(3, 200, A, 5, 0);
	flow_put(4, 201, A, 5, NAT_REPLIED);
	flow_put(5, 202, A, 100000, OPEN);
	flow_put(6, 203, A, 5, OPEN | NAT_FIN_CLIENT);
	flow_put(204, 7, A, 5, OPEN | NAT_FIN_CLIENT | NAT_FIN_BACKEND);
	flow_put(8, 9, A, 0, OPEN | NAT_RESET);
	flow_put(SETS * NAT_PER_SET - 1, 0, LAST, 0, NAT_UDP | OPEN);
	nat_sweep_run(&sweep);
	assert_int_equal(flows[A].live, 4);
	assert_int_equal(flows[A].closing, 2);
	assert_int_equal(flows[LAST].live, 1);
	assert_int_equal(sweep.live, 5);
	assert_int_equal(sweep.closing, 2);
	assert_int_equal(sweep.new_flows, 2);
	assert_int_equal(sweep.occupied, 14);
	assert_int_equal(sweep.cleared, 0);
}

static void counts_add_up(void **state)
{
	struct nat_sweep sweep = sweep_new();

	(void)state;
	flow_put(3, 200, A, 5, 0);
	flows[A] = (struct sweep_tally){ .live = 10, .closing = 20 };
	nat_sweep_run(&sweep);
	assert_int_equal(flows[A].live, 11);
	assert_int_equal(flows[A].closing, 20);
}

static void no_table_has_no_flows(void **state)
{
	struct nat_sweep sweep = sweep_new();

	(void)state;
	sweep.sets = NULL;
	sweep.set_count = 0;
	nat_sweep_run(&sweep);
	assert_int_equal(sweep.occupied, 0);
}

static void what_has_expired_for_two_ticks_is_cleared(void **state)
{
	(void)state;
	for (int left = 1; left >= -4; left--) {
		for (int clean = 0; clean < 2; clean++) {
			struct nat_sweep sweep = sweep_new();
			bool counts = left > -2, stays = counts || !clean;

			sweep.clean = clean;
			/* The client's side comes first, or second. */
			flow_put(3, 200, A, left, OPEN);
			flow_put(201, 4, A, left, OPEN | NAT_RESET);
			nat_sweep_run(&sweep);
			assert_int_equal(flows[A].live, counts);
			assert_int_equal(flows[A].closing, counts);
			assert_int_equal(sweep.occupied, counts ? 4 : 0);
			assert_int_equal(sweep.cleared, stays ? 0 : 4);
			assert_int_equal(is_there(3) + is_there(200) + is_there(201) + is_there(4),
					 stays ? 4 : 0);
		}
	}
}

static void expiry_wraps(void **state)
{
	struct nat_sweep sweep = sweep_new();

	(void)state;
	sweep.now = NAT_TICK_MASK;
	side_put(3, 200, A, nat_word(1, NAT_TICK_MASK + 3, OPEN));
	side_put(4, 201, A, nat_word(1, NAT_TICK_MASK - 3, OPEN));
	nat_sweep_run(&sweep);
	assert_int_equal(flows[A].live, 1);
	assert_true(is_there(3));
	assert_false(is_there(4));
}

static void one_side_alive_keeps_the_other(void **state)
{
	struct nat_sweep sweep = sweep_new();

	(void)state;
	/* Two packets at once have left the words of each unlike. */
	flow_put(3, 200, A, 50, OPEN);
	*word_at(3) = nat_word(~3, NOW - 5, NAT_REPLIED);
	flow_put(201, 4, B, 50, OPEN);
	*word_at(4) = nat_word(~4, NOW - 5, NAT_REPLIED | NAT_REPLY);
	nat_sweep_run(&sweep);
	assert_true(is_there(3) && is_there(200) && is_there(4) && is_there(201));
	assert_int_equal(sweep.occupied, 4);
	assert_int_equal(sweep.cleared, 0);
	assert_int_equal(flows[A].live, 1);
	assert_int_equal(flows[B].live, 1);
	sweep.now += 60;
	nat_sweep_run(&sweep);
	assert_int_equal(sweep.cleared, 4);
}

static void others_entries_are_left_alone(void **state)
{
	struct nat_sweep sweep = sweep_new();

	(void)state;
	/*
	 * Each of these is an expired entry whose partner's place another flow has taken: its tag
	 * differs, its entry names another one, it has the other side, or it is still being
	 * written.
	 */
	flow_put(3, 200, A, -5, OPEN);
	*word_at(200) = nat_word(77, NOW + 5, NAT_REPLY);
	flow_put(4, 201, A, -5, OPEN);
	*word_at(201) = nat_word(~201, NOW + 5, NAT_REPLY);
	entry_at(201)->other = 77;
	flow_put(5, 202, A, -5, OPEN);
	*word_at(202) = nat_word(~202, NOW + 5, 0);
	entry_at(202)->target = B;
	flow_put(6, 203, A, -5, OPEN);
	*word_at(203) = nat_word(~203, NOW + 5, NAT_REPLY | NAT_BUSY);
	/* Beyond the table. */
	side_put(7, SETS * NAT_PER_SET, A, nat_word(7, NOW - 5, OPEN));
	nat_sweep_run(&sweep);
	for (__u32 i = 3; i <= 7; i++)
		assert_false(is_there(i));
	for (__u32 i = 200; i <= 203; i++)
		assert_true(is_there(i));
	assert_int_equal(sweep.cleared, 5);
	assert_int_equal(sweep.occupied, 4);
	assert_int_equal(flows[A].live, 0);
	assert_int_equal(flows[B].live, 1);
}

static void what_is_being_written_is_left_alone(void **state)
{
	struct nat_sweep sweep = sweep_new();

	(void)state;
	service_of_target[GONE] = SWEEP_CLEAR;
	/* The entries of these words must not be read. */
	side_put(3, ~0U, GONE, nat_word(3, NOW + 5, NAT_BUSY));
	side_put(4, ~0U, 0xffff, nat_word(4, NOW - 1, NAT_BUSY | NAT_REPLY));
	side_put(5, 3, A, nat_word(5, NOW - 2, NAT_BUSY));
	nat_sweep_run(&sweep);
	assert_true(is_there(3) && is_there(4));
	assert_false(is_there(5));
	assert_int_equal(sweep.occupied, 2);
	assert_int_equal(sweep.cleared, 1);
	assert_int_equal(sweep.live, 0);
}

static void flows_of_cleared_targets_go(void **state)
{
	(void)state;
	for (int clean = 0; clean < 2; clean++) {
		struct nat_sweep sweep = sweep_new();

		sweep.clean = clean;
		service_of_target[GONE] = SWEEP_CLEAR;
		flow_put(3, 200, GONE, 50, OPEN);
		flow_put(201, 4, GONE, 50, OPEN | NAT_FIN_CLIENT);
		flow_put(5, 202, A, 50, OPEN);
		/* An answer without a question. */
		side_put(203, 5, GONE, nat_word(9, NOW + 50, NAT_REPLY | OPEN));
		/* No such target. */
		flow_put(6, 204, TARGETS, 50, OPEN);
		flow_put(7, 205, 0xffff, 50, OPEN);
		nat_sweep_run(&sweep);
		assert_int_equal(sweep.cleared, clean ? 9 : 0);
		assert_int_equal(sweep.occupied, 2);
		assert_int_equal(sweep.live, 1);
		assert_int_equal(flows[GONE].live, 0);
		assert_int_equal(flows[A].live, 1);
		assert_true(is_there(5) && is_there(202));
		for (size_t i = 0; i < SETS * NAT_PER_SET; i++)
			assert_true(!clean || i == 5 || i == 202 || !is_there(i));
	}
}

/* --- beside packets: each thread has sets of its own, and flows within them --- */

#define ROUNDS 30000

struct packets {
	pthread_t thread;
	__u32 first; /* index of its entries */
	__u32 lost, kept;
};

static bool stop;

static bool change(__u32 index, __u64 from, __u64 to)
{
	return __atomic_compare_exchange_n(word_at(index), &from, to, false, __ATOMIC_ACQ_REL,
					   __ATOMIC_RELAXED);
}

static void enter(__u32 index, __u32 other, __u32 expiry, __u32 flags)
{
	while (!change(index, __atomic_load_n(word_at(index), __ATOMIC_ACQUIRE),
		       nat_word(~index, expiry, NAT_BUSY)))
		;
	__atomic_store_n(&entry_at(index)->target, A, __ATOMIC_RELAXED);
	__atomic_store_n(&entry_at(index)->other, other, __ATOMIC_RELAXED);
	__atomic_store_n(&entry_at(index)->other_tag, ~other, __ATOMIC_RELAXED);
	__atomic_store_n(word_at(index), nat_word(~index, expiry, flags), __ATOMIC_RELEASE);
}

/* Flows are made long after their predecessors have expired, and touched: none may be lost. */
static void *send_packets(void *arg)
{
	struct packets *packets = arg;
	__u32 client = packets->first, reply = client + 100;

	for (__u32 i = 0; i < ROUNDS; i++) {
		/* Those that have expired come and go. */
		enter(client, reply, NOW - 10, OPEN);
		enter(reply, client, NOW - 10, OPEN | NAT_REPLY);
		for (int wait = i % 64; wait && !(i % 8); wait--)
			__atomic_thread_fence(__ATOMIC_SEQ_CST);
		while (!(i % 100) && __atomic_load_n(word_at(client), __ATOMIC_RELAXED))
			sched_yield();
		enter(client, reply, NOW + 20, 0);
		enter(reply, client, NOW + 20, NAT_REPLY);
		if (!change(client, nat_word(~client, NOW + 20, 0),
			    nat_word(~client, NOW + 30, OPEN)))
			packets->lost++;
		if (!change(reply, nat_word(~reply, NOW + 20, NAT_REPLY),
			    nat_word(~reply, NOW + 30, OPEN | NAT_REPLY)))
			packets->lost++;
		if (nat_word_left(*(volatile __u64 *)word_at(client), NOW) != 30)
			packets->lost++;
		packets->kept++;
	}
	return NULL;
}

static void *sweep_on(void *arg)
{
	__u64 *cleared = arg;

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		static struct sweep_tally counted[TARGETS];
		struct nat_sweep sweep = { .sets = sets,
					   .set_count = SETS,
					   .now = NOW,
					   .clean = true,
					   .service_of_target = service_of_target,
					   .target_count = TARGETS,
					   .flows = counted };

		nat_sweep_run(&sweep);
		*cleared += sweep.cleared;
	}
	return NULL;
}

static void packets_lose_no_live_flow(void **state)
{
	struct nat_sweep sweep = sweep_new();
	struct packets packets[2] = { { .first = 8 }, { .first = 261 } };
	__u64 cleared = 0;
	pthread_t sweeper;

	(void)state;
	stop = false;
	assert_int_equal(pthread_create(&sweeper, NULL, sweep_on, &cleared), 0);
	for (size_t i = 0; i < LEN(packets); i++)
		assert_int_equal(
			pthread_create(&packets[i].thread, NULL, send_packets, &packets[i]), 0);
	for (size_t i = 0; i < LEN(packets); i++)
		pthread_join(packets[i].thread, NULL);
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_join(sweeper, NULL);
	for (size_t i = 0; i < LEN(packets); i++) {
		assert_int_equal(packets[i].kept, ROUNDS);
		assert_int_equal(packets[i].lost, 0);
	}
	assert_true(cleared >= LEN(packets) * ROUNDS / 100);
	print_message("%llu words cleared beside packets\n", (unsigned long long)cleared);
	nat_sweep_run(&sweep);
	assert_int_equal(flows[A].live, 2);
	assert_int_equal(sweep.occupied, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flows_are_counted_by_their_clients_side),
		cmocka_unit_test(counts_add_up),
		cmocka_unit_test(no_table_has_no_flows),
		cmocka_unit_test(what_has_expired_for_two_ticks_is_cleared),
		cmocka_unit_test(expiry_wraps),
		cmocka_unit_test(one_side_alive_keeps_the_other),
		cmocka_unit_test(others_entries_are_left_alone),
		cmocka_unit_test(what_is_being_written_is_left_alone),
		cmocka_unit_test(flows_of_cleared_targets_go),
		cmocka_unit_test(packets_lose_no_live_flow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
