/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Entries of the flow table, and what they and a row decide. Packets, the daemon and `poise
 * explain` share this code. An entry is one word, tag:32 | target:16 | expiry:14 | state:2. Time is
 * counted in ticks of some four seconds modulo 2^14; the daemon clears expired entries long before
 * half of that is over. A hit moves the expiry, and so it writes once per tick and not once per
 * packet.
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
#define FLOW_END_TICKS 2 /* a flow heard of later than this after FIN or RST has not ended */

/*
 * An entry's state: what it has seen of its flow. Floods make all but established ones, as who
 * forges packets by the thousand does not come back for each flow.
 */
enum flow_state {
	FLOW_NEW,         /* packets of one tick, or SYNs only */
	FLOW_ESTABLISHED, /* was heard again in a later tick */
	FLOW_CLOSING,     /* FIN from the client */
	FLOW_RESET, /* RST from the client, or from a stranger: only silence shows that it ended */
};

/*
 * The properties of a packet that matter to an entry. All are false for an ordinary packet of a TCP
 * flow.
 */
struct flow_packet {
	bool fresh; /* certainly begins a flow: TCP SYN, unless a flow is all that a client sends */
	bool first; /* may begin a flow: TCP SYN, datagram */
	bool closes; /* FIN, unless a flow is all that a client sends */
	bool resets; /* RST, with the same exception */
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

/* Returns the ticks until the entry expires; negative once it has. */
static inline __attribute__((always_inline)) int flow_entry_left(__u64 entry, __u32 now)
{
	__u32 left = ((__u32)entry >> 2) - now;

	return (int)(left << (32 - FLOW_TICK_BITS)) >> (32 - FLOW_TICK_BITS);
}

/* True if there is an entry and it has not expired. */
static inline __attribute__((always_inline)) bool flow_entry_live(__u64 entry, __u32 now)
{
	return entry && flow_entry_left(entry, now) >= 0;
}

static inline __attribute__((always_inline)) __u64 flow_entry(__u32 tag, __u16 target, __u32 expiry,
							      enum flow_state state)
{
	return (__u64)tag << 32 | (__u32)target << 16 | (expiry & FLOW_TICK_MASK) << 2 | state;
}

/* True if the last word of the flow was FIN or RST. */
static inline __attribute__((always_inline)) bool flow_entry_closes(__u64 entry)
{
	return flow_entry_state(entry) >= FLOW_CLOSING;
}

/* Returns the entry that a flow's first packet makes. */
static inline __attribute__((always_inline)) __u64 flow_begin(__u32 tag, __u16 number,
							      const struct target *target,
							      __u32 now,
							      const struct flow_packet *pkt)
{
	__u32 ticks = pkt->closes || pkt->resets ? target->closing_ticks
		      : pkt->first               ? target->new_ticks
						 : target->idle_ticks;
	enum flow_state state = pkt->fresh    ? FLOW_NEW
				: pkt->closes ? FLOW_CLOSING
				: pkt->resets ? FLOW_RESET
					      : FLOW_NEW;

	return flow_entry(tag, number, now + ticks, state);
}

/*
 * Returns an entry's worth; the one that is worth least makes room in a full set. Free and expired
 * entries are worth nothing, then come entries that are not established, then all others, each
 * ordered by when they expire.
 */
static inline __attribute__((always_inline)) __u32 flow_entry_worth(__u64 entry, __u32 now)
{
	if (!flow_entry_live(entry, now))
		return 0;
	return 1 + flow_entry_left(entry, now) +
	       (flow_entry_state(entry) == FLOW_ESTABLISHED ? FLOW_TICK_MASK : 0);
}

/*
 * True if FIN or RST came so recently that a packet now belongs to the flow's end. A flow that goes
 * on for longer is half-closed, or it is a new one that began from the same port while the row was
 * stable and nothing noted it. Neither may be forgotten as early as a flow that ends.
 */
static inline __attribute__((always_inline)) bool flow_ends(__u64 entry, __u32 closing_ticks,
							    __u32 now)
{
	return flow_entry_closes(entry) &&
	       (int)closing_ticks - flow_entry_left(entry, now) <= FLOW_END_TICKS;
}

/*
 * True if the last packet of a new entry came in this tick. Its time left tells, as that is one of
 * three right after a packet. It may be so later by chance; then the next tick's packet tells.
 */
static inline __attribute__((always_inline)) bool
flow_heard_now(__u64 entry, const struct target *target, __u32 now)
{
	int left = flow_entry_left(entry, now);

	return left == target->new_ticks || left == target->idle_ticks ||
	       left == target->closing_ticks;
}

/*
 * Returns an entry as it is after another packet of its flow. A SYN proves nothing, as a stranger
 * may have sent it: it takes from the flow neither its state nor its time.
 */
static inline __attribute__((always_inline)) __u64
flow_touch(__u64 entry, const struct target *target, __u32 now, const struct flow_packet *pkt)
{
	enum flow_state state = FLOW_ESTABLISHED;
	int left = flow_entry_left(entry, now), ticks = target->idle_ticks;

	if (pkt->closes || pkt->resets) {
		state = pkt->closes || flow_entry_state(entry) == FLOW_CLOSING ? FLOW_CLOSING
									       : FLOW_RESET;
		ticks = target->closing_ticks;
	} else if (pkt->fresh) {
		if (flow_entry_state(entry) != FLOW_ESTABLISHED)
			state = FLOW_NEW;
		ticks = left > target->new_ticks ? left : target->new_ticks;
	} else if (flow_ends(entry, target->closing_ticks, now)) {
		return entry;
	} else if (flow_entry_state(entry) == FLOW_NEW && flow_heard_now(entry, target, now)) {
		state = FLOW_NEW;
	}
	return flow_entry(flow_entry_tag(entry), flow_entry_target(entry), now + ticks, state);
}

/* True for a target whose backend is to get no new flows. */
static inline __attribute__((always_inline)) bool target_drains(const struct target_name *name)
{
	return name->admin != ADMIN_READY || name->flags & TARGET_NAME_LEAVING;
}

/* True if a packet of the flow, which neither closes nor resets it, came a moment ago. */
static inline __attribute__((always_inline)) bool
flow_heard_lately(__u64 entry, const struct target *target, __u32 now)
{
	__u32 ticks = flow_entry_state(entry) == FLOW_NEW ? target->new_ticks : target->idle_ticks;

	return (int)ticks - flow_entry_left(entry, now) <= FLOW_END_TICKS;
}

/*
 * True if a packet goes where its flow's entry says, provided that the entry's target serves. So
 * does a SYN unless the flow has ended: it is a retransmission, or it is a stranger's, and then the
 * backend answers it with a challenge ACK (RFC 5961) and the connection goes on, or a client uses
 * the port again, and its backend knows best whether it may. A FIN ends a flow at once, an RST only
 * together with silence: anybody may have sent it, and clients rarely use a port again so soon.
 *
 * A backend that drains is to get no new flow. There a SYN follows only if the flow was heard
 * lately. Otherwise it may have ended while its row was stable, which nothing noted.
 */
static inline __attribute__((always_inline)) bool
flow_follows(__u64 entry, const struct target *target, __u32 now, bool fresh, bool drains)
{
	if (!fresh)
		return true;
	if (!flow_entry_live(entry, now) || flow_entry_state(entry) == FLOW_CLOSING)
		return false;
	if (flow_entry_state(entry) == FLOW_RESET)
		return flow_ends(entry, target->closing_ticks, now);
	return !drains || flow_heard_lately(entry, target, now);
}

/* True if packets on this row have to look at the flow table. */
static inline __attribute__((always_inline)) bool row_tracks(struct row row)
{
	return row.previous_target;
}

/*
 * True if a packet whose flow has no entry gets a target from the scheduler; otherwise it goes to
 * the row's previous target.
 */
static inline __attribute__((always_inline)) bool row_assigns(struct row row, bool fresh)
{
	return fresh || row.previous_target == ROW_TRACKED;
}

#ifndef __bpf__
/* Returns the tick at a time of CLOCK_MONOTONIC. */
static inline __u32 flow_clock_tick(const struct flow_clock *clock, __u64 monotonic_ns)
{
	__s64 since = (__s64)(monotonic_ns - clock->monotonic_ns) / clock->jiffy_ns;

	return (__u32)(clock->jiffies + since) >> clock->tick_shift & FLOW_TICK_MASK;
}

/* Returns a time in ticks, rounded up so that it never ends early; at most FLOW_MAX_TICKS. */
static inline __u32 flow_clock_ticks(const struct flow_clock *clock, __u64 duration_ms)
{
	__u64 tick_ns = (__u64)clock->jiffy_ns << clock->tick_shift;
	__u64 ticks = (duration_ms * 1000000 + tick_ns - 1) / tick_ns;

	return ticks < FLOW_MAX_TICKS ? ticks : FLOW_MAX_TICKS;
}
#endif

#endif
