// SPDX-License-Identifier: BSD-2-Clause
/* include/poise/nat.h: words of NAT's entries, and what they go through. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "poise/flow.h"
#include "poise/nat.h"

#define LEN(array) (sizeof(array) / sizeof(*(array)))

#define NOW 1000
#define TAG 0xfedcba98

#define FIN TCP_FIN
#define SYN TCP_SYN
#define RST TCP_RST
#define ACK TCP_ACK

static const struct target target = {
	.new_ticks = 30,
	.closing_ticks = 40,
	.nat = { .idle_ticks = 100000, .replied_ticks = 15, .reset_ticks = 5 },
};

static void a_word_has_its_parts(void **state)
{
	static const struct {
		__u32 tag, expiry, flags;
	} cases[] = {
		{ TAG, 5, NAT_UDP },
		{ 0, 0, 0 },
		{ ~0U, NAT_TICK_MASK, 0xfff },
		{ 1, 1, NAT_SEEN | NAT_REPLY | NAT_BUSY },
	};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		__u64 word = nat_word(cases[i].tag, cases[i].expiry, cases[i].flags);

		assert_int_equal(nat_word_tag(word), cases[i].tag);
		assert_int_equal(nat_word_flags(word), cases[i].flags);
		assert_int_equal(nat_word_left(word, cases[i].expiry), 0);
		assert_int_equal(nat_word_left(word, cases[i].expiry - 7), 7);
	}
	/* An expiry beyond the bits touches none of the others. */
	assert_int_equal(nat_word(TAG, NAT_TICK_MASK + 6, NAT_UDP), nat_word(TAG, 5, NAT_UDP));
}

static void flags_do_not_overlap(void **state)
{
	static const __u32 flags[] = {
		NAT_REPLIED,   NAT_ASSURED, NAT_FIN_CLIENT, NAT_FIN_BACKEND, NAT_RESET,
		NAT_SYN_AGAIN, NAT_UDP,     NAT_REPLY,      NAT_BUSY,
	};
	__u32 all = 0, seen = 0;

	(void)state;
	for (size_t i = 0; i < LEN(flags); i++) {
		assert_int_equal(all & flags[i], 0);
		all |= flags[i];
		seen |= i < 6 ? flags[i] : 0;
	}
	assert_int_equal(all & ~0xfffU, 0);
	assert_int_equal(seen, NAT_SEEN);
}

static void expiry_wraps(void **state)
{
	static const __u32 starts[] = { 0,        1,          NAT_TICK_MASK - 3, NAT_TICK_MASK,
					1U << 20, 0xfffffffe, (1U << 22) - 1,    0x7fffffff };
	static const int lefts[] = { 0, 1, 105469, NAT_MAX_TICKS, -1, -2, -NAT_MAX_TICKS };

	(void)state;
	for (size_t i = 0; i < LEN(starts); i++) {
		for (size_t j = 0; j < LEN(lefts); j++) {
			__u64 word = nat_word(TAG, starts[i] + lefts[j], NAT_ASSURED);

			/*
			 * Some callers pass the time with all its bits, some only those of a tick.
			 */
			assert_int_equal(nat_word_left(word, starts[i]), lefts[j]);
			assert_int_equal(nat_word_left(word, starts[i] & NAT_TICK_MASK), lefts[j]);
			assert_int_equal(nat_word_live(word, starts[i]), lefts[j] >= 0);
		}
	}
	assert_false(nat_word_live(0, 0));
	assert_false(nat_word_live(0, 17));
}

static void the_clock_goes_on_where_the_flow_tables_wraps(void **state)
{
	const struct flow_clock clock = { .monotonic_ns = 5000000000ULL,
					  .jiffies = 0xfffffff0,
					  .jiffy_ns = 1000000,
					  .tick_shift = 12 };
	__u32 first = nat_clock_tick(&clock, clock.monotonic_ns);

	(void)state;
	assert_int_equal(first, NAT_TICK_MASK);
	/* Over the end of 32 bits of jiffies. */
	assert_int_equal(nat_clock_tick(&clock, clock.monotonic_ns + 16000000), 0);
	assert_int_equal(nat_clock_tick(&clock, clock.monotonic_ns - 4096000000ULL), first - 1);
	for (__u32 i = 0; i < 300000; i += 777) {
		__u64 at = clock.monotonic_ns + i * 4096000000ULL;

		assert_int_equal(nat_clock_tick(&clock, at), (first + i) & NAT_TICK_MASK);
		assert_int_equal(nat_clock_tick(&clock, at) & FLOW_TICK_MASK,
				 flow_clock_tick(&clock, at));
	}
	/* 120 hours. */
	assert_int_equal(nat_clock_ticks(&clock, 432000000), 105469);
	assert_int_equal(nat_clock_ticks(&clock, 1), 1);
	assert_int_equal(nat_clock_ticks(&clock, 4096), 1);
	assert_int_equal(nat_clock_ticks(&clock, 4097), 2);
	assert_int_equal(nat_clock_ticks(&clock, ~0U), NAT_MAX_TICKS);
}

