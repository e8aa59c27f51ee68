/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Clients of the fake kernel's services: what the packet path does with their packets, by the code
 * it shares, and whether a connection ever gets to another backend than it began at.
 */
#ifndef POISE_TEST_FAKE_FLOWS_H
#define POISE_TEST_FAKE_FLOWS_H

#include "fake_kernel.h"
#include "poise/flow.h"

#define CLIENTS 150

enum fake_packet { PACKET_SYN, PACKET_DATA, PACKET_FIN };

struct client {
	struct service_key key;
	__u64 hash;
	__u16 target; /* its connection's; 0: none is open */
	bool acked;   /* more than a SYN was sent */
	bool lost;    /* its backend failed, or it was told that its service is another one now */
	__u64 sent_ns;
};

static struct client clients[CLIENTS];
static bool failed[FAKE_TARGETS]; /* connections of these are lost */
static unsigned int broken, packets_sent;
static __u64 dice;

static inline __u32 roll(__u32 sides)
{
	dice ^= dice << 13;
	dice ^= dice >> 7;
	dice ^= dice << 17;
	return (dice >> 11) % sides;
}

static inline struct row row_of(struct service service, __u64 hash)
{
	return kernel.tables[service.number].rows[flow_row(flow_tag(hash), service.row_count)];
}

/* As bpf/schedule.h, any of the rows. */
static inline __u16 scheduled(struct service service, struct row row, __u64 hash)
{
	if (service.flags >> SERVICE_SCHEDULER_SHIFT & SERVICE_SCHEDULER_MASK)
		row = row_of(service, hash ^ (__u64)roll(1U << 31) << 32);
	return row.current_target;
}

static inline __u64 *entry_of(struct flow_set *set, __u32 tag)
{
	for (int i = 0; i < FLOWS_PER_SET; i++)
		if (flow_entry_tag(set->entries[i]) == tag)
			return &set->entries[i];
	return NULL;
}

static inline __u64 *room_in(struct flow_set *set)
{
	for (int i = 0; i < FLOWS_PER_SET; i++)
		if (!set->entries[i])
			return &set->entries[i];
	fail_msg("a full set: the test needs a larger table");
	return NULL;
}

/* As bpf/select.h. */
static inline __u16 packet_target(const struct client *client, enum fake_packet kind)
{
	__u32 now = flow_clock_tick(lb_clock(NULL), kernel.time_ns), tag = flow_tag(client->hash);
	bool whole_client, udp = client->key.proto == IPPROTO_UDP;
	struct flow_packet seen;
	struct service service;
	struct flow_set *set;
	struct row row;
	__u16 target;
	__u64 *entry;

	if (lb_service_get(NULL, &client->key, &service))
		return 0;
	row = row_of(service, client->hash);
	if (!row_tracks(row))
		return row.current_target;
	whole_client = service.flags & SERVICE_HASH_SOURCE;
	seen = (struct flow_packet){ .fresh = kind == PACKET_SYN && !udp && !whole_client,
				     .first = kind == PACKET_SYN || udp,
				     .closes = kind == PACKET_FIN && !udp && !whole_client };
	set = &kernel.flows[flow_set_index(client->hash, FAKE_SETS - 1)];
	entry = entry_of(set, tag);
	target = entry ? flow_entry_target(*entry) : 0;
	if (target && kernel.targets[target].owner == (service.number | TARGET_SERVES) &&
	    flow_follows(*entry, seen.fresh)) {
		*entry = flow_touch(*entry, &kernel.targets[target], now, &seen);
		return target;
	}
	target = row_assigns(row, seen.fresh) ? scheduled(service, row, client->hash)
					      : row.previous_target;
	if (target) {
		entry = entry ? entry : room_in(set);
		*entry = flow_begin(tag, target, &kernel.targets[target], now, &seen);
	}
	return target;
}

/* Its next packet: of its connection, or the first of another. */
static inline void client_send(struct client *client, enum fake_packet kind)
{
	__u64 silent;
	__u16 target;

	if (!client->target || client->lost)
		kind = PACKET_SYN;
	target = packet_target(client, kind);
	silent = client->sent_ns;
	client->sent_ns = kernel.time_ns;
	packets_sent++;
	if (!client->target || client->lost) {
		client->target = target;
		client->lost = failed[target];
		client->acked = false;
		return;
	}
	if (target != client->target) {
		struct service service = { 0 };
		struct row row;
		__u64 *entry = entry_of(&kernel.flows[flow_set_index(client->hash, FAKE_SETS - 1)],
					flow_tag(client->hash));

		lb_service_get(NULL, &client->key, &service);
		row = row_of(service, client->hash);
		print_error(
			"port %u: packet %d of %u went to %u; row {%u, %#x}, entry of %u, "
			"owner %#x, sent %llu ms ago\n",
			ntohs(client->key.port), kind, client->target, target, row.current_target,
			row.previous_target, entry ? flow_entry_target(*entry) : 0,
			kernel.targets[client->target].owner, (kernel.time_ns - silent) / 1000000);
		broken++;
		client->lost = true;
		return;
	}
	client->acked = true;
	if (kind == PACKET_FIN)
		client->target = 0;
}

static inline void some_clients_send(void)
{
	for (int i = 0; i < 4; i++)
		client_send(&clients[roll(CLIENTS)], roll(8) ? PACKET_DATA : PACKET_FIN);
}

/* Nobody is silent for longer than it takes to be forgotten. */
static inline void silent_clients_send(__u64 silent_ns)
{
	for (int i = 0; i < CLIENTS; i++)
		if (kernel.time_ns - clients[i].sent_ns >= silent_ns)
			client_send(&clients[i], PACKET_DATA);
}

/* After failed[] has changed. */
static inline void failed_clients(void)
{
	for (int i = 0; i < CLIENTS; i++)
		clients[i].lost |= failed[clients[i].target];
}

#endif
