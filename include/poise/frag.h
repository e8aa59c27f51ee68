/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * An entry of `fragments` says which parts of a datagram have come, in units of eight bytes.
 * Fragments mostly come in order, and a few may be late. No two may overlap: the second one could
 * replace what the first one was judged by (RFC 1858, RFC 3128, RFC 5722).
 */
#ifndef POISE_FRAG_H
#define POISE_FRAG_H

#ifndef __bpf__
#include <stdbool.h>
#endif

#include "poise/abi.h"

/*
 * An entry lives for 15 to 20 seconds (RFC 791 has 15; how long a backend waits is its own
 * business). A first fragment that comes this much later than another one with the same
 * identification belongs to another datagram.
 */
#define FRAG_TICKS       5
#define FRAG_REUSE_TICKS 2

struct frag_range {
	__u16 from, to;
	bool last; /* nothing follows */
};

/*
 * Measures a fragment whose data begins at `offset` units and has so many bytes, behind so many
 * bytes of headers in the whole packet. Returns false if no fragment is like that.
 */
static inline __attribute__((always_inline)) bool
frag_measure(__u32 offset, __u32 bytes, __u32 header_bytes, bool last, struct frag_range *out)
{
	out->from = offset;
	out->to = offset + (bytes + 7) / 8;
	out->last = last;
	return bytes && (last || bytes % 8 == 0) && offset * 8 + bytes + header_bytes <= 0xffff;
}

/* Makes the entry one of a datagram of which only the first fragment has come. */
static inline __attribute__((always_inline)) void
frag_begin(struct frag_entry *entry, const struct frag_range *first, __u32 now)
{
	entry->expiry = now + FRAG_TICKS;
	entry->end = first->to;
	entry->ended = 0;
	__builtin_memset(entry->holes, 0, sizeof(entry->holes));
}

/* Notes a hole. Returns false if there is no room for it. */
static inline __attribute__((always_inline)) bool frag_dig(struct frag_entry *entry, __u16 from,
							   __u16 to)
{
	int i;

	for (i = 0; i < FRAG_HOLES; i++)
		if (entry->holes[i].from == entry->holes[i].to) {
			entry->holes[i].from = from;
			entry->holes[i].to = to;
			return true;
		}
	return false;
}

/* Enters a fragment that begins before others that have come. */
static inline __attribute__((always_inline)) bool frag_fill(struct frag_entry *entry,
							    const struct frag_range *range)
{
	int i;

	for (i = 0; i < FRAG_HOLES; i++) {
		struct frag_hole *hole = &entry->holes[i];
		__u16 to = hole->to;

		if (range->last || range->from < hole->from || range->to > to)
			continue;
		if (range->from == hole->from) {
			hole->from = range->to;
			return true;
		}
		if (range->to < to && !frag_dig(entry, range->to, to))
			return false;
		hole->to = range->from;
		return true;
	}
	return false;
}

/*
 * Enters a fragment. Returns false if some of it has come before, if it lies behind the datagram's
 * end, or if the datagram has more holes than are remembered.
 */
static inline __attribute__((always_inline)) bool frag_enter(struct frag_entry *entry,
							     const struct frag_range *range)
{
	if (range->from < entry->end)
		return frag_fill(entry, range);
	if (entry->ended)
		return false;
	if (range->from > entry->end && !frag_dig(entry, entry->end, range->from))
		return false;
	entry->end = range->to;
	entry->ended = range->last;
	return true;
}

/* True if all of the datagram has come. */
static inline __attribute__((always_inline)) bool frag_whole(const struct frag_entry *entry)
{
	int i;

	for (i = 0; i < FRAG_HOLES; i++)
		if (entry->holes[i].from != entry->holes[i].to)
			return false;
	return entry->ended;
}

/* Returns the ticks that an entry has left; negative once it has expired. */
static inline __attribute__((always_inline)) int frag_left(const struct frag_entry *entry,
							   __u32 now)
{
	return (int)(entry->expiry - now);
}

#endif