/* A packet of a flow: of which side, what of TCP, how many ticks after the one before. */
struct step {
	char side; /* 'c' or 'b' */
	__u32 tcp_flags;
	__u32 after;
	__u32 flags; /* expected: of NAT_SEEN */
	__u32 ticks; /* expected until expiry */
};

struct story {
	const char *name;
	bool udp;
	struct step steps[10]; /* up to the first without a side */
};

#define HANDSHAKE                                                                                  \
	{ 'b', SYN | ACK, 0, NAT_REPLIED, 15 },                                                    \
	{                                                                                          \
		'c', ACK, 0, NAT_REPLIED | NAT_ASSURED, 100000                                     \
	}
#define OPEN (NAT_REPLIED | NAT_ASSURED)

static const struct story stories[] = {
	{ "handshake and silence", false, { { 'c', SYN, 1, 0, 30 }, HANDSHAKE } },
	{ "a SYN again is no answer to the backend",
	  false,
	  { { 'c', SYN, 1, 0, 30 },
	    { 'b', SYN | ACK, 0, NAT_REPLIED, 15 },
	    { 'c', SYN, 1, NAT_REPLIED, 15 },
	    { 'b', SYN | ACK, 0, NAT_REPLIED, 15 },
	    { 'c', ACK, 0, OPEN, 100000 } } },
	{ "an ACK without an answer is none either", false, { { 'c', ACK, 0, 0, 30 } } },
	{ "refused", false, { { 'b', RST | ACK, 0, NAT_REPLIED | NAT_RESET, 5 } } },
	{ "closed by the client first",
	  false,
	  { HANDSHAKE,
	    { 'c', FIN | ACK, 3, OPEN | NAT_FIN_CLIENT, 40 },
	    { 'b', ACK, 0, OPEN | NAT_FIN_CLIENT, 40 },
	    { 'b', ACK, 30, OPEN | NAT_FIN_CLIENT, 40 },
	    { 'b', FIN | ACK, 1, OPEN | NAT_FIN_CLIENT | NAT_FIN_BACKEND, 40 },
	    { 'c', ACK, 0, OPEN | NAT_FIN_CLIENT | NAT_FIN_BACKEND, 40 } } },
	{ "closed by the backend first",
	  false,
	  { HANDSHAKE,
	    { 'b', FIN | ACK, 3, OPEN | NAT_FIN_BACKEND, 40 },
	    { 'c', ACK, 1, OPEN | NAT_FIN_BACKEND, 40 },
	    { 'c', FIN | ACK, 1, OPEN | NAT_FIN_CLIENT | NAT_FIN_BACKEND, 40 } } },
	{ "reset by the client",
	  false,
	  { HANDSHAKE,
	    { 'c', RST, 3, OPEN | NAT_RESET, 40 },
	    { 'b', ACK, 0, OPEN | NAT_RESET, 40 },
	    { 'b', ACK, 1, OPEN | NAT_RESET, 39 } } },
	{ "reset before it was established",
	  false,
	  { { 'c', SYN, 1, 0, 30 },
	    { 'b', SYN | ACK, 0, NAT_REPLIED, 15 },
	    { 'c', RST, 0, NAT_REPLIED | NAT_RESET, 5 },
	    { 'b', SYN | ACK, 1, NAT_REPLIED | NAT_RESET, 4 },
	    { 'b', SYN | ACK, 1, NAT_REPLIED, 15 } } },
	{ "refused, and an ACK on its way",
	  false,
	  { { 'c', SYN, 1, 0, 30 },
	    { 'b', RST | ACK, 0, NAT_REPLIED | NAT_RESET, 5 },
	    { 'c', ACK, 0, NAT_REPLIED | NAT_RESET, 5 },
	    { 'c', ACK, 1, NAT_REPLIED | NAT_RESET, 4 },
	    { 'c', ACK, 1, OPEN, 100000 } } },
	{ "a SYN accepted where one side had closed",
	  false,
	  { HANDSHAKE,
	    { 'b', FIN | ACK, 3, OPEN | NAT_FIN_BACKEND, 40 },
	    { 'c', SYN, 9, OPEN | NAT_FIN_BACKEND | NAT_SYN_AGAIN, 40 },
	    { 'b', SYN | ACK, 0, NAT_REPLIED, 15 },
	    { 'c', ACK, 0, OPEN, 100000 } } },
	{ "a SYN refused where one side had closed",
	  false,
	  { HANDSHAKE,
	    { 'c', FIN | ACK, 3, OPEN | NAT_FIN_CLIENT, 40 },
	    { 'c', SYN, 9, OPEN | NAT_FIN_CLIENT | NAT_SYN_AGAIN, 40 },
	    { 'b', ACK, 0, OPEN | NAT_FIN_CLIENT | NAT_SYN_AGAIN, 40 },
	    { 'b', RST | ACK, 0, OPEN | NAT_FIN_CLIENT | NAT_SYN_AGAIN | NAT_RESET, 40 } } },
	{ "a stranger's SYN-ACK in a flow that goes on",
	  false,
	  { HANDSHAKE, { 'b', SYN | ACK, 1, OPEN, 100000 } } },
	{ "a RST that the backend did not take",
	  false,
	  { HANDSHAKE,
	    { 'c', RST, 3, OPEN | NAT_RESET, 40 },
	    { 'c', ACK, 0, OPEN | NAT_RESET, 40 },
	    { 'b', ACK, 1, OPEN | NAT_RESET, 39 },
	    { 'b', ACK, 1, OPEN, 100000 },
	    { 'c', ACK, 9, OPEN, 100000 } } },
	{ "a stranger's RST and SYN",
	  false,
	  { HANDSHAKE,
	    { 'c', RST, 3, OPEN | NAT_RESET, 40 },
	    { 'c', SYN, 0, OPEN | NAT_RESET | NAT_SYN_AGAIN, 40 },
	    { 'b', ACK, 0, OPEN | NAT_RESET | NAT_SYN_AGAIN, 40 },
	    { 'c', SYN, 2, OPEN | NAT_RESET | NAT_SYN_AGAIN, 38 },
	    { 'b', ACK, 0, OPEN | NAT_SYN_AGAIN, 100000 } } },
	{ "an RST, and the port again",
	  false,
	  { HANDSHAKE,
	    { 'c', RST, 3, OPEN | NAT_RESET, 40 },
	    { 'c', SYN, 2, OPEN | NAT_RESET | NAT_SYN_AGAIN, 38 },
	    { 'b', SYN | ACK, 0, NAT_REPLIED, 15 },
	    { 'c', ACK, 0, OPEN, 100000 } } },
	{ "one RST after the other",
	  false,
	  { HANDSHAKE,
	    { 'c', RST, 0, OPEN | NAT_RESET, 40 },
	    { 'c', RST, 4, OPEN | NAT_RESET, 40 },
	    { 'b', ACK, 1, OPEN | NAT_RESET, 39 },
	    { 'b', RST, 1, OPEN | NAT_RESET, 40 } } },
	{ "reset while it closes, and going on",
	  false,
	  { HANDSHAKE,
	    { 'c', FIN | ACK, 0, OPEN | NAT_FIN_CLIENT, 40 },
	    { 'c', RST, 1, OPEN | NAT_FIN_CLIENT | NAT_RESET, 40 },
	    { 'b', ACK, 3, OPEN | NAT_FIN_CLIENT, 40 } } },
	{ "datagrams of the client alone", true, { { 'c', 0, 0, 0, 30 }, { 'c', 0, 5, 0, 30 } } },
	{ "datagrams both ways",
	  true,
	  { { 'c', 0, 0, 0, 30 },
	    { 'b', 0, 0, NAT_REPLIED, 15 },
	    { 'b', 0, 1, NAT_REPLIED, 15 },
	    { 'c', 0, 1, OPEN, 100000 },
	    { 'b', 0, 1, OPEN, 100000 } } },
};

