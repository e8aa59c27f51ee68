// SPDX-License-Identifier: BSD-2-Clause
/* Packets that find no backend are refused or dropped, by `unavailable`; always counted, at a
 * limited rate. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "answer/answer_case.h"
#include "base/array.h"

#define SEQ 0x12345678U

/* Each service at PORT_EMPTY refuses; that at PORT_MOVES, whose rows are empty too, does not. */
static int refuse_at_empty(struct lb_maps *lb)
{
	int err = 0;

	for (int i = 0; i < 4 && !err; i++) {
		int version = i / 2 ? 6 : 4;
		__u8 proto = i % 2 ? IPPROTO_UDP : IPPROTO_TCP;
		const struct service service = {
			.number = fixture_target(PORT_EMPTY, version, proto),
			.row_count = FIXTURE_ROWS,
			.flags = SERVICE_REJECT,
		};

		err = lb_maps_service(lb, version, PORT_EMPTY, proto, &service);
	}
	return err;
}

static void source_loopback(struct pkt *p)
{
	struct ethhdr *eth = (void *)p->bytes;

	if (eth->h_proto == htons(ETH_P_IP))
		((struct iphdr *)pkt_find(p, PKT_IP4, 0))->saddr = htonl(0x7f000001);
	else
		inet_pton(AF_INET6, "::1", &((struct ipv6hdr *)pkt_find(p, PKT_IP6, 0))->saddr);
}

static void source_vip(struct pkt *p)
{
	struct ethhdr *eth = (void *)p->bytes;

	if (eth->h_proto == htons(ETH_P_IP))
		inet_pton(AF_INET, VIP4, &((struct iphdr *)pkt_find(p, PKT_IP4, 0))->saddr);
	else
		inet_pton(AF_INET6, VIP6, &((struct ipv6hdr *)pkt_find(p, PKT_IP6, 0))->saddr);
}

static void source_multicast_frame(struct pkt *p)
{
	((struct ethhdr *)p->bytes)->h_source[0] |= 1;
}

static void test_refused(struct harness *h)
{
	static const struct lb_case syns[] = {
		{ "SYN", .syn = true },
		{ "SYN padded to 60 bytes", .syn = true, .padding = 6 },
		{ "SYN with garbage behind the packet", .syn = true, .padding = 99 },
		{ "SYN with data", .syn = true, .payload = 333 },
		{ "SYN with FIN", .syn = true, .fin = true },
		{ "SYN with DSCP EF and ECT(0)", .syn = true, .tos = 0xba },
		{ "SYN behind options", .syn = true, .extra = EXTRA_OPTIONS },
	};
	static const struct lb_case datagrams[] = {
		{ "datagram without data" },
		{ "datagram padded to 60 bytes", .padding = 5 },
		{ "datagram", .payload = 37 },
		{ "datagram behind options", .payload = 8, .extra = EXTRA_OPTIONS },
		{ "datagram that is quoted in part", .payload = 1400 },
	};
	char name[128];

	for (int version = 4; version <= 6; version += 2) {
		struct answer_case c = { .drop = DROP_NO_BACKEND };

		for (size_t i = 0; i < ARRAY_SIZE(syns); i++) {
			c.packet = syns[i];
			c.packet.proto = IPPROTO_TCP;
			c.want = (struct answer_want){
				.reset = true, .ack = SEQ + 1 + syns[i].fin + syns[i].payload
			};
			snprintf(name, sizeof(name), "IPv%d %s gets an RST", version, syns[i].name);
			c.packet.name = name;
			c.packet.version = version;
			c.packet.port = PORT_EMPTY;
			answer_case_run(h, &c);
		}
		for (size_t i = 0; i < ARRAY_SIZE(datagrams); i++) {
			c.packet = datagrams[i];
			c.packet.proto = IPPROTO_UDP;
			c.want = (struct answer_want){ .error = { version == 4 ? 3 : 1,
								  version == 4 ? 3 : 4, 0 } };
			snprintf(name, sizeof(name), "IPv%d %s gets port unreachable", version,
				 datagrams[i].name);
			c.packet.name = name;
			c.packet.version = version;
			c.packet.port = PORT_EMPTY;
			answer_case_run(h, &c);
		}
	}
}

static void test_silent(struct harness *h)
{
	static const struct lb_case cases[] = {
		{ "SYN where it is dropped", .proto = IPPROTO_TCP, .port = PORT_MOVES,
		  .syn = true },
		{ "datagram where it is dropped", .proto = IPPROTO_UDP, .port = PORT_MOVES },
		{ "ACK, whose backend may be back", .proto = IPPROTO_TCP, .port = PORT_EMPTY,
		  .ack = true },
		{ "SYN with ACK", .proto = IPPROTO_TCP, .port = PORT_EMPTY, .syn = true,
		  .ack = true },
		{ "RST", .proto = IPPROTO_TCP, .port = PORT_EMPTY, .rst = true },
		{ "SYN with RST", .proto = IPPROTO_TCP, .port = PORT_EMPTY, .syn = true,
		  .rst = true },
		{ "datagram in a frame from a group of stations", .proto = IPPROTO_UDP,
		  .port = PORT_EMPTY, .spoil = source_multicast_frame },
	};
	char name[128];

	for (int version = 4; version <= 6; version += 2)
		for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
			struct lb_case c = cases[i];

			snprintf(name, sizeof(name), "IPv%d %s gets no answer", version, c.name);
			c.name = name;
			c.version = version;
			lb_case_run(h, &c, XDP_DROP, DROP_NO_BACKEND, 0);
		}
}

