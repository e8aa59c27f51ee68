// SPDX-License-Identifier: BSD-2-Clause
/* poise_lb and fragments: those of one datagram go one way, in every mode but nat. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "base/array.h"
#include "harness/answered.h"
#include "harness/fragment.h"
#include "lb/lb_case.h"
#include "poise/frag.h"

#include "gen/lb.skel.h" /* needs the types above */

#define REST      (~(size_t)0) /* up to the datagram's end */
#define SOURCE_AT 15           /* in the IP header: IPv4's last byte, or IPv6's network */

/* A part of the packet of a case. */
struct part {
	struct lb_case c;
	struct fragment fragment;
	__u8 source;                  /* added to the byte at SOURCE_AT */
	int backend;                  /* of a port that moves */
	void (*spoil)(struct pkt *p); /* after it is cut */
};

static __u32 last_id;

static void part_cut(struct pkt *p, const struct part *part)
{
	struct fragment fragment = part->fragment;
	static struct pkt whole;
	size_t bytes;

	pkt_clear(&whole);
	lb_case_in(&whole, &part->c);
	bytes = whole.length - ETH_HLEN -
		(part->c.version == 4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr));
	if (fragment.to == REST) {
		fragment.to = bytes;
		fragment.last = true;
	}
	fragment_cut(&whole, &fragment, p);
	p->bytes[ETH_HLEN + SOURCE_AT] += part->source;
	if (part->c.version == 4)
		pkt_ip4_checksum((void *)(p->bytes + ETH_HLEN));
	if (part->spoil)
		part->spoil(p);
}

static void part_in(struct pkt *p, const void *arg)
{
	part_cut(p, arg);
}

static void part_out(struct pkt *p, const void *arg)
{
	const struct part *part = arg;
	static struct pkt cut;

	part_cut(&cut, part);
	lb_case_wrap(p, &part->c, cut.bytes + ETH_HLEN, cut.length - ETH_HLEN);
	p->bytes[5] += part->backend;
}

static void run(struct harness *h, const struct part *part, enum xdp_action verdict,
		enum drop_reason drop, const char *what)
{
	const struct lb_case *c = &part->c;
	bool forwarded = verdict == XDP_TX || verdict == XDP_REDIRECT;
	struct harness_row row = { .in = part_in,
				   .out = forwarded ? part_out : NULL,
				   .arg = part,
				   .verdict = verdict,
				   .drop = drop };
	static struct pkt cut;
	char name[192];

	snprintf(name, sizeof(name), "IPv%d %s: %s", c->version,
		 c->proto == IPPROTO_TCP   ? "TCP"
		 : c->proto == IPPROTO_UDP ? "UDP"
					   : "SCTP",
		 what);
	row.name = name;
	if (forwarded) {
		part_cut(&cut, part);
		row.counter = fixture_backend(c->port, c->version, c->proto, part->backend);
		row.count = (struct harness_counter){ 1, cut.length - ETH_HLEN,
						      c->syn && !part->fragment.from };
	}
	harness_run(h, &row, 1);
}

static void answered_out(struct pkt *p, const void *arg)
{
	const struct part *part = arg;
	const struct answered answer = answered_too_big(part->c.version, FIXTURE_SMALL_MTU);
	static struct pkt in;

	part_cut(&in, part);
	answered_error(p, &in, in.length - ETH_HLEN, &answer);
}

static void run_answered(struct harness *h, const struct part *part, const char *what)
{
	char name[192];
	const struct harness_row row = { .name = name,
					 .in = part_in,
					 .out = answered_out,
					 .arg = part,
					 .verdict = XDP_TX,
					 .drop = DROP_TOO_BIG };

	snprintf(name, sizeof(name), "IPv%d, protocol %d: %s", part->c.version, part->c.proto,
		 what);
	harness_run(h, &row, 1);
}

/* A part of a datagram of 1,000 bytes and more; `id` 0: of a new one. */
static struct part part_of(int version, __u8 proto, unsigned int port, size_t from, size_t to)
{
	if (!from)
		last_id++;
	return (struct part){
		.c = { .version = version,
		       .proto = proto,
		       .port = port,
		       .payload = 1000,
		       .ack = proto == IPPROTO_TCP },
		.fragment = { .id = last_id, .from = from, .to = to },
	};
}

