// SPDX-License-Identifier: BSD-2-Clause
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "poise/csum.h"
#include "target.h"

#define MTU_MAX       65535
#define ETH_ADDR_SIZE 6

const char *target_trouble(const struct target_way *way, const struct nexthop *hop, char *buf,
			   unsigned int size)
{
	char gateway[ADDR_TEXT_SIZE];

	if (hop->state != NEXTHOP_READY)
		return nexthop_format(hop, buf, size);
	if (way->mode == MODE_L2 && !hop->direct) {
		snprintf(buf, size, "not on link but behind %s: mode l2 cannot reach it",
			 addr_format(&hop->gateway, gateway));
		return buf;
	}
	return NULL;
}

/* The protocol of an outer IPv4 header. */
static __u8 outer_protocol(const struct target_way *way)
{
	if (way->mode == MODE_GUE)
		return IPPROTO_UDP;
	return way->service_v4 ? IPPROTO_IPIP : IPPROTO_IPV6;
}

void target_build(const struct target_way *way, const struct addr *backend,
		  const struct nexthop *hop, struct target *out)
{
	__be32 src, dst;

	memset(out, 0, sizeof(*out));
	out->mode = way->mode;
	out->mtu = hop->mtu > MTU_MAX ? MTU_MAX : hop->mtu;
	out->ifindex = hop->ifindex;
	memcpy(out->dst_mac, hop->dst_mac, ETH_ADDR_SIZE);
	memcpy(out->src_mac, hop->src_mac, ETH_ADDR_SIZE);
	if (way->mode == MODE_L2)
		return;
	if (way->mode == MODE_GUE)
		out->port = htons(way->gue_port);
	if (addr_is_v4(backend)) {
		out->outer_version = 4;
		memcpy(&src, addr_v4(&hop->source), sizeof(src));
		memcpy(&dst, addr_v4(backend), sizeof(dst));
		memcpy(out->src, &src, sizeof(src));
		memcpy(out->dst, &dst, sizeof(dst));
		out->outer_sum = outer_ipv4_sum(src, dst, outer_protocol(way));
	} else {
		out->outer_version = 6;
		memcpy(out->src, hop->source.b, sizeof(out->src));
		memcpy(out->dst, backend->b, sizeof(out->dst));
	}
}

__u64 backend_id(const struct addr *addr, __u16 port)
{
	__u8 bytes[sizeof(addr->b) + 2];
	__u64 hash = 0xcbf29ce484222325;

	memcpy(bytes, addr->b, sizeof(addr->b));
	bytes[sizeof(addr->b)] = port >> 8;
	bytes[sizeof(addr->b) + 1] = port & 0xff;
	for (size_t i = 0; i < sizeof(bytes); i++)
		hash = (hash ^ bytes[i]) * 0x100000001b3;
	/* FNV's last bytes barely reach the high bits, which the row of the first choice hangs on.
	 */
	hash = (hash ^ (hash >> 33)) * 0xff51afd7ed558ccd;
	hash = (hash ^ (hash >> 33)) * 0xc4ceb9fe1a85ec53;
	return hash ^ (hash >> 33);
}
