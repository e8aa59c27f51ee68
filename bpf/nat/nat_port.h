/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A port of ours for a new flow towards its backend. */
#ifndef POISE_BPF_NAT_PORT_H
#define POISE_BPF_NAT_PORT_H

/*
 * A target towards which no port was found when a packet of this CPU last wanted one. Looking at
 * all of them for each SYN of a flood would be what a flood wants: for the rest of the tick only
 * one in some packets does.
 */
struct nat_scarce {
	__u32 mark; /* the target's number and the tick */
	__u32 packets;
};

#define NAT_SCARCE 256 /* targets may share one: the last one has it */

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, NAT_SCARCE);
	__type(key, __u32);
	__type(value, struct nat_scarce);
} nat_scarce SEC(".maps");

static __always_inline struct nat_scarce *nat_scarce_of(__u32 number)
{
	__u32 index = number % NAT_SCARCE;

	return bpf_map_lookup_elem(&nat_scarce, &index);
}

static __always_inline __u32 nat_scarce_mark(__u32 number)
{
	return number << 16 | (nat_now() & 0xffff);
}

/* How many ports to try towards a target. */
static __always_inline __u32 nat_port_tries(__u32 number)
{
	struct nat_scarce *scarce = nat_scarce_of(number);

	if (!scarce || scarce->mark != nat_scarce_mark(number) ||
	    ++scarce->packets % NAT_SEARCHES == 0)
		return NAT_PORT_TRIES;
	return NAT_SCARCE_TRIES;
}

/* Whether they were all in vain. */
static __always_inline void nat_ports_tried(__u32 number, bool in_vain)
{
	struct nat_scarce *scarce = nat_scarce_of(number);
	__u32 mark = nat_scarce_mark(number);

	if (!scarce || in_vain == (scarce->mark == mark))
		return;
	scarce->mark = in_vain ? mark : 0;
	scarce->packets = 0;
}

#define NAT_BUSY_PORT (-1) /* the next one may be free */
#define NAT_NO_ROOM   (-2)

/* Whether a new flow may have the port that another one has. try_: how many were tried before. */
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

/* The entry that already has the tag is taken over, if that is no harm. */
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

/* A place for the entry that replies are found by, or why there is none. */
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
		at = nat_find_tag(set, flow_tag(hash));
		if (at < NAT_PER_SET)
			return nat_take_over(set, first + at, flow, number, source, target, port,
					     try_);
	}
	slot = nat_seize_room(hash);
	return slot < 0 ? NAT_NO_ROOM : slot;
}

/*
 * Takes a port for a flow to a target: makes the entry that replies are found by. Its word stays
 * NAT_BUSY, with the tag, until the flow is whole: the port is taken, and the entry is nobody's to
 * take. Two CPUs that want the same port look one after the other. The slot, NAT_BUSY_PORT or
 * NAT_NO_ROOM.
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
		nat_fill(entry, flow, target, from, true);
		nat_exchange(word, nat_read(word), nat_word(flow_tag(hash), nat_now(), NAT_BUSY));
	}
	nat_give_up_claim(flow_tag(hash));
	return slot;
}

#endif