static void story_check(const struct story *story)
{
	__u32 kind = story->udp ? NAT_UDP : 0, seen = 0, now = NAT_TICK_MASK - 3, expiry = now + 30;

	for (const struct step *step = story->steps; step->side; step++) {
		__u32 side = step->side == 'b' ? NAT_REPLY : 0;
		__u64 word = nat_word(TAG, expiry, seen | kind | side);

		now += step->after;
		word = nat_touch(word, step->tcp_flags, &target, now);
		if (nat_word_flags(word) != (step->flags | kind | side) ||
		    nat_word_left(word, now) != (int)step->ticks || nat_word_tag(word) != TAG)
			fail_msg("%s, step %td: flags %x for %d ticks", story->name,
				 step - story->steps, nat_word_flags(word),
				 nat_word_left(word, now));
		/* Both entries say the same. */
		seen = nat_word_flags(word) & NAT_SEEN;
		expiry = now + step->ticks;
	}
}

static void flows_go_through_their_states(void **state)
{
	(void)state;
	for (size_t i = 0; i < LEN(stories); i++)
		story_check(&stories[i]);
}

/* A SYN begins another flow after FINs, and after an RST with silence. */
static void who_begins_anew(void **state)
{
	static const struct {
		__u32 flags;
		int left;
		bool anew;
	} cases[] = {
		{ 0, 30, false },
		{ NAT_REPLIED, 15, false },
		{ OPEN, 100000, false },
		{ OPEN, 0, false },
		{ OPEN | NAT_FIN_CLIENT, 1, false },
		{ OPEN | NAT_FIN_CLIENT | NAT_FIN_BACKEND, 40, true },
		{ NAT_REPLIED | NAT_RESET, 5, true }, /* refused */
		{ OPEN | NAT_RESET, 40, false },
		{ OPEN | NAT_RESET, 41 - NAT_DOUBT_TICKS, false },
		{ OPEN | NAT_RESET, 40 - NAT_DOUBT_TICKS, true },
		{ OPEN | NAT_RESET | NAT_FIN_CLIENT, 40, false },
		{ OPEN | NAT_RESET | NAT_FIN_CLIENT | NAT_FIN_BACKEND, 40, true },
	};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		__u64 word = nat_word(TAG, NOW + cases[i].left, cases[i].flags);

		assert_int_equal(nat_begins_anew(word, SYN, &target, NOW), cases[i].anew);
		assert_false(nat_begins_anew(word, SYN | ACK, &target, NOW));
		assert_false(nat_begins_anew(word, ACK, &target, NOW));
		assert_false(nat_begins_anew(word, SYN | RST, &target, NOW));
	}
}

