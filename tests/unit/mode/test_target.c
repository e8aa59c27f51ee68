// SPDX-License-Identifier: BSD-2-Clause
/* Tests the target that the packet path is given for a backend. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/array.h"
#include "mode/target.h"
#include "poise/flow.h"

static const struct target_flow_times flow_times = {
	TARGET_SERVES | 5, 15, 225, 30, 105469, 15, 3
};

static struct addr parsed(const char *text)
{
	struct addr addr;

	assert_int_equal(addr_parse(text, &addr), 0);
	return addr;
}

static struct nexthop ready_hop(const char *source)
{
	struct nexthop hop = { .state = NEXTHOP_READY,
			       .ifindex = 7,
			       .mtu = 1500,
			       .src_mac = { 2, 0, 0, 0, 0, 1 },
			       .dst_mac = { 2, 0, 0, 0, 0, 2 },
			       .direct = true };

	hop.source = parsed(source);
	hop.gateway = parsed("10.0.0.254");
	return hop;
}

static void trouble_is_told_in_words(void **state)
{
	static const struct {
		enum poise_mode mode;
		enum nexthop_state hop;
		bool direct, trouble;
	} rows[] = {
		{ MODE_L2, NEXTHOP_READY, true, false },
		{ MODE_L2, NEXTHOP_READY, false, true },
		{ MODE_IPIP, NEXTHOP_READY, false, false },
		{ MODE_GUE, NEXTHOP_READY, false, false },
		{ MODE_NAT, NEXTHOP_READY, false, false },
		{ MODE_NAT_KEEP, NEXTHOP_READY, false, false },
		{ MODE_NAT, NEXTHOP_LOCAL, true, true },
		{ MODE_IPIP, NEXTHOP_NO_ROUTE, false, true },
		{ MODE_L2, NEXTHOP_NO_NEIGHBOUR, true, true },
		{ MODE_GUE, NEXTHOP_RESOLVING, true, true },
	};
	char buf[160];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct target_delivery delivery = { .mode = rows[i].mode };
		struct nexthop hop = ready_hop("10.0.0.1");
		const char *text;

		hop.state = rows[i].hop;
		hop.direct = rows[i].direct;
		text = target_trouble(&delivery, &hop, buf, sizeof(buf));
		if (!!text != rows[i].trouble)
			fail_msg("row %zu: %s", i, text ? text : "no trouble");
		if (text)
			assert_int_not_equal(text[0], '\0');
	}
}

static void an_l2_target_is_macs_and_interface(void **state)
{
	const struct target_delivery delivery = { .mode = MODE_L2,
						  .service_v4 = true,
						  .gue_port = 6080 };
	struct nexthop hop = ready_hop("10.0.0.1");
	struct target_endpoint backend = { .addr = parsed("10.0.0.11") };
	struct target target, want = { .mode = MODE_L2,
				       .mtu = 1500,
				       .ifindex = 7,
				       .dst_mac = { 2, 0, 0, 0, 0, 2 },
				       .src_mac = { 2, 0, 0, 0, 0, 1 },
				       .owner = TARGET_SERVES | 5,
				       .new_ticks = 15,
				       .idle_ticks = 225,
				       .closing_ticks = 30 };

	(void)state;
	memset(&target, 0xff, sizeof(target));
	target_build(&delivery, &flow_times, &backend, &hop, &target);
	assert_memory_equal(&target, &want, sizeof(want));
}

/* The checksum of a whole header made of the sum must be what RFC 1071 gives over its bytes. */
static void the_outer_sum_completes_a_header(void **state)
{
	static const struct {
		enum poise_mode mode;
		bool service_v4;
		__u8 protocol;
	} rows[] = { { MODE_IPIP, true, 4 },
		     { MODE_IPIP, false, 41 },
		     { MODE_GUE, true, 17 },
		     { MODE_GUE, false, 17 } };
	struct nexthop hop = ready_hop("203.0.113.200");
	struct target_endpoint backend = { .addr = parsed("198.51.100.255") };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct target_delivery delivery = { .mode = rows[i].mode,
							  .service_v4 = rows[i].service_v4,
							  .gue_port = 6080 };
		__u8 header[20] = { 0x45, 0xb8, 0x05, 0xc8, 0, 0, 0x40, 0, 64, rows[i].protocol };
		struct target target;
		__u32 bytewise = 0, from_target;

		target_build(&delivery, &flow_times, &backend, &hop, &target);
		assert_int_equal(target.outer_version, 4);
		assert_memory_equal(target.src, ((__u8[]){ 203, 0, 113, 200 }), 4);
		assert_memory_equal(target.dst, ((__u8[]){ 198, 51, 100, 255 }), 4);
		memcpy(header + 12, target.src, 4);
		memcpy(header + 16, target.dst, 4);
		for (size_t at = 0; at < sizeof(header); at += 2)
			bytewise += header[at] << 8 | header[at + 1];
		bytewise = (bytewise & 0xffff) + (bytewise >> 16);
		bytewise = (bytewise & 0xffff) + (bytewise >> 16);
		/* Per packet: TOS and total length. */
		from_target = target.outer_sum + htons(0x00b8) + htons(0x05c8);
		from_target = (from_target & 0xffff) + (from_target >> 16);
		from_target = (from_target & 0xffff) + (from_target >> 16);
		assert_int_equal(ntohs(from_target), bytewise);
		assert_int_equal(ntohs(target.port), delivery.mode == MODE_GUE ? 6080 : 0);
	}
}