static void test_counted(struct lb_maps *lb)
{
	struct answer_counter resets = { 0 }, errors = { 0 };
	int err = lb_maps_answers(lb, ANSWER_RESET, &resets) ||
		  lb_maps_answers(lb, ANSWER_PORT_UNREACHABLE, &errors);

	harness_ok(&lb->harness,
		   !err && resets.sent == 14 && errors.sent == 10 && !resets.limited &&
			   !errors.limited,
		   "each answer is counted: %llu and %llu", resets.sent, errors.sent);
}

/* They are dropped before a backend is looked for. */
static void test_martian(struct harness *h)
{
	static const struct lb_case cases[] = {
		{ "SYN from loopback", .proto = IPPROTO_TCP, .port = PORT_EMPTY, .syn = true,
		  .spoil = source_loopback },
		{ "SYN from a service's address", .proto = IPPROTO_TCP, .port = PORT_EMPTY,
		  .syn = true, .spoil = source_vip },
		{ "datagram from loopback", .proto = IPPROTO_UDP, .port = PORT_EMPTY,
		  .spoil = source_loopback },
	};
	char name[128];

	for (int version = 4; version <= 6; version += 2)
		for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
			struct lb_case c = cases[i];

			snprintf(name, sizeof(name), "IPv%d %s gets no answer", version, c.name);
			c.name = name;
			c.version = version;
			lb_case_run(h, &c, XDP_DROP, DROP_MARTIAN, 0);
		}
}

/* Sends `count` datagrams, the n-th from source() of n; returns how many were answered. */
static int answered(struct lb_maps *lb, int version, int count,
		    void (*source)(struct pkt *p, int version, int n))
{
	const struct lb_case c = { .version = version, .proto = IPPROTO_UDP, .port = PORT_EMPTY };
	static struct pkt in, out;
	int sent = 0;

	for (int i = 0; i < count; i++) {
		enum xdp_action verdict = XDP_ABORTED;

		pkt_clear(&in);
		lb_case_in(&in, &c);
		source(&in, version, i);
		if (harness_frame(lb->harness.program_fd, HARNESS_LOOPBACK, &in, &out, &verdict))
			return -1;
		sent += verdict == XDP_TX;
	}
	return sent;
}

static void one_source(struct pkt *p, int version, int n)
{
	/* All addresses of one network of IPv6 are one source. */
	if (version == 6)
		((struct ipv6hdr *)pkt_find(p, PKT_IP6, 0))->saddr.s6_addr[15] = n;
}

static void many_sources(struct pkt *p, int version, int n)
{
	if (version == 4)
		((struct iphdr *)pkt_find(p, PKT_IP4, 0))->saddr = htonl(0x0a000000 + n);
	else
		((struct ipv6hdr *)pkt_find(p, PKT_IP6, 0))->saddr.s6_addr32[1] = htonl(n);
}

/* No token comes back while the test runs. */
static void test_limits(struct lb_maps *lb, int version)
{
	struct harness *h = &lb->harness;
	struct answer_counter counter;
	int sent = answered(lb, version, 150, one_source);

	harness_ok(h, sent == 100, "IPv%d: one source gets 100 answers at once: %d", version, sent);
	sent = answered(lb, version, 1200, many_sources);
	harness_ok(h, sent == 900, "IPv%d: all together get 1,000 at once: %d more", version, sent);
	harness_ok(h,
		   !lb_maps_answers(lb, ANSWER_PORT_UNREACHABLE, &counter) &&
			   counter.sent == 1000 && counter.limited == 350,
		   "IPv%d: those that get none are counted", version);
}

static bool open_refusing(struct lb_maps *lb, __u64 token_ns)
{
	if (lb_fixture_open_limited(lb, token_ns))
		return false;
	lb_fixture_row(PORT_MOVES, FIXTURE_NOBODY, FIXTURE_NOBODY);
	return !refuse_at_empty(lb);
}

int main(void)
{
	struct harness sum = { 0 };
	struct lb_maps lb;

	if (!open_refusing(&lb, 0))
		return EXIT_FAILURE;
	test_refused(&lb.harness);
	test_silent(&lb.harness);
	test_martian(&lb.harness);
	test_counted(&lb);
	for (int version = 4; version <= 6; version += 2) {
		sum = lb.harness;
		lb_maps_close(&lb);
		if (!open_refusing(&lb, 1000ULL * 1000000000))
			return EXIT_FAILURE;
		lb.harness.passed = sum.passed;
		lb.harness.failed = sum.failed;
		test_limits(&lb, version);
	}
	sum = lb.harness;
	lb_maps_close(&lb);
	return harness_end(&sum);
}
