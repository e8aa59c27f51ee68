/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finds one of our ports for a new flow towards its backend. */
#ifndef POISE_BPF_NAT_PORT_H
#define POISE_BPF_NAT_PORT_H

/*
 * This CPU found no free port for a target in this tick; how often is noted here. A flood of SYNs
 * must not make us look at all ports for each of them: the packets that follow look at a few ports
 * each, every time at others, and only the 16th, 32nd, 64th, ... looks at all of them again.
 */
struct nat_scarce {
	__u32 mark;    /* the tick and 1, so that it is never 0 */
	__u32 packets; /* since then */
};

/* poised makes it as large as `targets`. Written per new flow. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, POISE_DEFAULT_BACKENDS);
	__type(key, __u32);
	__type(value, struct nat_scarce);
} nat_scarce SEC(".maps");

/* The tries that a packet may make: the numbers first to end - 1. */
struct nat_tries {
	__u32 first, end;
};

static __always_inline bool nat_is_scarce(const struct nat_scarce *scarce)
{
	return scarce->mark == nat_now() + 1;
}

static __always_inline struct nat_tries nat_port_tries(struct nat_scarce *scarce)
{
	struct nat_tries tries = { 0, NAT_PORT_TRIES };
	__u32 packets;

	if (!nat_is_scarce(scarce))
		return tries;
	packets = ++scarce->packets;
	if (packets >= NAT_SEARCHES && !(packets & (packets - 1)))
		return tries;
	/* These numbers take the port of any flow that has ended, as those below were tried. */
	tries.first =
		NAT_AGED_TRIES + packets * NAT_SCARCE_TRIES % (NAT_PORT_TRIES - NAT_AGED_TRIES);
	tries.end = tries.first + NAT_SCARCE_TRIES;
	return tries;
}

/* Notes whether all tries were in vain. */
static __always_inline void nat_ports_tried(struct nat_scarce *scarce, bool in_vain)
{
	if (in_vain == nat_is_scarce(scarce))
		return;
	scarce->mark = in_vain ? nat_now() + 1 : 0;
	scarce->packets = 0;
}

#define NAT_BUSY_PORT (-1) /* the next one may be free */
#define NAT_NO_ROOM   (-2)

/* True if a new flow may take the port of another one. try_ is the number of ports tried before. */
static __always_inline bool nat_may_take(__u64 word, const struct target *target, __u32 try_,
					 __u32 now)
{
	__u32 flags = nat_word_flags(word);
	int age = nat_age(word, target, now);

	if (flags & NAT_BUSY)
		return false;
	if (!nat_word_live(word, now))
		return true;
	if (try_ < NAT_FREE_TRIES || !nat_ended(flags))
		return false;
	if (try_ < NAT_AGED_TRIES)
		return age >= NAT_AGED_TICKS;
	return !nat_reset_only(flags) || age >= NAT_DOUBT_TICKS;
}

/*
 * Takes over the entry that already has the tag, if it is this flow's own or its flow has ended or
 * expired.
 */
static __always_inline int nat_take_over(struct nat_set *set, __u32 slot,
					 const struct nat_flow *flow, __u32 number, __u32 source,
					 const struct target *target, __be16 port, __u32 try_)
{
	const struct nat_entry *entry = nat_entry_at(set, slot);
	__u64 *word = nat_word_at(set, slot), old = nat_read(word);
	bool own = nat_same_client(entry, flow) && entry->target == number &&
		   entry->source == source && entry->nat_port == port;
	struct nat_counter *counter = nat_count();
	__u32 now = nat_now();

	if (old & NAT_BUSY || (!own && !nat_may_take(old, target, try_, now)) ||
	    !nat_seize(word, old, now))
		return NAT_BUSY_PORT;
	if (!own) {
		nat_end_other(entry, slot);
		if (counter)
			counter->reused += nat_word_live(old, now);
	}
	return slot;
}

/* Returns a seized place for the entry by which replies are found, NAT_BUSY_PORT or NAT_NO_ROOM. */
static __always_inline int nat_reply_slot(const struct nat_flow *flow, __u32 number, __u32 source,
					  const struct target *target, __be16 port, __u64 hash,
					  __u32 try_)
{
	int choice, slot;

	for (choice = 0; choice < 2; choice++) {
		__u32 first = nat_set_index(hash, choice, nat_set_mask) * NAT_PER_SET, at;
		struct nat_set *set = nat_set_of(first);

		if (!set)
			return NAT_NO_ROOM;
		at = nat_place_of(set, flow_tag(hash));
		if (at < NAT_PER_SET)
			return nat_take_over(set, first + at, flow, number, source, target, port,
					     try_);
	}
	slot = nat_seize_room(hash, false);
	return slot < 0 ? NAT_NO_ROOM : slot;
}

/*
 * Takes a port for a flow to a target by making the entry by which replies are found. The entry's
 * word holds the tag and NAT_BUSY until the flow is whole, so that the port is taken and no other
 * CPU takes the entry. Two CPUs that want the same port search one after the other. Returns the
 * slot, NAT_BUSY_PORT or NAT_NO_ROOM.
 */
__noinline int nat_take_port(const struct nat_flow *flow, __u32 number, __u32 source, __u32 try_)
{
	const struct target *target = bpf_map_lookup_elem(&targets, &number);
	const struct nat_source *from = bpf_map_lookup_elem(&nat_sources, &source);
	struct nat_addr to, ours;
	struct nat_set *set;
	__be16 port;
	__u64 hash;
	int slot;

	if (!flow || !target || !from || !nat_port_count)
		return NAT_NO_ROOM;
	port = bpf_htons(nat_port(flow->hash, try_, nat_port_first, nat_port_count));
	to = nat_target_addr(target);
	__builtin_memcpy(&ours, from->addr, sizeof(ours));
	hash = nat_hash(&to, &ours, target->port, port, nat_proto(flow));
	if (!nat_claim(flow_tag(hash), 1))
		return NAT_BUSY_PORT;
	slot = nat_reply_slot(flow, number, source, target, port, hash, try_);
	set = slot < 0 ? NULL : nat_set_of(slot);
	if (set) {
		struct nat_entry *entry = nat_entry_at(set, slot);
		__u64 *word = nat_word_at(set, slot);

		entry->nat_port = port;
		entry->target = number;
		entry->source = source;
		nat_fill(entry, flow, target, from);
		nat_exchange(word, nat_read(word), nat_word(flow_tag(hash), nat_now(), NAT_BUSY));
	}
	nat_give_up_claim(flow_tag(hash));
	return slot;
}

#endif
