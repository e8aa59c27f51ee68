// SPDX-License-Identifier: BSD-2-Clause
/* Next hops: what routes, links and neighbours make of them, and how they read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include "base/array.h"
#include "nexthop/nexthop_state.h"

#define A                                                                                          \
	{                                                                                          \
		2, 0, 0, 0, 0, 0xa                                                                 \
	}
#define B                                                                                          \
	{                                                                                          \
		2, 0, 0, 0, 0, 0xb                                                                 \
	}

static const struct rt_link eth0 = { .ifindex = 7,
				     .name = "eth0",
				     .flags = IFF_UP | IFF_RUNNING,
				     .mtu = 1500,
				     .type = ARPHRD_ETHER,
				     .has_mac = true,
				     .mac = A };

static struct addr addr(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

/* A neighbour's story, event by event. */
struct event {
	enum { ENTRY, GONE, DOUBT } kind;
	__u32 nud, flags;
	__u8 mac[8]; /* the first six; all zero: none */
	enum neigh_step next;
	enum { UNKNOWN, KNOWN_A, KNOWN_B, FAILED } then;
};

static const __u8 mac_a[6] = A, mac_b[6] = B;

static void tell_story(const struct event *events, size_t count)
{
	static const __u8 none[6];
	struct neigh_state state = { 0 };

	for (size_t i = 0; i < count; i++) {
		const struct event *e = &events[i];
		struct rt_neigh entry = { .state = (__u16)e->nud,
					  .flags = e->flags,
					  .has_mac = memcmp(e->mac, none, 6) != 0 };

		memcpy(entry.mac, e->mac, 6);
		if (e->kind == DOUBT)
			neigh_forget(&state);
		else
			neigh_update(&state, e->kind == ENTRY ? &entry : NULL);
		assert_int_equal(neigh_next(&state), e->next);
		assert_int_equal(state.known, e->then == KNOWN_A || e->then == KNOWN_B);
		assert_int_equal(state.failed, e->then == FAILED);
		if (state.known)
			assert_memory_equal(state.mac, e->then == KNOWN_A ? mac_a : mac_b, 6);
	}
}

static void a_mac_outlives_its_entry(void **state)
{
	static const struct event story[] = {
		{ GONE, 0, 0, { 0 }, NEIGH_CREATE, UNKNOWN },
		{ ENTRY, NUD_INCOMPLETE, 0, { 0 }, NEIGH_KEEP, UNKNOWN },
		{ ENTRY, NUD_REACHABLE, 0, A, NEIGH_KEEP, KNOWN_A },
		{ ENTRY, NUD_STALE, 0, A, NEIGH_CONFIRM, KNOWN_A },
		{ ENTRY, NUD_DELAY, 0, A, NEIGH_KEEP, KNOWN_A },
		{ ENTRY, NUD_PROBE, 0, A, NEIGH_KEEP, KNOWN_A },
		{ ENTRY, NUD_REACHABLE, 0, B, NEIGH_KEEP, KNOWN_B },
		{ DOUBT, 0, 0, { 0 }, NEIGH_CREATE, KNOWN_B },
		{ GONE, 0, 0, { 0 }, NEIGH_CREATE, KNOWN_B },
		{ ENTRY, NUD_INCOMPLETE, 0, { 0 }, NEIGH_KEEP, KNOWN_B },
		{ ENTRY, NUD_NONE, 0, { 0 }, NEIGH_CONFIRM, KNOWN_B },
		{ ENTRY, NUD_REACHABLE, 0, A, NEIGH_KEEP, KNOWN_A },
	};

	(void)state;
	tell_story(story, ARRAY_SIZE(story));
}

static void a_failure_stays_one_until_somebody_answers(void **state)
{
	static const struct event story[] = {
		{ ENTRY, NUD_REACHABLE, 0, A, NEIGH_KEEP, KNOWN_A },
		{ ENTRY, NUD_FAILED, 0, { 0 }, NEIGH_CONFIRM, FAILED },
		{ ENTRY, NUD_INCOMPLETE, 0, { 0 }, NEIGH_KEEP, FAILED },
		{ GONE, 0, 0, { 0 }, NEIGH_CREATE, FAILED },
		{ DOUBT, 0, 0, { 0 }, NEIGH_CREATE, FAILED },
		{ ENTRY, NUD_FAILED, 0, { 0 }, NEIGH_CONFIRM, FAILED },
		{ ENTRY, NUD_REACHABLE, 0, A, NEIGH_KEEP, KNOWN_A },
	};

	(void)state;
	tell_story(story, ARRAY_SIZE(story));
}

