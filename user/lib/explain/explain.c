// SPDX-License-Identifier: BSD-2-Clause
/*
 * The way of bpf/lb.bpf.c from parsed packet to target (bpf/service.h, select.h, schedule.h,
 * nat.h), and that of bpf/local.bpf.c from a look-up.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "explain/explain_impl.h"
#include "mode/mode.h"
#include "poise/service_hash.h"

enum poise_scheduler explain_scheduler(__u16 service_flags)
{
	return service_flags >> SERVICE_SCHEDULER_SHIFT & SERVICE_SCHEDULER_MASK;
}

/* ---- service */

static int find_in_bucket(const struct maps *maps, const struct service_key *key, __u32 index,
			  struct service *out)
{
	struct service_bucket bucket;
	int err = bpf_map_lookup_elem(maps->services, &index, &bucket);

	if (err)
		return err;
	for (int i = 0; i < SERVICE_SLOTS; i++) {
		const struct service_slot *slot = &bucket.slots[i];
		__u64 word;

		memcpy(&word, &slot->service, sizeof(word));
		if (!word || memcmp(&slot->key, key, sizeof(*key)))
			continue;
		*out = slot->service;
		return 0;
	}
	return -ENOENT;
}

int explain_find_service(const struct maps *maps, const struct service_key *key,
			 struct service *out)
{
	struct service_words words;
	__u64 hash;
	int err;

	memcpy(&words.low, key->addr, sizeof(words.low));
	memcpy(&words.high, key->addr + sizeof(words.low), sizeof(words.high));
	memcpy(&words.rest, &key->port, sizeof(words.rest));
	hash = service_hash(&words);
	err = find_in_bucket(maps, key, service_bucket_index(hash, 0), out);
	if (err != -ENOENT)
		return err;
	return find_in_bucket(maps, key, service_bucket_index(hash, 1), out);
}

/* Looks as packets do; then, for mode local, as sockets do: at the address, at all of IPv4, at all
 * addresses. */
static int find_any_service(const struct maps *maps, const struct service_key *asked,
			    struct service *out)
{
	static const struct addr wildcards[] = { { .b = { [10] = 0xff, [11] = 0xff } },
						 { .b = { 0 } } };
	struct service_key key = *asked;
	struct addr dest;
	int err = explain_find_service(maps, &key, out);

	memcpy(dest.b, key.addr, sizeof(dest.b));
	key.kind = KEY_LOCAL;
	if (err == -ENOENT)
		err = explain_find_service(maps, &key, out);
	for (size_t i = addr_is_v4(&dest) ? 0 : 1; i < 2 && err == -ENOENT; i++) {
		memcpy(key.addr, wildcards[i].b, sizeof(key.addr));
		err = explain_find_service(maps, &key, out);
	}
	return err;
}

bool explain_is_nat(const struct explanation *flow)
{
	return flow->service.flags & SERVICE_NAT;
}

bool explain_is_local(const struct explanation *flow)
{
	return mode_has_sockets(flow->name.mode);
}

/* ---- hash and row */

__u64 explain_hash(const __u64 seed[2], const struct addr *source, __u16 source_port,
		   const struct service_key *key)
{
	struct addr dest;
	struct flow_hash_key hash_key;
	__be32 from[4], to[4];

	flow_hash_key_expand(seed, &hash_key);
	memcpy(dest.b, key->addr, sizeof(dest.b));
	memcpy(from, source->b, sizeof(from));
	memcpy(to, dest.b, sizeof(to));
	if (addr_is_v4(&dest))
		return flow_hash4(&hash_key, from[3], to[3], htons(source_port), key->port,
				  key->proto);
	return flow_hash6(&hash_key, from, to, htons(source_port), key->port, key->proto);
}

/* {0, 0} where there is no table, as for packets. */
static int read_row(const struct maps *maps, const struct service *service, __u32 index,
		    struct row *out)
{
	struct row slot[POISE_ROWS_PER_SLOT];
	__u32 key = index / POISE_ROWS_PER_SLOT;
	size_t bytes;
	int fd = rows_map_open(maps, service->number, service->row_count, &bytes), err;

