// SPDX-License-Identifier: BSD-2-Clause
/*
 * Mutated tunnel packets through poise_decap. Whatever comes out shorter must be a whole packet to
 * a VIP, found in the frame that went in; anything else must come out as it went in.
 * POISE_FUZZ_SEED repeats a run, POISE_FUZZ_PACKETS sets its length.
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decap/decap_packets.h"
#include "poise/decap.h"
#include "harness/random.h"

#define PACKETS        100000
#define MAX_COMPLAINTS 5
#define MAX_STRIPPED   (48 + 8 + 4 + 31 * 4)

static void good_packet(struct pkt *p)
{
	struct decap_case c = { .outer = below(OUTER_COUNT),
				.inner = below(INNER_COUNT),
				.gue = below(2),
				.udp = below(2),
				.outer_tos = random64(),
				.inner_tos = random64(),
				.payload = below(4) ? below(60) : below(1400),
				.padding = below(3) ? 0 : below(60) };

	c.gue_words = c.gue && !below(3) ? below(32) : 0;
	if (!below(8))
		c.outer_to = c.outer == OUTER_IP4 ? "10.0.0.12" : "fd00::12";
	if (!below(8))
		c.outer_from = c.outer == OUTER_IP4 ? "10.0.1.1" : "fd00:1::1";
	if (!below(8))
		c.to = c.inner == INNER_IP4 ? OTHER4 : OTHER6;
	decap_in(p, &c);
}

/* One change where it hurts: headers mostly. Mutated outer IPv4 headers get a checksum that fits,
 * or all of them would be refused for that. */
static void mutate(struct pkt *p)
{
	size_t at = below(p->length < 140 ? p->length : 140);
	struct iphdr *ip = (void *)(p->bytes + ETH_HLEN);

	switch (below(5)) {
	case 0:
		p->bytes[at] ^= 1 << below(8);
		break;
	case 1:
		p->bytes[at] = random64();
		break;
	case 2:
		p->bytes[at] = below(2) ? 0xff : 0;
		break;
	case 3:
		p->length = ETH_HLEN + below(p->length - ETH_HLEN + 1);
		break;
	case 4: /* lengths: outer, UDP, inner behind IPv4, IPv6 */
		at = (const size_t[]){ 16, 18, 38, 58, 36, 56, 38, 58 }[below(8)];
		p->bytes[at] = below(4) ? 0 : random64();
		p->bytes[at + 1] = random64();
		break;
	}
	if (ip->version == 4 && ip->ihl == 5 && below(4))
		pkt_ip4_checksum(ip);
}

static bool same(const struct pkt *a, const struct pkt *b)
{
	return a->length == b->length && !memcmp(a->bytes, b->bytes, a->length);
}

/* The bytes that decapsulation may change, set to what they were. */
static void forgive_ecn(__u8 *ip, const __u8 *before)
{
	if (ip[0] >> 4 == 4) {
		ip[1] = (ip[1] & ~3) | (before[1] & 3);
		memcpy(ip + 10, before + 10, 2);
	} else {
		ip[1] = (ip[1] & ~0x30) | (before[1] & 0x30);
	}
}

/* Is the outer header from a balancer to the backend's own address? */
static bool outer_right(const __u8 *outer)
{
	static const __u8 balancers[8] = { 0xfd }, backend[16] = { 0xfd, [15] = 0x11 };
	static const __u8 single[4] = { 192, 0, 2, 77 };

	if (outer[0] >> 4 == 6)
		return !memcmp(outer + 8, balancers, 8) && !memcmp(outer + 24, backend, 16);
	return (!memcmp(outer + 12, "\x0a\0\0", 3) || !memcmp(outer + 12, single, 4)) &&
	       !memcmp(outer + 16, "\x0a\0\0\x0b", 4);
}