static void entries_of_others_are_left_alone(void **state)
{
	static const struct event story[] = {
		{ ENTRY, NUD_PERMANENT, 0, A, NEIGH_KEEP, KNOWN_A },
		{ ENTRY, NUD_NOARP, 0, B, NEIGH_KEEP, KNOWN_B },
		{ ENTRY, NUD_STALE, NTF_EXT_LEARNED, A, NEIGH_KEEP, KNOWN_A },
		{ ENTRY, NUD_STALE, RT_NEIGH_VALIDATED, B, NEIGH_KEEP, KNOWN_B },
		{ ENTRY, NUD_STALE, RT_NEIGH_MANAGED, B, NEIGH_CONFIRM, KNOWN_B },
		{ ENTRY, NUD_FAILED, NTF_EXT_LEARNED, { 0 }, NEIGH_CONFIRM, FAILED },
	};

	(void)state;
	tell_story(story, ARRAY_SIZE(story));
}

static void only_usable_entries_are_enough(void **state)
{
	static const __u16 usable[] = { NUD_REACHABLE, NUD_STALE,     NUD_DELAY,
					NUD_PROBE,     NUD_PERMANENT, NUD_NOARP };
	static const __u16 wanting[] = { NUD_NONE, NUD_INCOMPLETE, NUD_FAILED };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(usable); i++)
		assert_false(neigh_wanting(&(struct neigh_state){ .nud = usable[i] }));
	for (size_t i = 0; i < ARRAY_SIZE(wanting); i++)
		assert_true(neigh_wanting(&(struct neigh_state){ .nud = wanting[i] }));
}

static const struct neigh_state known = { .known = true, .mac = B };
static const struct neigh_state failed = { .failed = true };
static const struct neigh_state nothing;

static const struct decision {
	const char *text;
	struct rt_route route;
	const struct rt_link *link;
	const struct neigh_state *neigh;
	enum nexthop_state state;
	__u32 link_flags; /* taken off eth0's */
	__u16 link_type;
	__u32 mtu;
} decisions[] = {
	{ "via 10.0.0.1 dev eth0 lladdr 02:00:00:00:00:0b",
	  { .type = RTN_UNICAST, .ifindex = 7 },
	  &eth0,
	  &known,
	  NEXTHOP_READY,
	  .mtu = 1500 },
	{ "dev eth0 lladdr 02:00:00:00:00:0b",
	  { .type = RTN_UNICAST, .ifindex = 7, .direct = true, .mtu = 1400 },
	  &eth0,
	  &known,
	  NEXTHOP_READY,
	  .mtu = 1400 },
	{ "dev eth0 lladdr 02:00:00:00:00:0b",
	  { .type = RTN_UNICAST, .ifindex = 7, .direct = true, .mtu = 9000 },
	  &eth0,
	  &known,
	  NEXTHOP_READY,
	  .mtu = 1500 },
	{ "resolving 10.0.0.1 on eth0",
	  { .type = RTN_UNICAST, .ifindex = 7 },
	  &eth0,
	  &nothing,
	  NEXTHOP_RESOLVING,
	  .mtu = 1500 },
	{ "no answer from 10.0.0.1 on eth0",
	  { .type = RTN_UNICAST, .ifindex = 7 },
	  &eth0,
	  &failed,
	  NEXTHOP_NO_NEIGHBOUR,
	  .mtu = 1500 },
	{ "looking up the route",
	  { .type = RTN_UNICAST, .ifindex = 7 },
	  NULL,
	  NULL,
	  NEXTHOP_RESOLVING },
	{ "eth0 is down",
	  { .type = RTN_UNICAST, .ifindex = 7 },
	  &eth0,
	  &known,
	  NEXTHOP_LINK_DOWN,
	  .link_flags = IFF_RUNNING,
	  .mtu = 1500 },
	{ "eth0 is down",
	  { .type = RTN_UNICAST, .ifindex = 7 },
	  &eth0,
	  &failed,
	  NEXTHOP_LINK_DOWN,
	  .link_flags = IFF_UP,
	  .mtu = 1500 },
	{ "eth0 is not an Ethernet interface",
	  { .type = RTN_UNICAST, .ifindex = 7 },
	  &eth0,
	  NULL,
	  NEXTHOP_NOT_ETHERNET,
	  .link_type = ARPHRD_NONE,
	  .mtu = 1500 },
	{ "an address of this host",
	  { .type = RTN_LOCAL, .ifindex = 1 },
	  &eth0,
	  NULL,
	  NEXTHOP_LOCAL },
	{ "no route", { .error = -101 }, NULL, NULL, NEXTHOP_NO_ROUTE },
	{ "no route", { .type = RTN_BLACKHOLE, .ifindex = 7 }, &eth0, NULL, NEXTHOP_NO_ROUTE },
	{ "no route", { .type = RTN_MULTICAST, .ifindex = 7 }, &eth0, NULL, NEXTHOP_NO_ROUTE },
	{ "no route", { .type = RTN_UNICAST }, NULL, NULL, NEXTHOP_NO_ROUTE },
	{ "no route",
	  { .type = RTN_UNICAST, .ifindex = 7, .encap = true },
	  &eth0,
	  NULL,
	  NEXTHOP_NO_ROUTE },
};

