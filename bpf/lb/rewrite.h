/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A packet and its target -> rewritten or encapsulated, by the target's mode.
 *
 * Packets of services with SERVICE_NAT never come here: their target follows from the NAT table.
 * Mode local is not here, either: the kernel asks poise_local for a socket.
 */
#ifndef POISE_BPF_REWRITE_H
#define POISE_BPF_REWRITE_H

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
	case MODE_NAT_KEEP:
		return nat_keep_forward(ctx, target, nat_shape(pkt, pkt->tcp_flags));
	}
	return DROP_NO_TARGET;
}

#endif
