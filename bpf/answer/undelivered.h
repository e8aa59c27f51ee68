/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Packets that outgrow their way or have come over too many hops are dropped and counted, and their
 * senders are told (RFC 1191, RFC 8201, RFC 1812, 5.3.1). The sender of an IPv4 packet without DF
 * is told, too, where nobody can fragment it: Linux then sends smaller ones.
 */
#ifndef POISE_BPF_UNDELIVERED_H
#define POISE_BPF_UNDELIVERED_H

/* Returns the length of the longest packet that fits the way to a target. */
static __always_inline __u32 target_room(const struct target *target)
{
	__u32 outer_bytes = 0;

	if (target->mode == MODE_IPIP || target->mode == MODE_GUE)
		outer_bytes = ip_header_bytes(target->outer_version);
	if (target->mode == MODE_GUE)
		outer_bytes += sizeof(struct udphdr) + sizeof(struct guehdr);
	return target->mtu > outer_bytes ? target->mtu - outer_bytes : 0;
}

/* Counts the drop. Returns the verdict. */
static __always_inline int undelivered(struct xdp_md *ctx, int reason, __u32 mtu, __u32 shape)
{
	int verdict = stop(reason);

	if (reason == DROP_TOO_BIG)
		return answer(ctx, ANSWER_TOO_BIG, mtu, shape);
	if (reason == DROP_TTL)
		return answer(ctx, ANSWER_TIME_EXCEEDED, 0, shape);
	return verdict;
}

/*
 * A packet is not sent to its target, for a reason or because the kernel is to do it (TO_KERNEL).
 * Returns the verdict.
 */
__noinline int undelivered_to(struct xdp_md *ctx, int err, __u32 number, __u32 shape)
{
	const struct target *target = bpf_map_lookup_elem(&targets, &number);
	const void *ip = (void *)(long)ctx->data + sizeof(struct ethhdr);
	const int version = shape & NAT_SHAPE_IPV6 ? 6 : 4;

	if (err == TO_KERNEL) {
		if (ip + ip_header_bytes(version) <= (void *)(long)ctx->data_end)
			count_packet(number, nat_ip_bytes(ip, version), shape & NAT_SHAPE_BEGAN);
		return XDP_PASS;
	}
	return undelivered(ctx, err, target ? target_room(target) : 0, shape);
}

/* Answers what mode nat returns NAT_CANNOT() for. Returns the verdict. */
__noinline int nat_undelivered(struct xdp_md *ctx, int cannot, __u32 shape)
{
	return undelivered(ctx, NAT_CANNOT_REASON(cannot), NAT_CANNOT_MTU(cannot), shape);
}

static __always_inline int nat_delivered(struct xdp_md *ctx, int verdict, __u32 shape)
{
	return verdict < NAT_UNDELIVERED ? verdict : nat_undelivered(ctx, verdict, shape);
}

#endif
