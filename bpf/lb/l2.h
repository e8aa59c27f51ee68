/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Mode l2: new MAC addresses and nothing else. */
#ifndef POISE_BPF_L2_H
#define POISE_BPF_L2_H

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

#endif