	memset(out, 0, sizeof(*out));
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	err = bpf_map_lookup_elem(fd, &key, slot);
	close(fd);
	if (!err)
		*out = slot[index % POISE_ROWS_PER_SLOT];
	return err;
}

/* ---- schedulers: what they would say, without counting it */

static int next_of_rotation(const struct maps *maps, const struct service *service, __u16 *out)
{
	__u32 number = service->number;
	struct rotation rotation;
	struct row row = { 0 };
	int err = bpf_map_lookup_elem(maps->rotations, &number, &rotation);

	if (!err)
		err = read_row(maps, service, rotation.position % service->row_count, &row);
	if (!err)
		*out = row.current_target;
	return err;
}

static int less_loaded(const struct maps *maps, __u32 first, __u32 second, __u16 *out)
{
	struct load one, other;
	int err = bpf_map_lookup_elem(maps->loads, &first, &one);

	if (!err)
		err = bpf_map_lookup_elem(maps->loads, &second, &other);
	*out = first;
	if (err)
		return err == -ENOENT ? 0 : err;
	if (!first || (__u64)(one.base + one.assigned) * other.weight >
			      (__u64)(other.base + other.assigned) * one.weight)
		*out = second;
	return 0;
}

/* 0 for random. */
static int ask_scheduler(const struct maps *maps, const struct explanation *flow, __u16 *out)
{
	const struct service *service = &flow->service;
	struct row second;
	int err;

	*out = 0;
	switch (explain_scheduler(service->flags)) {
	case SCHEDULER_ROUNDROBIN:
		return service->row_count ? next_of_rotation(maps, service, out) : -EPROTO;
	case SCHEDULER_LEASTCONN:
		err = read_row(maps, service, flow_row(flow->hash, service->row_count), &second);
		if (err)
			return err;
		return less_loaded(maps, flow->row.current_target, second.current_target, out);
	default:
		return 0;
	}
}

/* ---- the flow table */

static int find_entry(const struct maps *maps, __u64 hash, __u64 *out)
{
	__u32 sets = maps_flow_sets(maps), index;
	struct flow_set set;
	int err;

	if (!sets)
		return -EPROTO;
	index = flow_set_index(hash, sets - 1);
	err = bpf_map_lookup_elem(maps->flows, &index, &set);
	*out = 0;
	for (int i = 0; i < FLOWS_PER_SET && !err; i++) {
		if (flow_entry_tag(set.entries[i]) != flow_tag(hash))
			continue;
		*out = set.entries[i];
		break;
	}
	return err;
}

/* Tells whether an entry's target is still the service's and serves, and whether SYNs go there. */
static int judge_entry(const struct maps *maps, __u32 now, struct explanation *flow)
{
	__u32 number = flow_entry_target(flow->entry);
	struct target_name name;
	struct target target;
	int err = bpf_map_lookup_elem(maps->targets, &number, &target);

	if (!err)
		err = bpf_map_lookup_elem(maps->target_names, &number, &name);
	if (err)
		return err == -ENOENT ? 0 : err;
	flow->entry_serves = number && target.owner == (flow->service.number | TARGET_SERVES);
	flow->entry_takes_syn = flow->entry_serves &&
				flow_follows(flow->entry, &target, now, true, target_drains(&name));
	return 0;
}

static int read_entry(const struct maps *maps, const struct flow_clock *clock,
		      struct explanation *flow)
{
	__u32 now = flow_clock_tick(clock, now_ns());
	int err = find_entry(maps, flow->hash, &flow->entry);

	if (err || !flow->entry)
		return err;
	flow->entry_left_ticks = flow_entry_left(flow->entry, now);
	return judge_entry(maps, now, flow);
}

/* ---- the answer */

/* In mode nat, and for TCP of sockets, only new flows get this far, so the scheduler is asked
 * though rows are not tracked. */
static bool is_scheduled(const struct explanation *flow)
{
	bool sockets = explain_is_local(flow) && flow->name.key.proto == IPPROTO_TCP;

	return explain_scheduler(flow->service.flags) != SCHEDULER_MAGLEV &&
	       !(flow->service.flags & SERVICE_HASH_SOURCE) && (explain_is_nat(flow) || sockets);
}