static void run_part(struct harness *h, int version, __u8 proto, unsigned int port, size_t from,
		     size_t to, enum xdp_action verdict, enum drop_reason drop, const char *what)
{
	struct part part = part_of(version, proto, port, from, to);

	run(h, &part, verdict, drop, what);
}

static const char *how(unsigned int port)
{
	static const char *const names[] = { "l2",
					     "ipip over IPv4",
					     "ipip over IPv6",
					     "gue over IPv4",
					     "gue over IPv6",
					     "l2, redirected" };

	return names[port - PORT_L2];
}

static void test_modes(struct harness *h, int version, __u8 proto)
{
	static const struct {
		const char *name;
		size_t from, to;
	} parts[] = { { "first fragment", 0, 400 },
		      { "second fragment", 400, 808 },
		      { "last fragment", 808, REST } };
	char name[128];

	for (unsigned int port = PORT_L2; port <= PORT_REDIRECT; port++)
		for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
			snprintf(name, sizeof(name), "%s by %s", parts[i].name, how(port));
			run_part(h, version, proto, port, parts[i].from, parts[i].to,
				 port == PORT_REDIRECT ? XDP_REDIRECT : XDP_TX, DROP_NONE, name);
		}
}

/* Behind the first fragment the others may come in any order. */
static void test_order(struct harness *h, int version, __u8 proto)
{
	run_part(h, version, proto, PORT_L2, 0, 80, XDP_TX, DROP_NONE, "the first of five");
	run_part(h, version, proto, PORT_L2, 800, REST, XDP_TX, DROP_NONE,
		 "the last one comes next");
	run_part(h, version, proto, PORT_L2, 400, 480, XDP_TX, DROP_NONE, "one of the middle");
	run_part(h, version, proto, PORT_L2, 80, 400, XDP_TX, DROP_NONE, "the one before it");
	run_part(h, version, proto, PORT_L2, 80, 88, XDP_DROP, DROP_FRAGMENT_BAD,
		 "a part of that once more");
	run_part(h, version, proto, PORT_L2, 480, 800, XDP_TX, DROP_NONE,
		 "the one that was missing");
	run_part(h, version, proto, PORT_L2, 480, 800, XDP_DROP, DROP_FRAGMENT_EARLY,
		 "a copy when all has come");
	run_part(h, version, proto, PORT_L2, 0, 80, XDP_TX, DROP_NONE, "the first of very many");
	for (size_t i = 0; i < FRAG_HOLES; i++)
		run_part(h, version, proto, PORT_L2, 96 + i * 16, 104 + i * 16, XDP_TX, DROP_NONE,
			 "each other fragment");
	run_part(h, version, proto, PORT_L2, 200, 208, XDP_DROP, DROP_FRAGMENT_BAD,
		 "more holes than are remembered");
	run_part(h, version, proto, PORT_L2, 80, 96, XDP_TX, DROP_NONE, "the first hole is filled");
	run_part(h, version, proto, PORT_L2, 200, 208, XDP_TX, DROP_NONE,
		 "then there may be another");
}

static void test_bad(struct harness *h, int version, __u8 proto)
{
	run_part(h, version, proto, PORT_L2, 0, 400, XDP_TX, DROP_NONE, "the first fragment");
	run_part(h, version, proto, PORT_L2, 8, 48, XDP_DROP, DROP_FRAGMENT_BAD,
		 "one that would replace the header");
	run_part(h, version, proto, PORT_L2, 392, 800, XDP_DROP, DROP_FRAGMENT_BAD,
		 "one that overlaps the first one's end");
	run_part(h, version, proto, PORT_L2, 400, 800, XDP_TX, DROP_NONE,
		 "the right one, in spite of that");
	run_part(h, version, proto, PORT_L2, 400, 800, XDP_DROP, DROP_FRAGMENT_BAD, "a copy of it");
	run_part(h, version, proto, PORT_L2, 816, 840, XDP_TX, DROP_NONE, "one behind a hole");
	run_part(h, version, proto, PORT_L2, 800, 824, XDP_DROP, DROP_FRAGMENT_BAD,
		 "one that is larger than the hole");
	run_part(h, version, proto, PORT_L2, 800, 815, XDP_DROP, DROP_FRAGMENT_BAD,
		 "a part that is not the last and no multiple of eight bytes");
	run_part(h, version, proto, PORT_L2, 840, REST, XDP_TX, DROP_NONE, "the last one");
	run_part(h, version, proto, PORT_L2, 840, REST, XDP_DROP, DROP_FRAGMENT_BAD,
		 "a copy of the last one");
	run_part(h, version, proto, PORT_L2, 0, 8, proto == IPPROTO_UDP ? XDP_TX : XDP_DROP,
		 proto == IPPROTO_UDP ? DROP_NONE : DROP_FRAGMENT_BAD,
		 "a first fragment of eight bytes");
	run_part(h, version, proto, PORT_L2, 0, 0, XDP_DROP, DROP_FRAGMENT_BAD,
		 "a first fragment without data");
}

