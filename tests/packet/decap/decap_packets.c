// SPDX-License-Identifier: BSD-2-Clause
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "base/array.h"
#include "base/net.h"
#include "gen/decap.skel.h"
#include "decap/decap_packets.h"
#include "poise/abi.h"
#include "poise/decap.h"

#define MAX_CPUS 1024

static void set_tclass(struct ipv6hdr *ip, __u8 tos)
{
	ip->priority = tos >> 4;
	ip->flow_lbl[0] = tos << 4;
}

static void put_outer(struct pkt *p, const struct decap_case *c)
{
	/* RFC 2473, 5.1: limit 4, then two bytes of padding. */
	static const __u8 limit[8] = { 0, 0, 4, 1, 4, 1, 1, 0 };
	static const __u8 private[124] = { 0xda, 0x7a };
	struct pkt_gue *gue;

	if (c->outer == OUTER_IP4)
		pkt_ip4(p, c->outer_from ? c->outer_from : "10.0.0.1",
			c->outer_to ? c->outer_to : "10.0.0.11")
			->tos = c->outer_tos;
	else
		set_tclass(pkt_ip6(p, c->outer_from ? c->outer_from : "fd00::1",
				   c->outer_to ? c->outer_to : "fd00::11"),
			   c->outer_tos);
	if (c->outer == OUTER_IP6_LIMIT)
		pkt_ext(p, IPPROTO_DSTOPTS, limit, sizeof(limit));
	if (!c->gue)
		return;
	pkt_udp(p, 54321, c->gue_port ? c->gue_port : POISE_GUE_PORT);
	gue = pkt_gue(p);
	gue->flags = c->gue_words;
	gue->proto = c->inner == INNER_IP4 ? IPPROTO_IPIP : IPPROTO_IPV6;
	if (c->gue_words)
		pkt_bytes(p, private, c->gue_words * 4);
}

static size_t outer_bytes(const struct decap_case *c)
{
	static const size_t ip[] = { [OUTER_IP4] = 20, [OUTER_IP6] = 40, [OUTER_IP6_LIMIT] = 48 };

	return ip[c->outer] + (c->gue ? 8 + 4 + c->gue_words * 4 : 0);
}

static void put_inner(struct pkt *p, const struct decap_case *c, __u8 tos)
{
	struct iphdr *ip;

	if (c->inner == INNER_IP4) {
		ip = pkt_ip4(p, "198.51.100.7", c->to ? c->to : VIP4);
		ip->tos = tos;
		ip->ttl = 1; /* not ours to count down */
		ip->id = htons(0xbeef);
	} else {
		set_tclass(pkt_ip6(p, "2001:db8:c::7", c->to ? c->to : VIP6), tos);
	}
	if (c->build)
		c->build(p);
	else if (c->udp)
		pkt_udp(p, 40000, 443);
	else
		pkt_tcp(p, 40000, 80)->syn = 1;
	pkt_payload(p, c->payload);
}

static void pad(struct pkt *p, const struct decap_case *c)
{
	pkt_pad(p, c->padding);
	if (c->frame)
		pkt_pad_to(p, c->frame);
}

static void poke(struct pkt *p, const struct decap_poke *poke)
{
	__u8 value[2] = { poke->value >> 8, poke->value };
	__u8 *header;

	if (!poke->width)
		return;
	header = pkt_find(p, poke->kind, poke->n);
	memcpy(header + poke->offset, value + 2 - poke->width, poke->width);
	if (poke->kind == PKT_IP4)
		pkt_ip4_checksum((struct iphdr *)header);
}

void decap_in(struct pkt *p, const void *arg)
{
	const struct decap_case *c = arg;

	pkt_eth(p);
	put_outer(p, c);
	put_inner(p, c, c->inner_tos);
	pkt_finish(p);
	if (c->inner_ip)
		c->inner_ip(p->bytes + sizeof(struct ethhdr) + outer_bytes(c));
	poke(p, &c->poke);
	if (c->spoil)
		c->spoil(p);
	pad(p, c);
}

/* Padding stays behind the packet, as long as it was. */
void decap_out(struct pkt *p, const void *arg)
{
	const struct decap_case *c = arg;
	static struct pkt in;

	pkt_clear(&in);
	decap_in(&in, arg);
	pkt_eth(p);
	put_inner(p, c, (c->inner_tos & ~3) | c->want_ecn);
	pkt_finish(p);
	if (c->inner_ip)
		c->inner_ip(p->bytes + sizeof(struct ethhdr));
	pkt_pad(p, in.length - outer_bytes(c) - p->length);
}

