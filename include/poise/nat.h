/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Entries of the NAT table: the same for packets, for the daemon that clears what has expired, and
 * for listing.
 *
 * An entry's word is tag:32 | expiry:20 | flags:12, time in ticks of some four seconds (see
 * poise/flow.h) modulo 2^20. Both entries of a flow say the same of it: a packet of either
 * direction changes both, once per tick or when it is the first of its kind.
 */
#ifndef POISE_NAT_H
#define POISE_NAT_H

#ifndef __bpf__
#include <stdbool.h>
#endif

#include "poise/abi.h"
#include "poise/hash.h"
#include "poise/wire.h"

#define NAT_TICK_BITS 20
#define NAT_TICK_MASK ((1U << NAT_TICK_BITS) - 1)
#define NAT_MAX_TICKS (NAT_TICK_MASK / 2)
#define NAT_END_TICKS 1 /* heard of later after RST: it has not ended */

/* What a flow's packets were: flags of both words. */
#define NAT_REPLIED     0x001 /* the backend has answered */
#define NAT_ASSURED     0x002 /* and the client has gone on: established */
#define NAT_FIN_CLIENT  0x004
#define NAT_FIN_BACKEND 0x008
#define NAT_RESET       0x010
#define NAT_SYN_AGAIN   0x020 /* the client's SYN in a flow that one side has closed */
#define NAT_SEEN        0x03f /* all of these */
/* What an entry is. */
#define NAT_UDP   0x100
#define NAT_REPLY 0x200 /* found by what the backend answers */
#define NAT_BUSY  0x400 /* being written: to be left alone */

#define NAT_TCP_FIN 0x01
#define NAT_TCP_SYN 0x02
#define NAT_TCP_RST 0x04
#define NAT_TCP_ACK 0x10

/* How old a flow that has ended must be for its port to be given to another one: Linux keeps the
 * backend's end of it for a minute (TIME_WAIT). One that an RST alone has ended goes on where a
 * stranger sent that: its port is not given away until it would have shown so. */
#define NAT_AGED_TICKS  16
#define NAT_DOUBT_TICKS 3

/* Ports tried for a new flow: first those that are free, then those of flows that have ended, the
 * older ones first. */
#define NAT_PORT_TRIES 256
#define NAT_FREE_TRIES 4
#define NAT_AGED_TRIES 16
/* Where all of these were in vain, packets that come right after have fewer, but for one in some.
 */
#define NAT_SCARCE_TRIES 24
#define NAT_SEARCHES     16

static inline __attribute__((always_inline)) __u64 nat_word(__u32 tag, __u32 expiry, __u32 flags)
{
	return (__u64)tag << 32 | (expiry & NAT_TICK_MASK) << 12 | flags;
}

static inline __attribute__((always_inline)) __u32 nat_word_tag(__u64 word)
{
	return word >> 32;
}

static inline __attribute__((always_inline)) __u32 nat_word_flags(__u64 word)
{
	return word & 0xfff;
}

/* Ticks until it expires, negative once it has. */
static inline __attribute__((always_inline)) int nat_word_left(__u64 word, __u32 now)
{
	__u32 left = ((__u32)word >> 12) - now;

	return (int)(left << (32 - NAT_TICK_BITS)) >> (32 - NAT_TICK_BITS);
}

/* Whether there is an entry that has not expired. */
static inline __attribute__((always_inline)) bool nat_word_live(__u64 word, __u32 now)
{
	return word && nat_word_left(word, now) >= 0;
}

/* Whether a flow has ended: nothing but the rest of it is to come. */
static inline __attribute__((always_inline)) bool nat_ended(__u32 flags)
{
	const __u32 both = NAT_FIN_CLIENT | NAT_FIN_BACKEND;

	return flags & NAT_RESET || (flags & both) == both;
}

/* Of one that has: whether nothing but an RST says so, and it was established before. */
static inline __attribute__((always_inline)) bool nat_reset_only(__u32 flags)
{
	const __u32 both = NAT_FIN_CLIENT | NAT_FIN_BACKEND;

	return flags & NAT_ASSURED && (flags & both) != both;
}

/* Whether it is worth more than one that has ended or not properly begun. */
static inline __attribute__((always_inline)) bool nat_established(__u32 flags)
{
	return (flags & (NAT_ASSURED | NAT_FIN_CLIENT | NAT_FIN_BACKEND | NAT_RESET)) ==
	       NAT_ASSURED;
}

/* Who makes room: the least. Nobody and who has expired, then the first to expire of those that are
 * not established, then of all. */
static inline __attribute__((always_inline)) __u32 nat_worth(__u64 word, __u32 now)
{
	if (nat_word_flags(word) & NAT_BUSY)
		return ~0U;
	if (!nat_word_live(word, now))
		return 0;
	return 1 + nat_word_left(word, now) +
	       (nat_established(nat_word_flags(word)) ? NAT_TICK_MASK : 0);
}

/*
 * How long a flow in this state may be silent (netfilter's conntrack has the states and times).
 * Nobody has looked at an RST's sequence number, so one in an established flow, which a stranger
 * may have sent, leaves it as long as FIN does (RFC 6146, 3.5.2.2, for the same reason).
 */