static void same_again(struct harness *h, int version, __u8 proto)
{
	struct part part = part_of(version, proto, PORT_L2, 0, 400);

	run(h, &part, XDP_TX, DROP_NONE, "the first fragment");
	run(h, &part, XDP_DROP, DROP_FRAGMENT_BAD, "the same again");
	part.c.port = PORT_UNKNOWN;
	run(h, &part, XDP_PASS, DROP_NONE, "one to no service with the same identification");
	part.c.port = PORT_L2;
	part.fragment.from = 400;
	part.fragment.to = 800;
	run(h, &part, XDP_TX, DROP_NONE, "the second one goes where the first one went");
}

static void long_offset(struct pkt *p)
{
	struct iphdr *ip = (void *)(p->bytes + ETH_HLEN);

	if (ip->version == 4)
		ip->frag_off = htons(8190);
	else
		*(__be16 *)(p->bytes + ETH_HLEN + 42) = htons(8190 << 3);
}

static void longer_than_frame(struct pkt *p)
{
	struct iphdr *ip = (void *)(p->bytes + ETH_HLEN);

	if (ip->version == 4)
		ip->tot_len = htons(ntohs(ip->tot_len) + 1);
	else
		((struct ipv6hdr *)ip)->payload_len =
			htons(ntohs(((struct ipv6hdr *)ip)->payload_len) + 1);
}

static void test_spoilt(struct harness *h, int version, __u8 proto)
{
	struct part part = part_of(version, proto, PORT_IPIP4, 0, 400);

	run(h, &part, XDP_TX, DROP_NONE, "the first fragment");
	part = part_of(version, proto, PORT_IPIP4, 400, REST);
	part.spoil = long_offset;
	run(h, &part, XDP_DROP, DROP_FRAGMENT_BAD, "one that would end behind 65,535 bytes");
	part.spoil = longer_than_frame;
	run(h, &part, XDP_DROP, DROP_MALFORMED_IP, "one that is longer than its frame");
}

/* Only fragments of the datagram follow its first one. */
static void test_key(struct harness *h, int version, __u8 proto)
{
	struct part part = part_of(version, proto, PORT_L2, 0, 400);

	run(h, &part, XDP_TX, DROP_NONE, "the first fragment");
	part = part_of(version, proto, PORT_L2, 400, 800);
	part.fragment.id += 1000;
	run(h, &part, XDP_DROP, DROP_FRAGMENT_EARLY, "another datagram's");
	part.fragment.id -= 1000;
	part.source = 1;
	run(h, &part, XDP_DROP, DROP_FRAGMENT_EARLY, "another source's");
	part.source = 0;
	if (version == 4) {
		part.c.proto = proto == IPPROTO_TCP ? IPPROTO_UDP : IPPROTO_TCP;
		run(h, &part, XDP_DROP, DROP_FRAGMENT_EARLY, "another protocol's");
		part.c.proto = proto;
	}
	run(h, &part, XDP_TX, DROP_NONE, "its own");
}

static void to_other_address(struct pkt *p)
{
	struct iphdr *ip = (void *)(p->bytes + ETH_HLEN);

	p->bytes[ETH_HLEN + (ip->version == 4 ? 19 : 39)] ^= 1;
}

static void other_protocol(struct pkt *p)
{
	struct iphdr *ip = (void *)(p->bytes + ETH_HLEN);

	if (ip->version == 4)
		ip->protocol = IPPROTO_ICMP;
	else
		p->bytes[ETH_HLEN + 40] = IPPROTO_ICMPV6;
}