struct explain_choice explain_choose(const struct explanation *flow, bool syn, __u16 scheduled)
{
	enum poise_scheduler scheduler = explain_scheduler(flow->service.flags);
	/* A client's next connection is none of a new client. */
	bool fresh = syn && !(flow->service.flags & SERVICE_HASH_SOURCE);
	bool by_row = !is_scheduled(flow);
	struct explain_choice choice = { EXPLAIN_CURRENT, flow->row.current_target };

	if (explain_is_nat(flow) && explain_nat_follows(&flow->nat, syn)) {
		choice.why = EXPLAIN_NAT;
		choice.target = flow->nat.entry.target;
	} else if (by_row && !row_tracks(flow->row)) {
		choice.why = EXPLAIN_STABLE;
	} else if (by_row && flow->entry && (fresh ? flow->entry_takes_syn : flow->entry_serves)) {
		choice.why = EXPLAIN_ENTRY;
		choice.target = flow_entry_target(flow->entry);
	} else if (by_row && !row_assigns(flow->row, fresh)) {
		choice.why = EXPLAIN_PREVIOUS;
		choice.target = flow->row.previous_target;
	} else if (scheduler != SCHEDULER_MAGLEV) {
		choice.why = EXPLAIN_SCHEDULED;
		choice.target = scheduled;
		/* Rows are empty all together. */
		if (scheduler == SCHEDULER_RANDOM && flow->row.current_target)
			return choice;
	}
	if (!choice.target)
		choice.why = EXPLAIN_NO_BACKEND;
	return choice;
}

static int explain(const struct maps *maps, const struct addr *source, __u16 source_port,
		   const struct service_key *key, struct explanation *flow)
{
	const struct service *service = &flow->service;
	__u16 scheduled = 0;
	struct meta meta;
	bool whole_client;
	int err = find_any_service(maps, key, &flow->service);

	if (err)
		return err;
	flow->service_number = service->number;
	whole_client = service->flags & SERVICE_HASH_SOURCE;
	err = bpf_map_lookup_elem(maps->service_names, &flow->service_number, &flow->name);
	if (!err)
		err = meta_read(maps, &meta);
	if (err)
		return err == -ENOENT ? -EPROTO : err;
	flow->name.name[POISE_NAME_SIZE - 1] = '\0';
	flow->hash = explain_hash(meta.seed, source, whole_client ? 0 : source_port, key);
	flow->row_index = flow_row(flow_tag(flow->hash), service->row_count);
	err = read_row(maps, service, flow->row_index, &flow->row);
	if (!err)
		err = read_entry(maps, &meta.clock, flow);
	if (!err && explain_is_nat(flow))
		err = explain_nat_find(maps, source, htons(source_port), service->number,
				       explain_hash(meta.seed, source, source_port, key),
				       &meta.clock, &flow->nat);
	if (!err && (row_tracks(flow->row) || is_scheduled(flow)))
		err = ask_scheduler(maps, flow, &scheduled);
	if (err)
		return err == -ENOENT ? -EPROTO : err;
	flow->first = explain_choose(flow, key->proto != IPPROTO_UDP, scheduled);
	/* Established connections are not looked up. */
	flow->others = explain_choose(flow, key->proto == IPPROTO_TCP && explain_is_local(flow),
				      scheduled);
	return 0;
}

int explain_flow(const struct maps *maps, const struct addr *source, __u16 source_port,
		 const struct addr *dest, __u16 dest_port, __u8 proto, struct explanation *out)
{
	struct service_key key = { .port = htons(dest_port), .proto = proto };
	struct explanation flow = { 0 };
	int err;

	if (addr_is_v4(source) != addr_is_v4(dest) ||
	    (proto != IPPROTO_TCP && proto != IPPROTO_UDP && proto != IPPROTO_SCTP))
		return -EINVAL;
	memcpy(key.addr, dest->b, sizeof(key.addr));
	err = explain(maps, source, source_port, &key, &flow);
	if (!err)
		*out = flow;
	return err;
}
