/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A packet and its target -> rewritten or encapsulated. */
#ifndef POISE_BPF_REWRITE_H
#define POISE_BPF_REWRITE_H

static __always_inline int rewrite_l2(struct xdp_md *ctx, const struct packet *pkt,
				      const struct target *target)
{
	struct ethhdr *eth = (void *)(long)ctx->data;

	if (pkt->ip_bytes > target->mtu)
		return DROP_TOO_BIG;
	if ((void *)(eth + 1) > (void *)(long)ctx->data_end)
		return DROP_NO_ROOM;
	write_ethernet(eth, target, eth->h_proto);
	return GO_ON;
}

static __always_inline int rewrite(struct xdp_md *ctx, const struct packet *pkt,
				   const struct target *target, __u64 hash)
{
	switch (target->mode) {
	case MODE_L2:
		return rewrite_l2(ctx, pkt, target);
	case MODE_IPIP:
		if (target->outer_version == 4)
			return encap_ipv4(ctx, pkt, target, hash, false);
		return encap_ipv6(ctx, pkt, target, hash, false);
	case MODE_GUE:
		if (target->outer_version == 4)
			return encap_ipv4(ctx, pkt, target, hash, true);
		return encap_ipv6(ctx, pkt, target, hash, true);
	}
	return DROP_NO_TARGET;
}

#endif