static void test_not_ours(struct harness *h, int version, __u8 proto)
{
	struct part part = part_of(version, proto, PORT_UNKNOWN, 0, 400);

	run(h, &part, XDP_PASS, DROP_NONE, "the first fragment to a port that is no service");
	part = part_of(version, proto, PORT_UNKNOWN, 400, REST);
	run(h, &part, XDP_PASS, DROP_NONE, "the last fragment to a port that is no service");
	run(h, &part, XDP_DROP, DROP_FRAGMENT_EARLY, "it is known no longer than all has come");
	part.spoil = other_protocol;
	run(h, &part, XDP_PASS, DROP_NONE, "a later fragment of another protocol");
	part.spoil = to_other_address;
	run(h, &part, XDP_PASS, DROP_NONE, "a later fragment to another address");
	part = part_of(version, proto, PORT_L2, 0, 8);
	part.spoil = to_other_address;
	run(h, &part, XDP_PASS, DROP_NONE, "a tiny first fragment to another address");
}

/* ---- rows that move */

static void test_moving(struct harness *h, int version, __u8 proto)
{
	struct part first = part_of(version, proto, PORT_MOVES, 0, 400);
	struct part second = part_of(version, proto, PORT_MOVES, 400, 800);
	struct part last = part_of(version, proto, PORT_MOVES, 800, REST);

	lb_fixture_row(PORT_MOVES, 0, FIXTURE_NOBODY);
	run(h, &first, XDP_TX, DROP_NONE, "the first fragment goes to the row's backend");
	lb_fixture_row(PORT_MOVES, 1, FIXTURE_NOBODY);
	run(h, &second, XDP_TX, DROP_NONE, "the second follows it when the row is another's");
	run(h, &last, XDP_TX, DROP_NONE, "so does the last one");
	first = part_of(version, proto, PORT_EMPTY, 0, 400);
	run(h, &first, XDP_DROP, DROP_NO_BACKEND,
	    "a first fragment to a service without a backend");
	last = part_of(version, proto, PORT_EMPTY, 400, REST);
	run(h, &last, XDP_DROP, DROP_FRAGMENT_EARLY, "and what follows it");
	first = part_of(version, proto, PORT_NO_TARGET, 0, 400);
	run(h, &first, XDP_DROP, DROP_NO_TARGET, "a first fragment to a target that is not in use");
}

static void test_size(struct harness *h, int version, __u8 proto)
{
	const size_t headers = version == 4 ? 20 : 48;
	const size_t most = (FIXTURE_SMALL_MTU - headers) / 8 * 8;
	struct part part = part_of(version, proto, PORT_SMALL_L2, 0, most);

	run(h, &part, XDP_TX, DROP_NONE, "a fragment as long as the way out takes");
	part = part_of(version, proto, PORT_SMALL_L2, most, 2 * most + 8);
	run(h, &part, XDP_DROP, DROP_TOO_BIG, "a later fragment that is longer gets no answer");
	part = part_of(version, proto, PORT_SMALL_L2, 0, most + 8);
	run_answered(h, &part, "a first fragment that is longer is answered");
}

/* ---- IPv6 extension headers, in front of the fragment header and behind */

static void test_options(struct harness *h)
{
	struct part part = part_of(6, IPPROTO_UDP, PORT_GUE6, 0, 400);

	part.c.extra = EXTRA_CHAIN;
	run(h, &part, XDP_TX, DROP_NONE, "the first fragment with headers behind its own");
	part = part_of(6, IPPROTO_UDP, PORT_GUE6, 400, REST);
	part.c.extra = EXTRA_CHAIN;
	run(h, &part, XDP_TX, DROP_NONE, "the last fragment of such a datagram");
	run(h, &part, XDP_PASS, DROP_NONE, "it could be anybody's when the first one is not known");
	part = part_of(6, IPPROTO_UDP, PORT_GUE6, 0, 16);
	part.c.extra = EXTRA_CHAIN;
	run(h, &part, XDP_DROP, DROP_FRAGMENT_BAD, "a first fragment that ends within the headers");
	part = part_of(6, IPPROTO_UDP, PORT_GUE6, 0, 40);
	part.c.extra = EXTRA_ATOMIC;
	run(h, &part, XDP_TX, DROP_NONE, "a whole packet's fragment header within a fragment");
}

/* ---- the table */

static void grow_older(struct lb_maps *lb, __u32 ticks)
{
	int fd = bpf_map__fd(lb->skeleton->maps.fragments);

	for (__u32 i = 0; i < FRAG_SETS; i++) {
		struct frag_set set;

		bpf_map_lookup_elem(fd, &i, &set);
		for (int k = 0; k < FRAGS_PER_SET; k++)
			set.entries[k].expiry -= ticks;
		bpf_map_update_elem(fd, &i, &set, BPF_ANY);
	}
}

