/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The NAT table: finding entries, keeping them alive, and making room for new ones.
 *
 * A reader looks at an entry's word, then at the entry, then at the word again: whoever takes an
 * entry over makes its word NAT_BUSY first. A tag is at most once in a set, so that the first word
 * with it is the one.
 */
#ifndef POISE_BPF_NAT_TABLE_H
#define POISE_BPF_NAT_TABLE_H

#define NO_SLOT (-1)

/* An entry's place: set * NAT_PER_SET + place in the set. */
static __always_inline struct nat_set *nat_set_of(__u32 slot)
{
	__u32 zero = 0, index = slot / NAT_PER_SET;
	void *sets = bpf_map_lookup_elem(&nat_table, &zero);

	return sets ? bpf_map_lookup_elem(sets, &index) : NULL;
}

static __always_inline __u64 *nat_word_at(struct nat_set *set, __u32 slot)
{
	return &set->words[slot & (NAT_PER_SET - 1)];
}

static __always_inline struct nat_entry *nat_entry_at(struct nat_set *set, __u32 slot)
{
	return &set->entries[slot & (NAT_PER_SET - 1)];
}

static __always_inline __u64 nat_read(const __u64 *word)
{
	return *(const volatile __u64 *)word;
}

/* Compare and exchange is a full barrier: what was written before is seen by who sees the new word.
 */
static __always_inline bool nat_exchange(__u64 *word, __u64 from, __u64 to)
{
	return __sync_val_compare_and_swap(word, from, to) == from;
}

/* Where in the set the tag is, NAT_PER_SET: nowhere. Without a branch, so that the verifier has one
 * state to follow instead of nine. */
static __always_inline __u32 nat_find_tag(const struct nat_set *set, __u32 tag)
{
	__u32 i, at = NAT_PER_SET;

	for (i = 0; i < NAT_PER_SET; i++) {
		__u64 differs = ((const volatile __u32 *)&set->words[i])[1] ^ tag;
		__u32 is_it = (differs - 1) >> 63;

		at += is_it * (i - NAT_PER_SET);
	}
	return at & (2 * NAT_PER_SET - 1);
}

static __always_inline __u32 nat_now(void)
{
	return flow_now() & NAT_TICK_MASK;
}

static __always_inline struct nat_counter *nat_count(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&nat_counters, &zero);
}

/*
 * The flow's other entry is told what a packet has shown: seen are flags, until when both live is
 * expiry. It may have been taken over by another flow: then its tag is another one.
 */
__noinline int nat_tell_other(__u32 slot, __u32 tag, __u32 expiry, __u32 seen, __u32 unseen)
{
	struct nat_set *set = nat_set_of(slot);
	__u64 *word, old;

	if (!set)
		return 0;
	word = nat_word_at(set, slot);
	old = nat_read(word);
	if (nat_word_tag(old) == tag && !(old & NAT_BUSY))
		nat_exchange(
			word, old,
			nat_word(tag, expiry, (nat_word_flags(old) & ~unseen) | (seen & NAT_SEEN)));
	return 0;
}

/* Notes a packet of the flow in both its entries. */
static __always_inline void nat_note(__u64 *word, __u64 old, const struct nat_entry *entry,
				     const struct target *target, __u32 tcp_flags, __u32 now)
{
	__u64 touched = nat_touch(old, tcp_flags, target, now);
	__u32 flags = nat_word_flags(touched);

	if (touched == old)
		return;
	/* Else somebody else noted something just now: the next packet will do. */
	if (nat_exchange(word, old, touched))
		nat_tell_other(entry->other, entry->other_tag, (__u32)touched >> 12, flags,
			       nat_word_flags(old) & ~flags);
}

/* The other entry of one that is taken over goes with it, if it still is that. */
static __always_inline void nat_end_other(const struct nat_entry *entry, __u32 slot)
{
	__u32 other = entry->other;
	struct nat_set *set = nat_set_of(other);
	__u64 *word, old;

	if (!set)
		return;
	word = nat_word_at(set, other);
	old = nat_read(word);
	if (nat_word_tag(old) == entry->other_tag && !(old & NAT_BUSY) &&
	    nat_entry_at(set, other)->other == slot)
		nat_exchange(word, old, 0);
}

/* What becomes of an entry: nobody finds it, nobody takes it. False: it is not `old` any more. */
static __always_inline bool nat_seize(__u64 *word, __u64 old, __u32 now)
{
	return nat_exchange(word, old, nat_word(0, now, NAT_BUSY));
}

static __always_inline void nat_count_lost(__u64 old, __u32 now)
{
	struct nat_counter *counter = nat_count();

	if (!counter || !nat_word_live(old, now))
		return;
	counter->evicted++;
	counter->broken += nat_established(nat_word_flags(old));
}

/* nat_worth, verified once: the verifier takes what it gives for any number, or it would follow
 * each of the words with each outcome. */
__noinline __u32 nat_worth_of(__u64 word, __u32 now)
{
	return nat_worth(word, now);
}

/* What a new entry costs in a set. */
union nat_cost {
	struct {
		__u32 worth; /* of who is missed least; ~0: nobody can go */
		__u16 at;    /* where that is */
		__u16 taken; /* places that somebody has */
	};
	__u64 bits;
};

/* union nat_cost; a set that has the tag already is not one to choose. */
__noinline __u64 nat_cost_of(__u32 index, __u32 tag)
{
	union nat_cost cost = { .worth = ~0U, .taken = NAT_PER_SET };
	struct nat_set *set = nat_set_of(index * NAT_PER_SET);
	__u32 now = nat_now(), i;

	if (!set || nat_find_tag(set, tag) < NAT_PER_SET)
		return cost.bits;
	for (i = 0; i < NAT_PER_SET; i++) {
		__u64 worth = nat_worth_of(nat_read(&set->words[i]), now);

		cost.taken -= (worth - 1) >> 63;
		if (worth < cost.worth) {
			cost.worth = worth;
			cost.at = i;
		}
	}
	return cost.bits;
}

/*
 * Seizes a place for an entry with this hash: in the emptier one of its two sets, so that none
 * overflows while the table has room (Mitzenmacher, 2001), else from the flow that is missed least.
 * The slot or NO_SLOT.
 */
__noinline int nat_seize_room(__u64 hash)
{
	__u32 index = nat_set_index(hash, 0, nat_set_mask), now = nat_now(), slot;
	__u32 other = nat_set_index(hash, 1, nat_set_mask);
	union nat_cost cost = { .bits = nat_cost_of(index, flow_tag(hash)) };
	union nat_cost cost_other = { .bits = nat_cost_of(other, flow_tag(hash)) };
	struct nat_set *set;
	__u64 old, *word;

	if (cost_other.worth == ~0U && cost.worth == ~0U)
		return NO_SLOT;
	if (cost_other.taken < cost.taken ||
	    (cost.taken == NAT_PER_SET && cost_other.worth < cost.worth)) {
		index = other;
		cost = cost_other;
	}
	slot = index * NAT_PER_SET + cost.at % NAT_PER_SET;
	set = nat_set_of(slot);
	if (!set)
		return NO_SLOT;
	word = nat_word_at(set, slot);
	old = nat_read(word);
	if (nat_worth_of(old, now) > cost.worth || !nat_seize(word, old, now))
		return NO_SLOT;
	if (old) {
		nat_end_other(nat_entry_at(set, slot), slot);
		nat_count_lost(old, now);
	}
	return slot;
}

#endif