static void who_begins_a_flow(void **state)
{
	static const __u32 good[] = { SYN, SYN | 0xc0, ACK, ACK | FIN, ACK | 0x28 };

	(void)state;
	for (__u32 tcp = 0; tcp < 64; tcp++)
		assert_int_equal(nat_begins(tcp), (tcp & (SYN | RST | FIN | ACK)) == SYN ||
							  (tcp & (SYN | RST | ACK)) == ACK);
	for (size_t i = 0; i < LEN(good); i++)
		assert_true(nat_begins(good[i]));
}

static void what_has_ended_is_not_established(void **state)
{
	static const struct {
		__u32 flags;
		bool established, ended;
	} cases[] = {
		{ 0, false, false },
		{ NAT_REPLIED, false, false },
		{ OPEN, true, false },
		{ OPEN | NAT_UDP | NAT_REPLY, true, false },
		{ OPEN | NAT_FIN_CLIENT, false, false },
		{ OPEN | NAT_FIN_BACKEND, false, false },
		{ OPEN | NAT_FIN_CLIENT | NAT_FIN_BACKEND, false, true },
		{ OPEN | NAT_FIN_CLIENT | NAT_SYN_AGAIN, false, false },
		{ OPEN | NAT_RESET, false, true },
		{ NAT_REPLIED | NAT_RESET, false, true },
	};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		assert_int_equal(nat_established(cases[i].flags), cases[i].established);
		assert_int_equal(nat_ended(cases[i].flags), cases[i].ended);
	}
}

/* The first makes room before the second, and so on. */
static void who_is_worth_least_makes_room(void **state)
{
	static const struct {
		int left;
		__u32 flags;
	} order[] = {
		{ 0, 0 },
		{ 1, OPEN | NAT_FIN_CLIENT },
		{ 2, OPEN | NAT_RESET },
		{ 30, NAT_REPLIED },
		{ NAT_MAX_TICKS, 0 },
		{ 0, OPEN },
		{ 1, OPEN | NAT_UDP },
		{ NAT_MAX_TICKS, OPEN | NAT_REPLY },
		{ 0, NAT_BUSY },
	};
	__u32 before = 0;

	(void)state;
	assert_int_equal(nat_worth(0, NOW), 0);
	assert_int_equal(nat_worth(nat_word(TAG, NOW - 1, OPEN), NOW), 0);
	for (size_t i = 0; i < LEN(order); i++) {
		__u32 worth = nat_worth(nat_word(TAG, NOW + order[i].left, order[i].flags), NOW);

		assert_true(worth > before);
		before = worth;
	}
	/* Whoever is writing is never in the way for being late. */
	assert_int_equal(nat_worth(nat_word(TAG, NOW - 9, NAT_BUSY), NOW), ~0U);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_word_has_its_parts),
		cmocka_unit_test(flags_do_not_overlap),
		cmocka_unit_test(expiry_wraps),
		cmocka_unit_test(the_clock_goes_on_where_the_flow_tables_wraps),
		cmocka_unit_test(flows_go_through_their_states),
		cmocka_unit_test(who_begins_anew),
		cmocka_unit_test(who_begins_a_flow),
		cmocka_unit_test(what_has_ended_is_not_established),
		cmocka_unit_test(who_is_worth_least_makes_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
