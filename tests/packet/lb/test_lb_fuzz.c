// SPDX-License-Identifier: BSD-2-Clause
/*
 * Random and mutated packets through poise_lb, each judged by the reference. POISE_FUZZ_SEED
 * repeats a run, POISE_FUZZ_PACKETS sets its length.
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lb/lb_case.h"
#include "harness/fragment.h"
#include "harness/mutate.h"
#include "reference/reference.h"
#include "reference/reference_fragment.h"

#define PACKETS        100000
#define MAX_COMPLAINTS 5
#define DATAGRAMS_FOR  300 /* packets */

/* An address from which nobody comes, or almost such a one; NULL: an ordinary client. */
static const char *strange_client(int version)
{
	static const char *const strange[][8] = {
		{ "0.1.2.3", "1.2.3.4", "126.1.1.1", "127.1.1.1", "223.1.1.1", "224.1.1.1",
		  "255.255.255.255", VIP4 },
		{ "::", "::1", "::2", "::ffff:1.2.3.4", "fe80::1", "fec0::1", "ff02::1", VIP6 },
	};

	return below(8) ? NULL : strange[version == 6][below(8)];
}

static void good_packet(struct pkt *p)
{
	struct lb_error error;
	struct lb_case c = {
		.version = below(2) ? 4 : 6,
		.proto = !below(8)  ? IPPROTO_SCTP
			 : below(2) ? IPPROTO_TCP
				    : IPPROTO_UDP,
		.tos = random64(),
		.port = below(3) ? PORT_L2 + below(PORT_END - PORT_L2)
				 : PORT_MOVES + below(PORT_SOURCE - PORT_MOVES + 1),
		.payload = below(4) ? below(100) : below(1500),
		.padding = below(3) ? 0 : below(60),
		.syn = below(2),
		.ack = below(2),
		.fin = !below(8),
		.rst = !below(8),
		.source = below(2) ? 0 : below(200),
		.extra = EXTRA_NONE,
	};

	if (c.proto == IPPROTO_SCTP)
		c.chunk = below(16);
	c.client = strange_client(c.version);
	c.no_udp_checksum = c.proto == IPPROTO_UDP && !below(4);
	if (!below(4))
		c.extra = c.version == 6 ? EXTRA_OPTIONS + below(EXTRA_END - EXTRA_OPTIONS)
			  : below(2)     ? EXTRA_OPTIONS
					 : EXTRA_ON_ITS_WAY + below(EXTRA_END4 - EXTRA_ON_ITS_WAY);
	if (c.extra == EXTRA_TOO_LONG)
		c.payload %= 800; /* the builder's frames end at 2,048 bytes */
	if (!below(4)) {
		error = (struct lb_error){
			.type = c.version == 4 ? (const __u8[]){ 3, 3, 11, 12, 8 }[below(5)]
					       : below(6),
			.code = below(8),
			.rest = random64(),
			.quoted_extra = below(2),
			.offset = below(4) ? 0 : below(1500) & ~7U,
			.quoted = below(2) ? 0 : (c.version == 4 ? 28 : 48) + below(9),
		};
		c.error = &error;
		c.payload %= 800;
	}
	lb_case_in(p, &c);
}

static void random_packet(struct pkt *p)
{
	int version = below(2) ? 4 : 6;

	p->length = ETH_HLEN + below(200);
	for (size_t i = 0; i < p->length; i++)
		p->bytes[i] = random64();
	p->bytes[0] &= ~1;
	if (!below(4))
		return;
	p->bytes[12] = version == 4 ? 0x08 : 0x86;
	p->bytes[13] = version == 4 ? 0x00 : 0xdd;
	p->bytes[14] = version == 4 ? 0x40 | below(16) : 0x60;
	if (below(2))
		return;
	inet_pton(version == 4 ? AF_INET : AF_INET6, version == 4 ? VIP4 : VIP6,
		  p->bytes + (version == 4 ? 30 : 38));
	p->bytes[version == 4 ? 23 : 20] = below(2) ? IPPROTO_TCP : below(64);
}

/* A row of a port that moves, or whether one of its backends serves, changes. */
static void change(struct lb_maps *fixture)
{
	unsigned int port = PORT_MOVES + below(PORT_SOURCE - PORT_MOVES + 1);
	int backend = below(FIXTURE_BACKENDS), previous = below(FIXTURE_BACKENDS + 2);
	int current = below(10) ? (int)below(FIXTURE_BACKENDS) : FIXTURE_NOBODY;
	bool serves = below(3);

	if (previous >= FIXTURE_BACKENDS)
		previous = previous > FIXTURE_BACKENDS ? FIXTURE_TRACKED : FIXTURE_NOBODY;
	lb_fixture_row(port, current, previous);
	reference_row(port, current, previous);
	lb_fixture_serves(fixture, port, backend, serves);
	reference_serves(port, backend, serves);
}