static void test_time(struct lb_maps *lb, int version, __u8 proto)
{
	struct harness *h = &lb->harness;
	struct part first = part_of(version, proto, PORT_L2, 0, 400);
	struct part second = part_of(version, proto, PORT_L2, 400, 800);

	run(h, &first, XDP_TX, DROP_NONE, "the first fragment");
	grow_older(lb, FRAG_TICKS);
	run(h, &second, XDP_TX, DROP_NONE, "the second comes as late as it may");
	grow_older(lb, 1);
	second.fragment = (struct fragment){ last_id, 800, 808, false };
	run(h, &second, XDP_DROP, DROP_FRAGMENT_EARLY, "the third comes later than that");
	first = part_of(version, proto, PORT_L2, 0, 400);
	run(h, &first, XDP_TX, DROP_NONE, "the first fragment");
	grow_older(lb, FRAG_REUSE_TICKS - 1);
	run(h, &first, XDP_DROP, DROP_FRAGMENT_BAD, "the same identification a little later");
	grow_older(lb, 1);
	run(h, &first, XDP_TX, DROP_NONE, "the same identification used again");
	second = part_of(version, proto, PORT_L2, 400, 800);
	run(h, &second, XDP_TX, DROP_NONE, "what follows it");
}

/* Returns the verdict on the first fragment of a new datagram. */
static enum xdp_action send_first(struct harness *h, int version, __u8 proto)
{
	struct part part = part_of(version, proto, PORT_L2, 0, 400);
	enum xdp_action verdict = XDP_ABORTED;
	static struct pkt in, out;

	pkt_clear(&in);
	part_cut(&in, &part);
	harness_frame(h->program_fd, HARNESS_LOOPBACK, &in, &out, &verdict);
	return verdict;
}

/* One source's datagrams make room for each other, and other sources' stay. */
static void test_flood(struct lb_maps *lb, int version, __u8 proto)
{
	struct harness *h = &lb->harness;
	struct part other = part_of(version, proto, PORT_L2, 0, 400);
	struct part oldest = part_of(version, proto, PORT_L2, 0, 400);
	unsigned int sent = 0;

	lb_maps_forget_datagrams(lb);
	other.source = 1;
	run(h, &other, XDP_TX, DROP_NONE, "one source's first fragment");
	run(h, &oldest, XDP_TX, DROP_NONE, "another source's first fragment");
	grow_older(lb, 1);
	for (int i = 1; i < FRAGS_PER_SET; i++)
		sent += send_first(h, version, proto) == XDP_TX;
	oldest.fragment.from = 400;
	oldest.fragment.to = 440;
	run(h, &oldest, XDP_TX, DROP_NONE, "its second one, with as many datagrams as have room");
	sent += send_first(h, version, proto) == XDP_TX;
	oldest.fragment.from = 440;
	oldest.fragment.to = 480;
	run(h, &oldest, XDP_DROP, DROP_FRAGMENT_EARLY, "its third one, with one more");
	harness_ok(h, sent == FRAGS_PER_SET, "IPv%d: all others were sent on", version);
	other.fragment.from = 400;
	other.fragment.to = 800;
	run(h, &other, XDP_TX, DROP_NONE, "the one source's second fragment");
}

int main(void)
{
	struct lb_maps fixture;
	int status;

	if (lb_fixture_open_still(&fixture))
		return EXIT_FAILURE;
	for (int i = 0; i < FIXTURE_VARIANTS; i++) {
		static const __u8 protocols[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP };
		struct harness *h = &fixture.harness;
		int version = i / FIXTURE_PROTOCOLS ? 6 : 4;
		__u8 proto = protocols[i % FIXTURE_PROTOCOLS];

		lb_maps_forget_datagrams(&fixture);
		test_modes(h, version, proto);
		test_order(h, version, proto);
		test_bad(h, version, proto);
		same_again(h, version, proto);
		test_spoilt(h, version, proto);
		test_key(h, version, proto);
		test_not_ours(h, version, proto);
		lb_maps_forget_datagrams(&fixture);
		test_moving(h, version, proto);
		test_size(h, version, proto);
		test_time(&fixture, version, proto);
		test_flood(&fixture, version, proto);
	}
	test_options(&fixture.harness);
	status = harness_end(&fixture.harness);
	lb_maps_close(&fixture);
	return status;
}
