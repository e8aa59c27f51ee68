/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Entries of the NAT table. Packets, the daemon and the command share this code. An entry's word is
 * tag:32 | expiry:20 | flags:12, with time in ticks of some four seconds (see poise/flow.h) modulo
 * 2^20. Both entries of a flow hold the same state: a packet of either direction changes both, once
 * per tick or when it is the first of its kind.
 */
#ifndef POISE_NAT_H
#define POISE_NAT_H

#ifndef __bpf__
#include <stdbool.h>
#endif

#include "poise/abi.h"
#include "poise/hash.h"
#include "poise/tcp.h"
#include "poise/wire.h"

#define NAT_TICK_BITS 20
#define NAT_TICK_MASK ((1U << NAT_TICK_BITS) - 1)
#define NAT_MAX_TICKS (NAT_TICK_MASK / 2)
#define NAT_END_TICKS 1 /* a flow heard of later than this after RST has not ended */

/* Flags that both words of a flow have: which packets it has had. */
#define NAT_REPLIED     0x001 /* the backend has answered */
#define NAT_ASSURED     0x002 /* the client has gone on after that: established */
#define NAT_FIN_CLIENT  0x004
#define NAT_FIN_BACKEND 0x008
#define NAT_RESET       0x010
#define NAT_SYN_AGAIN   0x020 /* the client's SYN in a flow that one side has closed or reset */
#define NAT_SEEN        0x03f /* all of these */
/* Flags of one entry: its kind. */
#define NAT_UDP   0x100
#define NAT_REPLY 0x200 /* found by what the backend answers */
#define NAT_BUSY  0x400 /* being written: nobody else may use or take it */

/*
 * Ticks that a flow must have ended for before its port is given to another one: Linux keeps the
 * backend's end for a minute (TIME_WAIT). A flow that only an RST has ended may still live, as a
 * stranger may have sent the RST. Its port is kept until the flow would have shown that it lives.
 */
#define NAT_AGED_TICKS  16
#define NAT_DOUBT_TICKS 3

/*
 * The number of ports that are tried for a new flow: first free ones, then those of flows that have
 * ended, the older ones first.
 */
#define NAT_PORT_TRIES 256
#define NAT_FREE_TRIES 4
#define NAT_AGED_TRIES 16
/*
 * After a search in vain the packets that follow in this tick try so few ports, except for the
 * NAT_SEARCHES-th of them and those whose number is the next powers of two.
 */
#define NAT_SCARCE_TRIES 2
#define NAT_SEARCHES     16

/*
 * A new entry goes to its first set while one of so many places there is free. So nearly all
 * entries are in their first sets up to half of the table's size, and sets overflow no sooner than
 * if each entry went to the emptier one of its two: at some 70 %. With six places it would be 64 %.
 */
#define NAT_UNCROWDED 5

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

/* Returns the ticks until the entry expires; negative once it has. */
static inline __attribute__((always_inline)) int nat_word_left(__u64 word, __u32 now)
{
	__u32 left = ((__u32)word >> 12) - now;

	return (int)(left << (32 - NAT_TICK_BITS)) >> (32 - NAT_TICK_BITS);
}

/* True if there is an entry and it has not expired. */
static inline __attribute__((always_inline)) bool nat_word_live(__u64 word, __u32 now)
{
	return word && nat_word_left(word, now) >= 0;
}

/* True if a flow has ended, so that only its last packets are still to come. */
static inline __attribute__((always_inline)) bool nat_ended(__u32 flags)
{
	const __u32 both = NAT_FIN_CLIENT | NAT_FIN_BACKEND;

	return flags & NAT_RESET || (flags & both) == both;
}

/* For an ended flow: it was established, and only an RST (no FINs) says that it ended. */
static inline __attribute__((always_inline)) bool nat_reset_only(__u32 flags)
{
	const __u32 both = NAT_FIN_CLIENT | NAT_FIN_BACKEND;

	return flags & NAT_ASSURED && (flags & both) != both;
}

/* True if the flow is worth more than one that has ended or not properly begun. */
static inline __attribute__((always_inline)) bool nat_established(__u32 flags)
{
	return (flags & (NAT_ASSURED | NAT_FIN_CLIENT | NAT_FIN_BACKEND | NAT_RESET)) ==
	       NAT_ASSURED;
}

/*
 * Returns an entry's worth; the one that is worth least makes room. Free and expired entries are
 * worth nothing, then come flows that are not established, then all others, each ordered by when
 * they expire.
 */
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
 * Returns how long a flow in this state may be silent, in ticks. States and times are those of
 * netfilter's conntrack. Nobody has checked an RST's sequence number, and a stranger may have sent
 * it, so an RST leaves an established flow as much time as a FIN does (RFC 6146, 3.5.2.2, has the
 * same reason).
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

/* Returns the ticks since the last packet that moved the flow's expiry. */
static inline __attribute__((always_inline)) int nat_age(__u64 word, const struct target *target,
							 __u32 now)
{
	return (int)nat_ticks(nat_word_flags(word), target) - nat_word_left(word, now);
}

static inline __attribute__((always_inline)) bool nat_opens(__u32 tcp_flags, __u32 how)
{
	return (tcp_flags & (TCP_SYN | TCP_ACK | TCP_RST)) == how;
}

/*
 * True if a packet of a flow begins another one: a SYN after both sides' FINs, or after an RST. If
 * the flow was established, a stranger may have sent the RST. The flow then goes on, or its silence
 * shows that it has ended; a SYN that comes sooner goes to its backend, which accepts it or answers
 * with a challenge ACK (RFC 5961).
 */