/* Some part of the packet: often the first one, and of few datagrams. */
static void cut(struct pkt *p)
{
	const size_t header = p->bytes[12] == 0x08 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
	const size_t bytes = p->length - ETH_HLEN - header;
	struct fragment part = { .id = below(3), .from = below(3) ? below(20) * 64 : 0 };
	static struct pkt whole;

	if (p->bytes[12] == 0x08 && (p->bytes[ETH_HLEN] & 15) > 5)
		return; /* IPv4 options */
	if (part.from >= bytes)
		part.from = 0;
	part.to = part.from + 64 * (1 + below(6));
	part.last = part.to >= bytes;
	if (part.last)
		part.to = bytes;
	whole = *p;
	fragment_cut(&whole, &part, p);
}

static void next_packet(struct pkt *p)
{
	pkt_clear(p);
	if (!below(4)) {
		random_packet(p);
	} else {
		good_packet(p);
		if (!below(4))
			cut(p);
		for (unsigned int n = below(4); n; n--)
			mutate(p, 110);
	}
	/* The kernel wants at least an Ethernet header. */
	if (p->length < ETH_HLEN)
		p->length = ETH_HLEN;
}

static void forget_datagrams(struct lb_maps *fixture)
{
	lb_maps_forget_datagrams(fixture);
	reference_fragments_forget();
}

/* NULL, or what is wrong. */
static const char *judge(const struct pkt *in, const struct pkt *out, enum xdp_action verdict,
			 struct reference *want)
{
	reference_judge(in, want);
	if (verdict == XDP_REDIRECT && want->verdict == XDP_TX && want->port == PORT_REDIRECT)
		verdict = XDP_TX;
	if (verdict != want->verdict)
		return "verdict";
	if (verdict == XDP_TX)
		return reference_forwarded(want, in, out);
	if (verdict == XDP_PASS &&
	    (in->length != out->length || memcmp(in->bytes, out->bytes, in->length)))
		return "a packet for the kernel was changed";
	return NULL;
}

int main(void)
{
	const char *seed = getenv("POISE_FUZZ_SEED"), *packets = getenv("POISE_FUZZ_PACKETS"),
		   *wrong;
	unsigned int count = packets ? strtoul(packets, NULL, 0) : PACKETS, complaints = 0;
	__u64 found[XDP_REDIRECT + 1] = { 0 }, drops[DROP_MAX] = { 0 },
				   want_drops[DROP_MAX] = { 0 };
	static struct pkt in, out;
	struct lb_maps fixture;
	struct reference want;
	enum xdp_action verdict;
	struct harness *h;
	int status;

	random_state = seed ? strtoull(seed, NULL, 0) : 0x706f697365;
	printf("# seed 0x%" PRIx64 ", %u packets\n", (uint64_t)random_state, count);
	if (lb_fixture_open(&fixture))
		return EXIT_FAILURE;
	h = &fixture.harness;
	for (unsigned int i = 0; i < count && complaints < MAX_COMPLAINTS; i++) {
		if (!below(100))
			change(&fixture);
		/* No source has so many datagrams in this time that one has to make room. */
		if (i % DATAGRAMS_FOR == 0)
			forget_datagrams(&fixture);
		next_packet(&in);
		reference_time(lb_maps_now(&fixture));
		if (harness_frame(h->program_fd, HARNESS_LOOPBACK, &in, &out, &verdict)) {
			harness_ok(h, false, "packet %u: the test run", i);
			break;
		}
		wrong = judge(&in, &out, verdict, &want);
		found[verdict <= XDP_REDIRECT ? verdict : XDP_ABORTED]++;
		want_drops[want.drop]++;
		if (!wrong)
			continue;
		complaints++;
		harness_ok(h, false, "packet %u: %s (verdict %d, expected %d)", i, wrong, verdict,
			   want.verdict);
		harness_diff(&out, &in);
	}
	harness_ok(h, !complaints,
		   "random packets: %" PRIu64 " passed, %" PRIu64 " dropped, %" PRIu64
		   " forwarded, each as the reference says",
		   (uint64_t)found[XDP_PASS], (uint64_t)found[XDP_DROP],
		   (uint64_t)(found[XDP_TX] + found[XDP_REDIRECT]));
	h->read_drops(h->ctx, drops, DROP_MAX);
	want_drops[DROP_NONE] = 0;
	harness_ok(h, !memcmp(drops, want_drops, sizeof(drops)),
		   "each drop is counted under its reason");
	harness_ok(h, found[XDP_PASS] && found[XDP_DROP] && found[XDP_TX],
		   "the packets reach every verdict");
	status = harness_end(h);
	lb_maps_close(&fixture);
	return status;
}
