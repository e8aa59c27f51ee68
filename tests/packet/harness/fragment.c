// SPDX-License-Identifier: BSD-2-Clause
#include <string.h>

#include "harness/fragment.h"

#define FRAGMENT_BYTES 8

static void append(struct pkt *p, const void *bytes, size_t length)
{
	memcpy(p->bytes + p->length, bytes, length);
	p->length += length;
}

static void cut4(const struct pkt *whole, const struct fragment *part, struct pkt *out)
{
	struct iphdr *ip = (void *)(out->bytes + ETH_HLEN);

	append(out, whole->bytes, ETH_HLEN + sizeof(*ip));
	append(out, whole->bytes + ETH_HLEN + sizeof(*ip) + part->from, part->to - part->from);
	ip->id = htons(part->id);
	ip->frag_off = htons(part->from / 8 | (part->last ? 0 : PKT_IP4_MF));
	ip->tot_len = htons(out->length - ETH_HLEN);
	pkt_ip4_checksum(ip);
}

static void cut6(const struct pkt *whole, const struct fragment *part, struct pkt *out)
{
	struct ipv6hdr *ip = (void *)(out->bytes + ETH_HLEN);
	__u8 header[FRAGMENT_BYTES] = { 0 };

	append(out, whole->bytes, ETH_HLEN + sizeof(*ip));
	header[0] = ip->nexthdr;
	*(__be16 *)(header + 2) = htons(part->from | !part->last);
	*(__be32 *)(header + 4) = htonl(part->id);
	append(out, header, sizeof(header));
	append(out, whole->bytes + ETH_HLEN + sizeof(*ip) + part->from, part->to - part->from);
	ip->nexthdr = IPPROTO_FRAGMENT;
	ip->payload_len = htons(out->length - ETH_HLEN - sizeof(*ip));
}

void fragment_cut(const struct pkt *whole, const struct fragment *part, struct pkt *out)
{
	pkt_clear(out);
	if (((const struct ethhdr *)whole->bytes)->h_proto == htons(ETH_P_IP))
		cut4(whole, part, out);
	else
		cut6(whole, part, out);
}