static void hops_are_decided(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(decisions); i++) {
		const struct decision *d = &decisions[i];
		struct rt_route route = d->route;
		struct rt_link link = eth0;
		struct nexthop hop;
		char text[128];
		bool asks;

		route.gateway = addr("10.0.0.1");
		route.source = addr("10.0.0.7");
		link.flags &= ~d->link_flags;
		if (d->link_type)
			link.type = d->link_type;
		nexthop_decide(&route, d->link ? &link : NULL, d->neigh, &hop);
		assert_int_equal(hop.state, d->state);
		assert_string_equal(nexthop_format(&hop, text, sizeof(text)), d->text);
		assert_int_equal(hop.mtu, d->mtu);
		asks = nexthop_needs_neigh(&route, d->link ? &link : NULL);
		assert_int_equal(asks, d->neigh != NULL);
		if (hop.state == NEXTHOP_READY) {
			assert_memory_equal(hop.src_mac, mac_a, 6);
			assert_memory_equal(hop.dst_mac, mac_b, 6);
			assert_true(addr_equal(&hop.source, &route.source));
			assert_true(addr_equal(&hop.gateway, &route.gateway));
			assert_int_equal(hop.ifindex, 7);
			assert_int_equal(hop.direct, route.direct);
		}
	}
}

static void every_difference_counts(void **state)
{
	struct nexthop base = { .state = NEXTHOP_READY, .ifindex = 7, .ifname = "eth0", .mtu = 9 };
	struct nexthop other[9];

	(void)state;
	assert_true(nexthop_equal(&base, &base));
	for (size_t i = 0; i < ARRAY_SIZE(other); i++)
		other[i] = base;
	other[0].state = NEXTHOP_LINK_DOWN;
	other[1].ifindex = 8;
	strcpy(other[2].ifname, "eth1");
	other[3].mtu = 10;
	other[4].src_mac[5] = 1;
	other[5].dst_mac[0] = 1;
	other[6].source.b[15] = 1;
	other[7].gateway.b[0] = 1;
	other[8].direct = true;
	for (size_t i = 0; i < ARRAY_SIZE(other); i++)
		assert_false(nexthop_equal(&base, &other[i]));
}

static void text_is_cut_to_its_room(void **state)
{
	struct nexthop hop = { .state = NEXTHOP_READY, .ifname = "eth0" };
	char text[8];

	(void)state;
	assert_string_equal(nexthop_format(&hop, text, sizeof(text)), "via :: ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_mac_outlives_its_entry),
		cmocka_unit_test(a_failure_stays_one_until_somebody_answers),
		cmocka_unit_test(entries_of_others_are_left_alone),
		cmocka_unit_test(only_usable_entries_are_enough),
		cmocka_unit_test(hops_are_decided),
		cmocka_unit_test(every_difference_counts),
		cmocka_unit_test(text_is_cut_to_its_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
