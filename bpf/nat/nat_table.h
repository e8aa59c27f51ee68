/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The NAT table: finds entries, keeps them alive, and makes room for new ones. A reader reads an
 * entry's word, then the entry, then the word again. A CPU that takes an entry over first sets its
 * word to NAT_BUSY. A new flow's words stay NAT_BUSY until both its entries are whole, so that
 * nobody finds or evicts half a flow. A set holds a tag at most once, so the first word with the
 * tag is the right one.
 */
#ifndef POISE_BPF_NAT_TABLE_H
#define POISE_BPF_NAT_TABLE_H

#define NO_SLOT     (-1)
#define CLAIM_TRIES 1024 /* longer than a flow takes to be entered */

/* Returns the set of a slot. A slot is an entry's place: set * NAT_PER_SET + place in the set. */
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

/*
 * Compare and exchange is a full barrier: a CPU that sees the new word also sees all that was
 * written before it.
 */
static __always_inline bool nat_exchange(__u64 *word, __u64 from, __u64 to)
{
	return __sync_val_compare_and_swap(word, from, to) == from;
}

/*
 * Returns the tag's place in the set, or NAT_PER_SET if it has none. There is no branch, so that
 * the verifier follows one state instead of nine.
 */
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

/*
 * The same for what a new flow looks at. It returns as soon as it has found the tag, and as a
 * global function it is verified once. Packets of known flows do not use it, as nobody can predict
 * its branches.
 */