size_t decap_inner_bytes(const struct decap_case *c)
{
	static struct pkt p;

	pkt_clear(&p);
	put_inner(&p, c, 0);
	return p.length;
}

static const __u8 vips[DECAP_VIP_COUNT][16] = {
	[DECAP_VIP4] = { [10] = 0xff, 0xff, 192, 0, 2, 10 },
	[DECAP_VIP6] = { 0x20, 0x01, 0x0d, 0xb8, 0, 0x0a, [15] = 0x10 },
};

static int read_counters(void *ctx, struct harness_counter *counters, size_t count)
{
	struct decap_bpf *skel = ctx;
	int cpus = libbpf_num_possible_cpus();
	static struct decap_counter values[MAX_CPUS];

	for (size_t vip = 0; vip < count; vip++) {
		if (bpf_map_lookup_elem(bpf_map__fd(skel->maps.decap_vips), vips[vip], values))
			return -errno;
		for (int cpu = 0; cpu < cpus; cpu++) {
			counters[vip].packets += values[cpu].packets;
			counters[vip].bytes += values[cpu].bytes;
		}
	}
	return 0;
}

static int read_drops(void *ctx, __u64 *drops, size_t count)
{
	struct decap_bpf *skel = ctx;
	int cpus = libbpf_num_possible_cpus();
	static __u64 values[MAX_CPUS];

	for (__u32 reason = 0; reason < count; reason++) {
		if (bpf_map_lookup_elem(bpf_map__fd(skel->maps.decap_drops), &reason, values))
			return -errno;
		for (int cpu = 0; cpu < cpus; cpu++)
			drops[reason] += values[cpu];
	}
	return 0;
}

static void must(int err, const char *what)
{
	if (!err)
		return;
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(1);
}

static void fill_nets(int fd)
{
	static const char *const nets[] = { "10.0.0.0/24", "fd00::/64", "192.0.2.77" };
	struct net net;

	for (size_t i = 0; i < ARRAY_SIZE(nets); i++)
		must(net_parse(nets[i], &net) || bpf_map_update_elem(fd, &net, &(__u8){ 0 }, 0),
		     nets[i]);
}

static void fill_locals(int fd)
{
	static const char *const locals[] = { "10.0.0.11", "fd00::11" };
	struct addr addr;

	for (size_t i = 0; i < ARRAY_SIZE(locals); i++)
		must(addr_parse(locals[i], &addr) ||
			     bpf_map_update_elem(fd, &addr, &(__u8){ DECAP_LOCAL_FOUND }, 0),
		     locals[i]);
}

__u64 decap_not_local(struct harness *h)
{
	struct decap_bpf *skel = h->ctx;
	const __u32 entry = DECAP_NOT_LOCAL;
	static __u64 values[MAX_CPUS];
	__u64 sum = 0;

	must(bpf_map_lookup_elem(bpf_map__fd(skel->maps.decap_drops), &entry, values),
	     "reading counters");
	for (int cpu = 0; cpu < libbpf_num_possible_cpus(); cpu++)
		sum += values[cpu];
	return sum;
}

void decap_load(struct harness *h, bool check_source)
{
	static const struct decap_counter zero[MAX_CPUS];
	struct decap_bpf *skel = decap_bpf__open();

	must(!skel || libbpf_num_possible_cpus() > MAX_CPUS, "poise_decap does not open");
	skel->rodata->check_source = check_source;
	must(decap_bpf__load(skel), "poise_decap does not load");
	for (int vip = 0; vip < DECAP_VIP_COUNT; vip++)
		must(bpf_map_update_elem(bpf_map__fd(skel->maps.decap_vips), vips[vip], zero,
					 BPF_NOEXIST),
		     "no room for a VIP");
	fill_locals(bpf_map__fd(skel->maps.decap_locals));
	fill_nets(bpf_map__fd(skel->maps.decap_nets));
	h->program_fd = bpf_program__fd(skel->progs.poise_decap);
	h->ctx = skel;
	h->drop_count = DECAP_DROP_MAX;
	h->counter_count = DECAP_VIP_COUNT;
	h->read_drops = read_drops;
	h->drop_name = decap_drop_name;
	h->read_counters = read_counters;
}

void decap_unload(struct harness *h)
{
	decap_bpf__destroy(h->ctx);
}