static void sources_of_a_network_leave_bits_to_the_flow(void **state)
{
	static const struct {
		const char *backend, *first;
		__u16 bits;
	} rows[] = { { "10.0.0.11", "10.9.16.0", 12 }, { "2001:db8::11", "fd00:9::", 32 } };
	struct target_delivery delivery = { .mode = MODE_IPIP, .service_v4 = true };

	(void)state;
	assert_int_equal(net_parse("10.9.16.0/20", &delivery.outer_v4), 0);
	assert_int_equal(net_parse("fd00:9::/64", &delivery.outer_v6), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct nexthop hop = ready_hop("203.0.113.200");
		struct target_endpoint backend = { .addr = parsed(rows[i].backend) };
		struct addr first = parsed(rows[i].first);
		bool v4 = addr_is_v4(&first);
		struct target target;

		target_build(&delivery, &flow_times, &backend, &hop, &target);
		assert_int_equal(target.spread_bits, rows[i].bits);
		assert_memory_equal(target.src, v4 ? addr_v4(&first) : first.b, v4 ? 4 : 16);
	}
}

static void an_ipv6_target_has_whole_addresses(void **state)
{
	const struct target_delivery delivery = { .mode = MODE_IPIP, .service_v4 = true };
	struct nexthop hop = ready_hop("2001:db8::1");
	struct target_endpoint backend = { .addr = parsed("2001:db8::11") };
	struct target target;

	(void)state;
	hop.mtu = 1 << 20;
	target_build(&delivery, &flow_times, &backend, &hop, &target);
	assert_int_equal(target.outer_version, 6);
	assert_memory_equal(target.src, hop.source.b, 16);
	assert_memory_equal(target.dst, backend.addr.b, 16);
	assert_int_equal(target.outer_sum, 0);
	assert_int_equal(target.mtu, 65535);
}

/*
 * Times are in ticks of 4.096 s and never too short. Closing and new flows are forgotten sooner
 * than established ones.
 */
