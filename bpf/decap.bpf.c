/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * poise_decap: on a backend, takes the balancer's outer headers off and hands the client's packet
 * to the stack.
 *
 * Only what is addressed inside to a configured VIP is touched: whoever can reach this machine
 * could otherwise smuggle packets past its filters in an outer header. The outer header has to be
 * addressed to this host: a backend that also routes forwards tunnels that end elsewhere.
 * Everything that is not surely such a packet goes to the kernel as it came, which has its own
 * opinion and counters.
 */
#include "vmlinux.h"
#include <stdbool.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "poise/abi.h"
#include "poise/csum.h"
#include "poise/decap.h"
#include "poise/ecn.h"
#include "lb/protocols.h"

#define ETH_GROUP_BIT    0x01   /* first byte of a destination: multicast or broadcast */
#define IP4_FRAGMENT     0x3fff /* more fragments, or an offset */
#define IP4_WORDS        5
#define ENCAP_LIMIT_SIZE 8 /* the one destination options header that tunnels send */

#define GUE_VERSION_CONTROL 0xe0 /* bits of the first byte, all 0 in version 0 with data */
#define GUE_HLEN            0x1f

/* RFC 2473, RFC 8200: what may stand beside a tunnel encapsulation limit */
enum ip6_option {
	IP6_OPTION_PAD1 = 0,
	IP6_OPTION_PADN = 1,
	IP6_OPTION_ENCAP_LIMIT = 4,
};

/* UDP destination port of GUE packets. */
const volatile __be16 gue_port = bpf_htons(POISE_GUE_PORT);
/* Does `decap_nets` say who may send tunnels? */
const volatile bool check_source = false;

/* Written by `poise decap attach`: the VIPs; their counters per packet. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, DECAP_VIP_ENTRIES);
	__type(key, __u8[16]);
	__type(value, struct decap_counter);
} decap_vips SEC(".maps");

/* Written by `poise decap attach`: the addresses that tunnels end at. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, DECAP_LOCAL_ENTRIES);
	__type(key, __u8[16]);
	__type(value, __u8);
} decap_locals SEC(".maps");

/* Written by `poise decap attach`: the networks that tunnels may come from. */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, DECAP_NET_ENTRIES);
	__type(key, struct decap_net);
	__type(value, __u8);
} decap_nets SEC(".maps");

/* Written per refused packet; read by `poise decap stats`. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, DECAP_DROP_ENTRIES);
	__type(key, __u32);
	__type(value, __u64);
} decap_drops SEC(".maps");

struct cursor {
	void *at;
	void *end;
};

/* The packet inside, as an outer header describes it. */
struct tunnel {
	__u32 room; /* bytes left to it, by the outer headers' lengths and not by the frame's */
	__u8 proto; /* IPPROTO_IPIP or IPPROTO_IPV6 */
	__u8 ecn;   /* the outer header's */
};

static __always_inline void *cursor_take(struct cursor *cur, __u32 length)
{
	void *at = cur->at;

	if (at + length > cur->end)
		return NULL;
	cur->at = at + length;
	return at;
}

static __always_inline void count(__u32 entry)
{
	__u64 *counter = bpf_map_lookup_elem(&decap_drops, &entry);

	if (counter)
		(*counter)++;
}

static __always_inline int drop(enum decap_drop reason)
{
	count(reason);
	return XDP_DROP;
}

/* True if the checksum of a header without options is right. */
static __always_inline bool checksum_right(const struct iphdr *ip)
{
	const __u32 *words = (const void *)ip;
	__u64 sum = 0;

	for (int i = 0; i < IP4_WORDS; i++)
		sum += words[i];
	return csum_fold(sum) == 0xffff;
}

/*
 * The kernel will not see this header any more, so what it would have refused must not get past it
 * here: the checksum is verified, five additions, and a header with a wrong one is left to the
 * kernel to refuse and count. Headers with options are never the balancer's.
 */
static __always_inline bool take_outer_ip4(struct cursor *cur, struct tunnel *tun)
{
	struct iphdr *ip = cursor_take(cur, sizeof(*ip));
	__u32 length;

	if (!ip || ip->version != 4 || ip->ihl != IP4_WORDS)
		return false;
	length = bpf_ntohs(ip->tot_len);
	if (length < sizeof(*ip) || length - sizeof(*ip) > (__u64)(cur->end - cur->at))
		return false;
	if (ip->frag_off & bpf_htons(IP4_FRAGMENT) || !checksum_right(ip))
		return false;
	tun->room = length - sizeof(*ip);
	tun->proto = ip->protocol;
	tun->ecn = ip->tos & ECN_MASK;
	return true;
}

/*
 * Takes a tunnel encapsulation limit (RFC 2473, 5.1), which Linux's ip6tnl sends unless told
 * otherwise. It limits further tunnels around this one, so it means nothing here.
 */
