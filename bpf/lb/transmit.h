/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A target -> the way out. */
#ifndef POISE_BPF_TRANSMIT_H
#define POISE_BPF_TRANSMIT_H

/*
 * Returns the verdict that sends the packet out: by the interface it came in by, or by another one
 * of ours; XDP_DROP if the target's interface is neither.
 */
static __always_inline int way_out(struct xdp_md *ctx, const struct target *target)
{
	if (target->ifindex == ctx->ingress_ifindex)
		return XDP_TX;
	return bpf_redirect_map(&tx_ports, target->ifindex, XDP_DROP);
}

#endif
