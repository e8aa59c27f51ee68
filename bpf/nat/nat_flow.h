/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A flow that is being entered into the NAT table, and how its two entries are filled. */
#ifndef POISE_BPF_NAT_FLOW_H
#define POISE_BPF_NAT_FLOW_H

/* A flow as its first packet from the client describes it. */
struct nat_flow {
	struct nat_addr client, service_addr;
	__u64 hash;         /* of addresses, ports and protocol */
	__u64 service_bits; /* struct service */
	__be16 client_port, service_port;
	__u32 tcp_flags; /* NO_TCP: a datagram */
	__u32 ifindex;
	__u8 hop[12];  /* as in struct nat_entry */
	int own;       /* where an entry of the flow is that does not count any more, or NO_SLOT */
	bool collides; /* an entry of another flow has the tag */
};

/*
 * Each CPU begins one flow at a time. The flow lies in a map because the stacks of all functions
 * called for it are too small together.
 */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct nat_flow);
} nat_begun SEC(".maps");

static __always_inline struct service nat_service(const struct nat_flow *flow)
{
	return ((union service_word){ .word = flow->service_bits }).service;
}

static __always_inline __u8 nat_proto(const struct nat_flow *flow)
{
	return flow->tcp_flags & NO_TCP ? IPPROTO_UDP : IPPROTO_TCP;
}

static __always_inline bool nat_is_v4(const struct nat_addr *addr)
{
	return !addr->low && (__u32)addr->high == wire32(bpf_htonl(0xffff));
}

/* Returns the backend's address; the target holds IPv4 in the first four bytes. */
static __always_inline struct nat_addr nat_target_addr(const struct target *target)
{
	const __u64 *dst = (const __u64 *)target->dst;

	if (target->outer_version == 4)
		return (struct nat_addr){ .high = wire32(bpf_htonl(0xffff)) | dst[0] << 32 };
	return (struct nat_addr){ .low = dst[0], .high = dst[1] };
}

static __always_inline __u64 nat_hash(const struct nat_addr *from, const struct nat_addr *to,
				      __be16 from_port, __be16 to_port, __u8 proto)
{
	if (nat_is_v4(from))
		return flow_hash4(&hash_key, to_wire32(from->high >> 32), to_wire32(to->high >> 32),
				  from_port, to_port, proto);
	return flow_hash6(&hash_key, (const __be32 *)from, (const __be32 *)to, from_port, to_port,
			  proto);
}

/* Returns the sum of an address's 32-bit words. */
static __always_inline __u64 nat_addr_words(const struct nat_addr *addr)
{
	return (__u32)addr->low + (addr->low >> 32) + (__u32)addr->high + (addr->high >> 32);
}

/* Returns the one's complement sum of an address. */
static __always_inline __u32 nat_addr_sum(const struct nat_addr *addr)
{
	return csum_fold(nat_addr_words(addr));
}

static __always_inline bool nat_same_client(const struct nat_entry *entry,
					    const struct nat_flow *flow)
{
	const __u64 *client = (const __u64 *)entry->client;

	return client[0] == flow->client.low && client[1] == flow->client.high &&
	       entry->client_port == flow->client_port &&
	       entry->service == nat_service(flow).number;
}

/* Computes what to add to the checksums of the client's packets, as one's complement sums. */
static __always_inline void nat_deltas(struct nat_entry *entry, const struct nat_flow *flow,
				       const struct target *target, const struct nat_source *source)
{
	struct nat_addr to = nat_target_addr(target), ours;
	__u32 old = csum_fold(nat_addr_words(&flow->client) + nat_addr_words(&flow->service_addr));
	__u32 now;

	__builtin_memcpy(&ours, source->addr, sizeof(ours));
	now = csum_fold(nat_addr_words(&ours) + nat_addr_words(&to));
	entry->ip_delta = csum_difference(now, old);
	old += wire16(flow->client_port) + wire16(flow->service_port);
	now += wire16(entry->nat_port) + wire16(target->port);
	entry->transport_delta = csum_difference(now, old);
}

/* Fills the entry by which replies are found, whose word is NAT_BUSY. */
static __always_inline void nat_fill(struct nat_entry *entry, const struct nat_flow *flow,
				     const struct target *target, const struct nat_source *source)
{
	__u64 *client = (__u64 *)entry->client;

	client[0] = flow->client.low;
	client[1] = flow->client.high;
	entry->client_port = flow->client_port;
	entry->service = nat_service(flow).number;
	entry->ifindex = flow->ifindex;
	__builtin_memcpy(entry->hop, flow->hop, sizeof(entry->hop));
	nat_deltas(entry, flow, target, source);
	entry->ip_delta = ~entry->ip_delta;
	entry->transport_delta = ~entry->transport_delta;
}

/*
 * Fills the client's entry from the replies' one. What is added to a checksum on one way is
 * subtracted on the other.
 */
static __always_inline void nat_mirror(struct nat_entry *entry, const struct nat_entry *reply)
{
	*entry = *reply;
	entry->ip_delta = ~reply->ip_delta;
	entry->transport_delta = ~reply->transport_delta;
}

/* Returns the lower half of a new flow's words: expiry and flags. */
static __always_inline __u32 nat_first_state(const struct nat_flow *flow,
					     const struct target *target)
{
	__u32 kind = flow->tcp_flags & NO_TCP ? NAT_UDP : 0;

	return nat_word(0, nat_now() + nat_ticks(kind, target), kind);
}

/* Publishes an entry: from now on packets find it. */
static __always_inline void nat_publish(__u64 *word, __u32 tag, __u32 state)
{
	nat_exchange(word, nat_read(word), (__u64)tag << 32 | state);
}

#endif