static __always_inline bool take_encap_limit(struct cursor *cur, struct tunnel *tun)
{
	__u8 *opt = cursor_take(cur, ENCAP_LIMIT_SIZE);
	__u32 skip = 0;

	if (!opt || tun->room < ENCAP_LIMIT_SIZE || opt[1] != 0)
		return false;
	for (int i = 2; i < ENCAP_LIMIT_SIZE; i++) {
		if (skip) {
			skip--;
			continue;
		}
		if (opt[i] == IP6_OPTION_PAD1)
			continue;
		if (opt[i] != IP6_OPTION_PADN && opt[i] != IP6_OPTION_ENCAP_LIMIT)
			return false;
		if (i + 1 == ENCAP_LIMIT_SIZE || opt[i + 1] > ENCAP_LIMIT_SIZE - 2 - i)
			return false;
		skip = 1 + opt[i + 1];
	}
	tun->room -= ENCAP_LIMIT_SIZE;
	tun->proto = opt[0];
	return true;
}

static __always_inline bool take_outer_ip6(struct cursor *cur, struct tunnel *tun)
{
	struct ipv6hdr *ip = cursor_take(cur, sizeof(*ip));

	if (!ip || ip->version != 6)
		return false;
	tun->room = bpf_ntohs(ip->payload_len);
	if (tun->room > (__u64)(cur->end - cur->at))
		return false;
	tun->proto = ip->nexthdr;
	tun->ecn = ((__u8 *)ip)[1] >> 4 & ECN_MASK;
	return tun->proto != IPPROTO_DSTOPTS || take_encap_limit(cur, tun);
}

/*
 * UDP and GUE headers. Flags name transformations of what follows (checksum offload, encryption,
 * fragments), so with any of them set the rest cannot be taken as a packet; without, words beyond
 * the first are private data, to be skipped by whoever does not know them. The UDP checksum is not
 * verified: it would take a pass over the whole packet, and the client's own checksum over the same
 * bytes is still to come.
 */
static __always_inline bool take_gue(struct cursor *cur, struct tunnel *tun)
{
	struct udphdr *udp = cursor_take(cur, sizeof(*udp));
	__u32 length, extra;
	__u8 *gue;

	if (!udp || udp->dest != gue_port)
		return false;
	length = bpf_ntohs(udp->len);
	gue = cursor_take(cur, 4);
	if (!gue || length > tun->room || gue[0] & GUE_VERSION_CONTROL || gue[2] || gue[3])
		return false;
	extra = (gue[0] & GUE_HLEN) * 4;
	if (length < sizeof(*udp) + 4 + extra || !cursor_take(cur, extra))
		return false;
	tun->room = length - sizeof(*udp) - 4 - extra;
	tun->proto = gue[1];
	return true;
}

/* Moves cur to the inner packet. Returns false if this is no tunnel packet that is known here. */
static __always_inline bool take_outer(struct cursor *cur, __be16 type, struct tunnel *tun)
{
	if (type == bpf_htons(ETH_P_IP)) {
		if (!take_outer_ip4(cur, tun))
			return false;
	} else if (type == bpf_htons(ETH_P_IPV6)) {
		if (!take_outer_ip6(cur, tun))
			return false;
	} else {
		return false;
	}
	if (tun->proto == IPPROTO_UDP && !take_gue(cur, tun))
		return false;
	return tun->proto == IPPROTO_IPIP || tun->proto == IPPROTO_IPV6;
}

/*
 * Returns the inner packet's length in bytes by its header, or 0 if that is malformed. The stack
 * judges fragments, options and the checksum: it sees this header as if it had come on the wire.
 */
static __always_inline __u32 inner_length(const void *inner, const struct tunnel *tun)
{
	const struct ipv6hdr *ip6 = inner;
	const struct iphdr *ip4 = inner;
	__u32 length;

	if (tun->proto == IPPROTO_IPIP) {
		length = bpf_ntohs(ip4->tot_len);
		if (ip4->version != 4 || ip4->ihl < IP4_WORDS || length < ip4->ihl * 4U)
			return 0;
	} else {
		length = sizeof(*ip6) + bpf_ntohs(ip6->payload_len);
		if (ip6->version != 6)
			return 0;
	}
	return length <= tun->room ? length : 0;
}

/* Merges the outer ECN field into the inner one. Returns false if the packet has to be dropped. */
static __always_inline bool merge_ecn(void *inner, const struct tunnel *tun)
{
	struct iphdr *ip4 = inner;
	__u16 *check = (void *)&ip4->check, *word = inner, old = *word;
	__u8 *bytes = inner, shift = tun->proto == IPPROTO_IPIP ? 0 : 4;
	int ecn = ecn_decapsulate(bytes[1] >> shift & ECN_MASK, tun->ecn);

	if (ecn < 0)
		return false;
	bytes[1] = (bytes[1] & ~(ECN_MASK << shift)) | ecn << shift;
	if (tun->proto == IPPROTO_IPIP)
		*check = ecn_checksum(*check, old, *word);
	return true;
}