static inline __attribute__((always_inline)) bool
nat_begins_anew(__u64 word, __u32 tcp_flags, const struct target *target, __u32 now)
{
	__u32 flags = nat_word_flags(word);

	return nat_opens(tcp_flags, TCP_SYN) && nat_ended(flags) &&
	       (!nat_reset_only(flags) || nat_age(word, target, now) >= NAT_DOUBT_TICKS);
}

/*
 * True if a TCP packet that belongs to no flow begins one. A SYN does, and so does an ACK, with or
 * without data: its connection may have been another balancer's, and the backend resets it if it
 * was not its own. All others are what netfilter's conntrack calls invalid, such as the answers to
 * SYNs that somebody else has sent in our name. They would only take a port.
 */
static inline __attribute__((always_inline)) bool nat_begins(__u32 tcp_flags)
{
	__u32 how = tcp_flags & (TCP_SYN | TCP_ACK | TCP_RST);

	return how == TCP_ACK || (how == TCP_SYN && !(tcp_flags & TCP_FIN));
}

/*
 * Returns the flags after another packet. tcp_flags of a datagram are 0. A flow that goes on for
 * longer than a moment after an RST has not ended: the backend did not accept the RST. A client's
 * SYN is no sign of that.
 */
static inline __attribute__((always_inline)) __u32
nat_follow(__u64 word, __u32 tcp_flags, const struct target *target, __u32 now)
{
	__u32 flags = nat_word_flags(word);
	bool syn = nat_opens(tcp_flags, TCP_SYN) && !(flags & NAT_REPLY);

	if (flags & NAT_RESET && !(tcp_flags & TCP_RST) && !syn &&
	    nat_age(word, target, now) > NAT_END_TICKS)
		flags &= ~NAT_RESET;
	if (tcp_flags & TCP_RST)
		flags |= NAT_RESET;
	if (flags & NAT_REPLY) {
		/*
		 * The backend accepts the new SYN, so it has forgotten the connection that was
		 * closed.
		 */
		if (flags & NAT_SYN_AGAIN && nat_opens(tcp_flags, TCP_SYN | TCP_ACK))
			flags &= ~NAT_SEEN;
		flags |= NAT_REPLIED;
		if (tcp_flags & TCP_FIN)
			flags |= NAT_FIN_BACKEND;
		return flags;
	}
	/* Packets that were on their way when an RST came establish nothing. */
	if (flags & NAT_REPLIED && !(flags & NAT_RESET) && (flags & NAT_UDP || tcp_flags & TCP_ACK))
		flags |= NAT_ASSURED;
	if (tcp_flags & TCP_FIN)
		flags |= NAT_FIN_CLIENT;
	if (syn && flags & (NAT_FIN_CLIENT | NAT_FIN_BACKEND | NAT_RESET))
		flags |= NAT_SYN_AGAIN;
	return flags;
}

/*
 * Returns a word as it is after another packet of its flow. A packet right after an RST leaves the
 * expiry as it is, because a later packet shows by it that the flow goes on.
 */
static inline __attribute__((always_inline)) __u64 nat_touch(__u64 word, __u32 tcp_flags,
							     const struct target *target, __u32 now)
{
	__u32 flags = nat_follow(word, tcp_flags, target, now);
	__u32 expiry = now + nat_ticks(flags, target);

	if (flags & nat_word_flags(word) & NAT_RESET && !(tcp_flags & TCP_RST))
		expiry = (__u32)word >> 12;
	return nat_word(nat_word_tag(word), expiry, flags);
}

/* Returns one of the two sets that an entry may be in; choice is 0 or 1. */
static inline __attribute__((always_inline)) __u32 nat_set_index(__u64 hash, int choice,
								 __u32 set_mask)
{
	__u32 index = hash;

	/* Any other odd number would do as well. */
	if (choice)
		index += (flow_tag(hash) | 1) * 0x9e3779b1U >> 4 | 1;
	return index & set_mask;
}

/*
 * Returns the port to try. The tries follow each other in steps that the flow's hash chooses, so
 * small that no port comes twice within NAT_PORT_TRIES.
 */
static inline __attribute__((always_inline)) __u16 nat_port(__u64 hash, __u32 try_, __u32 first,
							    __u32 count)
{
	__u64 low = (__u32)hash; /* the high half chose the row, so flows of one backend have much
				    the same there */
	__u32 start = low * count >> 32;
	__u32 step = 1 + (flow_tag(hash) & 0xffff) % (count / NAT_PORT_TRIES);

	return first + (start + try_ * step) % count;
}

#ifndef __bpf__
/*
 * Returns the tick at a time of CLOCK_MONOTONIC, as flow_clock_tick() does but with 20 bits. The 32
 * bits of jiffies are enough for that, as a jiffy is no shorter than 1/1024 s.
 */
static inline __u32 nat_clock_tick(const struct flow_clock *clock, __u64 monotonic_ns)
{
	__s64 since = (__s64)(monotonic_ns - clock->monotonic_ns) / clock->jiffy_ns;

	return (__u32)(clock->jiffies + since) >> clock->tick_shift & NAT_TICK_MASK;
}

/* Returns a time in ticks, rounded up so that it never ends early; at most NAT_MAX_TICKS. */
static inline __u32 nat_clock_ticks(const struct flow_clock *clock, __u64 duration_ms)
{
	__u64 tick_ns = (__u64)clock->jiffy_ns << clock->tick_shift;
	__u64 ticks = (duration_ms * 1000000 + tick_ns - 1) / tick_ns;

	return ticks < NAT_MAX_TICKS ? ticks : NAT_MAX_TICKS;
}
#endif

#endif
