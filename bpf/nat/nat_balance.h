/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A client's packet to a service in mode nat -> forwarded by its flow, which it may begin. */
#ifndef POISE_BPF_NAT_BALANCE_H
#define POISE_BPF_NAT_BALANCE_H

/* Returns the verdict. */
static __always_inline int nat_balance(struct xdp_md *ctx, __u64 service_bits, __u64 hash,
				       __u32 shape)
{
	const __u32 first = TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN;
	int verdict = NAT_UNKNOWN, err;

	/*
	 * A SYN's flow is looked for where it is entered, as it is hardly ever known before. With
	 * FIN or RST it would not be entered.
	 */
	if ((NAT_SHAPE_TCP_FLAGS(shape) & first) != TCP_SYN)
		verdict = shape & NAT_SHAPE_IPV6 ? nat_forward6(ctx, service_bits, hash, shape)
						 : nat_forward4(ctx, service_bits, hash, shape);
	if (verdict != NAT_UNKNOWN)
		return nat_delivered(ctx, verdict, shape);
	err = nat_begin(ctx, service_bits, hash, shape);
	if (err == DROP_NO_BACKEND)
		return unavailable(ctx, service_bits, shape);
	if (err > 0)
		return stop(err);
	if (!err)
		shape |= NAT_SHAPE_BEGAN;
	verdict = shape & NAT_SHAPE_IPV6 ? nat_forward6(ctx, service_bits, hash, shape)
					 : nat_forward4(ctx, service_bits, hash, shape);
	return verdict == NAT_UNKNOWN ? stop(DROP_NAT_FULL) : nat_delivered(ctx, verdict, shape);
}

#endif
