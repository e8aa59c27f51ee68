/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Entries of the flow table, and what they and a row decide: the same for packets, for the daemon
 * and for `poise explain`.
 *
 * An entry is one word, tag:32 | target:16 | expiry:14 | state:2. Time is in ticks of some four
 * seconds modulo 2^14; the daemon clears what has expired long before half of that is over. A hit
 * moves the expiry and so writes once per tick, not once per packet.
 */
#ifndef POISE_FLOW_H
#define POISE_FLOW_H

#ifndef __bpf__
#include <stdbool.h>
#endif

#include "poise/abi.h"
#include "poise/hash.h"

#define FLOW_TICK_BITS 14
#define FLOW_TICK_MASK ((1U << FLOW_TICK_BITS) - 1)
#define FLOW_MAX_TICKS (FLOW_TICK_MASK / 2)
#define FLOW_END_TICKS 2 /* heard of later after FIN or RST: it has not ended */

/* What an entry has seen of its flow. Floods make entries of the first and the last kind. */
enum flow_state {
	FLOW_NEW, /* one packet, or retransmitted SYNs */
	FLOW_ESTABLISHED,
	FLOW_CLOSING, /* FIN or RST from the client */
};

/* What of a packet matters to an entry. All false: any other packet of a TCP flow. */
struct flow_packet {
	bool fresh;  /* surely a new flow's: TCP SYN, unless flows are whole clients */
	bool first;  /* may be a new flow's: TCP SYN, datagram */
	bool closes; /* FIN or RST, unless flows are whole clients */
};

static inline __attribute__((always_inline)) __u32 flow_set_index(__u64 hash, __u32 set_mask)
{
	return (__u32)hash & set_mask;
}

static inline __attribute__((always_inline)) __u32 flow_entry_tag(__u64 entry)
{
	return entry >> 32;
}

static inline __attribute__((always_inline)) __u16 flow_entry_target(__u64 entry)
{
	return entry >> 16;
}

static inline __attribute__((always_inline)) enum flow_state flow_entry_state(__u64 entry)
{
	return entry & 3;
}

/* Ticks until it expires, negative once it has. */
static inline __attribute__((always_inline)) int flow_entry_left(__u64 entry, __u32 now)
{
	__u32 left = ((__u32)entry >> 2) - now;

	return (int)(left << (32 - FLOW_TICK_BITS)) >> (32 - FLOW_TICK_BITS);
}

/* Whether there is an entry that has not expired. */
static inline __attribute__((always_inline)) bool flow_entry_live(__u64 entry, __u32 now)
{
	return entry && flow_entry_left(entry, now) >= 0;
}

static inline __attribute__((always_inline)) __u64 flow_entry(__u32 tag, __u16 target, __u32 expiry,
							      enum flow_state state)
{
	return (__u64)tag << 32 | (__u32)target << 16 | (expiry & FLOW_TICK_MASK) << 2 | state;
}

/* The entry of a flow's first packet. */
static inline __attribute__((always_inline)) __u64 flow_begin(__u32 tag, __u16 number,
							      const struct target *target,
							      __u32 now,
							      const struct flow_packet *pkt)
{
	__u32 ticks = pkt->closes  ? target->closing_ticks
		      : pkt->first ? target->new_ticks
				   : target->idle_ticks;

	return flow_entry(tag, number, now + ticks,
			  pkt->closes && !pkt->fresh ? FLOW_CLOSING : FLOW_NEW);
}

/* Who makes room in a full set: the least. Nobody and who has expired, then the first to expire of
 * those that are not established, then of all. */
static inline __attribute__((always_inline)) __u32 flow_entry_worth(__u64 entry, __u32 now)
{
	if (!flow_entry_live(entry, now))
		return 0;
	return 1 + flow_entry_left(entry, now) +
	       (flow_entry_state(entry) == FLOW_ESTABLISHED ? FLOW_TICK_MASK : 0);
}

/*
 * Whether FIN or RST came so recently that what comes now is the rest of that. A flow that goes on
 * for longer is half-closed, or is another one: begun from the same port while the row was stable,
 * so that nothing noted it. Neither is to be forgotten as early as what ends.
 */
static inline __attribute__((always_inline)) bool flow_ends(__u64 entry, __u32 closing_ticks,
							    __u32 now)
{
	return flow_entry_state(entry) == FLOW_CLOSING &&
	       (int)closing_ticks - flow_entry_left(entry, now) <= FLOW_END_TICKS;
}

/* An entry after another packet of its flow. */
static inline __attribute__((always_inline)) __u64
flow_touch(__u64 entry, const struct target *target, __u32 now, const struct flow_packet *pkt)
{
	enum flow_state state = FLOW_ESTABLISHED;
	__u32 ticks = target->idle_ticks;

	if (pkt->closes) {
		state = FLOW_CLOSING;
		ticks = target->closing_ticks;
	} else if (flow_ends(entry, target->closing_ticks, now)) {
		return entry;
	} else if (pkt->fresh) {
		state = FLOW_NEW;
		ticks = target->new_ticks;
	}
	return flow_entry(flow_entry_tag(entry), flow_entry_target(entry), now + ticks, state);
}

/* Whether a packet goes where its flow's entry says. A SYN begins a new flow, unless it is the same
 * SYN again: a second backend's answer to it would break what the first one's began. */
static inline __attribute__((always_inline)) bool flow_follows(__u64 entry, bool fresh)
{
	return !fresh || flow_entry_state(entry) == FLOW_NEW;
}

/* Whether packets that meet the row need a look at the flow table. */
static inline __attribute__((always_inline)) bool row_tracks(struct row row)
{
	return row.previous_target;
}

/* Whether a packet whose flow has no entry is new to the row, so that its scheduler is asked; else
 * it is the previous target's. */
static inline __attribute__((always_inline)) bool row_assigns(struct row row, bool fresh)
{
	return fresh || row.previous_target == ROW_TRACKED;
}

#ifndef __bpf__
/* The tick at a time of CLOCK_MONOTONIC. */
static inline __u32 flow_clock_tick(const struct flow_clock *clock, __u64 monotonic_ns)
{
	__s64 since = (__s64)(monotonic_ns - clock->monotonic_ns) / clock->jiffy_ns;

	return (__u32)(clock->jiffies + since) >> clock->tick_shift & FLOW_TICK_MASK;
}

/* So many ticks that a time never ends early; at most FLOW_MAX_TICKS. */
static inline __u32 flow_clock_ticks(const struct flow_clock *clock, __u64 duration_ms)
{
	__u64 tick_ns = (__u64)clock->jiffy_ns << clock->tick_shift;
	__u64 ticks = (duration_ms * 1000000 + tick_ns - 1) / tick_ns;

	return ticks < FLOW_MAX_TICKS ? ticks : FLOW_MAX_TICKS;
}
#endif

#endif