/* Returns what is wrong with a frame that came out shorter, or NULL. */
static const char *judge_inner(const struct pkt *in, const struct pkt *out)
{
	const struct iphdr *ip4 = (const void *)(out->bytes + ETH_HLEN);
	const struct ipv6hdr *ip6 = (const void *)ip4;
	size_t room = out->length - ETH_HLEN, stripped = in->length - out->length;
	const __u8 *before = in->bytes + ETH_HLEN + stripped;
	bool is_ip4 = ip4->version == 4;
	static struct pkt copy;
	__u8 vip[16];

	if (out->length > in->length || stripped < 20 || stripped > MAX_STRIPPED)
		return "no tunnel's headers are that long";
	if (memcmp(out->bytes, in->bytes, 12) || in->bytes[0] & 1)
		return "Ethernet addresses";
	if (memcmp(out->bytes + 12, is_ip4 ? "\x08\x00" : "\x86\xdd", 2))
		return "ethertype";
	if (room < (is_ip4 ? sizeof(*ip4) : sizeof(*ip6)) || (!is_ip4 && ip6->version != 6))
		return "no IP header";
	if ((is_ip4 ? ntohs(ip4->tot_len) : 40U + ntohs(ip6->payload_len)) > room)
		return "longer than the frame";
	if (is_ip4 && (ip4->ihl < 5 || ip4->ihl * 4 > ntohs(ip4->tot_len)))
		return "header length";
	if (!outer_right(in->bytes + ETH_HLEN))
		return "the tunnel ends elsewhere, or comes from a stranger";
	inet_pton(is_ip4 ? AF_INET : AF_INET6, is_ip4 ? VIP4 : VIP6, vip);
	if (memcmp(is_ip4 ? (const void *)&ip4->daddr : &ip6->daddr, vip, is_ip4 ? 4 : 16))
		return "not to a VIP";
	copy = *out;
	forgive_ecn(copy.bytes + ETH_HLEN, before);
	return memcmp(copy.bytes + ETH_HLEN, before, room) ? "bytes were changed" : NULL;
}

static const char *judge(const struct pkt *in, const struct pkt *out, enum xdp_action verdict)
{
	if (verdict != XDP_PASS && verdict != XDP_DROP)
		return "verdict";
	if (same(in, out))
		return NULL;
	return verdict == XDP_DROP ? "a dropped frame was changed" : judge_inner(in, out);
}

struct results {
	__u64 untouched, taken_out, dropped;
	unsigned int complaints;
};

static void run_one(struct harness *h, unsigned int number, struct results *results)
{
	static struct pkt in, out;
	enum xdp_action verdict = XDP_ABORTED;
	const char *wrong;

	pkt_clear(&in);
	good_packet(&in);
	for (unsigned int n = below(4); n; n--)
		mutate(&in);
	if (harness_frame(h->program_fd, HARNESS_LOOPBACK, &in, &out, &verdict))
		wrong = "the test run";
	else
		wrong = judge(&in, &out, verdict);
	results->dropped += verdict == XDP_DROP;
	results->untouched += verdict == XDP_PASS && in.length == out.length;
	results->taken_out += verdict == XDP_PASS && in.length != out.length;
	if (!wrong)
		return;
	results->complaints++;
	harness_ok(h, false, "packet %u: %s", number, wrong);
	harness_diff(&out, &in);
}

static void check_counters(struct harness *h, const struct results *results)
{
	struct harness_counter counters[DECAP_VIP_COUNT] = { 0 };
	__u64 drops[DECAP_DROP_MAX] = { 0 }, dropped = 0;

	h->read_counters(h->ctx, counters, DECAP_VIP_COUNT);
	h->read_drops(h->ctx, drops, DECAP_DROP_MAX);
	harness_ok(h,
		   counters[DECAP_VIP4].packets + counters[DECAP_VIP6].packets ==
			   results->taken_out,
		   "each packet taken out is counted");
	for (int reason = DECAP_DROP_NONE + 1; reason < DECAP_DROP_MAX; reason++) {
		dropped += drops[reason];
		harness_ok(h, drops[reason], "the packets reach %s", decap_drop_name(reason));
	}
	harness_ok(h, dropped == results->dropped, "each drop is counted");
	harness_ok(h, decap_not_local(h), "some tunnels end elsewhere");
}

int main(void)
{
	const char *seed = getenv("POISE_FUZZ_SEED"), *packets = getenv("POISE_FUZZ_PACKETS");
	unsigned int count = packets ? strtoul(packets, NULL, 0) : PACKETS;
	struct results results = { 0 };
	struct harness h = { 0 };

	random_state = seed ? strtoull(seed, NULL, 0) : 0x6465636170;
	printf("# seed 0x%" PRIx64 ", %u packets\n", (uint64_t)random_state, count);
	decap_load(&h, true);
	for (unsigned int i = 0; i < count && results.complaints < MAX_COMPLAINTS; i++)
		run_one(&h, i, &results);
	harness_ok(&h, !results.complaints && results.taken_out && results.untouched,
		   "random packets: %" PRIu64 " taken out, %" PRIu64 " untouched, %" PRIu64
		   " dropped",
		   (uint64_t)results.taken_out, (uint64_t)results.untouched,
		   (uint64_t)results.dropped);
	check_counters(&h, &results);
	decap_unload(&h);
	return harness_end(&h);
}
