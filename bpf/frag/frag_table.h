/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The fragment at hand, and the table of datagrams. The first fragment of a datagram is judged as a
 * whole packet would be, and what comes of it is entered; the others follow the entry. XDP cannot
 * hold a packet back, so a fragment before the first one is dropped; senders send the first one
 * first.
 */
#ifndef POISE_BPF_FRAG_TABLE_H
#define POISE_BPF_FRAG_TABLE_H

struct frag {
	struct frag_entry entry; /* the datagram's */
	struct frag_range range;
	__u16 ip_bytes;
	__u16 transport_offset; /* where the fragment's data begins; the first one's is its header
				 */
	__u8 version;
	__u8 proto;
	__u8 tos;
	bool new_flow;
	__u16 address; /* the destination's flags, as of struct service */
	__u16 source;  /* and its number: index into nat_sources */
	__u32 shape;   /* of a first one, as NAT_SHAPE has it */
};

/* Each CPU has one fragment at a time. It lies in a map because stacks are too small. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct frag);
} frag_at_hand SEC(".maps");

static __always_inline struct frag *frag_get(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&frag_at_hand, &zero);
}

static __always_inline struct nat_addr frag_from(const struct frag *frag)
{
	return (struct nat_addr){ frag->entry.key.from[0], frag->entry.key.from[1] };
}

static __always_inline struct nat_addr frag_to(const struct frag *frag)
{
	return (struct nat_addr){ frag->entry.key.to[0], frag->entry.key.to[1] };
}

/*
 * Returns the set of a source: an IPv4 address, or an IPv6 network of 64 bits, as hosts have all of
 * such a network to themselves. Strangers cannot choose whose set they share, as they do not know
 * the key of the hash.
 */
static __always_inline struct frag_set *frag_set_of(const struct frag_key *key)
{
	const struct nat_addr from = { key->from[0], key->from[1] };
	__u64 source = nat_is_v4(&from) ? from.high : from.low;
	__u64 hash = hash_key.offset + (__u32)source * hash_key.word[0] +
		     (source >> 32) * hash_key.word[1];
	__u32 index = flow_hash_mix(hash) % FRAG_SETS;

	return bpf_map_lookup_elem(&fragments, &index);
}

/* 1 if an entry is this datagram's, else 0. There is no branch: see nat_find_tag(). */
static __always_inline __u32 frag_is(const struct frag_entry *entry, const struct frag_key *key)
{
	__u64 differs = (entry->key.from[0] ^ key->from[0]) | (entry->key.from[1] ^ key->from[1]) |
			(entry->key.to[0] ^ key->to[0]) | (entry->key.to[1] ^ key->to[1]) |
			(entry->key.datagram ^ key->datagram);

	differs = (differs >> 32) | (__u32)differs;
	return (differs - 1) >> 63;
}

/* Returns the place of a datagram's entry, or FRAGS_PER_SET if it has none. */
static __always_inline __u32 frag_find(const struct frag_set *set, const struct frag_key *key)
{
	__u32 i, at = FRAGS_PER_SET;

	for (i = 0; i < FRAGS_PER_SET; i++)
		at += frag_is(&set->entries[i], key) * (i - FRAGS_PER_SET);
	return at & (2 * FRAGS_PER_SET - 1);
}

static __always_inline bool frag_live(const struct frag_entry *entry, __u32 now)
{
	return entry->way != FRAG_FREE && frag_left(entry, now) >= 0;
}

/* Returns the place that is free or has expired, or else the first to expire. */
static __always_inline __u32 frag_room(const struct frag_set *set, __u32 now)
{
	__u32 i, least = ~0U;

	for (i = 0; i < FRAGS_PER_SET; i++) {
		const struct frag_entry *entry = &set->entries[i];
		__u32 worth = frag_live(entry, now) ? 1 + frag_left(entry, now) : 0;

		worth = worth << 8 | i;
		least = worth < least ? worth : least;
	}
	return least & (FRAGS_PER_SET - 1);
}

/*
 * Enters the datagram of the first fragment at hand. If that came before, and not so long ago that
 * it was another datagram's, it is a copy: then DROP_FRAGMENT_BAD is returned, or, if `again` is
 * set, the datagram begins anew.
 */
__noinline int frag_enter_first(int again)
{
	struct frag *frag = frag_get();
	struct frag_set *set = frag ? frag_set_of(&frag->entry.key) : NULL;
	__u32 now = flow_now(), at;
	struct frag_entry *entry;
	int err = GO_ON;

	if (!frag || !set)
		return DROP_FRAGMENT_BAD;
	frag_begin(&frag->entry, &frag->range, now);
	bpf_spin_lock(&set->lock);
	at = frag_find(set, &frag->entry.key);
	entry = &set->entries[at & (FRAGS_PER_SET - 1)];
	if (at < FRAGS_PER_SET && frag_live(entry, now) && !again &&
	    frag_left(entry, now) > FRAG_TICKS - FRAG_REUSE_TICKS)
		err = DROP_FRAGMENT_BAD;
	if (at == FRAGS_PER_SET)
		entry = &set->entries[frag_room(set, now)];
	if (!err)
		*entry = frag->entry;
	bpf_spin_unlock(&set->lock);
	return err;
}

/*
 * Finds the entry of the fragment at hand, which is not a first one, and enters it there. Returns
 * GO_ON, DROP_FRAGMENT_EARLY if there is no entry, or DROP_FRAGMENT_BAD.
 */
__noinline int frag_enter_later(void)
{
	struct frag *frag = frag_get();
	struct frag_set *set = frag ? frag_set_of(&frag->entry.key) : NULL;
	int err = DROP_FRAGMENT_EARLY;
	struct frag_entry *entry;
	__u32 now = flow_now(), at;

	if (!frag || !set)
		return err;
	bpf_spin_lock(&set->lock);
	at = frag_find(set, &frag->entry.key);
	entry = &set->entries[at & (FRAGS_PER_SET - 1)];
	if (at < FRAGS_PER_SET && frag_live(entry, now)) {
		err = frag_enter(entry, &frag->range) ? GO_ON : DROP_FRAGMENT_BAD;
		frag->entry = *entry;
		if (frag_whole(entry))
			entry->way = FRAG_FREE;
	}
	bpf_spin_unlock(&set->lock);
	return err;
}

#endif
