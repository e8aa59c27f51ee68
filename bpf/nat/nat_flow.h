/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A flow that is being entered into the NAT table, and what its two entries hold of it. */
#ifndef POISE_BPF_NAT_FLOW_H
#define POISE_BPF_NAT_FLOW_H

/* What a client's packet tells of its flow. */
struct nat_flow {
	struct nat_addr client, service_addr;
	__u64 hash;         /* of addresses, ports and protocol */
	__u64 service_bits; /* struct service */
	__be16 client_port, service_port;
	__u32 tcp_flags; /* NO_TCP: a datagram */
	__u32 ifindex;
	__u8 hop[12]; /* as in struct nat_entry */
};

/* One flow at a time is begun on a CPU; the stacks of all functions called for it together are too
 * small. */
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

/* An address that a target has: IPv4 in the first four bytes. */
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

/* One's complement sum of an address. */
static __always_inline __u32 nat_addr_sum(const struct nat_addr *addr)
{
	return csum_fold(addr->low) + csum_fold(addr->high);
}

static __always_inline bool nat_same_client(const struct nat_entry *entry,
					    const struct nat_flow *flow)
{
	const __u64 *client = (const __u64 *)entry->client;

	return client[0] == flow->client.low && client[1] == flow->client.high &&
	       entry->client_port == flow->client_port &&
	       entry->service == nat_service(flow).number;
}

/* What to add to checksums of the client's packets: one's complement sums. */
static __always_inline void nat_deltas(struct nat_entry *entry, const struct nat_flow *flow,
				       const struct target *target, const struct nat_source *source)
{
	struct nat_addr to = nat_target_addr(target), ours;
	__u32 old = nat_addr_sum(&flow->client) + nat_addr_sum(&flow->service_addr), now;

	__builtin_memcpy(&ours, source->addr, sizeof(ours));
	now = nat_addr_sum(&ours) + nat_addr_sum(&to);
	entry->ip_delta = csum_difference(now, old);
	old += wire16(flow->client_port) + wire16(flow->service_port);
	now += wire16(entry->nat_port) + wire16(target->port);
	entry->transport_delta = csum_difference(now, old);
}

/* Fills an entry whose word is NAT_BUSY. */
static __always_inline void nat_fill(struct nat_entry *entry, const struct nat_flow *flow,
				     const struct target *target, const struct nat_source *source,
				     bool reply)
{
	__u64 *client = (__u64 *)entry->client;

	client[0] = flow->client.low;
	client[1] = flow->client.high;
	entry->client_port = flow->client_port;
	entry->service = nat_service(flow).number;
	entry->ifindex = flow->ifindex;
	__builtin_memcpy(entry->hop, flow->hop, sizeof(entry->hop));
	nat_deltas(entry, flow, target, source);
	if (reply) {
		entry->ip_delta = ~entry->ip_delta;
		entry->transport_delta = ~entry->transport_delta;
	}
}

/* Lets it be found. */
static __always_inline void nat_publish(__u64 *word, const struct nat_flow *flow,
					const struct target *target, __u32 tag, __u32 kind)
{
	if (flow->tcp_flags & NO_TCP)
		kind |= NAT_UDP;
	else if (flow->tcp_flags & TCP_RST)
		kind |= NAT_RESET;
	nat_exchange(word, nat_read(word),
		     nat_word(tag, nat_now() + nat_ticks(kind, target), kind));
}

#endif