/*
 * Returns the counter of the VIP that the inner packet goes to, or NULL if that is none of ours or
 * the packet is too short to tell.
 */
static __always_inline struct decap_counter *find_vip(const struct cursor *cur,
						      const struct tunnel *tun)
{
	__be32 addr[4] = { 0, 0, bpf_htonl(0xffff), 0 };
	const struct ipv6hdr *ip6 = cur->at;
	const struct iphdr *ip4 = cur->at;

	if (tun->proto == IPPROTO_IPIP) {
		if ((void *)(ip4 + 1) > cur->end || tun->room < sizeof(*ip4))
			return NULL;
		addr[3] = ip4->daddr;
	} else {
		if ((void *)(ip6 + 1) > cur->end || tun->room < sizeof(*ip6))
			return NULL;
		__builtin_memcpy(addr, &ip6->daddr, sizeof(addr));
	}
	return bpf_map_lookup_elem(&decap_vips, addr);
}

/* Puts an Ethernet header in front of the inner packet, which starts `at` bytes into the frame. */
static __always_inline bool strip(struct xdp_md *ctx, struct ethhdr eth, __u32 at, __u8 proto)
{
	struct ethhdr *moved;

	if (bpf_xdp_adjust_head(ctx, at - sizeof(eth)))
		return false;
	moved = (void *)(long)ctx->data;
	if ((void *)(moved + 1) > (void *)(long)ctx->data_end)
		return false;
	eth.h_proto = proto == IPPROTO_IPIP ? bpf_htons(ETH_P_IP) : bpf_htons(ETH_P_IPV6);
	*moved = eth;
	return true;
}

static __always_inline void map_ip4(__u8 out[16], __be32 addr)
{
	__be32 mapped[4] = { 0, 0, bpf_htonl(0xffff), addr };

	__builtin_memcpy(out, mapped, sizeof(mapped));
}

/*
 * Judges the outer addresses. Returns 0 if the tunnel ends here; DECAP_NOT_LOCAL if it is for
 * another host, to be forwarded by the kernel; or DECAP_DROP_STRANGER.
 */
static __always_inline __u32 judge_outer(const void *outer, const void *end, __be16 type)
{
	struct decap_net source = { .bits = 8 * sizeof(source.addr) };
	const struct ipv6hdr *ip6 = outer;
	const struct iphdr *ip4 = outer;
	__u8 dest[16];

	if (type == bpf_htons(ETH_P_IP)) {
		if ((void *)(ip4 + 1) > end)
			return DECAP_NOT_LOCAL;
		map_ip4(dest, ip4->daddr);
		map_ip4(source.addr, ip4->saddr);
	} else {
		if ((void *)(ip6 + 1) > end)
			return DECAP_NOT_LOCAL;
		__builtin_memcpy(dest, &ip6->daddr, sizeof(dest));
		__builtin_memcpy(source.addr, &ip6->saddr, sizeof(source.addr));
	}
	if (!bpf_map_lookup_elem(&decap_locals, dest))
		return DECAP_NOT_LOCAL;
	if (check_source && !bpf_map_lookup_elem(&decap_nets, &source))
		return DECAP_DROP_STRANGER;
	return 0;
}

SEC("xdp")
int poise_decap(struct xdp_md *ctx)
{
	struct cursor cur = { (void *)(long)ctx->data, (void *)(long)ctx->data_end };
	struct ethhdr *eth = cursor_take(&cur, sizeof(*eth));
	struct decap_counter *counter;
	struct tunnel tun = {};
	__u32 refusal, length, at;

	if (!eth || eth->h_dest[0] & ETH_GROUP_BIT || !take_outer(&cur, eth->h_proto, &tun))
		return XDP_PASS;
	counter = find_vip(&cur, &tun);
	if (!counter)
		return XDP_PASS;
	refusal = judge_outer(eth + 1, cur.end, eth->h_proto);
	if (refusal) {
		count(refusal);
		return refusal == DECAP_NOT_LOCAL ? XDP_PASS : XDP_DROP;
	}
	length = inner_length(cur.at, &tun);
	if (!length)
		return drop(DECAP_DROP_MALFORMED_IP);
	if (!merge_ecn(cur.at, &tun))
		return drop(DECAP_DROP_ECN);
	at = cur.at - (void *)eth;
	/*
	 * This cannot fail while an IP header is left in the frame. If it did, xdp:xdp_exception
	 * would show it.
	 */
	if (!strip(ctx, *eth, at, tun.proto))
		return XDP_ABORTED;
	counter->packets++;
	counter->bytes += length;
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