static inline __attribute__((always_inline)) __u32 nat_ticks(__u32 flags,
							     const struct target *target)
{
	if (flags & NAT_RESET && !(flags & NAT_ASSURED))
		return target->nat.reset_ticks;
	if (flags & (NAT_RESET | NAT_FIN_CLIENT | NAT_FIN_BACKEND))
		return target->closing_ticks;
	if (flags & NAT_ASSURED)
		return target->nat.idle_ticks;
	return flags & NAT_REPLIED ? target->nat.replied_ticks : target->new_ticks;
}

/* Ticks since the last packet that moved its expiry. */
static inline __attribute__((always_inline)) int nat_age(__u64 word, const struct target *target,
							 __u32 now)
{
	return (int)nat_ticks(nat_word_flags(word), target) - nat_word_left(word, now);
}

static inline __attribute__((always_inline)) bool nat_opens(__u32 tcp_flags, __u32 how)
{
	return (tcp_flags & (NAT_TCP_SYN | NAT_TCP_ACK | NAT_TCP_RST)) == how;
}

/*
 * The flags after another packet. tcp_flags of a datagram are 0. A flow that goes on for longer
 * than a moment after RST has not ended: the backend did not take it.
 */
static inline __attribute__((always_inline)) __u32
nat_follow(__u64 word, __u32 tcp_flags, const struct target *target, __u32 now)
{
	__u32 flags = nat_word_flags(word);

	if (flags & NAT_RESET && !(tcp_flags & NAT_TCP_RST) &&
	    nat_age(word, target, now) > NAT_END_TICKS)
		flags &= ~NAT_RESET;
	if (tcp_flags & NAT_TCP_RST)
		flags |= NAT_RESET;
	if (flags & NAT_REPLY) {
		/* The backend accepts: it knows nothing of what was closed. */
		if (flags & NAT_SYN_AGAIN && nat_opens(tcp_flags, NAT_TCP_SYN | NAT_TCP_ACK))
			flags &= ~NAT_SEEN;
		flags |= NAT_REPLIED;
		if (tcp_flags & NAT_TCP_FIN)
			flags |= NAT_FIN_BACKEND;
		return flags;
	}
	/* What is on its way when an RST comes opens nothing. */
	if (flags & NAT_REPLIED && !(flags & NAT_RESET) &&
	    (flags & NAT_UDP || tcp_flags & NAT_TCP_ACK))
		flags |= NAT_ASSURED;
	if (tcp_flags & NAT_TCP_FIN)
		flags |= NAT_FIN_CLIENT;
	if (nat_opens(tcp_flags, NAT_TCP_SYN) && flags & (NAT_FIN_CLIENT | NAT_FIN_BACKEND))
		flags |= NAT_SYN_AGAIN;
	return flags;
}

/*
 * A word after another packet of its flow. What follows RST within a moment leaves the expiry as it
 * is: a flow that goes on is told by it.
 */
static inline __attribute__((always_inline)) __u64 nat_touch(__u64 word, __u32 tcp_flags,
							     const struct target *target, __u32 now)
{
	__u32 flags = nat_follow(word, tcp_flags, target, now);
	__u32 expiry = now + nat_ticks(flags, target);

	if (flags & nat_word_flags(word) & NAT_RESET && !(tcp_flags & NAT_TCP_RST))
		expiry = (__u32)word >> 12;
	return nat_word(nat_word_tag(word), expiry, flags);
}

/* The sets that an entry may be in: choice 0 or 1. */
static inline __attribute__((always_inline)) __u32 nat_set_index(__u64 hash, int choice,
								 __u32 set_mask)
{
	__u32 index = hash;

	/* Any other odd number would do as well. */
	if (choice)
		index += (flow_tag(hash) | 1) * 0x9e3779b1U >> 4 | 1;
	return index & set_mask;
}

/* The port to try, of at least NAT_PORT_TRIES: they follow each other in steps of the flow's own,
 * so small that none comes twice. */
static inline __attribute__((always_inline)) __u16 nat_port(__u64 hash, __u32 try_, __u32 first,
							    __u32 count)
{
	__u64 low = (__u32)hash; /* the tag chose the row, and so is much the same for a backend */
	__u32 start = low * count >> 32;
	__u32 step = 1 + (flow_tag(hash) & 0xffff) % (count / NAT_PORT_TRIES);

	return first + (start + try_ * step) % count;
}

#ifndef __bpf__
/* The tick at a time of CLOCK_MONOTONIC: flow_clock_tick() of more bits, which the 32 bits of
 * jiffies have as long as a jiffy is no shorter than 1/1024 s. */
static inline __u32 nat_clock_tick(const struct flow_clock *clock, __u64 monotonic_ns)
{
	__s64 since = (__s64)(monotonic_ns - clock->monotonic_ns) / clock->jiffy_ns;

	return (__u32)(clock->jiffies + since) >> clock->tick_shift & NAT_TICK_MASK;
}

/* So many ticks that a time never ends early; at most NAT_MAX_TICKS. */
static inline __u32 nat_clock_ticks(const struct flow_clock *clock, __u64 duration_ms)
{
	__u64 tick_ns = (__u64)clock->jiffy_ns << clock->tick_shift;
	__u64 ticks = (duration_ms * 1000000 + tick_ns - 1) / tick_ns;

	return ticks < NAT_MAX_TICKS ? ticks : NAT_MAX_TICKS;
}
#endif

#endif