static void flows_are_remembered_as_configured(void **state)
{
	static const struct flow_clock clock = { .jiffy_ns = 1000000, .tick_shift = 12 };
	static const struct {
		__u8 proto;
		__u32 idle_ms;
		__u16 new_ticks, idle_ticks, closing_ticks;
	} rows[] = {
		{ IPPROTO_TCP, 900000, 15, 220, 30 },    { IPPROTO_UDP, 120000, 8, 30, 30 },
		{ IPPROTO_TCP, 20000, 5, 5, 5 },         { IPPROTO_UDP, 1000, 1, 1, 1 },
		{ IPPROTO_TCP, 28800000, 15, 7032, 30 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct target_timeouts timeouts = { .mode = MODE_GUE,
							  .proto = rows[i].proto,
							  .idle_ms = rows[i].idle_ms };
		struct target_flow_times found = target_flow_times(&clock, &timeouts, 7, i % 2);

		assert_int_equal(found.owner, i % 2 ? 7 | TARGET_SERVES : 7);
		assert_int_equal(found.new_ticks, rows[i].new_ticks);
		assert_int_equal(found.idle_ticks, rows[i].idle_ticks);
		assert_int_equal(found.closing_ticks, rows[i].closing_ticks);
		assert_true(found.idle_ticks <= FLOW_MAX_TICKS);
		assert_int_equal(found.nat_idle_ticks, 0);
	}
}

/* netfilter's times, 120 h for established connections; a service's own time is the longest. */
static void nat_remembers_by_state(void **state)
{
	static const struct flow_clock clock = { .jiffy_ns = 1000000, .tick_shift = 12 };
	static const struct {
		__u8 proto;
		__u32 idle_ms, max_ms;
		struct target_flow_times want;
	} rows[] = {
		{ IPPROTO_TCP, 432000000, 0, { 7, 30, 220, 30, 105469, 15, 3 } },
		{ IPPROTO_UDP, 120000, 0, { 7, 8, 220, 30, 30, 8, 30 } },
		{ IPPROTO_TCP, 20000, 20000, { 7, 5, 220, 5, 5, 5, 3 } },
		{ IPPROTO_UDP, 600000, 600000, { 7, 8, 220, 147, 147, 8, 147 } },
		{ IPPROTO_UDP, 8000, 8000, { 7, 2, 220, 2, 2, 2, 2 } },
		/* Also where connections at rest are forgotten sooner than others. */
		{ IPPROTO_TCP, 4096, 0, { 7, 30, 220, 30, 1, 15, 3 } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct target_timeouts timeouts = { .mode = MODE_NAT,
							  .proto = rows[i].proto,
							  .idle_ms = 900000,
							  .nat_idle_ms = rows[i].idle_ms,
							  .nat_max_ms = rows[i].max_ms };
		struct target_flow_times found = target_flow_times(&clock, &timeouts, 7, false);

		if (memcmp(&found, &rows[i].want, sizeof(found)))
			fail_msg("row %zu: new %u idle %u closing %u nat %u replied %u reset %u", i,
				 found.new_ticks, found.idle_ticks, found.closing_ticks,
				 found.nat_idle_ticks, found.nat_replied_ticks,
				 found.nat_reset_ticks);
	}
}

static void a_nat_target_is_an_endpoint_and_sources(void **state)
{
	const struct target_delivery delivery = { .mode = MODE_NAT,
						  .service_v4 = true,
						  .port = 80 };
	const struct target_endpoint endpoint = { .addr = parsed("10.0.0.11"),
						  .port = 8080,
						  .sources = { .first = 3, .count = 2 } };
	struct nexthop hop = ready_hop("10.0.0.1");
	struct target target, want = { .mode = MODE_NAT,
				       .outer_version = 4,
				       .mtu = 1500,
				       .ifindex = 7,
				       .dst_mac = { 2, 0, 0, 0, 0, 2 },
				       .src_mac = { 2, 0, 0, 0, 0, 1 },
				       .port = htons(8080),
				       .nat = { 3, 2, 105469, 15, 3, 0 },
				       .dst = { 10, 0, 0, 11 },
				       .owner = TARGET_SERVES | 5,
				       .new_ticks = 15,
				       .idle_ticks = 225,
				       .closing_ticks = 30 };

	(void)state;
	memset(&target, 0xff, sizeof(target));
	target_build(&delivery, &flow_times, &endpoint, &hop, &target);
	assert_memory_equal(&target, &want, sizeof(want));
	/* A change of who serves leaves the rest of the target as it is. */
	target_flow_times_set(&target,
			      &(struct target_flow_times){ .owner = 5, .nat_idle_ticks = 1 });
	assert_int_equal(target.nat.source_count, 2);
	assert_int_equal(target.nat.idle_ticks, 1);
}

static void a_backend_without_a_port_has_the_service_s(void **state)
{
	const struct target_delivery delivery = { .mode = MODE_NAT_KEEP, .port = 443 };
	const struct target_endpoint endpoint = { .addr = parsed("2001:db8::11") };
	const struct target_nat none = { 0 };
	struct nexthop hop = ready_hop("2001:db8::1");
	struct target target;

	(void)state;
	target_build(&delivery, &flow_times, &endpoint, &hop, &target);
	assert_int_equal(target.mode, MODE_NAT_KEEP);
	assert_int_equal(ntohs(target.port), 443);
	assert_int_equal(target.outer_version, 6);
	assert_memory_equal(target.dst, endpoint.addr.b, 16);
	assert_memory_equal(&target.nat, &none, sizeof(none));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(trouble_is_told_in_words),
		cmocka_unit_test(an_l2_target_is_macs_and_interface),
		cmocka_unit_test(the_outer_sum_completes_a_header),
		cmocka_unit_test(sources_of_a_network_leave_bits_to_the_flow),
		cmocka_unit_test(an_ipv6_target_has_whole_addresses),
		cmocka_unit_test(flows_are_remembered_as_configured),
		cmocka_unit_test(nat_remembers_by_state),
		cmocka_unit_test(a_nat_target_is_an_endpoint_and_sources),
		cmocka_unit_test(a_backend_without_a_port_has_the_service_s),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