__noinline __u32 nat_place_of(const struct nat_set *set, __u32 tag)
{
	__u32 i;

	if (!set)
		return NAT_PER_SET;
	for (i = 0; i < NAT_PER_SET; i++)
		if (((const volatile __u32 *)&set->words[i])[1] == tag)
			break;
	return i;
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

/* An entry that was found, and its word as it was then. */
struct nat_found {
	struct nat_set *set; /* NULL: there is none */
	__u32 slot;
	__u64 word;
};

static __always_inline bool nat_is_live(__u64 word, __u32 now)
{
	return !(word & NAT_BUSY) && nat_word_left(word, now) >= 0;
}

/*
 * True if the chosen one of the two sets has the tag; then *found says where, and holds the word.
 * found->set is NULL if there is no table.
 */
static __always_inline bool nat_look(struct nat_found *found, __u64 hash, int choice)
{
	__u32 at;

	found->slot = nat_set_index(hash, choice, nat_set_mask) * NAT_PER_SET;
	found->set = nat_set_of(found->slot);
	if (!found->set)
		return false;
	at = nat_find_tag(found->set, flow_tag(hash));
	if (at == NAT_PER_SET)
		return false;
	found->slot += at;
	found->word = nat_read(nat_word_at(found->set, at));
	return true;
}

static __always_inline struct nat_found nat_find_client(const struct nat_addr *client, __be16 port,
							__u16 service, __u64 hash, __u32 now)
{
	struct nat_found found;
	int choice;

	for (choice = 0; choice < 2; choice++) {
		const struct nat_entry *entry;
		const __u64 *addr;

		if (!nat_look(&found, hash, choice))
			continue;
		entry = nat_entry_at(found.set, found.slot);
		addr = (const __u64 *)entry->client;
		if (addr[1] == client->high && addr[0] == client->low &&
		    entry->client_port == port && entry->service == service &&
		    !(found.word & NAT_REPLY) && nat_is_live(found.word, now))
			return found;
	}
	found.set = NULL;
	return found;
}

/* True if another CPU has taken the entry over since it was found. */
static __always_inline bool nat_is_taken(const struct nat_found *found, __u32 tag)
{
	__u64 word = nat_read(nat_word_at(found->set, found->slot));

	return nat_word_tag(word) != tag || word & NAT_BUSY;
}

/* True if the flow's backend still serves it and the packet does not begin a new flow. */
static __always_inline bool nat_goes_on(const struct nat_found *found, const struct target *target,
					__u16 service, __u32 tcp_flags, __u32 now)
{
	return target->mode == MODE_NAT && target->owner == (service | TARGET_SERVES) &&
	       !nat_begins_anew(found->word, tcp_flags, target, now);
}

/*
 * How often to try to change a word that packets of the flow's other direction change at the same
 * time.
 */
#define NOTE_TRIES 3

/*
 * Tells the flow's other entry what a packet has shown: adds the flags in seen, removes those in
 * unseen, and moves the expiry. If the other entry already knows of an end that this one has not
 * seen, its own shorter expiry stays. Returns 0 if another flow has taken the entry over.
 */
__noinline int nat_tell_other(__u32 slot, __u32 tag, __u32 expiry, __u32 seen, __u32 unseen)
{
	const __u32 end = NAT_RESET | NAT_FIN_CLIENT | NAT_FIN_BACKEND;
	struct nat_set *set = nat_set_of(slot);
	__u64 *word, old;
	__u32 flags;
	int i;

	if (!set)
		return 0;
	word = nat_word_at(set, slot);
	for (i = 0; i < NOTE_TRIES; i++) {
		__u32 until = expiry;

		old = nat_read(word);
		if (nat_word_tag(old) != tag)
			return 0;
		if (old & NAT_BUSY)
			return 1;
		flags = nat_word_flags(old) & ~unseen;
		if (flags & ~seen & end && nat_word_left(old, expiry) < 0)
			until = (__u32)old >> 12;
		if (nat_exchange(word, old, nat_word(tag, until, flags | (seen & NAT_SEEN))))
			break;
	}
	return 1;
}

/* Notes a packet of the flow in both entries. */
static __always_inline void nat_note(__u64 *word, __u64 old, const struct nat_entry *entry,
				     const struct target *target, __u32 tcp_flags, __u32 now)
{
	__u32 tag = nat_word_tag(old), flags;
	__u64 touched;
	int i;

	for (i = 0; i < NOTE_TRIES; i++) {
		touched = nat_touch(old, tcp_flags, target, now);
		if (touched == old)
			return;
		if (nat_exchange(word, old, touched)) {
			flags = nat_word_flags(touched);
			/*
			 * Without the other entry replies find nothing. So this one goes, too, and
			 * the client's next packet enters the flow again.
			 */
			if (!nat_tell_other(entry->other, entry->other_tag, (__u32)touched >> 12,
					    flags, nat_word_flags(old) & ~flags) &&
			    !(flags & NAT_REPLY))
				nat_exchange(word, touched, 0);
			return;
		}
		/* Another CPU has changed the word just now. */
		old = nat_read(word);
		if (nat_word_tag(old) != tag || old & NAT_BUSY)
			return;
	}
}

/* Removes the entry at `slot` if it still has this tag and belongs with the one at `other`. */
static __always_inline void nat_end(__u32 slot, __u32 tag, __u32 other)
{
	struct nat_set *set = nat_set_of(slot);
	__u64 *word, old;
	int i;

	if (!set)
		return;
	word = nat_word_at(set, slot);
	for (i = 0; i < NOTE_TRIES; i++) {
		old = nat_read(word);
		if (nat_word_tag(old) != tag || old & NAT_BUSY ||
		    nat_entry_at(set, slot)->other != other || nat_exchange(word, old, 0))
			break;
	}
}

/* The same for the other entry of one, at `slot`, that is taken over. */
static __always_inline void nat_end_other(const struct nat_entry *entry, __u32 slot)
{
	nat_end(entry->other, entry->other_tag, slot);
}

/*
 * Seizes an entry: from now on nobody finds it and nobody takes it. Returns false if its word is
 * not `old` any more.
 */
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

/*
 * Claims a tag, so that no other CPU enters a flow with it. tries says how often to look whether
 * the claim is free.
 */
static __always_inline bool nat_claim(__u32 tag, int tries)
{
	__u32 index = tag % NAT_CLAIMS, *claim = bpf_map_lookup_elem(&nat_claims, &index);
	int i;

	for (i = 0; claim && i < tries; i++)
		if (!__sync_val_compare_and_swap(claim, 0, 1))
			return true;
	return false;
}

static __always_inline void nat_give_up_claim(__u32 tag)
{
	__u32 index = tag % NAT_CLAIMS, *claim = bpf_map_lookup_elem(&nat_claims, &index);

	if (claim)
		__sync_val_compare_and_swap(claim, 1, 0);
}

/*
 * Returns nat_worth(). As a global function its result is any number to the verifier, which would
 * otherwise follow each word with each outcome.
 */
__noinline __u32 nat_worth_of(__u64 word, __u32 now)
{
	return nat_worth(word, now);
}

/* The cost of a new entry in a set. */
union nat_cost {
	struct {
		__u32 worth; /* of the entry that is worth least; ~0: no entry can go */
		__u16 at;    /* where that is */
		__u16 taken; /* places in use */
	};
	__u64 bits;
};

/* Returns a union nat_cost as a word. A set that already has the tag cannot be chosen. */
__noinline __u64 nat_cost_of(__u32 index, __u32 tag)
{
	union nat_cost cost = { .worth = ~0U, .taken = NAT_PER_SET };
	struct nat_set *set = nat_set_of(index * NAT_PER_SET);
	__u32 now = nat_now(), i;

	if (!set || nat_place_of(set, tag) < NAT_PER_SET)
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
 * Seizes a place for an entry whose first set is crowded, in the emptier one of its two sets
 * (Mitzenmacher, 2001). If both are full, the entry that is worth least makes room. Returns the
 * slot or NO_SLOT.
 */
__noinline int nat_seize_crowded(__u64 hash)
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

/*
 * Seizes a place for an entry with this hash: one of the first NAT_UNCROWDED places of its first
 * set, and only if these are taken one of its second set, so that most packets look at one set. If
 * `collides`, another flow's entry may have the tag. Returns the slot or NO_SLOT.
 */
__noinline int nat_seize_room(__u64 hash, __u32 collides)
{
	__u32 first = nat_set_index(hash, 0, nat_set_mask) * NAT_PER_SET, at;
	struct nat_set *set = nat_set_of(first);

	if (!set)
		return NO_SLOT;
	for (at = 0; at < NAT_UNCROWDED && !collides; at++)
		if (!nat_read(&set->words[at]))
			return nat_seize(&set->words[at], 0, nat_now()) ? first + at : NO_SLOT;
	return nat_seize_crowded(hash);
}

#endif
